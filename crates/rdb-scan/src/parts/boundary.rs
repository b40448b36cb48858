//! Finds where a record begins in the middle of a file, which has no index and no marks.

mod places;

pub(crate) use self::places::is_text;
use self::places::{any_places, is_likely_key, likely_places};
use crate::{
    bytes::cursor::Cursor,
    fault::{Fault, Hazard, HazardCode},
    reading::header::Header,
    scan::{
        Advance, Scan,
        template::Templates,
        visit::{Record, Visitor},
    },
};

/// This many records in a row are no coincidence.
const ENOUGH_RECORDS: u32 = 16;
/// Fewer records are enough if all their keys look like keys, and fewer still if they take this many bytes. One alone
/// is not enough: the rows of a table read like those of another table that begins among them.
const ENOUGH_LIKELY_RECORDS: u32 = 6;
const ENOUGH_BYTES: u64 = 128 << 10;
const LEAST_RECORDS: u32 = 2;

/// The number of bytes in a first, quick trial.
const QUICK_BYTES: usize = 8 << 10;

/// How likely a record begins at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likelihood {
    None,
    /// All bytes there read like records, but they are too few to be sure.
    BeginsWell,
    Boundary,
}

/// A possible boundary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) place: usize,
    /// Whether enough records follow.
    pub(crate) is_sure: bool,
}

/// Limits of the search for a boundary, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// How far to search for a key that looks like one.
    pub(crate) likely: usize,
    /// How far to search for any key, which takes longer.
    pub(crate) any: usize,
    /// The search ends once its trials have read this many bytes. Rows of a table can read like those of another table
    /// for long, and trying all of them takes longer than reading the table.
    pub(crate) bytes: u64,
}

/// Searches for a place from which everything reads like records.
pub(crate) struct Finder {
    trial: Scan<Strict>,
    size_bytes: Option<u64>,
    /// Whether records may be hashes that refer to templates.
    templated: bool,
}

/// A visitor that notices what servers never or hardly ever write.
#[derive(Default)]
struct Strict {
    records: u32,
    odd: bool,
    unlikely_keys: u32,
    /// The unlikely keys before the first likely one.
    unlikely_at_first: u32,
}

impl Strict {
    /// Whether only the first keys are unlikely: reading that begins inside a value soon falls in step with the records
    /// after it.
    fn falls_in_step(&self) -> bool {
        (1..self.records).contains(&self.unlikely_at_first) && self.unlikely_keys == self.unlikely_at_first
    }
}

impl Visitor for Strict {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        // Zeros read like empty strings under empty keys.
        self.odd |= record.key.is_empty();
        if !is_likely_key(record.key) {
            self.unlikely_keys += 1;
            self.unlikely_at_first += u32::from(self.unlikely_keys == self.records);
        }
    }

    fn select_database(&mut self, database: u64) {
        self.odd |= database > 1 << 16;
    }

    fn fault(&mut self, _: Fault) {
        self.odd = true;
    }

    fn hazard(&mut self, hazard: Hazard) {
        // If Redis Enterprise writes such records, it writes many.
        self.odd |= hazard.code != HazardCode::ForeignRecord;
    }
}

impl Finder {
    pub(crate) fn new(header: &Header, size_bytes: Option<u64>) -> Self {
        let mut trial = Scan::new(Strict::default(), header.magic, None, false);
        trial.compare_nothing();
        trial.know_templates(header.templates.as_ref());
        trial.refuse_templates();
        let templated = header.templates.as_ref().is_some_and(Templates::are_needed);
        Self { trial, size_bytes, templated }
    }

