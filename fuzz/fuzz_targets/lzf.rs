//! Compressed strings: validating them, decoding them in pieces, whole, or several at once agrees with a simple
//! decoder. The input is one byte for the size of the pieces, one for the error of the declared length, one for the
//! number of strings, then their tokens in equal parts.
#![no_main]

use libfuzzer_sys::fuzz_target;

use rdb_scan::fuzzing::{lzf_decode, lzf_unpack, lzf_unpack_all, lzf_walk, lzf_walk_all};

fuzz_target!(|input: &[u8]| {
    let [piece, off, number, packed @ ..] = input else { return };
    let part = packed.len().div_ceil(usize::from(number % 20) + 1).max(1);
    let mut off = usize::from(*off);
    let mut strings = Vec::new();
    let mut expected = Vec::new();
    for packed in packed.chunks(part) {
        let plain = plain(packed);
        // Mostly the correct length, so that the rest is checked too.
        let length = plain.as_ref().map_or(usize::from(*piece) << 4, Vec::len);
        let declared = (length + off % 16).saturating_sub(off / 16 * 17);
        off = 0;
        strings.push((packed, declared));
        expected.push(plain.filter(|plain| plain.len() == declared));
    }

    let unpacked = lzf_unpack_all(&strings);
    assert_eq!(unpacked, expected, "unpacked side by side");
    let good: Vec<_> = expected.iter().map(Option::is_some).collect();
    assert_eq!(lzf_walk_all(&strings), good, "walked side by side");
    let (Some((packed, declared)), Some(expected)) = (strings.first(), expected.first()) else { return };
    let piece = usize::from(*piece) + 1;
    let walked = lzf_walk(packed, *declared as u64, piece);
    assert_eq!(walked.is_ok(), expected.is_some(), "walked in pieces of {piece}: {walked:?}");
    let walked = lzf_walk(packed, *declared as u64, packed.len());
    assert_eq!(walked.is_ok(), expected.is_some(), "walked: {walked:?}");
    let decoded = lzf_decode(packed, *declared as u64, piece);
    assert_eq!(decoded.as_ref().ok(), expected.as_ref(), "decoded in pieces of {piece}: {decoded:?}");
    let unpacked = lzf_unpack(packed, *declared);
    assert_eq!(unpacked.as_ref().ok(), expected.as_ref(), "unpacked: {unpacked:?}");
});

/// Decodes LZF in as few lines as possible.
fn plain(packed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = packed.iter();
    let mut out = Vec::new();
    while let Some(control) = bytes.next() {
        if *control < 32 {
            for _ in 0..=*control {
                out.push(*bytes.next()?);
            }
            continue;
        }
        let mut length = usize::from(control >> 5) + 2;
        if length == 9 {
            length += usize::from(*bytes.next()?);
        }
        let distance = (usize::from(control & 31) << 8) + usize::from(*bytes.next()?) + 1;
        let start = out.len().checked_sub(distance)?;
        for from in start..start + length {
            out.push(out[from]);
        }
    }
    Some(out)
}
