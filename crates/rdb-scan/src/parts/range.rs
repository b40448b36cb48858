//! Reads one range of a file without knowing what precedes it.

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
};

use serde::{Deserialize, Serialize};

use crate::{
    bytes::window::MAX_LOOK_BYTES,
    inspection::{
        Elsewhere, Inspection, SCHEMA, Tally,
        inspect::{InspectOptions, close, open, read},
    },
    parts::boundary::{Candidate, Effort, Finder},
    reading::{
        Reached, Reading,
        header::Header,
        position::Position,
        progress::{Control, Watch},
    },
    scan::Scan,
};

/// The size of the first view of the file, and the search for a boundary in it: enough for most data.
const FIRST_VIEW_BYTES: usize = 64 << 10;
const FIRST_EFFORT: Effort = Effort { likely: FIRST_VIEW_BYTES, any: 4 << 10, bytes: 64 << 10 };
/// The size of later views. All places in the search are tried before an unsure one is taken, or before `watch` is
/// called.
const VIEW_BYTES: usize = MAX_LOOK_BYTES;
const EFFORT: Effort = Effort { likely: LOOK_BYTES, any: LOOK_BYTES, bytes: 4 << 20 };
/// If this many bytes have no boundary, or no sure one, the range is probably inside a giant value. The next view is
/// then further on, and the distance doubles each time: searching takes longer than reading, and the reader of the
/// value comes by anyway.
const LOOK_BYTES: usize = VIEW_BYTES / 2;
const FIRST_STRIDE_BYTES: u64 = 1 << 20;

/// This many records at the start of a range are one part each.
///
/// The range before may end a little after the start that was found for this one, for example if a boundary was found
/// after a record's expiry. Then only these parts are dropped, not the range.
const SINGLE_RECORDS: usize = 4;

/// The contents of one range of a file: the records with a first byte in it.
///
/// The range's first record was found by searching for bytes that read like records. [`crate::parts::assemble`] accepts
/// it only if the records before it end where it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeInspection {
    /// The version of this JSON, [`SCHEMA`].
    pub schema: u32,
    /// The requested range, in file offsets.
    pub range: Range<u64>,
    // Consecutive, without gaps; empty if no record begins in the range.
    pub(crate) parts: Vec<Inspection>,
    /// Where to continue, if a pause was requested before the end of the range.
    pub resume: Option<Position>,
}

impl RangeInspection {
    /// A range of which nothing was read.
    pub(crate) fn empty(range: Range<u64>) -> Self {
        Self { schema: SCHEMA, range, parts: Vec::new(), resume: None }
    }

    /// From where the first record begins to where the last one ends; none if no record begins in the range.
    pub fn span(&self) -> Option<Range<u64>> {
        Some(self.parts.first()?.start..self.parts.last()?.end)
    }

    /// The start of the first part that begins after an offset, between two records.
    pub(crate) fn first_behind(&self, offset: u64) -> Option<u64> {
        let behind = self.parts.iter().find(|part| part.start > offset && !part.part.begins_inside)?;
        Some(behind.start)
    }

    /// The number of keys that were counted.
    pub fn keys(&self) -> u64 {
        self.parts.iter().map(|part| part.keys).sum()
    }
}

