//! Finding where a record begins in the middle of a file, which has no index and no marks.
use crate::cursor::Cursor;
use crate::fault::{Fault, Hazard};
use crate::format::{self, Magic};
use crate::scan::{Advance, Scan};
use crate::stop::Result;
use crate::visit::{Record, Visitor};

/// So many records in a row are no accident.
const ENOUGH_RECORDS: u32 = 16;
/// Fewer are enough if they take so many bytes and all their keys look like keys. One alone is not: the rows of a table
/// read like those of another one that begins among them.
const ENOUGH_BYTES: u64 = 128 << 10;
const LEAST_RECORDS: u32 = 2;
/// Records with longer keys are no places to begin at: in most data that is no key.
const MAX_KEY_BYTES: usize = 1 << 10;
/// What looks like a key is text, not shorter and without control characters.
const LEAST_KEY_BYTES: usize = 4;

/// A first look takes so many bytes.
const QUICK_BYTES: usize = 8 << 10;

/// How much a place looks like the beginning of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likelihood {
    None,
    /// As far as the bytes reach, but that is not far enough to be sure.
    BeginsWell,
    Boundary,
}

/// A place that may be a boundary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) place: usize,
    /// Whether enough records follow.
    pub(crate) is_sure: bool,
}

/// Looks for a place from which everything reads like records.
pub(crate) struct Finder {
    trial: Scan<Strict>,
    size_bytes: Option<u64>,
}

/// Sees what no server writes, or hardly ever.
#[derive(Default)]
struct Strict {
    records: u32,
    odd: bool,
    unlikely_keys: u32,
    /// Those of them before the first key that looks like one.
    unlikely_at_first: u32,
}

impl Strict {
    /// Whether only the first keys look like none: what begins inside a value soon falls in step with the records
    /// behind it.
    fn falls_in_step(&self) -> bool {
        (1..self.records).contains(&self.unlikely_at_first) && self.unlikely_keys == self.unlikely_at_first
    }
}

impl Visitor for Strict {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        // Zeros read like strings of no bytes under keys of no bytes.
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

    fn hazard(&mut self, _: Hazard) {
        self.odd = true;
    }
}

impl Finder {
    pub(crate) fn new(magic: Magic, size_bytes: Option<u64>) -> Self {
        let mut trial = Scan::new(Strict::default(), magic, None, false);
        trial.compare_nothing();
        Self { trial, size_bytes }
    }

    /// The first of so many places in the bytes, which begin at `offset` of the file, that looks like a boundary.
    ///
    /// Keys that look like keys are looked for first, which takes little time. A place behind which enough records are
    /// seen is preferred to an earlier one that only begins well.
    pub(crate) fn find(&mut self, bytes: &[u8], places: usize, offset: u64) -> Option<Candidate> {
        let likely = self.find_where(may_begin_likely, bytes, places, offset);
        let sure = likely.filter(|candidate| candidate.is_sure);
        if sure.is_some() && self.trial.visitor.unlikely_keys == 0 {
            return sure;
        }
        // Where keys of both kinds are mixed, the first record may be one of the others.
        let places = sure.map_or(places, |sure| sure.place);
        let any = self.find_where(may_begin, bytes, places, offset);
        if any.is_some_and(|candidate| candidate.is_sure) { any } else { likely.or(any) }
    }

    fn find_where(
        &mut self,
        may_begin: fn(&[u8]) -> bool,
        bytes: &[u8],
        places: usize,
        offset: u64,
    ) -> Option<Candidate> {
        let mut begins_well = None;
        for place in 0..places.min(bytes.len()) {
            let rest = bytes.get(place..).unwrap_or_default();
            if !may_begin(rest) {
                continue;
            }
            let offset = offset + place as u64;
            // Most places are no boundaries, and a few bytes are enough to see that.
            let quick = rest.get(..QUICK_BYTES).unwrap_or(rest);
            let mut likelihood = self.look(quick, offset);
            if likelihood == Likelihood::BeginsWell && quick.len() < rest.len() {
                likelihood = self.look(rest, offset);
            }
            match likelihood {
                Likelihood::None => {}
                Likelihood::BeginsWell => {
                    begins_well.get_or_insert(Candidate { place, is_sure: false });
                }
                Likelihood::Boundary => return Some(Candidate { place, is_sure: true }),
            }
        }
        begins_well
    }

