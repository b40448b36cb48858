//! A fast 64-bit hash of keys and members. It is the same in every process, so that parts of a file can be compared.

const SEEDS: [u64; 3] = [0x2d35_8dcc_aa6c_78a5, 0x8bb8_4b93_962e_acc9, 0x4b33_a62e_d433_d4a3];

/// Hashes a string. A canonical decimal integer has the hash of that integer.
#[inline(always)]
pub(crate) fn hash_member(bytes: &[u8]) -> u64 {
    match bytes.first() {
        Some(b'0'..=b'9' | b'-') => match integer(bytes) {
            Some(number) => hash_integer(number),
            None => hash_bytes(bytes),
        },
        _ => hash_bytes(bytes),
    }
}

/// Hashes an integer.
#[inline]
pub(crate) fn hash_integer(number: i64) -> u64 {
    fold(number.cast_unsigned() ^ SEEDS[2], SEEDS[1])
}

/// Hashes bytes as they are.
#[inline(always)]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let length = bytes.len() as u64;
    let mut seed = SEEDS[0];
    let (low, high) = if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        if bytes.len() > 16 {
            // The last 16 bytes are hashed below, even if this loop has hashed some of them already.
            for piece in bytes[..bytes.len() - 1].as_chunks::<16>().0 {
                let (low, high) = halves(piece);
                seed = fold(low ^ SEEDS[1], high ^ seed);
            }
            bytes.last_chunk::<16>().map_or((0, 0), halves)
        } else {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        }
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
    } else if let [first, .., last] | [first @ last] = bytes {
        let middle = bytes.get(bytes.len() / 2).copied().unwrap_or(0);
        (u64::from(*first) << 16 | u64::from(middle) << 8 | u64::from(*last), 0)
    } else {
        (0, 0)
    };
    let hash = fold(low ^ SEEDS[1], high ^ seed);
    fold(hash ^ SEEDS[2], length ^ SEEDS[1])
}

/// Mixes two numbers into one that depends on every bit of both.
#[inline]
pub(crate) fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ (product >> 64) as u64
}

#[inline]
fn halves(bytes: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(*bytes);
    (both as u64, (both >> 64) as u64)
}

/// The integer in canonical decimal form that `bytes` is. To servers "7" and 7 are the same member; "07" is another.
pub(crate) fn integer(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let canonical = match digits {
        [b'0'] => bytes.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_strings_of_every_length_have_different_hashes() {
        let mut seen = HashSet::new();
        for length in 0..200usize {
            let mut text = vec![b'a'; length];
            assert!(seen.insert(hash_bytes(&text)), "{length}");
            for place in 0..length {
                text[place] ^= 1;
                assert!(seen.insert(hash_bytes(&text)), "{length} {place}");
                text[place] ^= 1;
            }
        }
    }

    #[test]
    fn a_number_is_the_same_member_in_both_forms() {
        for number in [0, 1, -1, 127, -4096, i64::MAX, i64::MIN] {
            assert_eq!(hash_member(number.to_string().as_bytes()), hash_integer(number));
        }
        for text in ["", "-", "-0", "00", "07", "+7", "7 ", "9223372036854775808", "12345678901234567890123"]
        {
            assert_eq!(hash_member(text.as_bytes()), hash_bytes(text.as_bytes()), "{text}");
        }
    }
}
