//! Pieces that are reported together.

use super::{KeyPiece, Length, Mark, PackedPiece, Piece, Row, RowPlaces, TextPlace, Whole, lengths};
use crate::format::value_type::{Encoding, Kind};

/// The number of pieces in a batch. A value may have more.
const BATCH: usize = 2048;
/// The approximate number of bytes of texts in a batch.
const BATCH_TEXT_BYTES: usize = 64 << 10;
/// Members of large tables are counted by length if they are shorter than this.
const COUNTED_BYTES: usize = 256;

/// The pieces of some records: [`Self::strings`], [`Self::packed`], and [`Self::list`] for all other values.
///
/// A value may begin in one batch and end in another. One that never ends does not count.
#[derive(Debug, Default)]
pub struct Pieces {
    strings: Vec<(KeyPiece, Length)>,
    packed: Vec<PackedPiece>,
    /// The marked ones among the strings and the packed values, by index.
    marked_strings: Vec<(u32, Mark)>,
    marked_packed: Vec<(u32, Mark)>,
    list: Vec<Piece>,
    /// The index in the list where the current value begins, if it does.
    begun: Option<usize>,
    rows: Vec<Row>,
    /// The number of rows that are in the list.
    listed: usize,
    members: MemberCounts,
    texts: Vec<u8>,
    on: bool,
    /// Packed collections up to these sizes are not taken apart.
    pub(crate) whole: Whole,
    /// Whether integers are distinguished from other strings in the current value.
    pub(crate) sorts_integers: bool,
}

/// The number of members of each length.
#[derive(Debug)]
struct MemberCounts {
    counts: [u32; COUNTED_BYTES],
    /// Whether [`Piece::Members`] is in the list.
    listed: bool,
}

impl Default for MemberCounts {
    fn default() -> Self {
        Self { counts: [0; COUNTED_BYTES], listed: false }
    }
}

impl Pieces {
    /// The strings, in file order.
    #[inline]
    pub fn strings(&self) -> &[(KeyPiece, Length)] {
        &self.strings
    }

    /// Values that are reported as a whole, in file order.
    #[inline]
    pub fn packed(&self) -> &[PackedPiece] {
        &self.packed
    }

    /// The strings with a mark, for [`crate::Weigher::marked`].
    pub fn marked_strings(&self) -> impl Iterator<Item = (Mark, KeyPiece, Length)> {
        let strings = self.marked_strings.iter();
        strings.filter_map(|(place, mark)| {
            let (key, value) = self.strings.get(*place as usize)?;
            Some((*mark, *key, *value))
        })
    }

    /// The values among [`Self::packed`] with a mark, for [`crate::Weigher::marked`].
    pub fn marked_packed(&self) -> impl Iterator<Item = (Mark, &PackedPiece)> {
        let packed = self.marked_packed.iter();
        packed.filter_map(|(place, mark)| Some((*mark, self.packed.get(*place as usize)?)))
    }

    /// The pieces of other values, in file order.
    #[inline]
    pub fn list(&self) -> &[Piece] {
        &self.list
    }

    /// The rows of a [`Piece::Rows`].
    #[inline]
    pub fn rows(&self, places: RowPlaces) -> &[Row] {
        self.rows.get(places.start as usize..places.end as usize).unwrap_or_default()
    }

    /// The lengths of the members that [`Piece::Members`] stands for, each with the number of members that have it.
    pub fn members(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let counts = self.members.counts.iter().map(|count| u64::from(*count));
        (0..).zip(counts).filter(|(_, count)| *count > 0)
    }

