//! One plan of the plans of all ranges.

use rdb_scan::Magic;
use serde::{Deserialize, Deserializer};

use super::{Plan, PlannedOutput, PlannedRange, RangePlan, version};
use crate::{
    ConvertError, Options, Report, Survey,
    encoded::at_most,
    output::{HEAD_BYTES, Planned, Sizes, TAIL_BYTES, add_size, announcement_bytes, selection_bytes},
    rewrite::Facts,
};

/// Makes one plan of those of all ranges, which have to be in file order.
///
/// If [`Plan::magic`] is not that of the survey, the ranges have to be planned again with the right one: whether fields
/// have expiries is known only now.
///
/// # Errors
/// [`ConvertError::NotNeighbors`] if ranges are missing, and [`ConvertError::TooMany`].
pub fn merge_plans(
    plans: impl IntoIterator<Item = RangePlan>,
    options: &Options,
    survey: &Survey,
) -> Result<Plan, ConvertError> {
    let files = usize::from(options.split.max(1));
    let (mut report, mut facts) = (Report::default(), Facts::default());
    let mut sizes = vec![Sizes::new(); files];
    let mut parts = Vec::new();
    for plan in plans {
        let RangePlan { range, report: part, facts: more, outputs } = plan;
        check_next(parts.last(), &range)?;
        if outputs.len() != files {
            let message = format!("a range was planned for {} files instead of {files}", outputs.len());
            return Err(ConvertError::Changed(message));
        }
        report.merge(part);
        facts.merge(more)?;
        for (sizes, planned) in sizes.iter_mut().zip(&outputs) {
            for (database, size) in &planned.sizes {
                add_size(sizes, *database, *size);
            }
        }
        parts.push((range, outputs));
    }
    let end = parts.last().map_or(Some(0), |(range, _)| range.end);
    if let Some(end) = end {
        return Err(ConvertError::NotNeighbors { end, start: u64::MAX });
    }
    report.repaired("uncheckedKeys", survey.repeated.unchecked_keys(), None);
    let mut places: Vec<_> = sizes.iter().map(FilePlace::new).collect();
    let ranges = parts.into_iter().map(|(range, outputs)| {
        let outputs = places.iter_mut().zip(outputs).map(|(place, planned)| place.next(&planned)).collect();
        PlannedRange { range, outputs }
    });
    let ranges = ranges.collect();
    report.bytes_written = places.iter().map(|place| place.offset + TAIL_BYTES).sum();
    let keeps_expiries = options.target.has_field_expiries() && report.has_field_expiries();
    let magic = if keeps_expiries { Magic::Valkey } else { Magic::Redis };
    let version = version(options, magic);
    let last_selected = places.iter().map(|place| place.selected).collect();
    drop(places);
    Ok(Plan { report, magic, version, survey: survey.clone(), facts, sizes, ranges, last_selected })
}

/// Checks that a range begins where the one before ends.
fn check_next(
    last: Option<&(crate::RecordRange, Vec<Planned>)>,
    next: &crate::RecordRange,
) -> Result<(), ConvertError> {
    let start = next.from.offset;
    let first = crate::RecordRange::whole(&next.header).from.offset;
    let end = last.map_or(first, |(range, _)| range.end.unwrap_or(u64::MAX));
    if last.is_some_and(|(range, _)| range.header != next.header) {
        let message = format!("the range at offset {start} is of a file with another head");
        return Err(ConvertError::Changed(message));
    }
    if start == end { Ok(()) } else { Err(ConvertError::NotNeighbors { end, start }) }
}

/// How far a new file is.
struct FilePlace<'s> {
    sizes: &'s Sizes,
    offset: u64,
    selected: Option<u64>,
    /// Databases that have been announced.
    announced: Vec<u64>,
}

impl<'s> FilePlace<'s> {
    fn new(sizes: &'s Sizes) -> Self {
        Self { sizes, offset: HEAD_BYTES, selected: None, announced: Vec::new() }
    }

    /// Where the next range goes, now that what precedes it is known.
    fn next(&mut self, planned: &Planned) -> PlannedOutput {
        let (offset, selected) = (self.offset, self.selected);
        let mut bytes = planned.bytes;
        if let Some((first, last)) = planned.databases {
            if selected == Some(first) {
                bytes -= selection_bytes(first);
            }
            self.selected = Some(last);
        }
        let announced: Vec<u64> = planned
            .sizes
            .keys()
            // A database that is selected already has been announced.
            .filter(|database| self.sizes.contains_key(database) && !self.announced.contains(database))
            .copied()
            .collect();
        bytes += announced
            .iter()
            .filter_map(|database| self.sizes.get(database))
            .copied()
            .map(announcement_bytes)
            .sum::<u64>();
        self.announced.extend(&announced);
        self.offset += bytes;
        PlannedOutput { offset, bytes, selected, announced }
    }
}

/// What is planned for each new file: at most as many as there can be.
pub(super) fn files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Planned>, D::Error> {
    let files = Vec::deserialize(deserializer)?;
    at_most(files.len(), usize::from(u16::MAX))?;
    Ok(files)
}
