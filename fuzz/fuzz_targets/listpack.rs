//! Packed collections: reading them whole and in pieces gives the same result, and listpacks agree with a simple
//! reader. The input is one byte for the kind, one for the size of the pieces, then the collection.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;

use rdb_scan::fuzzing::{Checked, PACKINGS, check};

fuzz_target!(|input: &[u8]| {
    let [kind, piece, bytes @ ..] = input else { return };
    let (kind, fix, piece) = (kind % PACKINGS, kind / PACKINGS, usize::from(*piece) + 1);
    // With a correct length, the rest of the collection is checked too.
    let mut bytes = bytes.to_vec();
    if fix % 2 == 1 && kind < 9 && bytes.len() >= 4 {
        let total = bytes.len() as u32;
        bytes[..4].copy_from_slice(&total.to_le_bytes());
    }
    let whole = check(kind, &bytes, None);
    let in_pieces = check(kind, &bytes, Some(piece));
    match (&whole, &in_pieces) {
        (Ok(whole), Ok(in_pieces)) => assert_eq!(whole, in_pieces, "in pieces of {piece}"),
        (Err(_), Err(_)) => {}
        _ => panic!("whole {whole:?}, in pieces of {piece} {in_pieces:?}"),
    }
    let group = match kind {
        0 | 1 => 1,
        2 => 2,
        _ => return,
    };
    let plain = plain(&bytes).filter(|entries| entries.len() % group == 0).map(|entries| {
        let mut members = HashSet::new();
        let distinct = entries.chunks(group).all(|entry| members.insert(&entry[0]));
        let elements = (entries.len() / group) as u64;
        Checked { elements, field_expires: 0, duplicate: kind > 0 && !distinct }
    });
    assert_eq!(whole.clone().ok(), plain, "{whole:?}");
});

/// Reads the entries of a listpack as text, with a reader that is as simple as possible.
fn plain(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    if number(bytes.get(..4)?) != bytes.len() as u64 {
        return None;
    }
    let count = number(bytes.get(4..6)?) as usize;
    let mut entries = Vec::new();
    let mut at = 6;
    while *bytes.get(at)? != 0xff {
        let rest = &bytes[at..];
        let first = rest[0];
        let (size, text) = match first {
            0..0x80 => (1, first.to_string().into_bytes()),
            0x80..0xc0 => {
                let size = 1 + usize::from(first & 0x3f);
                (size, rest.get(1..size)?.to_vec())
            }
            0xc0..0xe0 => {
                let raw = i64::from(first & 0x1f) << 8 | i64::from(*rest.get(1)?);
                (2, (if raw < 4096 { raw } else { raw - 8192 }).to_string().into_bytes())
            }
            0xe0..0xf0 => {
                let size = 2 + (usize::from(first & 0x0f) << 8) + usize::from(*rest.get(1)?);
                (size, rest.get(2..size)?.to_vec())
            }
            0xf0 => {
                let size = 5 + number(rest.get(1..5)?) as usize;
                (size, rest.get(5..size)?.to_vec())
            }
            0xf1..=0xf4 => {
                let width = [2, 3, 4, 8][usize::from(first - 0xf1)];
                let shift = 64 - 8 * width as u32;
                let value = ((number(rest.get(1..=width)?) << shift) as i64) >> shift;
                (1 + width, value.to_string().into_bytes())
            }
            _ => return None,
        };
        let behind = back(size);
        if rest.get(size..size + behind.len())? != behind {
            return None;
        }
        at += size + behind.len();
        entries.push(text);
    }
    (at + 1 == bytes.len() && (count == 0xffff || count == entries.len())).then_some(entries)
}

/// The backward length after an entry. Read from the end, the last byte is the one without the flag.
fn back(size: usize) -> Vec<u8> {
    let limits = [127, 16382, 2_097_150, 268_435_454];
    let bytes = 1 + limits.iter().filter(|limit| size > **limit).count();
    let shifts = (0..bytes).rev();
    shifts
        .map(|index| (size >> (7 * index)) as u8 & 0x7f | if index + 1 < bytes { 0x80 } else { 0 })
        .collect()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
