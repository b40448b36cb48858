//! What is intact in a damaged file.

use std::{
    collections::VecDeque,
    io::{
        Read, {self},
    },
    ops::Range,
};

use super::push_number;
use crate::{
    bytes::{cursor::Cursor, source::Source},
    fault::{Fault, FaultCode},
    format::{
        FIRST_VERSION_WITH_CRC, HEADER_BYTES, Magic,
        opcode::{Body, Opcode},
        value_type::ValueType,
    },
    inspection::inspect::{InspectOptions, Inspected, scan},
    parts::{boundary::is_text, range::inspect_range},
    reading::{
        header::{Header, parse},
        position::Position,
        progress::Control,
    },
    scan::visit::{Record, Visitor},
};

/// After a fault, a record is searched for in this many bytes at once, all of which have to read well.
const SEARCH_BYTES: u64 = 1 << 20;
/// If none is found there, the search is repeated in fewer: the next fault may be near.
const NARROW_BYTES: [u64; 2] = [1 << 16, 1 << 12];
/// The search begins after this many records before the fault: what reads like records may be the inside of a value.
const SUSPECT_RECORDS: usize = 4;
/// Records before a fault whose keys are no text are misread, unless more than one in this many is like that before.
const ONE_UNLIKELY_IN: u64 = 16;
/// What the search finds counts if at least this many records follow before the next fault.
const LEAST_RECORDS: u64 = 2;
/// At most this many doubtful databases are listed.
const MAX_DOUBTFUL: usize = 100;
/// Servers have this many databases by default.
const DEFAULT_DATABASES: u64 = 16;
/// At most this many damaged places are skipped; what follows them is lost.
const MAX_DAMAGED: usize = 100_000;
/// The size of an expiry in milliseconds before a key.
const EXPIRY_BYTES: u64 = 9;
/// Expiries before this one (in 2008) and after this one (in 2286) are none of a server's.
const EXPIRIES_MS: Range<u64> = 1_200_000_000_000..10_000_000_000_000;

/// What is intact in a damaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// Magic and version.
    pub header: Header,
    /// The bytes that are intact, in ascending order, each with the database that is selected at its start.
    pub intact: Vec<(Range<u64>, u64)>,
    /// The bytes that are lost, in ascending order. Some of them may be sound: nothing shows where a record begins.
    pub damaged: Vec<Range<u64>>,
    /// Databases whose number may have been changed, with the file offset of their first record, at most 100: servers
    /// write databases in ascending order, have 16 by default, and announce the size of each or of none.
    pub doubtful: Vec<(u64, u64)>,
}

/// Where faults are, and the last records before them.
#[derive(Default)]
struct Damage {
    database: u64,
    /// The offset of a fault whose record has not ended.
    open: Option<u64>,
    broken: Vec<(Range<u64>, u64)>,
    last: VecDeque<Suspect>,
    /// Where the records begin that follow the last key that is text.
    no_text_from: Option<u64>,
    /// The numbers of keys, and of those that are no text, up to there, and of those since.
    keys: u64,
    no_texts: u64,
    no_texts_since: u64,
    /// The number of records.
    records: u64,
    /// Where the first record ends whose key is text, if the first of all is another one.
    in_step_from: Option<u64>,
    /// A database that was selected before the next record, if its number is doubtful.
    doubtful: Option<u64>,
    /// A database that was selected, and not announced since, and whether others were.
    selected: Option<u64>,
    announces: bool,
    all_doubtful: Vec<(u64, u64)>,
}

/// A record that may be misread.
#[derive(Debug, Clone)]
struct Suspect {
    span: Range<u64>,
    /// The offset of its type: expiry, idle time and frequency precede it.
    type_at: u64,
}

impl Suspect {
    fn of(record: &Record<'_>) -> Self {
        // Of a record that is not in memory, only the expiry is known.
        let expiry_bytes = if record.expires_at_ms.is_some() { EXPIRY_BYTES } else { 0 };
        let mut type_at = record.span.start + if record.raw.is_none() { expiry_bytes } else { 0 };
        let mut cursor = Cursor::new(record.raw.unwrap_or_default(), record.span.start, None);
        while let Ok(id) = cursor.u8()
            && id > ValueType::MAX_TEMPLATED_ID
            && let Some(body) = Opcode::of(id, Magic::Redis).map(Opcode::body)
        {
            let passed = match body {
                Body::Bytes(bytes) => cursor.take(bytes).map(drop),
                Body::Numbers(numbers) => (0..numbers).try_for_each(|_| cursor.number().map(drop)),
                Body::Other => break,
            };
            if passed.is_err() {
                break;
            }
            type_at = cursor.offset();
        }
        Self { span: record.span.clone(), type_at }
    }
}

impl Damage {
    /// Where records begin that are misread, since the fault follows them and their keys are no text, unlike others.
    fn misread_from(&self) -> Option<u64> {
        self.no_text_from.filter(|_| self.has_texts())
    }

