//! Compressed strings that will be needed soon, decompressed side by side with the one that is needed now.
//!
//! Records are read one after the other, but where one token of a compressed string ends is known only once it was
//! looked at, and a processor has room for several such waits at once. So what follows is looked through for more
//! compressed strings, without taking note of anything else. A string that was not found here, or not at this place,
//! is decompressed when its turn comes: this changes how long a scan takes, and nothing else.

use crate::{
    bytes::{
        cursor::{Cursor, Text},
        stop::Result,
    },
    format::{
        Magic,
        lzf::{self, Unpacker, Walk},
        opcode::Opcode,
        value_type::{Layout, PackedLayout, ValueType},
    },
};

/// So many strings are decompressed at once,
const MAX_STRINGS: usize = 16;
/// with contents of so many bytes, so that they are still in the cache when their turn comes.
const MAX_CONTENTS_BYTES: usize = 96 << 10;

/// What follows the string that is needed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Something that is not looked at.
    Other,
    /// Another record.
    Record,
    /// So many more nodes of a quicklist with containers, then another record.
    Nodes(u64),
    /// So many more nodes of a stream.
    StreamNodes(u64),
}

#[derive(Default)]
pub(crate) struct Ahead {
    unpacker: Unpacker,
    // In file order; those before `next` have had their turn.
    unpacked: Vec<LzfString>,
    next_unpacked: usize,
    walked: Vec<LzfString>,
    next_walked: usize,
}

/// A string that was found, by the file offset of its compressed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LzfString {
    offset: u64,
    packed: usize,
    declared: usize,
    good: bool,
}

impl Ahead {
    /// The contents of the string whose compressed bytes are next, which are taken.
    pub(crate) fn unpack<'a>(
        &'a mut self,
        cursor: &mut Cursor<'_>,
        packed: usize,
        declared: usize,
        then: Then,
    ) -> Result<Result<&'a [u8]>> {
        let mut behind = *cursor;
        let input = cursor.take(packed)?;
        let found = LzfString { offset: cursor.offset() - packed as u64, packed, declared, good: false };
        let place = turn(&self.unpacked, &mut self.next_unpacked, found.offset);
        let place = if let Some(place) = place {
            place
        } else {
            behind.pass(packed as u64);
            self.unpacker.clear();
            self.unpacked.clear();
            self.next_unpacked = 1;
            self.unpacker.add(input, declared);
            self.unpacked.push(found);
            let Self { unpacker, unpacked, .. } = self;
            let mut bytes = declared;
            look_ahead(&mut behind, then, &mut |string, input, contents| {
                bytes += string.declared;
                if contents && bytes <= MAX_CONTENTS_BYTES {
                    unpacker.add(input, string.declared);
                    unpacked.push(string);
                }
                unpacked.len() < MAX_STRINGS && bytes <= MAX_CONTENTS_BYTES
            });
            self.unpacker.run();
            0
        };
        let same = self.unpacked.get(place) == Some(&found);
        Ok(match self.unpacker.contents(place).filter(|_| same) {
            Some(contents) => Ok(contents),
            None => lzf::fault(input, declared),
        })
    }

    /// Whether the tokens of the string whose compressed bytes are next are sound; the bytes are taken.
    pub(crate) fn walk(
        &mut self,
        cursor: &mut Cursor<'_>,
        packed: usize,
        declared: usize,
        then: Then,
    ) -> Result<Result<()>> {
        let mut behind = *cursor;
        let input = cursor.take(packed)?;
        let found = LzfString { offset: cursor.offset() - packed as u64, packed, declared, good: true };
        let place = turn(&self.walked, &mut self.next_walked, found.offset);
        let place = if let Some(place) = place {
            place
        } else {
            behind.pass(packed as u64);
            let mut walks = Vec::with_capacity(MAX_STRINGS);
            walks.push(Walk::new(input, declared));
            self.walked.clear();
            self.next_walked = 1;
            self.walked.push(found);
            look_ahead(&mut behind, then, &mut |string, input, contents| {
                if !contents {
                    walks.push(Walk::new(input, string.declared));
                    self.walked.push(string);
                }
                walks.len() < MAX_STRINGS
            });
            lzf::walk_all(&mut walks);
            for (walk, found) in walks.iter().zip(&mut self.walked) {
                found.good = walk.is_good();
            }
            0
        };
        Ok(if self.walked.get(place) == Some(&found) { Ok(()) } else { lzf::fault(input, declared) })
    }
}

