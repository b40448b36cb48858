//! One range of a file, read without knowing what stands before it.

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
        inspect::{InspectOptions, close, read},
    },
    parts::boundary::{Candidate, Effort, Finder},
    reading::{
        Reached, Reading,
        header::Header,
        position::Position,
        progress::{Control, Watch},
    },
    scan::{Inside, Scan},
};

/// What is seen of the file at first, and how far a boundary is looked for there: enough for most data.
const FIRST_VIEW_BYTES: usize = 64 << 10;
const FIRST_EFFORT: Effort = Effort { likely: FIRST_VIEW_BYTES, any: 4 << 10, bytes: 64 << 10 };
/// What is seen of it then. So many places are tried before one is taken that is not sure, or it is asked whether to go
/// on.
const VIEW_BYTES: usize = MAX_LOOK_BYTES;
const EFFORT: Effort = Effort { likely: LOOK_BYTES, any: LOOK_BYTES, bytes: 4 << 20 };
/// Where there is no boundary in so many bytes, or none that is sure, the range is likely to be inside a giant value.
/// The next look is then further on, and the distance doubles each time: looking takes longer than reading, and whoever
/// reads the value comes by anyway.
const LOOK_BYTES: usize = VIEW_BYTES / 2;
const FIRST_STRIDE_BYTES: u64 = 1 << 20;

/// So many records at the start of a range make a part each.
///
/// The neighbour before may end a little later than where this range was found to begin: where a boundary was found
/// behind a record's expiry, say. Then only those parts are given up, and not the range.
const SINGLE_RECORDS: usize = 4;

/// What one range of a file holds: the records whose first byte lies in it.
///
/// The range's first record was found by looking for something that reads like records. [`crate::parts::assemble`]
/// believes it only if the records before it end where it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeInspection {
    /// The version of this shape, [`SCHEMA`].
    pub schema: u32,
    /// The range that was asked for, in file offsets.
    pub range: Range<u64>,
    // One after the other without a gap; none if no record begins in the range.
    pub(crate) parts: Vec<Inspection>,
    /// Where to go on, if a pause was asked for before the end of the range.
    pub resume: Option<Position>,
}

impl RangeInspection {
    /// A range of which nothing was read.
    pub(crate) fn empty(range: Range<u64>) -> Self {
        Self { schema: SCHEMA, range, parts: Vec::new(), resume: None }
    }

    /// Where its first record begins, and where its last one ends; none if no record begins in it.
    pub fn span(&self) -> Option<Range<u64>> {
        Some(self.parts.first()?.start..self.parts.last()?.end)
    }

    /// Where the first of its parts begins that begins behind an offset, between two records.
    pub(crate) fn first_behind(&self, offset: u64) -> Option<u64> {
        let behind = self.parts.iter().find(|part| part.start > offset && !part.part.begins_inside)?;
        Some(behind.start)
    }

    /// Keys that were counted.
    pub fn keys(&self) -> u64 {
        self.parts.iter().map(|part| part.keys).sum()
    }
}

/// Reads the records that begin in `range`; `source` must have been opened at its start.
///
/// `header` is what [`crate::read_header`] gives for the file. The same code serves threads of one process and
/// workers on many machines; [`crate::parts::assemble`] makes one inspection of what they give.
///
/// # Errors
/// Only errors of the source. What is wrong with the file is found again where it matters, by
/// [`crate::parts::assemble`].
pub fn inspect_range<R: Read>(
    mut source: R,
    range: Range<u64>,
    header: &Header,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<RangeInspection> {
    inspect_range_among(&mut source, range, header, options, Elsewhere::default(), watch)
}

/// As [`inspect_range`], without what is superfluous beside the parts that have been read elsewhere.
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
    scan.newer = header.is_newer();
    options.prepare(&mut scan);
    let mut reading = Reading::new(source, range.start, options.size_bytes, scan);
    find_and_read(&mut reading, range, header, options, watch)
}

/// Reads from a position up to the first record that begins at `end` or behind it; `source` must have been opened at
/// the position.
///
/// # Errors
/// Only errors of the source, and `InvalidInput` for a position that no scan gave.
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
    start.check()?;
    let database = if start.offset == 0 { Some(0) } else { start.database };
    let magic = start.header.as_ref().map(|header| header.magic).unwrap_or_default();
    let mut scan = Scan::new(Tally::new(options, database), magic, database, !options.hide_keys);
    scan.newer = start.header.as_ref().is_some_and(Header::is_newer);
    options.prepare(&mut scan);
    if let Some(inside) = &start.inside {
        scan.resume(Inside::clone(inside));
    }
    let mut reading = Reading::new(source, start.offset, options.size_bytes, scan);
    reading.suspect = start.suspect;
    let header = match &start.header {
        Some(header) => Some(header.clone()),
        None => reading.header()?,
    };
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

/// The record at which a range ends. Behind the end of the file there is none, and whether the file ends well has to be
/// seen.
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
    let mut finder = Finder::new(header.magic, options.size_bytes);
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
            // That was no record, or the file is broken there: whoever comes from before will see.
            found.parts.clear();
            reading.scan.restart();
            reading.scan.visitor.restart();
        }
        if candidate.is_some_and(|candidate| candidate.is_sure) {
            // Search on behind it.
            let step = reading.window.bytes().len().min(1);
            reading.window.consume(step);
        } else {
            let step = reading.window.bytes().len().min(LOOK_BYTES);
            reading.window.consume(step);
            reading.window.pass(stride_bytes)?;
            stride_bytes *= 2;
        }
        if watch(&reading.progress()) == Control::Pause {
            // Nothing was found so far; the neighbour before will have to read this range.
            return Ok(found);
        }
    }
}

/// Reads from a supposed boundary; false if that was none.
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
