//! What is intact in a damaged file.

mod damage;
mod salvaged;
mod search;

use std::{
    cell::Cell,
    io::{
        Read, {self},
    },
    ops::Range,
};

use self::{
    damage::{Damage, Seen},
    salvaged::Salvaged,
    search::Search,
};
use crate::{
    bytes::source::Source,
    format::HEADER_BYTES,
    inspection::inspect::{InspectOptions, Inspected, scan},
    reading::{
        header::{Header, parse},
        position::Position,
        progress::{Control, Progress},
    },
};

/// What the search finds counts if at least this many records follow before the next fault.
const LEAST_RECORDS: u64 = 2;
/// At most this many doubtful databases are listed.
const MAX_DOUBTFUL: usize = 100;
/// At most this many damaged places are skipped; what follows them is lost.
const MAX_DAMAGED: usize = 100_000;
/// The size of an expiry in milliseconds before a key.
const EXPIRY_BYTES: u64 = 9;
/// The most bytes that announce the size of a database.
const ANNOUNCEMENT_BYTES: u64 = 11;
/// The numbers of databases that take one byte.
const SHORT_NUMBERS: Range<u64> = 0..64;

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
        let (mut from, mut database, mut seen) = (HEADER_BYTES as u64, 0, Seen::default());
        loop {
            let position = Position {
                offset: from,
                database: Some(database),
                header: Some(header.clone()),
                ..Position::default()
            };
            let ended = Cell::new(false);
            let damage = Damage::new(&ended, from, database, seen);
            let mut watch = |_: &Progress| if ended.get() { Control::Pause } else { Control::Continue };
            let scanned = scan(source.open(from..size)?, &position, &options, damage, &mut watch)?;
            let (Inspected::Complete(inspection) | Inspected::Paused(inspection, _), damage) = scanned;
            header.templates.clone_from(&inspection.part.templates);
            salvage.doubtful.extend_from_slice(&damage.all_doubtful);
            salvage.doubtful.truncate(MAX_DOUBTFUL);
            // What was found after damage may be the inside of a value that happens to read like a record.
            let is_found = salvage.damaged.last().is_some_and(|lost| !lost.is_empty() && lost.end == from);
            let mut after = damage.database;
            if is_found && damage.begins_announced {
                let number = number_before(source, from)?;
                if damage.database == database
                    && let Some(number) = number.filter(|number| damage.is_next(*number))
                {
                    salvage.doubtful.push((from, number));
                    (database, after) = (number, number);
                }
            }
            let end_mark = inspection.part.end_mark.max(from);
            let selected = damage.selected();
            let is_end = damage.open.is_none();
            if is_end && !damage.has_trailing {
                salvage.add(from, end_mark, database, &damage.broken);
                return Ok(Some(salvage));
            }
            let broken_at = damage.open.unwrap_or(end_mark);
            let mut fault = broken_at;
            let suspect = damage.last.front().map_or(fault, |suspect| suspect.type_at);
            let search =
                Search { source, header: &header, options: &options, has_texts: damage.seen.has_texts() };
            let next = if salvage.damaged.len() + damage.broken.len() < MAX_DAMAGED {
                search.next_record(
                    if is_end { end_mark } else { suspect } + 1,
                    fault,
                    damage.unlikely(fault),
                )?
            } else {
                None
            };
            if is_end && next.is_none() {
                salvage.add(from, end_mark, database, &damage.broken);
                return Ok(Some(salvage));
            }
            // No server selects a database without announcing its size, unless the announcement is what is damaged.
            if let Some(selected) = selected
                && !(selected.is_next && next.is_some_and(|next| next <= broken_at + ANNOUNCEMENT_BYTES))
            {
                (after, fault) = (selected.before, fault.min(selected.at));
            }
            // Records that reach beyond the next one have swallowed others. Where the file is cut off, none have.
            let misread = damage.misread_from().filter(|_| next.is_some()).unwrap_or(u64::MAX);
            let limit = next.unwrap_or(fault).min(fault).min(misread);
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
            database = after;
            salvage.damaged.push(end..next.unwrap_or(size).max(end));
            match next {
                Some(next) => (from, seen) = (next, damage.seen),
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
        Salvaged::new(self, source)
    }
}

/// The number of a database that seems to be selected directly before an offset, where its size is announced.
fn number_before(source: &(impl Source + ?Sized), offset: u64) -> io::Result<Option<u64>> {
    let Some(at) = offset.checked_sub(1) else { return Ok(None) };
    let mut number = [0];
    source.open(at..offset)?.read_exact(&mut number)?;
    Ok(Some(u64::from(number[0])).filter(|number| SHORT_NUMBERS.contains(number)))
}
