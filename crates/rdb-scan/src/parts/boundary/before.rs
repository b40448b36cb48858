//! Finds the first of the records that lead to a boundary.

use super::places::{any_places, is_likely_key};
use crate::{
    bytes::cursor::Cursor,
    fault::{Fault, Hazard},
    format::opcode::Opcode,
    reading::header::Header,
    scan::{
        Advance, Scan,
        template::Templates,
        visit::{Record, Visitor},
    },
};

/// A key of at least this many bytes that reads as a key up to the boundary is one, also if it is no text.
const LEAST_KEY_BYTES: usize = 16;
/// At most this many records are read up to a boundary.
const FEW_RECORDS: u32 = 4;
/// A record with a likely key is searched for among this many.
const MOST_RECORDS: u32 = 16;

/// Reads single records in a file of which only a boundary is known.
pub(crate) struct Before {
    trial: Scan<Trial>,
    templated: bool,
}

/// Where keys may be no text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unlikely {
    /// From this offset on.
    pub(crate) from: u64,
    /// For values of these types, one bit each.
    pub(crate) types: u64,
}

/// A visitor that keeps what shows whether its records are some.
#[derive(Default)]
struct Trial {
    records: u32,
    odd: bool,
    announced: bool,
    /// The length of the first key, and whether it looks like one.
    first_bytes: usize,
    first_is_likely: bool,
    first_type: u8,
    /// Where the last record begins, and whether its key looks like one.
    start: u64,
    is_likely: bool,
}

impl Visitor for Trial {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.start = record.span.start;
        self.is_likely = is_likely_key(record.key);
        self.odd |= record.key.is_empty();
        if self.records == 1 {
            (self.first_bytes, self.first_is_likely) = (record.key.len(), self.is_likely);
            self.first_type = record.type_id;
        }
    }

    fn select_database(&mut self, database: u64) {
        self.odd |= database > 1 << 16;
    }

    fn announce(&mut self, _: u64, _: u64) {
        self.announced = true;
    }

    fn fault(&mut self, _: Fault) {
        self.odd = true;
    }

    fn hazard(&mut self, _: Hazard) {
        self.odd = true;
    }
}

impl Before {
    pub(crate) fn new(header: &Header) -> Self {
        let mut trial = Scan::new(Trial::default(), header.magic, None, false);
        trial.compare_nothing();
        trial.know_templates(header.templates.as_ref());
        trial.refuse_templates();
        let templated = header.templates.as_ref().is_some_and(Templates::are_needed);
        Self { trial, templated }
    }

    /// The start of the first two records in `bytes` with likely keys, reading from their start, where one begins.
    /// What precedes them may be the inside of a value, from where reading has fallen in step.
    pub(crate) fn likely(&mut self, bytes: &[u8], offset: u64) -> Option<u64> {
        self.trial.restart();
        self.trial.visitor = Trial::default();
        let mut cursor = Cursor::new(bytes, offset, None);
        let mut likely = None;
        loop {
            let (limit, before) = (cursor.offset() + 1, self.trial.visitor.records);
            let advance = self.trial.advance(&mut cursor, limit);
            let seen = &self.trial.visitor;
            // The selection of a database may precede the first one.
            let begins = |start| if before == 0 { offset } else { start };
            match advance {
                Advance::Boundary if seen.records == before => {}
                Advance::Boundary if seen.records > MOST_RECORDS => return None,
                Advance::Boundary if !seen.is_likely => likely = None,
                Advance::Boundary if likely.is_none() => likely = Some(begins(seen.start)),
                Advance::Boundary | Advance::End => break,
                Advance::More(_) => {
                    if let Some(key) = self.trial.key() {
                        let start = begins(self.trial.record_offset());
                        likely = is_likely_key(key).then(|| likely.unwrap_or(start));
                    }
                    break;
                }
                Advance::Broken(_) => return None,
            }
        }
        likely.map(|start| behind_enterprise(bytes, offset, start))
    }

    /// The place from which a few records take all `bytes` up to their end, where another one begins, including what
    /// precedes them. Of several the first, so that it is no part of another. What is no text may be a key where
    /// `unlikely` says so.
    pub(crate) fn first(&mut self, bytes: &[u8], offset: u64, unlikely: Unlikely) -> Option<usize> {
        let mut places = any_places(bytes, bytes.len(), self.templated);
        places.find(|place| self.reach_end(&bytes[*place..], offset + *place as u64, unlikely))
    }

    /// Whether bytes are a few records, the first of which has a likely key, or one record with any, or the selection
    /// of a database with its size.
    fn reach_end(&mut self, bytes: &[u8], offset: u64, unlikely: Unlikely) -> bool {
        let end = offset + bytes.len() as u64;
        self.trial.restart();
        self.trial.visitor = Trial::default();
        let mut cursor = Cursor::new(bytes, offset, Some(end));
        loop {
            let limit = cursor.offset() + 1;
            let advance = self.trial.advance(&mut cursor, limit);
            let seen = &self.trial.visitor;
            let is_odd = seen.odd || seen.records > FEW_RECORDS || !matches!(advance, Advance::Boundary);
            let may_be = offset >= unlikely.from
                && unlikely.types.checked_shr(seen.first_type.into()).is_some_and(|types| types & 1 == 1);
            let is_key = seen.first_is_likely || (may_be && seen.first_bytes >= LEAST_KEY_BYTES);
            if is_odd || (seen.records > 0 && !is_key) {
                return false;
            }
            if cursor.offset() >= end {
                let selects = bytes.first() == Some(&Opcode::SelectDb.id()) && seen.announced;
                return seen.first_is_likely || seen.records == 1 || (seen.records == 0 && selects);
            }
        }
    }
}

/// Where a record begins without prefixes of Redis Enterprise, which are letters.
fn behind_enterprise(bytes: &[u8], offset: u64, mut start: u64) -> u64 {
    loop {
        let rest = bytes.get(usize::try_from(start - offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        let is_letter = [Opcode::EnterpriseRamLru, Opcode::EnterpriseSlot].map(Opcode::id);
        let mut cursor = Cursor::new(rest, start, None);
        match cursor.u8() {
            Ok(id) if is_letter.contains(&id) && cursor.number().is_ok() => start = cursor.offset(),
            _ => return start,
        }
    }
}
