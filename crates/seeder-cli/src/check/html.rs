//! The result as a page.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rdb_scan::Report;
use report::{File, Sources, page};
use seeding::How;

use super::{Checked, target::Fit};
use crate::page::{is_other_file, write_page};

/// The reason why a page must not be written there, if there is one.
pub(super) fn refused(path: &Path, backups: &[PathBuf]) -> Option<String> {
    let place = path.canonicalize().ok();
    let is_backup = place.is_some() && backups.iter().any(|backup| backup.canonicalize().ok() == place);
    (is_backup || is_other_file(path))
        .then(|| format!("{} is there and is no page\nhint: name another file with --html", path.display()))
}

/// Writes the page.
pub(super) fn write(path: &Path, all: &[Checked], fit: &Fit, now_ms: u64) -> Result<()> {
    let judgement = fit.judgement.as_ref().map(|(judgement, _)| judgement);
    let reports: Vec<(usize, &Checked, Report)> = all
        .iter()
        .enumerate()
        .filter_map(|(place, checked)| Some((place, checked, checked.inspection.as_ref().ok()?.report())))
        .collect();
    let files = reports.iter().map(|(place, checked, contents)| File {
        name: checked.name.clone(),
        contents,
        converted: judgement
            .and_then(|judgement| judgement.converted.get(*place))
            .is_some_and(|how| *how != How::AsItIs),
        converted_contents: None,
    });
    let title = match all {
        [one] => one.name.clone(),
        all => format!("{} backups", all.len()),
    };
    let sources = Sources {
        title,
        read_at_ms: i64::try_from(now_ms).unwrap_or(i64::MAX),
        verdict: judgement.map(|judgement| judgement.verdict),
        findings: judgement.map_or(&[][..], |judgement| &judgement.findings[..]),
        footprint: fit.footprint.as_ref(),
        compared: &fit.footprints,
        memory: fit.memory.as_ref(),
        plan: judgement.and_then(|judgement| judgement.plan.as_ref()),
        files: files.collect(),
        end: None,
    };
    write_page(path, page(&sources)?.as_bytes())
}
