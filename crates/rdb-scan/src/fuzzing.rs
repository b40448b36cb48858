//! Ways in for the fuzz targets, to parts that no public function shows alone. Compiled for them only.
//!
//! Each takes its input in one piece or in pieces, as it comes through a window, and tells what is wrong as text.

use crate::{
    bytes::stop::Stop,
    format::lzf::{REACH_BYTES, Tokens, Unpacker, Walk, walk_all},
    packed::{Packing, Seen},
};

/// How many kinds of packed collection there are; the first five are listpacks.
pub const PACKINGS: u8 = 11;
/// A packed collection shows at least so many bytes at first.
const LEAST_CHUNK_BYTES: usize = 16;

/// What a packed collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Its elements.
    pub elements: u64,
    /// Those with an expiry.
    pub field_expires: u64,
    /// Whether a member occurs twice.
    pub duplicate: bool,
}

/// Proves the tokens of a compressed string without writing a byte, `piece` bytes more at a time.
///
/// # Errors
/// What is wrong with the tokens.
pub fn lzf_walk(packed: &[u8], declared: u64, piece: usize) -> Result<(), String> {
    let mut tokens = Tokens::new(packed.len() as u64, declared);
    pieces(packed, piece.max(1), piece.max(1), &mut |chunk| tokens.walk(chunk))
}

/// Decodes a compressed string as a large one is, `piece` bytes more at a time.
///
/// # Errors
/// What is wrong with the tokens.
pub fn lzf_decode(packed: &[u8], declared: u64, piece: usize) -> Result<Vec<u8>, String> {
    let mut tokens = Tokens::new(packed.len() as u64, declared);
    let (mut contents, mut reach) = (Vec::new(), Vec::new());
    pieces(packed, piece.max(1), piece.max(1), &mut |chunk| {
        let before = reach.len();
        let used = tokens.decode(chunk, &mut reach, before + piece.max(1));
        contents.extend_from_slice(&reach[before..]);
        reach.drain(..reach.len().saturating_sub(REACH_BYTES));
        used
    })?;
    Ok(contents)
}

/// Decodes a compressed string as a small one is that is needed alone.
///
/// # Errors
/// What is wrong with the tokens.
pub fn lzf_unpack(packed: &[u8], declared: usize) -> Result<Vec<u8>, String> {
    let mut unpacker = Unpacker::default();
    // What was there before must not matter.
    let _ = unpacker.unpack(&[0, 0xaa, 0xff, 0xff, 0], 265);
    unpacker.unpack(packed, declared).map(<[u8]>::to_vec).map_err(text)
}

/// Decodes compressed strings side by side, each with what it declares; nothing for those that are wrong.
pub fn lzf_unpack_all(strings: &[(&[u8], usize)]) -> Vec<Option<Vec<u8>>> {
    let mut unpacker = Unpacker::default();
    let _ = unpacker.unpack(&[0, 0xaa, 0xff, 0xff, 0], 265);
    unpacker.clear();
    for (packed, declared) in strings {
        unpacker.add(packed, *declared);
    }
    unpacker.run();
    (0..strings.len()).map(|index| unpacker.contents(index).map(<[u8]>::to_vec)).collect()
}

/// Proves the tokens of compressed strings side by side: which of them give what they declare.
pub fn lzf_walk_all(strings: &[(&[u8], usize)]) -> Vec<bool> {
    let mut walks: Vec<_> = strings.iter().map(|(packed, declared)| Walk::new(packed, *declared)).collect();
    walk_all(&mut walks);
    walks.iter().map(Walk::is_good).collect()
}

/// Checks a packed collection, whole or `piece` bytes more at a time.
///
/// # Errors
/// What is wrong with the collection.
pub fn check(packing: u8, bytes: &[u8], piece: Option<usize>) -> Result<Checked, String> {
    let packing = match packing {
        0 => Packing::ListpackList,
        1 => Packing::ListpackSet,
        2 => Packing::ListpackHash,
        3 => Packing::ListpackHashWithExpiry,
        4 => Packing::ListpackZset,
        5 => Packing::ListpackNode(0),
        6 => Packing::ZiplistList,
        7 => Packing::ZiplistHash,
        8 => Packing::ZiplistZset,
        9 => Packing::ZipmapHash,
        _ => Packing::IntsetSet,
    };
    let mut seen = Seen::default();
    let elements = match piece {
        None => packing.check(bytes, &mut seen).map_err(text)?,
        Some(piece) => {
            let mut passing = packing.passing(bytes.len() as u64);
            let piece = piece.max(1);
            pieces(bytes, piece.max(LEAST_CHUNK_BYTES), piece, &mut |chunk| passing.feed(chunk, &mut seen))?;
            passing.end().map_err(text)?
        }
    };
    let (duplicate, _) = seen.members.end();
    Ok(Checked { elements, field_expires: seen.field_expires, duplicate })
}

/// Shows `take` the bytes in growing chunks, as far as it has not done with them.
fn pieces(
    bytes: &[u8],
    first: usize,
    piece: usize,
    take: &mut dyn FnMut(&[u8]) -> crate::bytes::stop::Result<usize>,
) -> Result<(), String> {
    let (mut at, mut shown) = (0, first);
    loop {
        let rest = &bytes[at..];
        let chunk = &rest[..shown.min(rest.len())];
        let used = take(chunk).map_err(text)?;
        assert!(used <= chunk.len(), "used {used} bytes of {}", chunk.len());
        at += used;
        if at == bytes.len() {
            return Ok(());
        }
        assert!(used > 0 || chunk.len() < rest.len(), "stuck at byte {at} of {}", bytes.len());
        shown = if used > 0 { piece } else { shown + piece };
    }
}

fn text(stop: Stop) -> String {
    match stop {
        Stop::Broken(broken) => format!("{}: {}", broken.code, broken.message),
        Stop::More(bytes) => format!("{bytes} bytes more"),
    }
}
