//! The judgement of converted files with other contents than their sources, by what would be written.

use std::{collections::BTreeMap, ops::Range};

use rdb_convert::Report;
use rdb_scan::{Header, Inspection, walk::Salvage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    finding::{Code, Finding},
    record::seeding::Target,
    request::convert::{Changes, When},
    verdict::{
        conversion::NOTHING_LOST,
        judge::{Judgement, judge},
    },
};

/// Statistics that servers keep anew. Nothing refers to them.
const STATISTICS: [&str; 4] = ["consumerActiveTimes", "groupEntriesRead", "slotInfo", "streamHistory"];
/// Reasons to leave out keys that nobody chose by a filter.
const LOSING: [&str; 3] = ["conflict", "module", "unsupportedType"];
/// At most this many damaged places are listed.
const MOST_LISTED: usize = 20;

/// The new file that a conversion would write.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// What reading it would find.
    pub inspection: Inspection,
    /// What the conversion does.
    pub report: Report,
    /// What of the source is lost.
    pub damaged: Damaged,
}

/// The places of a source that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Damaged {
    /// The number of places.
    pub number: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first of them, at most 20, as offsets.
    pub first: Vec<Range<u64>>,
    /// Databases whose number may be damaged, each after the offset of its first key, at most 20: the keys may be of
    /// another database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<(u64, u64)>,
}

impl Damaged {
    /// Sums up what a salvage has left out or doubts.
    pub fn of(salvage: &Salvage) -> Self {
        let places = &salvage.damaged;
        Self {
            number: places.len() as u64,
            bytes: places.iter().map(|place| place.end.saturating_sub(place.start)).sum(),
            first: places.iter().take(MOST_LISTED).cloned().collect(),
            doubtful: salvage.doubtful.iter().take(MOST_LISTED).copied().collect(),
        }
    }
}

/// Judges the files that a conversion would write, and those that are seeded as they are: `new` has none for these.
///
/// `sources` come with the names that their findings have. All inspections must be weighed by
/// [`Target::memory_settings`].
pub fn judge_changed(
    target: &Target,
    sources: &[(String, &Inspection)],
    new: &[Option<NewFile>],
    earlier: Vec<Finding>,
) -> Judgement {
    let final_target = as_it_is(target);
    let before = judge(&final_target, sources, earlier.clone());
    let read = sources
        .iter()
        .zip(new)
        .map(|((name, source), new)| (name.clone(), new.as_ref().map_or(*source, |new| &new.inspection)));
    // What was found earlier about a file is about its source.
    let is_source = |finding: &Finding| {
        let of = |((name, _), new): (&(String, _), &Option<NewFile>)| {
            new.is_some() && finding.backup.as_ref() == Some(name)
        };
        sources.iter().zip(new).any(of)
    };
    let earlier = earlier.into_iter().filter(|finding| !is_source(finding)).collect();
    let mut after = judge(&final_target, &read.collect::<Vec<_>>(), earlier);
    for ((name, source), new) in sources.iter().zip(new) {
        let Some(new) = new else { continue };
        let forbids = |finding: &&Finding| {
            finding.forbids(&target.options.allow)
                && finding.backup.as_ref().is_none_or(|backup| backup == name)
        };
        let mut removes: Vec<_> =
            before.findings.iter().filter(forbids).map(|finding| finding.code).collect();
        removes.retain(|code| !after.findings.iter().any(|finding| finding.code == *code));
        removes.sort_unstable();
        removes.dedup();
        let removes: Vec<_> = removes.into_iter().map(Code::as_str).collect();
        let finding = converted(name, source, new, target.options.hide_keys).with("removes", removes);
        after.findings.push(finding);
    }
    Finding::most_severe_first(&mut after.findings);
    if after.verdict == crate::Verdict::Ok {
        after.verdict = crate::Verdict::of(&after.findings, &target.options.allow);
    }
    after
}

/// The target for files that are not converted any more.
fn as_it_is(target: &Target) -> Target {
    let mut target = target.clone();
    (target.options.convert.when, target.options.convert.changes) = (When::Never, Changes::default());
    target
}

/// The finding for a conversion that changes contents.
fn converted(name: &str, source: &Inspection, new: &NewFile, hide_keys: bool) -> Finding {
    let NewFile { inspection, report, damaged } = new;
    let lost = numbers(&report.lost, |what| !STATISTICS.contains(&what));
    let dropped = numbers(&report.dropped, |_| true);
    let loses = !lost.is_empty()
        || LOSING.iter().any(|reason| dropped.contains_key(*reason))
        || *damaged != Damaged::default();
    let (code, remedy) = if loses {
        (Code::ConvertedWithLoss, "no action needed, unless what is lost is expected in the cluster")
    } else {
        (Code::Converted, NOTHING_LOST)
    };
    let header = |inspection: &Inspection| {
        let rdb = inspection.rdb.as_ref();
        rdb.map(|rdb| Header { version: rdb.version, magic: rdb.magic, ..Header::default() }.name())
    };
    let mut finding = Finding::new(code, remedy)
        .about(name)
        .with("from", header(source))
        .with("to", header(inspection))
        .with("keysRead", report.keys_read)
        .with("keysWritten", report.keys_written);
    let conflicts: Map<String, Value> = match report.conflicts.number {
        0 => Map::new(),
        number => [("keys".to_owned(), number.into())].into_iter().collect(),
    };
    let parts = [
        ("lost", lost),
        ("dropped", dropped),
        ("repaired", numbers(&report.repaired, |_| true)),
        ("conflicts", conflicts),
        ("firstKeys", if hide_keys { Map::new() } else { first_keys(report) }),
    ];
    for (part, counts) in parts {
        if !counts.is_empty() {
            finding = finding.with(part, counts);
        }
    }
    if damaged.number > 0 {
        let first: Vec<_> = damaged.first.iter().map(|place| json!([place.start, place.end])).collect();
        finding = finding.with("damagedPlaces", damaged.number).with("damagedBytes", damaged.bytes);
        finding = finding.with("damaged", first);
    }
    if !damaged.doubtful.is_empty() {
        finding = finding.with("doubtfulDatabases", json!(damaged.doubtful));
    }
    finding
}

type Counts = BTreeMap<&'static str, rdb_convert::Count>;

fn numbers(counts: &Counts, is_wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let wanted = counts.iter().filter(|(what, _)| is_wanted(what));
    wanted.map(|(what, count)| ((*what).to_owned(), count.number.into())).collect()
}

/// The first keys of what was lost or left out.
fn first_keys(report: &Report) -> Map<String, Value> {
    let all = report.lost.iter().chain(&report.dropped).filter(|(what, _)| !STATISTICS.contains(what));
    let listed = all.filter(|(_, count)| !count.keys.is_empty());
    listed.map(|(what, count)| ((*what).to_owned(), in_text(&count.keys))).collect()
}

fn in_text(keys: &[Vec<u8>]) -> Value {
    keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
}

/// The findings for what stands in the way of a conversion.
pub fn refusals(name: &str, report: &Report, hide_keys: bool) -> Vec<Finding> {
    let refusal = |refusal: &rdb_convert::Refusal| {
        let finding = Finding::new(Code::ConversionRefused, refusal.remedy)
            .about(name)
            .with("reason", refusal.code)
            .with("number", refusal.count.number);
        // Of conflicts, more keys are listed.
        let keys = if refusal.code == "conflicts" { &report.conflicts.keys } else { &refusal.count.keys };
        if hide_keys || keys.is_empty() { finding } else { finding.with("keys", in_text(keys)) }
    };
    report.refused.iter().map(refusal).collect()
}
