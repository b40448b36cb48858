//! Packed collections: small ones that a server keeps, and saves, as one string. Each form is checked as its bytes
//! pass, so that one of any size can be read through a window.

mod code;
mod entries;
mod groups;
mod intset;
mod listpack;
pub(crate) mod members;
mod node;
mod whole;
mod ziplist;
mod zipmap;

pub(crate) use code::Code;
pub use entries::{Listpack as ListpackEntries, PackedEntry};
use groups::{Groups, Items, Scores};
pub(crate) use groups::{MAX_FIELD_EXPIRY_MS, bad_field_expiry, bad_score};
use intset::Intset;
use listpack::Listpack;
use node::Node;
pub(crate) use whole::{Packing, Passing};
use ziplist::Ziplist;
use zipmap::Zipmap;

use crate::{
    bytes::stop::Result,
    fault::HazardCode,
    packed::members::Members,
    pieces::{Length, Pieces},
};

/// Longer strings are skipped without being read. Chunks are longer, so that every string that is read fits in one.
pub(crate) const MAX_MEMBER_BYTES: usize = 64 << 10;

/// The size of a listpack without entries: its header and its end.
pub(crate) const EMPTY_LISTPACK_BYTES: u64 = 7;

/// One entry of a packed collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry<'b> {
    Int(i64),
    Text(&'b [u8]),
    /// A string that is too long to be read, with its length.
    Long(u64),
}

impl Entry<'_> {
    /// The length as text, and whether the entry is an integer. Texts in packed collections are no integers, except in
    /// zipmaps.
    #[inline]
    pub(crate) fn length(self) -> Length {
        match self {
            Self::Int(number) => Length::integer(number),
            Self::Text(text) => Length::text(text.len() as u64),
            Self::Long(bytes) => Length::text(bytes),
        }
    }
}

/// What is collected from entries, apart from their number.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) members: Members,
    /// Hash fields with an expiry.
    pub(crate) field_expires: u64,
    /// Idempotent producers and given-back entries of streams.
    pub(crate) stream_state: u64,
    pub(crate) pieces: Pieces,
    /// Contradictions in the value that some servers load nevertheless.
    pub(crate) contradictions: Contradictions,
}

/// Contradictions in a value that some servers load nevertheless: the first of each kind.
#[derive(Debug, Default)]
pub(crate) struct Contradictions(Vec<(HazardCode, String)>);

impl Contradictions {
    #[cold]
    pub(crate) fn note(&mut self, code: HazardCode, message: impl FnOnce() -> String) {
        if self.0.iter().all(|(other, _)| *other != code) {
            self.0.push((code, message()));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Vec<(HazardCode, String)> {
        std::mem::take(&mut self.0)
    }
}

/// A form of packing: how bytes become entries.
pub(crate) trait Form: Sized {
    /// A collection of `bytes` bytes.
    fn new(bytes: u64) -> Self;

    /// Reads the next bytes and returns how many of them are used. The others have to be passed again, with more bytes
    /// after them; if none can follow, that is a fault. The first call needs at least 16 bytes, or all there are.
    fn feed<M: Meaning>(&mut self, chunk: &[u8], meaning: &mut M, seen: &mut Seen) -> Result<usize>;
}

/// The meaning of a collection's entries.
pub(crate) trait Meaning {
    /// Called before the first entry, with the expected number of entries.
    fn begin(&mut self, _expected: u64, _seen: &mut Seen) {}

    /// Reads the next entry.
    fn entry(&mut self, entry: Entry<'_>, seen: &mut Seen) -> Result<()>;

    /// Counts entries that are not passed one by one.
    fn unseen(&mut self, _entries: u64) {}

    /// Ends the collection. Returns the number of elements.
    fn end(&mut self, seen: &mut Seen) -> Result<u64>;
}

/// A signed little-endian integer of 1 to 8 bytes.
pub(crate) fn signed(bytes: &[u8]) -> i64 {
    let unused = 64 - 8 * bytes.len().clamp(1, 8) as u32;
    (unsigned(bytes) << unused).cast_signed() >> unused
}

/// An unsigned little-endian integer of at most 8 bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
