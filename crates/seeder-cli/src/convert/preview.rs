//! What a conversion would make of a backup, without writing it.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use rdb_convert::{Plan, RecordRange, Report, preview, preview_ranges};
use rdb_scan::{InspectOptions, walk::Salvage};
use seeding::{
    Target,
    changed::{Damaged, NewFile},
    conversion,
};

use super::input::Source;
use crate::reading::{Meter, Objects};

/// What a conversion would make of a backup.
pub(crate) enum Previewed {
    /// A new file.
    New(Box<NewFile>),
    /// Nothing: this stands in the way.
    Refused(Box<Report>),
}

/// Plans the conversion of a backup for a target, and inspects what it would write.
pub(crate) fn previewed(
    path: &Path,
    objects: Option<&Objects>,
    threads: usize,
    target: &Target,
    inspecting: &InspectOptions,
    quiet: bool,
) -> Result<Previewed> {
    let options = conversion::options(target).context("nothing is converted for this engine")?;
    let mut source = Source::open(path, objects)?;
    source.unpack()?;
    let bytes = source.seekable().context("it cannot be read at any offset")?;
    let meter = Meter::new(source.name(), quiet);
    meter.begin(source.size_bytes());
    let failed = |error: rdb_convert::ConvertError| anyhow!("{}: {error}", source.name());
    let found = source.inspect(threads, inspecting, &meter)?;
    let (inspection, boundaries) = found;
    let made = if let Some(header) = inspection.header().filter(|_| inspection.is_sound()) {
        let ranges = RecordRange::between(&header, &boundaries);
        let has_field_expiries = inspection.field_expires > 0;
        let plan = Plan::of_ranges(bytes, &ranges, threads, &options, has_field_expiries, &|_| ());
        let plan = plan.map_err(failed)?;
        if !plan.report.refused.is_empty() {
            return Ok(Previewed::Refused(Box::new(plan.report)));
        }
        let inspection = preview_ranges(bytes, threads, &options, &plan, inspecting, &|_| ());
        NewFile { inspection: inspection.map_err(failed)?, report: plan.report, damaged: Damaged::default() }
    } else {
        let salvage = Salvage::of(bytes)?.context("it does not begin like an RDB file")?;
        let plan = Plan::of(|| Ok(salvage.reader(bytes)), &options).map_err(failed)?;
        if !plan.report.refused.is_empty() {
            return Ok(Previewed::Refused(Box::new(plan.report)));
        }
        let inspection = preview(salvage.reader(bytes), &options, &plan, inspecting).map_err(failed)?;
        NewFile { inspection, report: plan.report, damaged: Damaged::of(&salvage.damaged) }
    };
    meter.finish();
    Ok(Previewed::New(Box::new(made)))
}
