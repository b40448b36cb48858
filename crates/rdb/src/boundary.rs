//! Finding where a record begins in the middle of a file, which has no index and no marks.
use crate::cursor::Cursor;
use crate::fault::{Fault, Hazard};
use crate::inspection::Magic;
use crate::scan::{Advance, Scan};
use crate::visit::{Record, Visitor};

/// So many records in a row are no accident.
const ENOUGH_RECORDS: u32 = 16;
/// Fewer are enough if they take so many bytes and all their keys look like keys. One alone is not: the rows of a table
/// read like those of another one that begins among them.
const ENOUGH_BYTES: u64 = 128 << 10;
const LEAST_RECORDS: u32 = 2;
/// What looks like a key is not shorter and has no control characters.
const LEAST_KEY_BYTES: usize = 2;

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
    unlikely_keys: bool,
}

impl Visitor for Strict {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        // Zeros read like strings of no bytes under keys of no bytes.
        self.odd |= record.key.is_empty();
        self.unlikely_keys |= !is_likely_key(record.key);
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
        Self { trial: Scan::new(Strict::default(), magic, None, false), size_bytes }
    }

    /// The first place in the bytes, which begin at `offset` of the file, that looks like a boundary.
    ///
    /// A place behind which enough records are seen is preferred to an earlier one that only begins well.
    pub(crate) fn find(&mut self, bytes: &[u8], offset: u64) -> Option<usize> {
        let mut begins_well = None;
        for place in 0..bytes.len() {
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
                    begins_well.get_or_insert(place);
                }
                Likelihood::Boundary => return Some(place),
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
            let Strict { records, odd, unlikely_keys } = self.trial.visitor;
            if odd {
                return Likelihood::None;
            }
            let bytes = cursor.offset() - offset;
            match advance {
                Advance::Boundary if records >= ENOUGH_RECORDS => return Likelihood::Boundary,
                Advance::Boundary if records >= LEAST_RECORDS && bytes >= ENOUGH_BYTES && !unlikely_keys => {
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
                    let likely = !unlikely_keys && next.map_or(records > 0, is_likely_key);
                    return if likely { Likelihood::BeginsWell } else { Likelihood::None };
                }
            }
        }
    }
}

/// Whether the first byte can begin a record: a quick look that spares most trials.
fn may_begin(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0..=5 | 7 | 9..=28 | 107 | 243..=255))
}

fn is_likely_key(key: &[u8]) -> bool {
    key.len() >= LEAST_KEY_BYTES && key.iter().all(|byte| !byte.is_ascii_control())
}
