//! Combines the checksums of two neighboring parts.

/// The polynomial of CRC-64/REDIS (Jones) without its highest power, lowest power first.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;
/// The polynomial 1: the highest bit is the lowest power.
const ONE: u64 = 1 << 63;
/// `x^1`, `x^2`, `x^4`, `x^8` and so on: for the 64 bits of a byte count, with 3 powers more because a byte has 2^3
/// bits.
const POWERS: [u64; 67] = powers();

/// Combines the CRC64 of two parts, the second one `next_bytes` long.
///
/// `crc_fast::checksum_combine` does the same, but some 50 times slower, and joining one range of a file takes five
/// such steps.
pub(crate) fn combine(crc: u64, next_crc: u64, next_bytes: u64) -> u64 {
    let mut shifted = crc;
    for (bit, power) in POWERS.iter().skip(3).enumerate() {
        if next_bytes >> bit & 1 == 1 {
            shifted = multiply(shifted, *power);
        }
    }
    shifted ^ next_crc
}

const fn multiply(one: u64, other: u64) -> u64 {
    let (mut one, mut other, mut product) = (one, other, 0);
    while one != 0 {
        if one & ONE != 0 {
            product ^= other;
        }
        one <<= 1;
        // Multiplies by `x`.
        other = if other & 1 == 1 { other >> 1 ^ POLYNOMIAL } else { other >> 1 };
    }
    product
}

const fn powers() -> [u64; 67] {
    let mut powers = [ONE >> 1; 67];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = multiply(powers[index - 1], powers[index - 1]);
        index += 1;
    }
    powers
}

#[cfg(test)]
mod tests {
    use crc_fast::{CrcAlgorithm, checksum, checksum_combine};

    use super::*;

    #[test]
    fn the_parts_of_a_text_make_its_checksum() {
        let text: Vec<u8> =
            (0..100_000u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let crc = |bytes| checksum(CrcAlgorithm::Crc64Redis, bytes);
        for end in [0, 1, 2, 3, 7, 64, 255, 4096, 65_537, text.len()] {
            let (first, next) = text.split_at(end);
            assert_eq!(combine(crc(first), crc(next), next.len() as u64), crc(&text), "cut at {end}");
        }
        for bytes in [1 << 20, (1 << 40) + 12_345, u64::MAX >> 4] {
            let expected = checksum_combine(CrcAlgorithm::Crc64Redis, 0x0123_4567_89ab_cdef, 0xfedc, bytes);
            assert_eq!(combine(0x0123_4567_89ab_cdef, 0xfedc, bytes), expected, "{bytes} bytes");
        }
    }
}
