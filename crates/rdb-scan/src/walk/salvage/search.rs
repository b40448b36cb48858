//! Where records begin again after damage.

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
};

use super::EXPIRY_BYTES;
use crate::{
    bytes::source::Source,
    format::opcode::Opcode,
    inspection::inspect::{InspectOptions, scan},
    parts::{
        boundary::{Before, Unlikely, is_likely_key},
        range::inspect_range,
    },
    reading::{
        header::Header,
        position::Position,
        progress::{Control, Progress},
    },
    scan::visit::{Record, Visitor},
};

/// After a fault, a record is searched for in this many bytes at once, all of which have to read well.
const SEARCH_BYTES: u64 = 1 << 20;
/// If none is found there, the search is repeated in fewer: the next fault may be near.
const NARROW_BYTES: [u64; 2] = [1 << 16, 1 << 12];
/// What is found in fewer bytes counts if at least this many records follow before the next fault.
const LEAST_RECORDS: u64 = 2;
/// Records that precede what was found are searched for in this many bytes.
const BACK_BYTES: u64 = 16 << 10;
/// If records were read up to the fault, others there count if at most one in this many has an unlikely key.
const FEW_UNLIKELY_IN: u64 = 4;
/// Expiries before this one (in 2008) and after this one (in 2286) are none of a server's.
const EXPIRIES_MS: Range<u64> = 1_200_000_000_000..10_000_000_000_000;

/// Counts records up to an offset, and those of them whose keys do not look like keys.
#[derive(Default)]
struct Likely {
    end: u64,
    records: u64,
    unlikely: u64,
}

impl Visitor for Likely {
    fn record(&mut self, record: &Record<'_>) {
        if record.span.start < self.end {
            self.records += 1;
            self.unlikely += u64::from(!is_likely_key(record.key));
        }
    }
}

/// Searches for records in a file.
pub(super) struct Search<'s, S: ?Sized> {
    pub(super) source: &'s S,
    pub(super) header: &'s Header,
    pub(super) options: &'s InspectOptions,
    /// Whether keys are text, with few exceptions.
    pub(super) has_texts: bool,
}

impl<S: Source + ?Sized> Search<'_, S> {
    /// Where the next record begins, searched for from an offset on, from which everything reads well beyond the fault.
    ///
    /// `unlikely` says where keys may be no text, if nearly all others are.
    pub(super) fn next_record(&self, from: u64, fault: u64, unlikely: Unlikely) -> io::Result<Option<u64>> {
        let lowest = from;
        let mut found = self.next_from(lowest, from, fault, unlikely)?;
        if let Some(early) = found.filter(|found| *found < fault)
            && !self.are_likely(early..fault)?
        {
            found = self.next_from(lowest, fault + 1, fault, unlikely)?;
        }
        Ok(found)
    }

    fn next_from(
        &self,
        lowest: u64,
        mut from: u64,
        fault: u64,
        unlikely: Unlikely,
    ) -> io::Result<Option<u64>> {
        let size = self.source.size_bytes();
        let mut stride = 1;
        while from < size {
            let end = (from.max(fault) + SEARCH_BYTES).min(size);
            let found = self.inspect(from..end, self.source.open(from..end)?)?;
            let found = match found {
                Some((found, _)) => Some(found),
                None => self.next_record_near(from..end, fault)?,
            };
            stride = (2 * stride).min(NARROW_BYTES[1]);
            from = match found {
                None => end,
                Some(found) => match self.first_record(lowest, found, unlikely)? {
                    Some(first) => return Ok(Some(first)),
                    // It is tried again from further on each time.
                    None => found + stride,
                },
            };
        }
        Ok(None)
    }

    /// Whether the records that begin in a range have likely keys, with few exceptions: others were read there too.
    fn are_likely(&self, range: Range<u64>) -> io::Result<bool> {
        let likely = Likely { end: range.end, ..Likely::default() };
        let start =
            Position { offset: range.start, header: Some(self.header.clone()), ..Position::default() };
        let source = self.source.open(range.start..self.source.size_bytes())?;
        let end = range.end;
        let mut watch = |progress: &Progress| {
            if progress.offset < end { Control::Continue } else { Control::Pause }
        };
        let (_, likely) = scan(source, &start, self.options, likely, &mut watch)?;
        Ok(likely.unlikely * FEW_UNLIKELY_IN <= likely.records)
    }

    /// Where the next record begins in a range, if another fault is near.
    fn next_record_near(&self, range: Range<u64>, fault: u64) -> io::Result<Option<u64>> {
        // What follows the fault is read once, with as much again for a record that continues.
        let start = range.start.max(fault.min(range.end));
        let mut bytes = Vec::new();
        self.source.open(start..range.end)?.take(2 * SEARCH_BYTES).read_to_end(&mut bytes)?;
        for narrow in NARROW_BYTES {
            let mut from = range.start;
            while from < range.end {
                let end = (from.max(fault) + narrow).min(range.end);
                let found = match from.checked_sub(start).map(usize::try_from) {
                    Some(Ok(place)) => self.inspect(from..end, bytes.get(place..).unwrap_or_default())?,
                    _ => self.inspect(from..end, self.source.open(from..range.end)?)?,
                };
                if let Some((found, _)) = found.filter(|(_, keys)| *keys >= LEAST_RECORDS) {
                    return Ok(Some(found));
                }
                from = end;
            }
        }
        Ok(None)
    }

    /// Where the first record of a range begins, and how many there are.
    fn inspect(&self, range: Range<u64>, source: impl Read) -> io::Result<Option<(u64, u64)>> {
        let found = inspect_range(source, range, self.header, self.options, &mut |_| Control::Continue)?;
        Ok(found.span().map(|span| (span.start, found.keys())))
    }

    /// Where the first of the records begins that lead to one that was found. The search prefers those with a key that
    /// is stored as text, may have found one after its expiry, and may have begun inside a value.
    fn first_record(&self, lowest: u64, found: u64, unlikely: Unlikely) -> io::Result<Option<u64>> {
        let start = found.saturating_sub(BACK_BYTES).max(lowest);
        let mut bytes = Vec::new();
        self.source.open(start..found + BACK_BYTES)?.take(2 * BACK_BYTES).read_to_end(&mut bytes)?;
        let place = usize::try_from(found - start).unwrap_or(usize::MAX);
        let mut before = Before::new(self.header);
        let likely = before.likely(bytes.get(place..).unwrap_or_default(), found);
        if !self.has_texts {
            return Ok(Some(found));
        }
        let Some(mut first) = likely else { return Ok(None) };
        loop {
            let place = usize::try_from(first - start).unwrap_or(usize::MAX);
            let preceding = bytes.get(..place).unwrap_or_default();
            if let Some(at) = preceding.len().checked_sub(EXPIRY_BYTES as usize)
                && is_expiry(&preceding[at..])
            {
                first -= EXPIRY_BYTES;
            } else if let Some(earlier) = before.first(preceding, start, unlikely) {
                first = start + earlier as u64;
            } else {
                return Ok(Some(first));
            }
        }
    }
}

/// Whether bytes are an expiry, as it precedes a record.
pub(super) fn is_expiry(bytes: &[u8]) -> bool {
    match bytes {
        [id, at @ ..] if *id == Opcode::ExpireTimeMs.id() => {
            at.try_into().is_ok_and(|at| EXPIRIES_MS.contains(&u64::from_le_bytes(at)))
        }
        _ => false,
    }
}
