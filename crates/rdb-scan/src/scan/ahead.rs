//! Decompresses strings that will be needed soon, side by side with the one that is needed now.
//!
//! Records are read one after the other. But the end of a token is known only once the token was read, and a processor
//! can wait for several such reads at once. So what follows is searched for more compressed strings, without any other
//! effect. A string that is not found here, or not at this offset, is decompressed when its turn comes: reading ahead
//! changes only how long a scan takes.

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

/// The most strings that are decompressed at once.
const MAX_STRINGS: usize = 16;
/// The most bytes that they decompress to, so that these are still in the cache when their turn comes.
const MAX_CONTENTS_BYTES: usize = 96 << 10;

/// What follows the string that is needed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Something that is not searched.
    Other,
    /// Another record.
    Record,
    /// This many more nodes of a quicklist with containers, then another record.
    Nodes(u64),
    /// This many more nodes of a stream.
    StreamNodes(u64),
}

#[derive(Default)]
pub(crate) struct Ahead {
    unpacker: Unpacker,
    // In file order. Strings before `next_unpacked` had their turn.
    unpacked: Vec<LzfString>,
    next_unpacked: usize,
    walked: Vec<LzfString>,
    next_walked: usize,
}

/// A string that was found. `offset` is the file offset of its compressed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LzfString {
    offset: u64,
    packed: usize,
    declared: usize,
    good: bool,
}

impl Ahead {
    /// Takes the compressed bytes that come next, and returns what they decompress to.
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

    /// Takes the compressed bytes that come next, and checks their tokens.
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

/// The index of the string at an offset, if it was found and has not had its turn.
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

/// Passes every compressed string to `tell` while the way from string to string is easy: its place, its compressed
/// bytes, and whether its contents will be needed. Ends when `tell` returns false.
fn look_ahead<'w>(
    cursor: &mut Cursor<'w>,
    mut then: Then,
    tell: &mut dyn FnMut(LzfString, &'w [u8], bool) -> bool,
) {
    // Anything unusual, or not in memory, ends the search.
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

/// The header of the next relevant string, whether its contents will be needed, and what follows it.
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
    // What is read ahead is checked again when its turn comes, so the magic makes no difference here.
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
