//! Reading strings: most are in memory as a whole, the others continue in later bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    ahead::{Ahead, Then},
    contents::Contents,
    key::LongKey,
    template::Templates,
};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        hash::{hash_integer, hash_member},
        stop::{Broken, Result, Stop},
    },
    format::lzf::{Tokens, Unpacker},
    packed::{Code, MAX_MEMBER_BYTES, Packing, Passing, Seen},
    pieces::{Length, MAX_INTEGER_BYTES, Piece, lengths},
};

/// Packed collections up to this size are checked in one piece, larger ones as they pass.
const MAX_WHOLE_BYTES: u64 = 512 << 10;

/// State that all values share: memory that is reused, and what is collected from them.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) seen: Seen,
    pub(crate) unpacker: Unpacker,
    ahead: Ahead,
    /// A string that has begun and has not ended.
    pub(crate) open: Option<Open>,
    /// The first fault inside a string of this record. Reading continues after the string.
    pub(crate) flaw: Option<Box<Broken>>,
    /// The templates so far; none if they are not known, or the version has none.
    pub(crate) templates: Option<Templates>,
}

/// A string that has begun and has not ended.
pub(crate) enum Open {
    /// Bytes that are skipped.
    Raw(u64),
    /// A compressed string of which only the tokens are checked.
    Lzf(Tokens),
    /// A packed collection.
    Packed(Box<OpenPacked>),
    /// A key.
    Key(Box<LongKey>),
}

/// The part of [`Open`] that a position can hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Resumable {
    Raw(u64),
    Lzf(Tokens),
}

/// A packed collection that passes.
pub(crate) struct OpenPacked {
    contents: Contents,
    collection: Box<dyn Passing + Send>,
}

/// What an open string was, known at its end.
pub(crate) enum Closed {
    /// Nothing of interest.
    Text,
    /// A packed collection of this many elements, or code of this many functions.
    Packed(u64),
    /// A key.
    Key(Box<LongKey>),
}

