//! A hash of strings that is about as fast as a good one can be, and a table that finds duplicates.

const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];

/// Hashes with folded multiplications over 8-byte words.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let length = SEEDS[1] ^ bytes.len() as u64;
    let Some(last) = bytes.last_chunk::<8>() else { return fold(SEEDS[0] ^ short(bytes), length) };
    // The last word may overlap the one before it.
    let words = bytes[..bytes.len() - 1].as_chunks::<8>().0;
    let hash = words.iter().fold(SEEDS[0], |hash, word| fold(hash ^ u64::from_le_bytes(*word), SEEDS[1]));
    fold(hash ^ u64::from_le_bytes(*last), length)
}

/// Reads up to seven bytes as a number, with overlapping reads.
#[inline]
fn short(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    let [first, .., last] = bytes else { return bytes.first().copied().map_or(0, u64::from) };
    u64::from(*first) << 16 | u64::from(bytes[1]) << 8 | u64::from(*last)
}

#[inline]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ (product >> 64) as u64
}

/// The hashes of the members of one value.
#[derive(Debug, Default)]
pub(super) struct Table {
    // 0 is a free place. The size is a power of two, and at most an eighth is full: the first place is then nearly
    // always free, which the processor predicts well. A table that is half full takes up to twice as long.
    places: Vec<u64>,
}

impl Table {
    /// Removes all hashes and makes room for `members`.
    pub(super) fn begin(&mut self, members: usize) {
        self.places.clear();
        self.places.resize((8 * members.max(1)).next_power_of_two(), 0);
    }

    /// Adds a hash. Returns whether it was already there.
    #[inline]
    pub(super) fn is_double(&mut self, hash: u64) -> bool {
        let hash = hash.max(1);
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while let Some(found) = self.places.get_mut(place) {
            if *found == 0 {
                *found = hash;
                return false;
            }
            if *found == hash {
                return true;
            }
            place = (place + 1) & mask;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let mut seen = HashSet::new();
        for length in 0..60_usize {
            let mut text = vec![7; length];
            assert!(seen.insert(hash(&text)), "{length}");
            for place in 0..length {
                text[place] ^= 1;
                assert!(seen.insert(hash(&text)), "{length} {place}");
                text[place] ^= 1;
            }
        }
    }

    #[test]
    fn a_table_tells_what_is_there_twice() {
        let mut table = Table::default();
        table.begin(100);
        assert!((1..=100).all(|hash| !table.is_double(hash << 32)));
        assert!(table.is_double(7 << 32));
        table.begin(1);
        assert!(!table.is_double(7 << 32));
    }
}
