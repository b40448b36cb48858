//! What values are made of: lengths and forms without contents, for those who weigh what a server will make of them.
use serde::{Deserialize, Serialize};

use crate::format::Encoding;
use crate::hash::integer;
use crate::visit::Expiry;

/// So many pieces are told at once; a value may have more.
const BATCH: usize = 2048;
/// In tables of more rows integers are not told from other texts: no server packs so many.
pub(crate) const MAX_PACKED_ROWS: u64 = 512;
/// No longer text is the canonical form of an integer.
pub(crate) const MAX_INTEGER_BYTES: u64 = 20;

/// The pieces of some records: [`Self::strings`], and of all other values [`Self::list`].
///
/// A value may begin in one batch and end in another; one that never ends was none.
#[derive(Debug, Default)]
pub struct Pieces {
    strings: Vec<(KeyPiece, Length)>,
    list: Vec<Piece>,
    rows: Vec<Row>,
    /// So many of the rows are in the list.
    listed: usize,
    texts: Vec<u8>,
    on: bool,
    /// Packed collections up to here are not taken apart.
    pub(crate) whole: Whole,
    /// Whether integers are told from other texts in the value that is being read.
    pub(crate) sorts_integers: bool,
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
    Elements(u64),
    /// Members of a set or sorted set, or fields with their values. Those of packed collections are told of larger ones
    /// only ([`Whole`]), those of intsets never.
    Rows(RowPlaces),
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
    /// An entry is pending in the group: its id.
    Pending(TextPlace),
    /// A consumer of the group begins, with its name.
    Consumer(TextPlace),
    /// A pending entry is the consumer's: its id.
    Owned(TextPlace),
    /// So many bytes are missing in a length of the value, which can only say so much.
    Beyond(u64),
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

/// A member or field, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The member or field.
    pub member: Length,
    /// Its value; for a sorted set its score, as text; nothing for a set.
    pub value: Length,
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

/// The length of a text, and whether it is an integer. Up to 2 GiB; what is longer has a [`Piece::Beyond`] behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Length(u32);

impl Length {
    const INTEGER: u32 = 1 << 31;
    const MAX_BYTES: u64 = (1 << 31) - 1;
    const SHARED: u32 = 1 << 12;

    /// A text that is no integer, or of which nobody asks.
    #[inline]
    pub const fn text(bytes: u64) -> Self {
        Self(if bytes > Self::MAX_BYTES { Self::MAX_BYTES as u32 } else { bytes as u32 })
    }

    /// A text that is there as a whole, and so has less than 2 GiB.
    #[inline(always)]
    const fn in_memory(text: &[u8]) -> Self {
        Self(text.len() as u32 & !Self::INTEGER)
    }

    /// An integer in its canonical form.
    pub fn integer(number: i64) -> Self {
        let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) + 1 + u32::from(number < 0);
        // The whole entry of a listpack, with the length behind it.
        let packed = match number {
            0..=127 => 2,
            -4096..=4095 => 3,
            -32_768..=32_767 => 4,
            -8_388_608..=8_388_607 => 5,
            -2_147_483_648..=2_147_483_647 => 6,
            _ => 10,
        };
        let shared = if (0..10_000).contains(&number) { Self::SHARED } else { 0 };
        Self(Self::INTEGER | shared | packed << 5 | digits)
    }

    /// A text that may be an integer.
    #[inline]
    pub fn of(text: &[u8]) -> Self {
        match text.first() {
            Some(b'0'..=b'9' | b'-') if text.len() as u64 <= MAX_INTEGER_BYTES => {
                integer(text).map_or(Self::text(text.len() as u64), Self::integer)
            }
            _ => Self::in_memory(text),
        }
    }

    /// Whether it is an integer of 64 bits in its canonical form.
    #[inline]
    pub const fn is_integer(self) -> bool {
        self.0 & Self::INTEGER != 0
    }

