//! Entry points for the fuzz targets into code that no public function exposes on its own. Compiled only for fuzzing.
//!
//! Each takes its input whole or in pieces, as it arrives through a window, and returns a fault as text.

use crate::{
    bytes::stop::Stop,
    format::lzf::{REACH_BYTES, Tokens, Unpacker, Walk, walk_all},
    packed::{Packing, Seen},
};

/// The number of kinds of packed collection; the first five are listpacks.
pub const PACKINGS: u8 = 11;
/// The first chunk of a packed collection has at least this many bytes.
const LEAST_CHUNK_BYTES: usize = 16;

/// The contents of a packed collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The number of elements.
    pub elements: u64,
    /// The number of elements with an expiry.
    pub field_expires: u64,
    /// Whether a member occurs twice.
    pub duplicate: bool,
}

/// Checks the tokens of a compressed string without decoding them, `piece` more bytes at a time.
///
/// # Errors
/// The fault of the tokens.
pub fn lzf_walk(packed: &[u8], declared: u64, piece: usize) -> Result<(), String> {
    let mut tokens = Tokens::new(packed.len() as u64, declared);
    pieces(packed, piece.max(1), piece.max(1), &mut |chunk| tokens.walk(chunk))
}

/// Decodes a compressed string as a large one is decoded, `piece` more bytes at a time.
///
/// # Errors
/// The fault of the tokens.
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

/// Decodes a compressed string as a single small one is decoded.
///
/// # Errors
/// The fault of the tokens.
pub fn lzf_unpack(packed: &[u8], declared: usize) -> Result<Vec<u8>, String> {
    let mut unpacker = Unpacker::default();
    // Earlier contents of the buffer must not matter.
    let _ = unpacker.unpack(&[0, 0xaa, 0xff, 0xff, 0], 265);
    unpacker.unpack(packed, declared).map(<[u8]>::to_vec).map_err(text)
}

/// Decodes compressed strings side by side, each with its declared size; `None` for those that are wrong.
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

/// Checks the tokens of compressed strings side by side. Returns which of them decode to the declared size.
pub fn lzf_walk_all(strings: &[(&[u8], usize)]) -> Vec<bool> {
    let mut walks: Vec<_> = strings.iter().map(|(packed, declared)| Walk::new(packed, *declared)).collect();
    walk_all(&mut walks);
    walks.iter().map(Walk::is_good).collect()
}

/// Checks a packed collection, whole or `piece` more bytes at a time.
///
/// # Errors
/// The fault of the collection.
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
            passing.end(&mut seen).map_err(text)?
        }
    };
    let (duplicate, _) = seen.members.end();
    Ok(Checked { elements, field_expires: seen.field_expires, duplicate })
}

/// Shows `take` growing chunks of the bytes that it has not used yet.
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