    fn look(&mut self, bytes: &[u8], offset: u64) -> Likelihood {
        self.trial.restart();
        self.trial.visitor = Strict::default();
        let mut cursor = Cursor::new(bytes, offset, self.size_bytes);
        loop {
            let limit = cursor.offset() + 1;
            let advance = self.trial.advance(&mut cursor, limit);
            let seen = &self.trial.visitor;
            let (records, likely_keys) = (seen.records, seen.unlikely_keys == 0);
            if seen.odd {
                return Likelihood::None;
            }
            let bytes = cursor.offset() - offset;
            match advance {
                Advance::Boundary if records >= ENOUGH_RECORDS => {
                    let late = seen.falls_in_step();
                    return if late { Likelihood::BeginsWell } else { Likelihood::Boundary };
                }
                Advance::Boundary if records >= LEAST_RECORDS && bytes >= ENOUGH_BYTES && likely_keys => {
                    return Likelihood::Boundary;
                }
                Advance::Boundary => {}
                Advance::Broken(_) => return Likelihood::None,
                // Only the end of the whole file is believed.
                Advance::End => {
                    let behind = self.size_bytes.map(|size| size.saturating_sub(cursor.offset()));
                    let whole = behind.is_none_or(|behind| behind == 8 || behind == 0);
                    return if whole { Likelihood::Boundary } else { Likelihood::None };
                }
                Advance::More(_) => {
                    let next = self.trial.key();
                    let likely = likely_keys && next.map_or(records > 0, is_likely_key);
                    return if likely { Likelihood::BeginsWell } else { Likelihood::None };
                }
            }
        }
    }
}

/// Whether the first bytes can begin a record: a quick look that spares most trials.
fn may_begin(bytes: &[u8]) -> bool {
    let Some(first) = bytes.first_chunk::<12>() else { return true };
    match first[0] {
        // A type, and then a key: written as it is, as an integer, or compressed.
        type_id @ (0..=5 | 7 | 9..=28) => may_begin_key(bytes, type_id),
        // Milliseconds up to the year 10000 leave the upper bytes empty. A type follows, or another prefix.
        252 => first[7] == 0 && first[8] == 0 && matches!(first[9], 0..=28 | 107 | 243..=249),
        253 => matches!(first[5], 0..=28 | 107 | 243..=249),
        // A database, or the sizes of its tables.
        251 | 254 => first[1] >> 6 != 3,
        107 | 243..=250 | 255 => true,
        _ => false,
    }
}

/// Whether the first bytes can begin the record of a key that looks like one, its prefixes included.
fn may_begin_likely(bytes: &[u8]) -> bool {
    // Nearly all places fail here.
    if !matches!(bytes.first(), Some(0..=5 | 7 | 9..=28 | 107 | 244 | 248 | 249 | 251..=254)) {
        return false;
    }
    key_behind_prefixes(bytes).is_ok_and(|key| key.is_some_and(is_likely_key))
}

fn key_behind_prefixes(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let mut cursor = Cursor::new(bytes, 0, None);
    loop {
        let numbers = match cursor.u8()? {
            0..=5 | 7 | 9..=28 => return Ok(cursor.plain().filter(|key| key.len() <= MAX_KEY_BYTES)),
            format::EXPIRETIME => cursor.take(4).map(|_| 0)?,
            format::EXPIRETIME_MS => cursor.take(8).map(|_| 0)?,
            format::FREQ => cursor.take(1).map(|_| 0)?,
            format::IDLE | format::ENTERPRISE_RAM_LRU | format::SELECTDB => 1,
            format::RESIZEDB => 2,
            format::SLOT_INFO => 3,
            _ => return Ok(None),
        };
        for _ in 0..numbers {
            cursor.number()?;
        }
    }
}

/// Whether a key and then a value of this type can follow.
fn may_begin_key(bytes: &[u8], type_id: u8) -> bool {
    let mut cursor = Cursor::new(bytes.get(1..).unwrap_or_default(), 0, None);
    let Some(key) = cursor.plain() else {
        // An integer or compressed. Keys that are not all there are too long to be looked at here.
        return matches!(bytes.get(1), Some(0xc0..=0xc3));
    };
    // A value begins with a count or with the header of a string; only for a string is that an integer as well.
    match cursor.rest().first() {
        _ if !(1..=MAX_KEY_BYTES).contains(&key.len()) => false,
        None | Some(0..=0x81) => true,
        Some(0xc0..=0xc2) => type_id == 0,
        Some(0xc3) => type_id == 0 || type_id >= 9,
        _ => false,
    }
}

fn is_likely_key(key: &[u8]) -> bool {
    key.len() >= LEAST_KEY_BYTES
        && key.iter().all(|byte| !byte.is_ascii_control())
        && std::str::from_utf8(key).is_ok()
}