impl Shared {
    /// Keeps a fault inside a string, unless the record has one already. Returns other errors.
    pub(crate) fn contain<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Broken(broken)) => {
                self.flaw.get_or_insert(broken);
                Ok(None)
            }
            Err(more @ Stop::More(_)) => Err(more),
        }
    }

    /// Skips a string, or opens it if it is not entirely in memory. Of a compressed string, the tokens are checked.
    #[inline]
    pub(crate) fn pass(&mut self, cursor: &mut Cursor<'_>, then: Then) -> Result<Text> {
        if let Some(text) = cursor.plain() {
            return Ok(Text::Raw(text.len() as u64));
        }
        self.pass_other(cursor, then)
    }

    /// Skips a string of a table as [`Self::pass`] does. Returns its length.
    #[inline(always)]
    pub(crate) fn measure<const LENGTHS: u8>(&mut self, cursor: &mut Cursor<'_>) -> Result<Length> {
        if let Some(text) = cursor.plain() {
            return Ok(self.seen.pieces.length::<LENGTHS>(text));
        }
        self.measure_other(cursor)
    }

    #[inline(never)]
    fn measure_other(&mut self, cursor: &mut Cursor<'_>) -> Result<Length> {
        let text = self.pass_other(cursor, Then::Other)?;
        if let Text::Raw(bytes) | Text::Lzf { unpacked: bytes, .. } = text {
            self.seen.pieces.push_beyond(bytes);
        }
        Ok(self.seen.pieces.sorted(text.length()))
    }

    #[inline(never)]
    fn pass_other(&mut self, cursor: &mut Cursor<'_>, then: Then) -> Result<Text> {
        let text = cursor.text()?;
        match text {
            // It may be an integer, which only the whole text shows.
            Text::Raw(bytes) if bytes <= MAX_INTEGER_BYTES => drop(cursor.take(bytes as usize)?),
            Text::Raw(bytes) => self.pass_bytes(cursor, bytes),
            Text::Int(_) => {}
            Text::Lzf { packed, unpacked } => self.pass_lzf(cursor, packed, unpacked, then)?,
        }
        Ok(text)
    }

    /// Skips bytes, or opens them if they are not all in memory.
    #[inline]
    pub(crate) fn pass_bytes(&mut self, cursor: &mut Cursor<'_>, bytes: u64) {
        let left = bytes - cursor.pass(bytes);
        if left > 0 {
            self.open = Some(Open::Raw(left));
        }
    }

    pub(super) fn pass_lzf(
        &mut self,
        cursor: &mut Cursor<'_>,
        packed: u64,
        unpacked: u64,
        then: Then,
    ) -> Result<()> {
        if packed > cursor.rest().len() as u64 {
            self.open = Some(Open::Lzf(Tokens::new(packed, unpacked)));
            return Ok(());
        }
        let proven = self.ahead.walk(cursor, packed as usize, unpacked as usize, then)?;
        self.contain(proven).map(drop)
    }

    /// The hash and the length of a member or field. There is no hash if it is too long to be read; it is then skipped
    /// or opened.
    #[inline(always)]
    pub(crate) fn member<const LENGTHS: u8>(
        &mut self,
        cursor: &mut Cursor<'_>,
    ) -> Result<(Option<u64>, Length)> {
        match cursor.plain() {
            Some(text) => Ok((Some(hash_member(text)), self.seen.pieces.length::<LENGTHS>(text))),
            None => self.other_member(cursor),
        }
    }

    #[inline(never)]
    fn other_member(&mut self, cursor: &mut Cursor<'_>) -> Result<(Option<u64>, Length)> {
        let text = cursor.text()?;
        let hash = match text {
            Text::Raw(bytes) if bytes <= MAX_MEMBER_BYTES as u64 => {
                let text = cursor.take(bytes as usize)?;
                return Ok((Some(hash_member(text)), self.seen.pieces.length::<{ lengths::ASK }>(text)));
            }
            Text::Raw(bytes) => {
                self.seen.pieces.push_beyond(bytes);
                self.pass_bytes(cursor, bytes);
                None
            }
            Text::Int(number) => Some(hash_integer(number)),
            Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_MEMBER_BYTES as u64 => {
                let input = cursor.take(packed as usize)?;
                let hash = self.unpacker.unpack(input, unpacked as usize).map(hash_member);
                self.contain(hash)?
            }
            Text::Lzf { packed, unpacked } => {
                self.seen.pieces.push_beyond(unpacked);
                self.pass_lzf(cursor, packed, unpacked, Then::Other)?;
                None
            }
        };
        Ok((hash, self.seen.pieces.sorted(text.length())))
    }

    /// The text of a name; none if it is too long to be read, in which case it is skipped or opened.
    pub(crate) fn name<'w>(&mut self, cursor: &mut Cursor<'w>) -> Result<Option<Cow<'w, [u8]>>> {
        match cursor.text()? {
            Text::Raw(bytes) if bytes <= MAX_MEMBER_BYTES as u64 => {
                Ok(Some(Cow::Borrowed(cursor.take(bytes as usize)?)))
            }
            Text::Raw(bytes) => {
                self.pass_bytes(cursor, bytes);
                Ok(None)
            }
            Text::Int(number) => Ok(Some(Cow::Owned(number.to_string().into_bytes()))),
            Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_MEMBER_BYTES as u64 => {
                let input = cursor.take(packed as usize)?;
                let name = self.unpacker.unpack(input, unpacked as usize).map(<[u8]>::to_vec);
                Ok(self.contain(name)?.map(Cow::Owned))
            }
            Text::Lzf { packed, unpacked } => {
                self.pass_lzf(cursor, packed, unpacked, Then::Other)?;
                Ok(None)
            }
        }
    }

    /// Checks the packed collection in a string. Returns the number of its elements, or opens it and returns 0.
    pub(crate) fn packed(&mut self, cursor: &mut Cursor<'_>, packing: Packing, then: Then) -> Result<u64> {
        let text = cursor.text()?;
        let elements = match text {
            Text::Raw(bytes) if bytes <= MAX_WHOLE_BYTES => {
                let contents = cursor.take(bytes as usize)?;
                packing.check(contents, &mut self.seen)
            }
            Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_WHOLE_BYTES => {
                let contents = self.ahead.unpack(cursor, packed as usize, unpacked as usize, then)?;
                contents.and_then(|contents| packing.check(contents, &mut self.seen))
            }
            Text::Int(number) => packing.check(number.to_string().as_bytes(), &mut self.seen),
            Text::Raw(bytes) => {
                self.open(packing.passing(bytes), Contents::raw(bytes));
                Ok(0)
            }
            Text::Lzf { packed, unpacked } => {
                self.open(packing.passing(unpacked), Contents::lzf(packed, unpacked));
                Ok(0)
            }
        };
        let elements = self.contain(elements)?.unwrap_or(0);
        let bytes = match text {
            Text::Raw(bytes) | Text::Lzf { unpacked: bytes, .. } => bytes,
            Text::Int(_) => text.length().bytes(),
        };
        self.seen.pieces.push(Piece::Packed(bytes));
        Ok(elements)
    }

    /// The length of a function library's code, and the number of functions that it registers; 0 for now if it is
    /// opened.
    pub(crate) fn code(&mut self, cursor: &mut Cursor<'_>) -> Result<(u64, u64)> {
        let text = cursor.text()?;
        let bytes = text.length().bytes();
        let functions = match text {
            Text::Int(_) => Ok(0),
            Text::Raw(bytes) if bytes <= MAX_WHOLE_BYTES => Ok(Code::functions(cursor.take(bytes as usize)?)),
            Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_WHOLE_BYTES => {
                let input = cursor.take(packed as usize)?;
                self.unpacker.unpack(input, unpacked as usize).map(Code::functions)
            }
            Text::Raw(bytes) => {
                self.open(Box::new(Code::new(bytes)), Contents::raw(bytes));
                Ok(0)
            }
            Text::Lzf { packed, unpacked } => {
                self.open(Box::new(Code::new(unpacked)), Contents::lzf(packed, unpacked));
                Ok(0)
            }
        };
        Ok((bytes, self.contain(functions)?.unwrap_or(0)))
    }

    /// Whether reading has to stop for now: a string is open, or the batch of pieces is full.
    #[inline]
    pub(crate) fn is_interrupted(&self) -> bool {
        self.open.is_some() || self.seen.pieces.is_full()
    }

    fn open(&mut self, collection: Box<dyn Passing + Send>, contents: Contents) {
        self.open = Some(Open::Packed(Box::new(OpenPacked { contents, collection })));
    }

    /// Continues with the open string up to its end.
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>) -> Result<Closed> {
        match self.open.take() {
            None => {}
            Some(Open::Raw(left)) => self.pass_bytes(cursor, left),
            Some(Open::Lzf(mut tokens)) => {
                let left = tokens.packed_left;
                let used = tokens.walk(cursor.rest());
                match self.contain(used)? {
                    Some(used) => {
                        cursor.pass(used as u64);
                        if tokens.packed_left > 0 {
                            self.open = Some(Open::Lzf(tokens));
                        }
                    }
                    None => self.pass_bytes(cursor, left),
                }
            }
            Some(Open::Packed(mut packed)) => {
                let OpenPacked { contents, collection } = &mut *packed;
                let closed = contents.go_on(cursor, &mut |chunk| collection.feed(chunk, &mut self.seen));
                let elements = match closed {
                    Ok(false) => Ok(None),
                    Ok(true) => collection.end(&mut self.seen).map(Some),
                    Err(stop) => Err(stop),
                };
                match self.contain(elements)? {
                    Some(Some(elements)) => {
                        cursor.commit();
                        return Ok(Closed::Packed(elements));
                    }
                    Some(None) => self.open = Some(Open::Packed(packed)),
                    None => self.pass_bytes(cursor, packed.contents.raw_left),
                }
            }
            // A fault in a key is not contained: nothing could name the record. Reading stops here.
            Some(Open::Key(mut key)) => {
                if key.go_on(cursor)? {
                    cursor.commit();
                    return Ok(Closed::Key(key));
                }
                self.open = Some(Open::Key(key));
            }
        }
        cursor.commit();
        if self.open.is_some() { cursor.short(1 + cursor.rest().len()) } else { Ok(Closed::Text) }
    }
}
