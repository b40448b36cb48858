//! What values are made of: lengths and forms without contents, for those who weigh what a server will make of them.

mod batch;
mod length;

pub(crate) use self::length::MAX_INTEGER_BYTES;
pub use self::{
    batch::Pieces,
    length::{Length, Row},
};
use crate::format::value_type::Encoding;

/// In tables of more rows integers are not told from other texts: no server packs so many.
pub(crate) const MAX_PACKED_ROWS: u64 = 512;

/// A value that is one packed collection, small enough that nothing is told of what is in it ([`Whole`]): the same as
/// [`Piece::Begin`], [`Piece::Packed`], [`Piece::Elements`] and [`Piece::End`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedPiece {
    /// The key.
    pub key: KeyPiece,
    /// How the file encodes it.
    pub encoding: Encoding,
    /// Its bytes, decompressed.
    pub bytes: u64,
    /// Its elements.
    pub elements: u64,
}

/// One piece of a value that is no string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// A value that is no string begins. What comes up to [`Piece::End`] is of it.
    Begin(Encoding),
    /// The value that has begun last ends.
    End(KeyPiece),
    /// The elements of the value, as in [`crate::Record::elements`]: before its end, and before the rows of a table.
    /// Once.
    Elements(u64),
    /// Members of a set or sorted set, or fields with their values. Those of packed collections are told of larger ones
    /// only ([`Whole`]), those of intsets never.
    Rows(RowPlaces),
    /// Members of a large set or sorted set, of which only the lengths matter: [`Pieces::members`]. Once in a batch at
    /// the most, and more may come in the next one. Some may come as rows instead.
    Members,
    /// A field that expires, with its value.
    ExpiringRow(Row),
    /// When the field of the next expiring row expires, in milliseconds.
    FieldExpiry(u64),
    /// A packed collection of so many bytes, decompressed: a whole value, or one node of it.
    Packed(u64),
    /// The bytes that the entries of the last ziplist or zipmap take as a listpack.
    Repacked(u64),
    /// A node of a quicklist that is one plain item of so many bytes.
    Plain(u64),
    /// An item of a list that is written item by item.
    Item(Length),
    /// A node of a stream: the id of its first entry, 16 bytes.
    StreamNode(TextPlace),
    /// A consumer group begins, with its name.
    Group(TextPlace),
    /// Entries are pending in the group: their ids, 16 bytes each.
    Pending(TextPlace),
    /// A consumer of the group begins, with its name.
    Consumer(TextPlace),
    /// Pending entries are the consumer's: their ids.
    Owned(TextPlace),
    /// So many bytes are missing in a length of the value, which can only say so much.
    Beyond(u64),
}

/// Whether a key expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// It will.
    ToCome,
    /// It has, at the time that the scan was told: servers do not load it.
    Past,
}

/// The key of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPiece {
    /// Its length in bytes.
    pub bytes: u32,
    /// Its cluster slot.
    pub slot: u16,
    /// Whether it expires.
    pub expiry: Expiry,
}

/// Up to how many elements packed collections are told as a whole, without their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Whole {
    /// Of hashes.
    pub hash: u64,
    /// Of sets.
    pub set: u64,
    /// Of sorted sets.
    pub zset: u64,
    /// Of intsets.
    pub intset: u64,
}

/// Where rows stand among those of [`Pieces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlaces {
    start: u32,
    end: u32,
}

/// Where a text stands among those of [`Pieces`].
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

/// What is to be known of the texts of a value, where the compiler is to know it too.
pub(crate) mod lengths {
    /// Nothing.
    pub(crate) const NONE: u8 = 0;
    /// How long they are.
    pub(crate) const TEXTS: u8 = 1;
    /// Also whether they are integers.
    pub(crate) const INTEGERS: u8 = 2;
    /// What [`super::Pieces::sorts_integers`] says.
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