    /// Whether keys are text, with few exceptions.
    fn has_texts(&self) -> bool {
        self.keys > 0 && self.no_texts * ONE_UNLIKELY_IN <= self.keys
    }
}

impl Visitor for Damage {
    fn record(&mut self, record: &Record<'_>) {
        if self.open.take() == Some(record.span.start) && self.broken.len() < MAX_DAMAGED {
            self.broken.push((record.span.clone(), self.database));
        }
        let unannounced = self.selected.take().filter(|_| self.announces);
        if let Some(database) = self.doubtful.take().or(unannounced)
            && self.all_doubtful.len() < MAX_DOUBTFUL
        {
            self.all_doubtful.push((record.span.start, database));
        }
        if self.last.len() == SUSPECT_RECORDS {
            self.last.pop_front();
        }
        let suspect = Suspect::of(record);
        self.records += 1;
        if !record.key.is_empty() && is_text(record.key) {
            if self.no_texts_since + 1 == self.records && self.records > 1 {
                // Its expiry may have been read with the record before.
                self.in_step_from = Some(record.span.end);
            }
            self.keys += 1 + self.no_texts_since;
            self.no_texts += self.no_texts_since;
            (self.no_texts_since, self.no_text_from) = (0, None);
        } else {
            self.no_texts_since += 1;
            self.no_text_from.get_or_insert(record.span.start);
        }
        self.last.push_back(suspect);
    }

    fn select_database(&mut self, database: u64) {
        let is_next = (self.database + 1..DEFAULT_DATABASES).contains(&database);
        // The first one may be 0.
        let is_first = database == 0 && self.keys == 0 && self.records == 0;
        self.doubtful = (!is_next && !is_first).then_some(database);
        self.selected = Some(database);
        self.database = database;
    }

    fn announce(&mut self, _: u64, _: u64) {
        (self.selected, self.announces) = (None, true);
    }

    fn fault(&mut self, fault: Fault) {
        if fault.code != FaultCode::CrcMismatch {
            self.open.get_or_insert(fault.offset);
        }
    }
}

impl Salvage {
    /// Finds what is intact; none if the file does not begin like an RDB file of a known version.
    ///
    /// A wrong checksum alone does not show where the damage is: everything then counts as intact.
    ///
    /// # Errors
    /// Those of the source.
    pub fn of(source: &(impl Source + ?Sized)) -> io::Result<Option<Self>> {
        let size = source.size_bytes();
        let mut start = Vec::new();
        source.open(0..HEADER_BYTES as u64)?.take(HEADER_BYTES as u64).read_to_end(&mut start)?;
        let Some(header) = parse(&start).ok().filter(|header| header.check().is_ok()) else {
            return Ok(None);
        };
        let options = InspectOptions {
            size_bytes: Some(size),
            top: 0,
            max_compared_keys: 0,
            hide_keys: true,
            ..InspectOptions::default()
        };
        let mut header = header;
        let mut salvage =
            Self { header: header.clone(), intact: Vec::new(), damaged: Vec::new(), doubtful: Vec::new() };
        let (mut from, mut database, mut before) = (HEADER_BYTES as u64, 0, Damage::default());
        loop {
            let position = Position {
                offset: from,
                database: Some(database),
                header: Some(header.clone()),
                ..Position::default()
            };
            let Damage { keys, no_texts, announces, .. } = before;
            let damage = Damage { database, keys, no_texts, announces, ..Damage::default() };
            let scanned =
                scan(source.open(from..size)?, &position, &options, damage, &mut |_| Control::Continue)?;
            let (Inspected::Complete(inspection) | Inspected::Paused(inspection, _), damage) = scanned;
            header.templates.clone_from(&inspection.part.templates);
            salvage.doubtful.extend_from_slice(&damage.all_doubtful);
            salvage.doubtful.truncate(MAX_DOUBTFUL);
            // What was found behind damage may be the inside of a value that happens to read like a record.
            let is_found = salvage.damaged.last().is_some_and(|lost| !lost.is_empty() && lost.end == from);
            if let Some(in_step) = damage.in_step_from.filter(|_| is_found && damage.has_texts()) {
                salvage.damaged.extend(Some(from..in_step));
                from = in_step;
            }
            let Some(fault) = damage.open else {
                salvage.add(from, inspection.part.end_mark.max(from), database, &damage.broken);
                return Ok(Some(salvage));
            };
            let suspect = damage.last.front().map_or(fault, |suspect| suspect.type_at);
            let next = if salvage.damaged.len() + damage.broken.len() < MAX_DAMAGED {
                next_record(source, suspect + 1, &header, &options)?
            } else {
                None
            };
            // Records that reach beyond the next one have swallowed others.
            let limit = next.unwrap_or(fault).min(fault).min(damage.misread_from().unwrap_or(u64::MAX));
            // What else precedes the fault and the next record may have swallowed it too.
            let last = damage.last.back().map(|suspect| suspect.span.end).filter(|_| limit < fault);
            let limit = last.map_or(limit, |last| limit.min(last));
            let beyond = damage.last.iter().find(|suspect| suspect.span.end > limit);
            let mut end = beyond.map_or(limit, |suspect| suspect.span.start.min(limit));
            if is_found && damage.records < LEAST_RECORDS {
                end = from;
            }
            let end = end.max(from);
            salvage.add(from, end, database, &damage.broken);
            database = damage.database;
            salvage.damaged.push(end..next.unwrap_or(size).max(end));
            match next {
                Some(next) => (from, before) = (next, damage),
                None => return Ok(Some(salvage)),
            }
        }
    }

