//! Stretches of a file that a copy can take as they are: nothing but keys of certain types, in one database.

use serde::{Deserialize, Serialize};

use crate::{bytes::crc::combine, fault::Fault, format::type_set::TypeSet};

/// The least size of a stretch, in bytes: that of a part in an upload to S3.
pub const LEAST_STRETCH_BYTES: u64 = 5 << 20;
/// The most stretches that are noted in a part of a file.
pub(crate) const MAX_STRETCHES: usize = 1000;

/// Consecutive keys of one database, with nothing between them: their bytes can be copied into another file as they
/// are. Nothing precedes a key but its expiry, idle time and frequency, which every version reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stretch {
    /// File offset of the first key's first byte, which may be that of its expiry.
    pub offset: u64,
    /// The number of bytes.
    pub bytes: u64,
    /// The database; [`Fault::UNKNOWN_DATABASE`] in a part of a file that does not name it.
    pub database: u64,
    /// The number of keys.
    pub keys: u64,
    /// The number of keys with an expiry.
    pub expires: u64,
    /// The types that were asked for: no other type is here.
    pub types: TypeSet,
    /// The CRC-64 of these bytes alone.
    #[serde(with = "crate::bytes::encoded")]
    pub crc: u64,
}

impl Stretch {
    /// File offset after the last byte.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes)
    }

    /// Adds what follows. Returns it if it is no continuation.
    fn append(&mut self, next: Self) -> Option<Self> {
        if next.offset != self.end() || (next.database, next.types) != (self.database, self.types) {
            return Some(next);
        }
        self.crc = combine(self.crc, next.crc, next.bytes);
        self.bytes = self.bytes.saturating_add(next.bytes);
        self.keys = self.keys.saturating_add(next.keys);
        self.expires = self.expires.saturating_add(next.expires);
        None
    }
}

/// Joins the stretches of two neighboring parts, which begin at `start` and end at `end`. What is smaller than
/// `least_bytes` stays only at the edges: the parts before and after may have the rest of it.
pub(crate) fn join(stretches: &mut Vec<Stretch>, next: Vec<Stretch>, start: u64, end: u64, least_bytes: u64) {
    let counts = |one: &Stretch| one.bytes >= least_bytes || one.offset == start || one.end() == end;
    let mut next = next.into_iter();
    let last = stretches.pop();
    let first = match (last, next.next()) {
        (Some(mut last), Some(first)) => {
            let first = last.append(first);
            stretches.extend(Some(last).filter(counts));
            first
        }
        (last, first) => last.or(first),
    };
    stretches.extend(first.filter(counts));
    stretches.extend(next);
}

/// A place between two records of a part.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    /// The keys before it, and those among them with an expiry.
    pub(crate) keys: u64,
    pub(crate) expires: u64,
    pub(crate) database: Option<u64>,
}

/// Notes stretches while a part is read.
///
/// Keys that are copied cost nothing: only what ends a stretch is noticed, and counts are differences. So are the
/// checksums, of the bytes from the start of the part up to the ends of a stretch.
pub(crate) struct Notes {
    pub(crate) types: TypeSet,
    pub(crate) least_bytes: u64,
    /// File offset of the part.
    start: u64,
    /// Where the current stretch begins, and the checksum up to there, once it has been computed.
    open: (Place, Option<u64>),
    /// Stretches that have ended since checksums were last computed.
    ended: Vec<(Place, Option<u64>, Place)>,
    /// The last place before which all bytes are in the checksum, and that checksum.
    reached: (Place, u64),
    found: Vec<Stretch>,
}

impl Notes {
    pub(crate) fn new(types: TypeSet, least_bytes: u64) -> Self {
        Self {
            types,
            least_bytes,
            start: 0,
            open: (Place::default(), None),
            ended: Vec::new(),
            reached: (Place::default(), 0),
            found: Vec::new(),
        }
    }

    /// Begins a part, and drops what was noted before.
    pub(crate) fn begin_part(&mut self, at: Place) {
        self.start = at.offset;
        (self.open, self.reached) = ((at, Some(0)), (at, 0));
        self.ended.clear();
        self.found.clear();
    }

    /// Ends the current stretch before something that is not copied as it is.
    pub(crate) fn end(&mut self, at: Place) {
        let (open, crc) = self.open;
        let bytes = at.offset.saturating_sub(open.offset);
        let counts = bytes >= self.least_bytes || open.offset == self.start;
        if bytes > 0 && counts && self.found.len() + self.ended.len() < MAX_STRETCHES {
            self.ended.push((open, crc, at));
        }
    }

    /// Begins the next stretch after it.
    pub(crate) fn begin(&mut self, at: Place) {
        self.open = (at, None);
    }

    /// Computes what checksums are needed up to a place, before more bytes are read. `crc_at` returns the checksum up
    /// to an offset, if the bytes are there; offsets ascend.
    pub(crate) fn reach(&mut self, at: Place, crc_at: &mut dyn FnMut(u64) -> Option<u64>) {
        let (last, last_crc) = self.reached;
        let mut crc_at = |offset| if offset <= last.offset { Some(last_crc) } else { crc_at(offset) };
        for (from, crc, to) in std::mem::take(&mut self.ended) {
            let Some(from_crc) = crc.or_else(|| crc_at(from.offset)) else { continue };
            let found = crc_at(to.offset).map(|to_crc| stretch(self.types, (from, from_crc), (to, to_crc)));
            self.found.extend(found);
        }
        let (open, crc) = &mut self.open;
        *crc = crc.or_else(|| crc_at(open.offset));
        if at.offset > last.offset
            && let Some(crc) = crc_at(at.offset)
        {
            self.reached = (at, crc);
        }
    }

    /// The stretches of the part, which ends at `end`.
    pub(crate) fn take(&mut self, end: u64) -> Vec<Stretch> {
        let ((open, crc), (reached, reached_crc)) = (self.open, self.reached);
        let mut found = std::mem::take(&mut self.found);
        if let Some(crc) = crc
            && reached.offset > open.offset
            && found.len() < MAX_STRETCHES
        {
            let last = stretch(self.types, (open, crc), (reached, reached_crc));
            let at_edge = last.offset == self.start || last.end() == end;
            found.extend(Some(last).filter(|last| at_edge || last.bytes >= self.least_bytes));
        }
        found
    }
}

/// The stretch between two places, with the checksums up to them.
fn stretch(types: TypeSet, (from, from_crc): (Place, u64), (to, to_crc): (Place, u64)) -> Stretch {
    let bytes = to.offset - from.offset;
    Stretch {
        offset: from.offset,
        bytes,
        database: from.database.unwrap_or(Fault::UNKNOWN_DATABASE),
        keys: to.keys.saturating_sub(from.keys),
        expires: to.expires.saturating_sub(from.expires),
        types,
        // The checksum of both is that of the first, shifted by the second, and that of the second.
        crc: combine(from_crc, to_crc, bytes),
    }
}
