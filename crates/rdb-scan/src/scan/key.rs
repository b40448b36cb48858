//! Keys: their text, hash and slot.

use super::contents::Contents;
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        hash::{fold, hash_member},
        stop::Result,
    },
    format::{
        lzf::Unpacker,
        slot::{SlotHasher, key_slot},
    },
};

/// Longer keys are read in pieces, and only their first 64 KiB are kept.
pub(crate) const MAX_KEY_BYTES: usize = 64 << 10;

/// The properties of a key apart from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyFacts {
    pub(crate) bytes: u64,
    pub(crate) hash: u64,
    pub(crate) slot: u16,
}

impl KeyFacts {
    #[inline]
    pub(crate) fn of(key: &[u8]) -> Self {
        Self { bytes: key.len() as u64, hash: hash_member(key), slot: key_slot(key) }
    }
}

/// A key that is in memory, or one that arrives in pieces.
pub(crate) enum KeyText<'w> {
    /// Stored plainly in the file.
    Plain(&'w [u8]),
    /// Written into the buffer.
    Kept,
    Long(Box<LongKey>),
}

/// Reads a key. A key that is not stored plainly is written into `kept`.
#[inline]
pub(crate) fn read<'w>(
    cursor: &mut Cursor<'w>,
    unpacker: &mut Unpacker,
    kept: &mut Vec<u8>,
) -> Result<KeyText<'w>> {
    match cursor.plain() {
        Some(text) => Ok(KeyText::Plain(text)),
        None => read_other(cursor, unpacker, kept),
    }
}

#[inline(never)]
fn read_other<'w>(
    cursor: &mut Cursor<'w>,
    unpacker: &mut Unpacker,
    kept: &mut Vec<u8>,
) -> Result<KeyText<'w>> {
    let text = cursor.text()?;
    let contents = match text {
        Text::Raw(bytes) if bytes <= MAX_KEY_BYTES as u64 => {
            return Ok(KeyText::Plain(cursor.take(bytes as usize)?));
        }
        Text::Int(number) => {
            kept.clear();
            kept.extend_from_slice(number.to_string().as_bytes());
            return Ok(KeyText::Kept);
        }
        Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_KEY_BYTES as u64 => {
            let packed = cursor.take(packed as usize)?;
            kept.clear();
            kept.extend_from_slice(unpacker.unpack(packed, unpacked as usize)?);
            return Ok(KeyText::Kept);
        }
        Text::Raw(bytes) => Contents::raw(bytes),
        Text::Lzf { packed, unpacked } => Contents::lzf(packed, unpacked),
    };
    let (Text::Raw(bytes) | Text::Lzf { unpacked: bytes, .. }) = text else { return Ok(KeyText::Kept) };
    Ok(KeyText::Long(Box::new(LongKey {
        contents,
        bytes,
        left: bytes,
        hash: 0,
        slot: SlotHasher::default(),
        start: Vec::new(),
    })))
}

/// A key of more than [`MAX_KEY_BYTES`], as it passes.
pub(crate) struct LongKey {
    contents: Contents,
    bytes: u64,
    left: u64,
    hash: u64,
    slot: SlotHasher,
    /// The first bytes of the key.
    pub(crate) start: Vec<u8>,
}

impl LongKey {
    /// Takes the bytes in memory. Returns true at the end.
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        let Self { contents, left, hash, slot, start, .. } = self;
        contents.go_on(cursor, &mut |chunk| {
            // Only whole words, so that the hash does not depend on how the key arrives.
            let last = chunk.len() as u64 >= *left;
            let used = if last { chunk.len() } else { chunk.len() - chunk.len() % 8 };
            let chunk = &chunk[..used];
            let room = MAX_KEY_BYTES - start.len();
            start.extend_from_slice(&chunk[..room.min(used)]);
            slot.update(chunk);
            let (words, tail) = chunk.as_chunks::<8>();
            for word in words {
                *hash = fold(*hash ^ u64::from_le_bytes(*word), 0x9e37_79b9_7f4a_7c15);
            }
            if last {
                *hash = fold(*hash ^ hash_member(tail), 0x9e37_79b9_7f4a_7c15);
            }
            *left -= used as u64;
            Ok(used)
        })
    }

    pub(crate) fn facts(&self) -> KeyFacts {
        KeyFacts { bytes: self.bytes, hash: self.hash, slot: self.slot.slot() }
    }
}