    /// Adds a stretch without the broken records in it.
    fn add(&mut self, mut from: u64, end: u64, mut database: u64, broken: &[(Range<u64>, u64)]) {
        for (span, selected) in broken.iter().filter(|(span, _)| span.end <= end) {
            if from < span.start {
                self.intact.push((from..span.start, database));
            }
            self.damaged.push(span.clone());
            (from, database) = (span.end, *selected);
        }
        if from < end {
            self.intact.push((from..end, database));
        }
    }

    /// A file of what is intact. It has no checksum.
    pub fn reader<'s, S: Source + ?Sized>(&'s self, source: &'s S) -> impl Read + 's {
        Salvaged { salvage: self, source, next: 0, made: self.header.name().into_bytes(), at: 0, open: None }
    }
}

/// Where the next record begins, searched for from an offset on.
fn next_record(
    source: &(impl Source + ?Sized),
    mut from: u64,
    header: &Header,
    options: &InspectOptions,
) -> io::Result<Option<u64>> {
    let size = source.size_bytes();
    while from < size {
        let end = (from + SEARCH_BYTES).min(size);
        let found =
            inspect_range(source.open(from..end)?, from..end, header, options, &mut |_| Control::Continue)?;
        let found = match found.span() {
            Some(span) => Some(span.start),
            None => next_record_near(source, from..end, header, options)?,
        };
        let Some(found) = found else {
            from = end;
            continue;
        };
        // The search may have found the type behind an expiry.
        if let Some(start) = found.checked_sub(EXPIRY_BYTES).filter(|start| *start >= from) {
            let mut bytes = Vec::new();
            source.open(start..found)?.take(EXPIRY_BYTES).read_to_end(&mut bytes)?;
            if let [id, at @ ..] = &bytes[..]
                && *id == Opcode::ExpireTimeMs.id()
                && let Ok(at) = at.try_into()
                && EXPIRIES_MS.contains(&u64::from_le_bytes(at))
            {
                return Ok(Some(start));
            }
        }
        return Ok(Some(found));
    }
    Ok(None)
}

/// Where the next record begins in a range of at most [`SEARCH_BYTES`], before another fault.
fn next_record_near(
    source: &(impl Source + ?Sized),
    range: Range<u64>,
    header: &Header,
    options: &InspectOptions,
) -> io::Result<Option<u64>> {
    // Read once, with as much again for a record that continues.
    let mut bytes = Vec::new();
    source.open(range.clone())?.take(2 * SEARCH_BYTES).read_to_end(&mut bytes)?;
    for narrow in NARROW_BYTES {
        let mut from = range.start;
        while from < range.end {
            let end = (from + narrow).min(range.end);
            let place = usize::try_from(from - range.start).unwrap_or(usize::MAX);
            let rest = bytes.get(place..).unwrap_or_default();
            let found = inspect_range(rest, from..end, header, options, &mut |_| Control::Continue)?;
            if let Some(span) = found.span() {
                return Ok(Some(span.start));
            }
            from = end;
        }
    }
    Ok(None)
}

/// Reads what is intact as one file.
struct Salvaged<'s, S: ?Sized> {
    salvage: &'s Salvage,
    source: &'s S,
    next: usize,
    /// Bytes that are not in the source, and how many of them have been read.
    made: Vec<u8>,
    at: usize,
    open: Option<io::Take<Box<dyn Read + Send + 's>>>,
}

impl<S: Source + ?Sized> Read for Salvaged<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.made.get(self.at..).unwrap_or_default();
            if !rest.is_empty() || buffer.is_empty() {
                let read = rest.read(buffer)?;
                self.at += read;
                return Ok(read);
            }
            if let Some(open) = &mut self.open {
                let read = open.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.open = None;
            }
            let (made, at) = (&mut self.made, &mut self.at);
            made.clear();
            *at = 0;
            if let Some((range, database)) = self.salvage.intact.get(self.next) {
                made.push(Opcode::SelectDb.id());
                push_number(made, *database);
                self.open = Some(self.source.open(range.clone())?.take(range.end - range.start));
            } else if self.next == self.salvage.intact.len() {
                made.push(Opcode::Eof.id());
                if self.salvage.header.version >= FIRST_VERSION_WITH_CRC {
                    made.extend([0; 8]);
                }
            } else {
                return Ok(0);
            }
            self.next += 1;
        }
    }
}