/// Reads the records that begin in `range`. `source` must have been opened at its start.
///
/// `header` is what [`crate::read_header`] returns for the file, and its templates have to be added if
/// [`Header::may_have_templates`]: without them, no range meets the one before it. The same code serves the threads of
/// one process and the workers on many machines; [`crate::parts::assemble`] makes one inspection of their results.
///
/// # Errors
/// Only errors of the source. A fault in the file is found again by [`crate::parts::assemble`], if it matters.
pub fn inspect_range<R: Read>(
    mut source: R,
    range: Range<u64>,
    header: &Header,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<RangeInspection> {
    inspect_range_among(&mut source, range, header, options, Elsewhere::default(), watch)
}

/// As [`inspect_range`], but skips what other parts make superfluous.
pub(crate) fn inspect_range_among(
    source: &mut dyn Read,
    range: Range<u64>,
    header: &Header,
    options: &InspectOptions,
    elsewhere: Elsewhere,
    watch: Watch<'_>,
) -> io::Result<RangeInspection> {
    if range.start == 0 {
        return read_from(source, &Position::default(), range.end, options, watch);
    }
    let mut tally = Tally::new(options, None);
    tally.rely_on(elsewhere);
    let mut scan = Scan::new(tally, header.magic, None, !options.hide_keys);
    header.lead(&mut scan, range.start);
    scan.refuse_templates();
    options.prepare(&mut scan);
    let mut reading = Reading::new(source, range.start, options.size_bytes, scan);
    find_and_read(&mut reading, range, header, options, watch)
}

/// Reads from a position up to the first record that begins at or after `end`. `source` must have been opened at the
/// position.
///
/// # Errors
/// Only errors of the source, and `InvalidInput` for a position that no scan returned.
pub fn inspect_up_to<R: Read>(
    mut source: R,
    start: &Position,
    end: u64,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<RangeInspection> {
    read_from(&mut source, start, end, options, watch)
}

fn read_from(
    source: &mut dyn Read,
    start: &Position,
    end: u64,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<RangeInspection> {
    let (mut reading, header) = open(source, start, options, |database| Tally::new(options, database))?;
    let reached = match header.as_ref().filter(|header| header.is_readable()) {
        Some(header) => read(&mut reading, header, start, limit(end, options), watch)?,
        None => Reached::Fault,
    };
    let paused = matches!(reached, Reached::Inside(_)) || reading.window.offset() < limit(end, options);
    let mut part = reading.scan.visitor.take();
    part.part.begins_inside = start.inside.is_some();
    let position = close(&mut part, &mut reading, start.offset, header.as_ref(), reached);
    let resume = position.filter(|_| paused);
    Ok(RangeInspection { schema: SCHEMA, range: start.offset..end, parts: vec![part], resume })
}

/// The offset at which reading a range ends. A range up to the end of the file has no limit, so that the end is checked
/// too.
fn limit(end: u64, options: &InspectOptions) -> u64 {
    if options.size_bytes.is_some_and(|size| end >= size) { u64::MAX } else { end }
}

fn find_and_read(
    reading: &mut Reading<'_, Tally>,
    range: Range<u64>,
    header: &Header,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<RangeInspection> {
    let mut finder = Finder::new(header, options.size_bytes);
    let mut found = RangeInspection::empty(range);
    let mut stride_bytes = FIRST_STRIDE_BYTES;
    let (mut view_bytes, mut effort) = (FIRST_VIEW_BYTES, FIRST_EFFORT);
    loop {
        reading.window.fill(view_bytes)?;
        let bytes = reading.window.bytes();
        if bytes.is_empty() || reading.window.offset() >= found.range.end {
            return Ok(found);
        }
        let candidate = finder.find(bytes, reading.window.offset(), effort);
        if view_bytes < VIEW_BYTES && !candidate.is_some_and(|candidate| candidate.is_sure) {
            (view_bytes, effort) = (VIEW_BYTES, EFFORT);
            continue;
        }
        if let Some(Candidate { place, .. }) = candidate {
            reading.window.consume(place);
            if reading.window.offset() >= found.range.end {
                return Ok(found);
            }
            let end = limit(found.range.end, options);
            if read_parts(reading, &mut found, header, end, watch)? {
                return Ok(found);
            }
            // This was no record, or the file is broken here. The reader of the range before will find out.
            found.parts.clear();
            reading.scan.restart();
            reading.scan.visitor.restart();
        }
        if candidate.is_some_and(|candidate| candidate.is_sure) {
            // Continue the search after it.
            let step = reading.window.bytes().len().min(1);
            reading.window.consume(step);
        } else {
            let step = reading.window.bytes().len().min(LOOK_BYTES);
            reading.window.consume(step);
            reading.window.pass(stride_bytes)?;
            stride_bytes *= 2;
        }
        if watch(&reading.progress()) == Control::Pause {
            // Nothing was found so far. The reader of the range before has to read this range.
            return Ok(found);
        }
    }
}

/// Reads from a possible boundary. Returns false if it was none.
fn read_parts(
    reading: &mut Reading<'_, Tally>,
    found: &mut RangeInspection,
    header: &Header,
    end_of_range: u64,
    watch: Watch<'_>,
) -> io::Result<bool> {
    let mut asked = false;
    loop {
        reading.begin_part();
        let start = reading.window.offset();
        let single = found.parts.len() < SINGLE_RECORDS;
        let limit = if single { start + 1 } else { end_of_range };
        let reached = reading.run(limit, header.version, &mut |progress| {
            let control = watch(progress);
            asked |= control == Control::Pause;
            control
        })?;
        if matches!(reached, Reached::Fault) {
            return Ok(false);
        }
        let inside = matches!(reached, Reached::Inside(_));
        let done = !inside && !matches!(reached, Reached::Limit);
        let mut part = reading.scan.visitor.take();
        let position = close(&mut part, reading, start, Some(header), reached);
        let end = part.end;
        found.parts.push(part);
        if inside || (asked && !done && end < end_of_range) {
            found.resume = position;
            return Ok(true);
        }
        if done || end >= end_of_range {
            return Ok(true);
        }
    }
}