/// The place of the string at an offset, if it is among those that were found and have not had their turn.
fn turn(found: &[LzfString], next: &mut usize, offset: u64) -> Option<usize> {
    while found.get(*next).is_some_and(|string| string.offset < offset) {
        *next += 1;
    }
    if found.get(*next)?.offset != offset {
        return None;
    }
    *next += 1;
    Some(*next - 1)
}

/// Goes from string to string as long as that is easy, and tells of those that are compressed: where they are, their
/// compressed bytes, and whether their contents will be needed. Ends when told to.
fn look_ahead<'w>(
    cursor: &mut Cursor<'w>,
    mut then: Then,
    tell: &mut dyn FnMut(LzfString, &'w [u8], bool) -> bool,
) {
    // Whatever is odd or not at hand ends it.
    while let Ok(Some((next, text, contents))) = next_string(cursor, then) {
        then = next;
        match text {
            Text::Int(_) => {}
            Text::Raw(bytes) => {
                if cursor.take(bytes as usize).is_err() {
                    return;
                }
            }
            Text::Lzf { packed, unpacked } => {
                let offset = cursor.offset();
                let Ok(input) = cursor.take(packed as usize) else { return };
                let (packed, declared) = (packed as usize, unpacked as usize);
                if declared > MAX_CONTENTS_BYTES && contents {
                    return;
                }
                if !tell(LzfString { offset, packed, declared, good: !contents }, input, contents) {
                    return;
                }
            }
        }
    }
}

/// The header of the next string that matters, whether its contents will be needed, and what follows it.
fn next_string(cursor: &mut Cursor<'_>, then: Then) -> Result<Option<(Then, Text, bool)>> {
    const PLAIN: u8 = 1;
    const PACKED: u8 = 2;
    Ok(match then {
        Then::Other | Then::StreamNodes(0) => None,
        Then::Nodes(0) | Then::Record => record(cursor)?,
        Then::Nodes(left) => match cursor.u8()? {
            container @ (PLAIN | PACKED) => {
                Some((Then::Nodes(left - 1), cursor.text()?, container == PACKED))
            }
            _ => None,
        },
        Then::StreamNodes(left) => match cursor.text()? {
            Text::Raw(16) => {
                cursor.take(16)?;
                Some((Then::StreamNodes(left - 1), cursor.text()?, true))
            }
            _ => None,
        },
    })
}

/// The first string of the next record's value.
fn record(cursor: &mut Cursor<'_>) -> Result<Option<(Then, Text, bool)>> {
    let mut id = cursor.u8()?;
    if id == Opcode::ExpireTimeMs.id() {
        cursor.take(8)?;
        id = cursor.u8()?;
    }
    match cursor.text()? {
        Text::Raw(bytes) => drop(cursor.take(bytes as usize)?),
        Text::Int(_) => {}
        Text::Lzf { packed, .. } => drop(cursor.take(packed as usize)?),
    }
    // What is read ahead is checked again when its turn comes: the magic makes no difference here.
    let Some(value_type) = ValueType::of(id, Magic::Redis) else { return Ok(None) };
    Ok(match value_type.layout() {
        Layout::Text => Some((Then::Record, cursor.text()?, false)),
        Layout::Packed(PackedLayout::Ziplist | PackedLayout::Intset | PackedLayout::Listpack) => {
            Some((Then::Record, cursor.text()?, true))
        }
        Layout::Quicklist { containers: true } => match cursor.number()? {
            0 => None,
            nodes => next_string(cursor, Then::Nodes(nodes))?,
        },
        Layout::Stream(..=3) => match cursor.number()? {
            0 => None,
            nodes => next_string(cursor, Then::StreamNodes(nodes))?,
        },
        _ => None,
    })
}