    /// Whether it is one of the integers from 0 to 9999, of which servers keep a shared copy.
    pub const fn is_small_integer(self) -> bool {
        self.is_integer() && self.0 & Self::SHARED != 0
    }

    /// The bytes of the text.
    #[inline]
    pub const fn bytes(self) -> u64 {
        (if self.is_integer() { self.0 & 0x1f } else { self.0 }) as u64
    }

    /// The bytes of its entry in a listpack.
    #[inline]
    pub const fn packed_bytes(self) -> u64 {
        if self.is_integer() {
            return (self.0 >> 5 & 0xf) as u64;
        }
        let header = match self.0 {
            0..64 => 1,
            64..4096 => 2,
            _ => 5,
        };
        let entry = header + self.0 as u64;
        entry
            + match entry {
                0..=127 => 1,
                128..16_383 => 2,
                16_383..2_097_151 => 3,
                2_097_151..268_435_455 => 4,
                _ => 5,
            }
    }

    /// The bytes of an integer in an intset: 2, 4 or 8; none for a text.
    pub const fn integer_width(self) -> Option<u64> {
        if !self.is_integer() {
            return None;
        }
        Some(match self.packed_bytes() {
            ..=4 => 2,
            5 | 6 => 4,
            _ => 8,
        })
    }
}

impl Row {
    /// The lengths of members and values, if all are texts of less than so many bytes, a power of two up to 256.
    #[inline]
    pub fn short_texts<const BYTES: u32>(rows: &[Self]) -> Option<impl Iterator<Item = (u8, u8)>> {
        const { assert!(BYTES.is_power_of_two() && BYTES <= 1 << 8) };
        let all = rows.iter().fold(0, |all, row| all | row.member.0 | row.value.0);
        (all < BYTES).then(|| rows.iter().map(|row| (row.member.0 as u8, row.value.0 as u8)))
    }
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

impl Pieces {
    /// The strings, in the order of the file.
    #[inline]
    pub fn strings(&self) -> &[(KeyPiece, Length)] {
        &self.strings
    }

    /// The pieces of other values, in the order of the file.
    #[inline]
    pub fn list(&self) -> &[Piece] {
        &self.list
    }

    /// The rows that one of the pieces names.
    #[inline]
    pub fn rows(&self, places: RowPlaces) -> &[Row] {
        self.rows.get(places.start as usize..places.end as usize).unwrap_or_default()
    }

    /// The text at a place that one of the pieces names.
    #[inline]
    pub fn text(&self, place: TextPlace) -> &[u8] {
        let start = place.start as usize;
        self.texts.get(start..start + place.bytes as usize).unwrap_or_default()
    }

    pub(crate) fn switch_on(&mut self, whole: Whole) {
        self.on = true;
        self.whole = whole;
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    pub(crate) fn clear(&mut self) {
        self.strings.clear();
        self.list.clear();
        self.rows.clear();
        self.listed = 0;
        self.texts.clear();
    }

    /// Whether they should be told before there are more.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.strings.len().max(self.list.len() + self.rows.len()) >= BATCH
    }

    #[inline]
    pub(crate) fn push(&mut self, piece: Piece) {
        if self.on {
            self.list_rows();
            self.list.push(piece);
        }
    }

    /// Adds a string; true if the pieces should be told before there are more.
    #[inline(always)]
    pub(crate) fn push_string(&mut self, key: KeyPiece, value: Length) -> bool {
        self.strings.push((key, value));
        self.strings.len() >= BATCH
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.strings.is_empty() && self.list.is_empty()
    }

    #[inline]
    pub(crate) fn push_row(&mut self, member: Length, value: Length) {
        if self.on {
            self.rows.push(Row { member, value });
        }
    }

    /// The same where pieces are known to be wanted; true if they should be told before there are more.
    #[inline(always)]
    pub(crate) fn push_row_of_many(&mut self, member: Length, value: Length) -> bool {
        self.rows.push(Row { member, value });
        self.rows.len() >= BATCH
    }

