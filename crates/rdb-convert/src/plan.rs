//! What a conversion would do, before anything is written.

mod merge;
mod task;

use std::io::{
    Read, {self},
};

use rdb_scan::{Magic, Source, VALKEY_RDB_VERSION};
use serde::{Deserialize, Serialize};

pub use self::{
    merge::merge_plans,
    task::{OutputTask, RangeTask},
};
use crate::{
    Comparison, ConvertError, Found, Options, RecordRange, Report, Survey,
    conversion::Conversion,
    output::{Planned, Sizes, selection_bytes},
    range::is_copied,
    readings::{InRanges, InSequence, RangeWalk, Readings, with_templates},
    rewrite::Facts,
};

/// What the conversion of a range would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangePlan {
    /// The range.
    pub range: RecordRange,
    /// What would be done, and what stands in the way.
    pub report: Report,
    facts: Facts,
    #[serde(deserialize_with = "merge::files")]
    outputs: Vec<Planned>,
}

/// What a conversion would do, and what writing needs to know beforehand.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What would be done, and everything that stands in the way.
    pub report: Report,
    /// The magic of the new files. `VALKEY` only if fields have expiries, and the target reads it.
    pub magic: Magic,
    /// The version of the new files.
    pub version: u32,
    pub(crate) survey: Survey,
    facts: Facts,
    /// For each new file, the numbers of keys that it announces.
    sizes: Vec<Sizes>,
    ranges: Vec<PlannedRange>,
    /// For each new file, the database that is selected at its end.
    last_selected: Vec<Option<u64>>,
}

/// A range, and where its records go.
#[derive(Debug, Clone)]
struct PlannedRange {
    range: RecordRange,
    outputs: Vec<PlannedOutput>,
}

/// Where the records of a range go in one new file.
#[derive(Debug, Clone)]
struct PlannedOutput {
    /// Offset in the new file.
    offset: u64,
    bytes: u64,
    /// The database that is selected before.
    selected: Option<u64>,
    /// The databases of which the size is announced here.
    announced: Vec<u64>,
}

/// Plans the conversion of a range. `source` has been opened at its first record.
///
/// # Errors
/// Those of reading. What stands in the way of a conversion is no error; see [`Report::refused`].
pub fn plan_range<R: Read>(
    source: R,
    range: &RecordRange,
    options: &Options,
    survey: &Survey,
) -> Result<RangePlan, ConvertError> {
    plan_walk(&mut range.walk(source)?, range, options, survey)
}

fn plan_walk<R: Read>(
    walk: &mut rdb_scan::walk::Walk<R>,
    range: &RecordRange,
    options: &Options,
    survey: &Survey,
) -> Result<RangePlan, ConvertError> {
    let mut conversion = Conversion::planning(options, survey);
    conversion.run(walk)?;
    let report = std::mem::take(&mut conversion.report);
    let outputs = conversion.outputs.iter_mut().map(|output| std::mem::take(&mut output.planned)).collect();
    Ok(RangePlan { range: range.clone(), report, facts: conversion.into_facts(), outputs })
}

impl RangePlan {
    /// The plan of a stretch, without reading it: that of [`plan_range`]. None if the range is no stretch, or these
    /// options do not copy it as it is.
    pub fn of_stretch(range: &RecordRange, options: &Options) -> Option<Self> {
        let stretch = range.stretch().filter(|stretch| is_copied(stretch, options))?;
        let (database, size) = (stretch.database, (stretch.keys, stretch.expires));
        let bytes = stretch.bytes.saturating_add(selection_bytes(database));
        let planned =
            Planned { bytes, databases: Some((database, database)), sizes: Sizes::from([(database, size)]) };
        let report = Report::of_stretch(stretch, bytes);
        Some(Self { range: range.clone(), report, facts: Facts::default(), outputs: vec![planned] })
    }
}

impl Plan {
    /// Reads a source from its start. If databases are merged or renumbered, it is read up to five times.
    ///
    /// # Errors
    /// Those of reading, [`ConvertError::TooManyKeys`], [`ConvertError::TooManyConflicts`] and
    /// [`ConvertError::TooMany`]. What stands in the way of a conversion is no error; see [`Report::refused`].
    pub fn of<'r, R: Read + 'r>(
        open: impl FnMut() -> io::Result<R>,
        options: &Options,
    ) -> Result<Self, ConvertError> {
        Self::read(&mut InSequence::new(open), options, false)
    }

    /// Reads a source in ranges, with several threads. The plan is that of [`Plan::of`]. Ranges that are stretches are
    /// not read, unless keys have to be compared.
    ///
    /// `has_field_expiries` says whether fields seem to have expiries, such as [`rdb_scan::Inspection::field_expires`]:
    /// a reading less, if that is right. All threads call `watch` with the number of bytes that they have read since.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub fn of_ranges<S: Source + ?Sized>(
        source: &S,
        ranges: &[RecordRange],
        threads: usize,
        options: &Options,
        has_field_expiries: bool,
        watch: &(dyn Fn(u64) + Sync),
    ) -> Result<Self, ConvertError> {
        let ranges = with_templates(source, ranges)?;
        Self::read(&mut InRanges { source, ranges: &ranges, threads, watch }, options, has_field_expiries)
    }

    fn read(
        readings: &mut impl Readings,
        options: &Options,
        has_field_expiries: bool,
    ) -> Result<Self, ConvertError> {
        let mut comparison = Comparison::new(options);
        while comparison.needs_reading() {
            let mut found: Option<Found> = None;
            readings.each(&|walk, _| comparison.read_walk(walk, options), &mut |more| {
                match &mut found {
                    Some(found) => found.merge(more),
                    None => found = Some(more),
                }
                Ok(())
            })?;
            if let Some(found) = found {
                comparison.add(found);
            }
            comparison.step(options)?;
        }
        let can_keep = options.target.has_field_expiries();
        let magic = if can_keep && has_field_expiries { Magic::Valkey } else { Magic::Redis };
        let mut survey = Survey { magic, repeated: comparison.into_repeated() };
        loop {
            let mut plans = Vec::new();
            let work =
                |walk: &mut RangeWalk<'_>, range: &RecordRange| match RangePlan::of_stretch(range, options) {
                    Some(plan) => Ok(plan),
                    None => plan_walk(walk, range, options, &survey),
                };
            readings.each(&work, &mut |plan| {
                plans.push(plan);
                Ok(())
            })?;
            let plan = merge_plans(plans, options, &survey)?;
            if plan.magic == survey.magic {
                return Ok(plan);
            }
            survey.magic = plan.magic;
        }
    }
}

/// The version of new files with a magic.
fn version(options: &Options, magic: Magic) -> u32 {
    if magic == Magic::Valkey { VALKEY_RDB_VERSION } else { options.target.version() }
}