    /// The text that a piece refers to.
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
        self.packed.clear();
        self.marked_strings.clear();
        self.marked_packed.clear();
        self.list.clear();
        self.begun = None;
        self.rows.clear();
        self.listed = 0;
        self.texts.clear();
        if self.members.listed {
            self.members = MemberCounts::default();
        }
    }

    /// Whether the batch should be reported before it grows.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.strings.len().max(self.packed.len()).max(self.list.len() + self.rows.len()) >= BATCH
            || self.texts.len() >= BATCH_TEXT_BYTES
    }

    #[inline]
    pub(crate) fn push(&mut self, piece: Piece) {
        if self.on {
            self.list_rows();
            self.list.push(piece);
        }
    }

    /// Adds a string. Returns whether the batch should be reported before it grows.
    #[inline(always)]
    pub(crate) fn push_string(&mut self, key: KeyPiece, value: Length, mark: Option<Mark>) -> bool {
        if let Some(mark) = mark {
            self.marked_strings.push((self.strings.len() as u32, mark));
        }
        self.strings.push((key, value));
        self.strings.len() >= BATCH
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.strings.is_empty() && self.packed.is_empty() && self.list.is_empty()
    }

    #[inline]
    pub(crate) fn push_row(&mut self, member: Length, value: Length) {
        if self.on {
            self.rows.push(Row { member, value });
        }
    }

    /// As [`Self::push_row`], if pieces are known to be wanted. Returns whether the batch should be reported before it
    /// grows.
    #[inline(always)]
    pub(crate) fn push_row_of_many(&mut self, member: Length, value: Length) -> bool {
        self.rows.push(Row { member, value });
        self.rows.len() >= BATCH
    }

    /// Starts counting members of the current value with [`Self::count_member`].
    #[inline]
    pub(crate) fn begin_members(&mut self) {
        if !self.members.listed {
            self.push(Piece::Members);
            self.members.listed = true;
        }
    }

    /// Counts a member of which only the length matters. Returns false if it is too long to be counted.
    #[inline(always)]
    pub(crate) fn count_member(&mut self, member: Length) -> bool {
        let count = self.members.counts.get_mut(member.short_text());
        count.map(|count| *count += 1).is_some()
    }

    /// Adds the latest rows to the list.
    #[inline]
    pub(crate) fn list_rows(&mut self) {
        if self.rows.len() > self.listed {
            self.list.push(Piece::Rows(RowPlaces { start: self.listed as u32, end: self.rows.len() as u32 }));
            self.listed = self.rows.len();
        }
    }

    /// Begins a value. The result is for [`Self::undo`].
    pub(crate) fn begin(&mut self, encoding: Encoding) -> [usize; 3] {
        self.list_rows();
        let before = [self.list.len(), self.rows.len(), self.texts.len()];
        self.begun = Some(self.list.len());
        self.push(Piece::Begin(encoding));
        before
    }

    /// Ends a value, with its elements if they were not reported yet. Returns whether the batch should be reported
    /// before it grows.
    #[inline]
    pub(crate) fn end(&mut self, key: KeyPiece, elements: Option<u64>, mark: Option<Mark>) -> bool {
        let begun = self.begun.take().and_then(|begun| self.list.get(begun..));
        if let (Some([Piece::Begin(encoding), Piece::Packed(bytes)]), Some(elements)) = (begun, elements)
            && encoding.kind() != Kind::List
            && self.rows.len() == self.listed
        {
            self.marked_packed.extend(mark.map(|mark| (self.packed.len() as u32, mark)));
            self.packed.push(PackedPiece { key, encoding: *encoding, bytes: *bytes, elements });
            self.list.truncate(self.list.len() - 2);
        } else {
            if let Some(elements) = elements {
                self.push(Piece::Elements(elements));
            }
            if let Some(mark) = mark {
                self.push(Piece::Marked(mark));
            }
            self.push(Piece::End(key));
        }
        // The counts are of one value only.
        self.is_full() || self.members.listed
    }

    /// Drops everything since a value began, which will be read again.
    pub(crate) fn undo(&mut self, [pieces, rows, texts]: [usize; 3]) {
        self.list.truncate(pieces);
        self.rows.truncate(rows);
        self.listed = rows;
        self.texts.truncate(texts);
    }

    /// Adds a piece with a text.
    pub(crate) fn push_text(&mut self, text: &[u8], piece: fn(TextPlace) -> Piece) {
        if self.on {
            self.list_rows();
            let place = TextPlace { start: self.texts.len() as u32, bytes: text.len() as u32 };
            self.texts.extend_from_slice(text);
            self.list.push(piece(place));
        }
    }

    /// Adds what [`Length`] cannot hold of a text of `bytes` bytes.
    #[inline]
    pub(crate) fn push_beyond(&mut self, bytes: u64) {
        if bytes > Length::MAX_BYTES {
            self.push(Piece::Beyond(bytes - Length::MAX_BYTES));
        }
    }

    /// The same length, but as that of a plain text if integers are not distinguished: adding up many lengths is then
    /// not slowed down by the few strings that are stored as integers.
    pub(crate) fn sorted(&self, length: Length) -> Length {
        if self.sorts_integers { length } else { Length::text(length.bytes()) }
    }

    /// The length of a text in the current value, as one of [`lengths`] says.
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