    /// Puts the rows that came last into the list.
    #[inline]
    pub(crate) fn list_rows(&mut self) {
        if self.rows.len() > self.listed {
            self.list.push(Piece::Rows(RowPlaces { start: self.listed as u32, end: self.rows.len() as u32 }));
            self.listed = self.rows.len();
        }
    }

    /// Begins a value. What it gives is for [`Self::undo`].
    pub(crate) fn begin(&mut self, encoding: Encoding) -> [usize; 3] {
        self.list_rows();
        let before = [self.list.len(), self.rows.len(), self.texts.len()];
        self.push(Piece::Begin(encoding));
        before
    }

    /// Forgets what came since a value began: it will come again.
    pub(crate) fn undo(&mut self, [pieces, rows, texts]: [usize; 3]) {
        self.list.truncate(pieces);
        self.rows.truncate(rows);
        self.listed = rows;
        self.texts.truncate(texts);
    }

    /// A piece with a text.
    pub(crate) fn push_text(&mut self, text: &[u8], piece: fn(TextPlace) -> Piece) {
        if self.on {
            self.list_rows();
            let place = TextPlace { start: self.texts.len() as u32, bytes: text.len() as u32 };
            self.texts.extend_from_slice(text);
            self.list.push(piece(place));
        }
    }

    /// What is missing in the length of a text of so many bytes.
    #[inline]
    pub(crate) fn push_beyond(&mut self, bytes: u64) {
        if bytes > Length::MAX_BYTES {
            self.push(Piece::Beyond(bytes - Length::MAX_BYTES));
        }
    }

    /// The same length, as that of a text where integers are not told from others: those who add up many are then not
    /// kept up by the few that were written as integers.
    pub(crate) fn sorted(&self, length: Length) -> Length {
        if self.sorts_integers { length } else { Length::text(length.bytes()) }
    }

    /// The length of a text in the value that is being read, as one of [`lengths`] says.
    #[inline(always)]
    pub(crate) fn length<const LENGTHS: u8>(&self, text: &[u8]) -> Length {
        let sorts_integers = match LENGTHS {
            lengths::NONE => return Length::default(),
            lengths::TEXTS => false,
            lengths::INTEGERS => true,
            _ => self.sorts_integers,
        };
        if sorts_integers { Length::of(text) } else { Length::in_memory(text) }
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

    #[test]
    fn lengths_are_those_of_a_real_listpack() {
        // Entry sizes from src/listpack.c: encoding byte(s), contents, the length behind.
        for (text, packed, digits) in
            [("0", 2, 1), ("127", 2, 3), ("128", 3, 3), ("-1", 3, 2), ("4096", 4, 4), ("-32769", 5, 6)]
        {
            let length = Length::of(text.as_bytes());
            assert!(length.is_integer(), "{text}");
            assert_eq!((length.packed_bytes(), length.bytes()), (packed, digits), "{text}");
        }
        assert_eq!(Length::of(b"9223372036854775807").packed_bytes(), 10);
        assert_eq!(Length::of(b"9223372036854775808"), Length::text(19));
        assert_eq!(Length::of(b"-9223372036854775808").bytes(), 20);
        assert_eq!(Length::of(b"007"), Length::text(3));
        assert_eq!(Length::text(63).packed_bytes(), 65);
        assert_eq!(Length::text(64).packed_bytes(), 67);
        assert_eq!(Length::text(126).packed_bytes(), 130);
        assert_eq!(Length::text(4096).packed_bytes(), 4103);
        assert!(Length::of(b"9999").is_small_integer() && !Length::of(b"10000").is_small_integer());
        assert_eq!(Length::of(b"32767").integer_width(), Some(2));
        assert_eq!(Length::of(b"32768").integer_width(), Some(4));
        assert_eq!(Length::of(b"2147483648").integer_width(), Some(8));
    }
}
