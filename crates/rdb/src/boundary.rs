//! Finding where a record begins in the middle of a file, which has no index and no marks.
use crate::cursor::Cursor;
use crate::fault::{Fault, Hazard};
use crate::inspection::Magic;
use crate::scan::{Advance, Scan};
use crate::visit::{Record, Visitor};

/// So many records in a row are no accident.
const ENOUGH_RECORDS: u32 = 16;
/// Fewer are enough if they take so many bytes.
const ENOUGH_BYTES: u64 = 64 << 10;
/// A record that goes on behind the bytes at hand is believed by its key, if that is not shorter.
const LEAST_KEY_BYTES: usize = 4;

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
}

impl Visitor for Strict {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        // Zeros read like strings of no bytes under keys of no bytes.
        self.odd |= record.key.is_empty();
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
    pub(crate) fn find(&mut self, bytes: &[u8], offset: u64) -> Option<usize> {
        (0..bytes.len()).find(|place| {
            let rest = bytes.get(*place..).unwrap_or_default();
            may_begin(rest) && self.is_plausible(rest, offset + *place as u64)
        })
    }

    fn is_plausible(&mut self, bytes: &[u8], offset: u64) -> bool {
        self.trial.restart();
        self.trial.visitor = Strict::default();
        let mut cursor = Cursor::new(bytes, offset, self.size_bytes);
        loop {
            let limit = cursor.offset() + 1;
            let advance = self.trial.advance(&mut cursor, limit);
            let Strict { records, odd } = self.trial.visitor;
            if odd {
                return false;
            }
            match advance {
                Advance::Boundary
                    if records >= ENOUGH_RECORDS || cursor.offset() - offset >= ENOUGH_BYTES =>
                {
                    return records > 0;
                }
                Advance::Boundary => {}
                Advance::Broken(_) => return false,
                // Only the end of the whole file is believed.
                Advance::End => {
                    let behind = self.size_bytes.map(|size| size.saturating_sub(cursor.offset()));
                    return behind.is_none_or(|behind| behind == 8 || behind == 0);
                }
                Advance::More(_) => {
                    return records > 0 || self.trial.key().is_some_and(|key| is_likely_key(key));
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
