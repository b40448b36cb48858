//! Which keys are weighed for their group.

use crate::scan::visit::Record;

/// About this many keys are weighed per file, and at most some four times as many if keys are small. A group of a
/// twentieth of a large file is then within 2.1 % in 99.7 of 100 files.
const WEIGHED_KEYS: u64 = 3 << 17;
/// About what a key takes in memory beyond its record: small keys would be rare in the sample otherwise.
const KEY_BYTES: u64 = 64;
/// A chance of 1.
pub(crate) const CERTAIN: u64 = 1 << 32;

/// Gives each key a chance to be weighed, in proportion to its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chances {
    /// The chance of a byte in 2^-32; 0 if no key is weighed.
    per_byte: u64,
    /// Whether the size of the file is not known, so that the offset has to do.
    by_offset: bool,
}

impl Chances {
    /// For a file of this size.
    pub(crate) fn of(size_bytes: Option<u64>) -> Self {
        let by_offset = size_bytes.is_none();
        let size_bytes = size_bytes.unwrap_or(1).max(1);
        Self { per_byte: (WEIGHED_KEYS << 32).div_ceil(size_bytes).min(CERTAIN), by_offset }
    }

    /// The chance of this key, if it is chosen. It is more than 0 and at most [`CERTAIN`].
    #[inline(always)]
    pub(crate) fn choose(self, record: &Record<'_>) -> Option<u64> {
        let mut per_byte = self.per_byte;
        if self.by_offset {
            per_byte = ((WEIGHED_KEYS << 32) >> record.span.start.max(1).ilog2()).min(per_byte);
        }
        let chance = (record.bytes() + KEY_BYTES).saturating_mul(per_byte);
        (record.key_hash >> 32 < chance).then_some(chance.min(CERTAIN))
    }
}

/// What `number`, counted with this chance, stands for.
#[inline]
pub(crate) fn scaled(number: u64, chance: u64) -> u64 {
    if chance == CERTAIN {
        return number;
    }
    match number.checked_mul(CERTAIN) {
        Some(product) => product / chance,
        None => u64::try_from((u128::from(number) << 32) / u128::from(chance)).unwrap_or(u64::MAX),
    }
}

/// The variance that this adds.
#[inline]
pub(crate) fn variance(scaled: u64, chance: u64) -> u128 {
    if chance == CERTAIN {
        return 0;
    }
    let square = u128::from(scaled) * u128::from(scaled);
    let missing = u128::from(CERTAIN - chance);
    match square.checked_mul(missing) {
        Some(product) => product >> 32,
        None => (square >> 32).saturating_mul(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_weights_have_a_variance_and_large_ones_no_overflow() {
        let half = CERTAIN / 2;
        assert_eq!((scaled(100, half), variance(200, half)), (200, 20_000));
        assert_eq!(variance(u64::MAX, half) >> 96, (1 << 31) - 1);
        assert_eq!((scaled(100, CERTAIN), variance(100, CERTAIN)), (100, 0));
    }
}
