//! Compressed strings: what is proven, what is decoded in pieces and what is decoded whole agree with a plain decoder.
//! The input is a byte for the size of the pieces, two for how far the declared length is off, then the tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;

use rdb_scan::fuzzing::{lzf_decode, lzf_unpack, lzf_walk};

fuzz_target!(|input: &[u8]| {
    let [piece, off, packed @ ..] = input else { return };
    let plain = plain(packed);
    // Mostly what is true, so that the rest is seen too.
    let length = plain.as_ref().map_or(usize::from(*piece) << 4, Vec::len);
    let declared = (length + usize::from(*off)).saturating_sub(usize::from(*off >> 4) * 17);
    let expected = plain.filter(|plain| plain.len() == declared);
    let piece = usize::from(*piece) + 1;

    let walked = lzf_walk(packed, declared as u64, piece);
    assert_eq!(walked.is_ok(), expected.is_some(), "walked in pieces of {piece}: {walked:?}");
    let walked = lzf_walk(packed, declared as u64, packed.len());
    assert_eq!(walked.is_ok(), expected.is_some(), "walked: {walked:?}");
    let decoded = lzf_decode(packed, declared as u64, piece);
    assert_eq!(decoded.clone().ok(), expected, "decoded in pieces of {piece}: {decoded:?}");
    let unpacked = lzf_unpack(packed, declared);
    assert_eq!(unpacked.clone().ok(), expected, "unpacked: {unpacked:?}");
});

/// The format in as few lines as it takes.
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