    /// Finds the first place in `bytes` that looks like a boundary. `offset` is the file offset of the bytes.
    ///
    /// Searches for keys that look like keys first, which is fast. Prefers a place with enough records after it to an
    /// earlier one that only begins well.
    pub(crate) fn find(&mut self, bytes: &[u8], offset: u64, effort: Effort) -> Option<Candidate> {
        let likely =
            self.find_among(likely_places(bytes, effort.likely, self.templated), bytes, offset, effort.bytes);
        let sure = likely.filter(|candidate| candidate.is_sure);
        if sure.is_some() && self.trial.visitor.unlikely_keys == 0 {
            return sure;
        }
        // If keys of both kinds are mixed, the first record may have an unlikely key.
        let places = sure.map_or(effort.any, |sure| sure.place.min(effort.any));
        let any = self.find_among(any_places(bytes, places, self.templated), bytes, offset, effort.bytes);
        if any.is_some_and(|candidate| candidate.is_sure) { any } else { likely.or(any) }
    }

    fn find_among(
        &mut self,
        places: impl Iterator<Item = usize>,
        bytes: &[u8],
        offset: u64,
        most_bytes: u64,
    ) -> Option<Candidate> {
        let mut begins_well = None;
        let mut looked_at = 0;
        for place in places {
            let rest = bytes.get(place..).unwrap_or_default();
            let offset = offset + place as u64;
            // Most places are no boundaries, and a few bytes are enough to see it.
            let quick = rest.get(..QUICK_BYTES).unwrap_or(rest);
            let (mut likelihood, mut bytes) = self.look(quick, offset);
            if likelihood == Likelihood::BeginsWell && quick.len() < rest.len() {
                (likelihood, bytes) = self.look(rest, offset);
            }
            looked_at += bytes;
            match likelihood {
                Likelihood::None => {}
                Likelihood::BeginsWell => {
                    begins_well.get_or_insert(Candidate { place, is_sure: false });
                }
                Likelihood::Boundary => return Some(Candidate { place, is_sure: true }),
            }
            if looked_at > most_bytes {
                break;
            }
        }
        begins_well
    }

    /// How likely a record begins at the start of `bytes`, and how many bytes it took to decide.
    fn look(&mut self, bytes: &[u8], offset: u64) -> (Likelihood, u64) {
        self.trial.restart();
        self.trial.visitor = Strict::default();
        let mut cursor = Cursor::new(bytes, offset, self.size_bytes);
        loop {
            let limit = cursor.offset() + 1;
            let advance = self.trial.advance(&mut cursor, limit);
            if let Some(likelihood) = self.judge(&advance, cursor.offset(), offset) {
                return (likelihood, cursor.offset() - offset);
            }
        }
    }

    /// The verdict on a trial that began at `start` and has reached `offset`; none if it has to continue.
    fn judge(&self, advance: &Advance, offset: u64, start: u64) -> Option<Likelihood> {
        let seen = &self.trial.visitor;
        let likely_keys = seen.unlikely_keys == 0;
        if seen.odd {
            return Some(Likelihood::None);
        }
        match advance {
            Advance::Boundary if seen.records >= ENOUGH_RECORDS => {
                Some(if seen.falls_in_step() { Likelihood::BeginsWell } else { Likelihood::Boundary })
            }
            Advance::Boundary if likely_keys && seen.records >= ENOUGH_LIKELY_RECORDS => {
                Some(Likelihood::Boundary)
            }
            Advance::Boundary => {
                let many_bytes = seen.records >= LEAST_RECORDS && offset - start >= ENOUGH_BYTES;
                (likely_keys && many_bytes).then_some(Likelihood::Boundary)
            }
            Advance::Broken(_) => Some(Likelihood::None),
            // Only the end of the whole file counts.
            Advance::End => {
                let behind = self.size_bytes.map(|size| size.saturating_sub(offset));
                let whole = behind.is_none_or(|behind| behind == 8 || behind == 0);
                Some(if whole { Likelihood::Boundary } else { Likelihood::None })
            }
            Advance::More(_) => {
                let next = self.trial.key();
                let likely = likely_keys && next.map_or(seen.records > 0, is_likely_key);
                Some(if likely { Likelihood::BeginsWell } else { Likelihood::None })
            }
        }
    }
}
