//! The hashes of a few members, compared without a table.

/// The most members that are compared without a table.
pub(super) const FEW: usize = 64;

/// The hashes of a few members. Each is compared with all others by a part of the hash, eight at a time. That is faster
/// than a table, where the branch on a free place would be mispredicted.
#[derive(Debug)]
pub(super) struct Few {
    hashes: [u64; FEW],
    parts: [u16; FEW],
}

impl Default for Few {
    fn default() -> Self {
        Self { hashes: [0; FEW], parts: [0; FEW] }
    }
}

impl Few {
    /// Adds a hash at a place. Returns false if there is no such place.
    #[inline(always)]
    pub(super) fn push(&mut self, place: usize, hash: u64) -> bool {
        match (self.hashes.get_mut(place), self.parts.get_mut(place)) {
            (Some(whole), Some(part)) => {
                (*whole, *part) = (hash, hash as u16);
                true
            }
            _ => false,
        }
    }

    /// The hash at a place.
    pub(super) fn hash(&self, place: usize) -> u64 {
        self.hashes.get(place).copied().unwrap_or_default()
    }

    /// Whether two of the first `count` hashes may be equal. If false, none are.
    pub(super) fn may_have_equal(&self, count: usize) -> bool {
        const LANES: usize = 8;
        let parts = self.parts.get(..count).unwrap_or(&self.parts);
        // The padding of the two differs (0 and 1). It may equal a part of a hash, which only costs a full comparison.
        let (mut one, mut other) = ([0; FEW], [1; 2 * FEW]);
        one[..parts.len()].copy_from_slice(parts);
        other[..parts.len()].copy_from_slice(parts);
        let mut equal = [0; LANES];
        for distance in 1..parts.len() {
            let ones = one.as_chunks::<LANES>().0.iter().take((parts.len() - distance).div_ceil(LANES));
            let others = other.get(distance..).unwrap_or_default().as_chunks::<LANES>().0;
            for (ones, others) in ones.zip(others) {
                for ((equal, one), other) in equal.iter_mut().zip(ones).zip(others) {
                    *equal |= u16::from(one == other);
                }
            }
        }
        equal != [0; LANES]
    }
}
