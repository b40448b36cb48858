//! Cluster slots and their distribution over shards.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The number of slots of a Redis or Valkey cluster.
pub const SLOTS: u16 = 16_384;

/// A contiguous range of slots, both ends inclusive; written `0-5460`, as in `NodeGroupConfiguration.Slots`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotRange {
    /// The first slot.
    pub first: u16,
    /// The last slot, at least `first` and below [`SLOTS`].
    pub last: u16,
}

/// The reason why slot ranges are unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotsError {
    /// Not `first-last` with 0 <= first <= last <= 16383.
    #[error("`{0}` is not a slot range: expected first-last within 0-16383, such as 0-5460")]
    Malformed(String),
    /// A slot that is in no shard.
    #[error("slot {first_missing} is in no shard: the ranges have to cover 0-16383")]
    Gap {
        /// The lowest such slot.
        first_missing: u16,
    },
    /// A slot that is in two shards.
    #[error("slot {slot} is in two shards, {one} and {other}")]
    Overlap {
        /// The lowest such slot.
        slot: u16,
        /// The range that begins first.
        one: SlotRange,
        /// The other one.
        other: SlotRange,
    },
    /// The number of ranges is not the number of shards.
    #[error("{ranges} slot ranges for {shards} shards: expected one range per shard")]
    Count {
        /// The number of ranges.
        ranges: usize,
        /// The number of requested shards.
        shards: u32,
    },
}

impl SlotRange {
    /// All slots.
    pub const ALL: Self = Self { first: 0, last: SLOTS - 1 };

    /// Parses `first-last`.
    pub fn parse(text: &str) -> Result<Self, SlotsError> {
        let malformed = || SlotsError::Malformed(text.to_owned());
        let (first, last) = text.trim().split_once('-').ok_or_else(malformed)?;
        let slot = |part: &str| part.trim().parse::<u16>().ok().filter(|&slot| slot < SLOTS);
        match (slot(first), slot(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(malformed()),
        }
    }

    /// The slots of this range, as indices.
    pub fn indices(self) -> std::ops::Range<usize> {
        usize::from(self.first)..usize::from(self.last) + 1
    }

    /// Returns `shards` (1 to 16384) ranges of nearly equal length, in order.
    pub fn even(shards: u32) -> Vec<Self> {
        let shards = shards.clamp(1, u32::from(SLOTS));
        let bound = |i: u32| u16::try_from(i * u32::from(SLOTS) / shards).unwrap_or(SLOTS);
        (0..shards).map(|i| Self { first: bound(i), last: bound(i + 1) - 1 }).collect()
    }

    /// Returns `shards` ranges whose heaviest weighs as little as contiguous ranges allow. `weights` has one entry per
    /// slot.
    pub fn balanced(shards: u32, weights: &[u64]) -> Vec<Self> {
        debug_assert_eq!(weights.len(), usize::from(SLOTS));
        let shards = usize::try_from(shards.clamp(1, u32::from(SLOTS))).unwrap_or(1);
        let (mut low, mut high) = (weights.iter().copied().max().unwrap_or(0), weights.iter().sum::<u64>());
        // The smallest bound for which a greedy cut needs at most `shards` ranges.
        while low < high {
            let bound = low + (high - low) / 2;
            if greedy_cut(weights, bound, shards).is_some() { high = bound } else { low = bound + 1 }
        }
        greedy_cut(weights, low, shards).unwrap_or_else(|| Self::even(u32::try_from(shards).unwrap_or(1)))
    }

    /// Checks that these ranges cover all slots exactly once, in any order.
    pub fn check_cover(ranges: &[Self]) -> Result<(), SlotsError> {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut next = 0;
        let mut before: Option<Self> = None;
        for range in sorted {
            if range.first > next {
                return Err(SlotsError::Gap { first_missing: next });
            }
            if let Some(one) = before
                && range.first < next
            {
                return Err(SlotsError::Overlap { slot: range.first, one, other: range });
            }
            next = range.last + 1;
            before = Some(range);
        }
        if next == SLOTS { Ok(()) } else { Err(SlotsError::Gap { first_missing: next }) }
    }
}

/// Cuts the slots into exactly `shards` ranges of at most `bound` each, with at least one slot per range.
fn greedy_cut(weights: &[u64], bound: u64, shards: usize) -> Option<Vec<SlotRange>> {
    let mut ranges = Vec::with_capacity(shards);
    let (mut first, mut weight) = (0, 0_u64);
    for (slot, &slot_weight) in weights.iter().enumerate() {
        // Each remaining shard needs at least one of the remaining slots.
        let must_leave = weights.len() - slot == shards - ranges.len() - 1 && slot > first;
        if slot > first && (weight + slot_weight > bound || must_leave) {
            ranges.push(SlotRange { first: u16::try_from(first).ok()?, last: u16::try_from(slot - 1).ok()? });
            if ranges.len() == shards {
                return None;
            }
            (first, weight) = (slot, 0);
        }
        weight += slot_weight;
    }
    ranges.push(SlotRange { first: u16::try_from(first).ok()?, last: SLOTS - 1 });
    (ranges.len() == shards).then_some(ranges)
}

impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl Serialize for SlotRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_that_do_not_cover_or_overlap_are_named() {
        let ranges = |texts: &[&str]| texts.iter().map(|t| SlotRange::parse(t).unwrap()).collect::<Vec<_>>();
        assert_eq!(SlotRange::check_cover(&ranges(&["5461-16383", "0-5460"])), Ok(()));
        assert_eq!(
            SlotRange::check_cover(&ranges(&["0-100", "102-16383"])),
            Err(SlotsError::Gap { first_missing: 101 })
        );
        assert_eq!(
            SlotRange::check_cover(&ranges(&["0-16382"])),
            Err(SlotsError::Gap { first_missing: 16_383 })
        );
        assert!(matches!(
            SlotRange::check_cover(&ranges(&["0-100", "100-16383"])),
            Err(SlotsError::Overlap { slot: 100, .. })
        ));
        for text in ["", "1", "5-4", "0-16384", "a-b", "-1-5"] {
            assert!(SlotRange::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn three_even_shards_are_the_usual_ones() {
        let texts: Vec<_> = SlotRange::even(3).iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["0-5460", "5461-10921", "10922-16383"]);
    }

    proptest! {
        #[test]
        fn even_ranges_cover_every_slot_once(shards in 1_u32..600) {
            let ranges = SlotRange::even(shards);
            prop_assert_eq!(ranges.len(), shards as usize);
            prop_assert_eq!(SlotRange::check_cover(&ranges), Ok(()));
        }

        #[test]
        fn balanced_ranges_cover_every_slot_and_are_never_worse_than_even_ones(
            shards in 1_u32..40,
            heavy in proptest::collection::vec((0_usize..16_384, 0_u64..1_000_000), 0..50),
        ) {
            let mut weights = vec![1_u64; usize::from(SLOTS)];
            for (slot, weight) in heavy { weights[slot] += weight; }
            let largest = |ranges: &[SlotRange]| {
                ranges.iter().map(|range| weights[range.indices()].iter().sum::<u64>()).max().unwrap()
            };
            let balanced = SlotRange::balanced(shards, &weights);
            prop_assert_eq!(balanced.len(), shards as usize);
            prop_assert_eq!(SlotRange::check_cover(&balanced), Ok(()));
            prop_assert!(largest(&balanced) <= largest(&SlotRange::even(shards)));
        }
    }
}
