//! The pieces that values consist of: lengths and forms without contents, for weighing what a server will make of them.

mod batch;
mod length;
mod mark;

pub(crate) use self::length::MAX_INTEGER_BYTES;
pub use self::{
    batch::Pieces,
    length::{Length, Row},
    mark::Mark,
};
use crate::format::value_type::Encoding;

/// In tables with more rows, integers are not distinguished from other strings: no server packs that many.
pub(crate) const MAX_PACKED_ROWS: u64 = 512;

/// A value that is one packed collection, small enough that its rows are not reported ([`Whole`]). Stands for
/// [`Piece::Begin`], [`Piece::Packed`], [`Piece::Elements`] and [`Piece::End`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedPiece {
    /// The key.
    pub key: KeyPiece,
    /// The encoding of the value in the file.
    pub encoding: Encoding,
    /// The decompressed size of the value.
    pub bytes: u64,
    /// The number of elements.
    pub elements: u64,
}

/// One piece of a value that is not a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// A value begins. All pieces up to [`Piece::End`] belong to it.
    Begin(Encoding),
    /// The value that began last ends.
    End(KeyPiece),
    /// The weight of the value that ends next is asked for, by [`crate::Weigher::marked`].
    Marked(Mark),
    /// The elements of the value, as in [`crate::Record::elements`]. Once per value: before the rows of a table, and
    /// before the end of any other value.
    Elements(u64),
    /// Members of a set or sorted set, or fields with their values. For packed collections only if they have more
    /// elements than [`Whole`] says.
    Rows(RowPlaces),
    /// Members of a large set or sorted set, of which only the lengths matter: [`Pieces::members`]. At most once per
    /// batch; more may follow in the next one. Some members may come as rows instead.
    Members,
    /// A field that expires, with its value.
    ExpiringRow(Row),
    /// The expiry of the field in the next expiring row, in milliseconds.
    FieldExpiry(u64),
    /// A packed collection of this many bytes, decompressed: a whole value, or one node of it.
    Packed(u64),
    /// The size of the last ziplist or zipmap as a listpack.
    Repacked(u64),
    /// A node of a quicklist that is one plain item of this many bytes.
    Plain(u64),
    /// An item of a list that is stored item by item.
    Item(Length),
    /// A node of a stream: the id of its first entry, 16 bytes.
    StreamNode(TextPlace),
    /// A consumer group begins, with its name.
    Group(TextPlace),
    /// Pending entries of the group: their ids, 16 bytes each.
    Pending(TextPlace),
    /// A consumer of the group begins, with its name.
    Consumer(TextPlace),
    /// Pending entries of the consumer: their ids, 16 bytes each.
    Owned(TextPlace),
    /// The bytes by which a string of the value exceeds the longest [`Length`].
    Beyond(u64),
}

/// Whether a key expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It has no expiry.
    Never,
    /// It expires in the future.
    ToCome,
    /// It expired before the time of the scan: servers do not load it.
    Past,
}

/// The key of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPiece {
    /// The key's length in bytes.
    pub bytes: u32,
    /// The key's cluster slot.
    pub slot: u16,
    /// Whether the key expires.
    pub expiry: Expiry,
}

/// The largest packed collections, in elements, that are reported as a whole, without their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Whole {
    /// For hashes.
    pub hash: u64,
    /// For sets.
    pub set: u64,
    /// For sorted sets.
    pub zset: u64,
    /// For intsets.
    pub intset: u64,
}

/// The place of rows in [`Pieces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlaces {
    start: u32,
    end: u32,
}

/// The place of a text in [`Pieces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPlace {
    start: u32,
    bytes: u32,
}

impl Whole {
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            hash: self.hash.min(other.hash),
            set: self.set.min(other.set),
            zset: self.zset.min(other.zset),
            intset: self.intset.min(other.intset),
        }
    }
}

/// What is reported about the strings of a value, as values of a const parameter.
pub(crate) mod lengths {
    /// Nothing.
    pub(crate) const NONE: u8 = 0;
    /// Their lengths.
    pub(crate) const TEXTS: u8 = 1;
    /// Also whether they are integers.
    pub(crate) const INTEGERS: u8 = 2;
    /// As [`super::Pieces::sorts_integers`] says.
    pub(crate) const ASK: u8 = 3;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_stays_small() {
        assert!(size_of::<Piece>() <= 16);
    }
}
