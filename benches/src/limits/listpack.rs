//! Steps through the entries of listpacks, without reading their contents or their backward lengths.

const HEADER_BYTES: usize = 6;
const END: u8 = 0xff;

/// Passes the bytes of every entry of a listpack to `tell`. Returns the number of entries, or `None` if an entry is
/// incomplete or the end is in the wrong place.
#[inline]
pub(super) fn entries<'b>(listpack: &'b [u8], mut tell: impl FnMut(&'b [u8])) -> Option<u64> {
    let mut rest = listpack.get(HEADER_BYTES..)?;
    let mut count = 0;
    loop {
        let first = *rest.first()?;
        // The size of the entry's header and of the data after it.
        let (header, data) = match first {
            0x00..0x80 => (0, 1),
            0x80..0xc0 => (1, usize::from(first & 0x3f)),
            0xc0..0xe0 => (0, 2),
            0xe0..0xf0 => (2, usize::from(first & 0x0f) << 8 | usize::from(*rest.get(1)?)),
            0xf0 => (5, u32::from_le_bytes(*rest.get(1..)?.first_chunk()?) as usize),
            0xf1 => (1, 2),
            0xf2 => (1, 3),
            0xf3 => (1, 4),
            0xf4 => (1, 8),
            END => return (rest.len() == 1).then_some(count),
            _ => return None,
        };
        let entry = header + data;
        tell(rest.get(header..entry)?);
        rest = rest.get(entry + back_bytes(entry)..)?;
        count += 1;
    }
}

/// The size in bytes of the backward length after an entry.
#[inline]
fn back_bytes(entry: usize) -> usize {
    match entry {
        0..128 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}
