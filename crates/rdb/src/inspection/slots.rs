//! Keys and bytes by cluster slot.
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::slot::SLOTS;

/// The keys of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotCount {
    /// Keys in the slot, over all databases.
    pub keys: u64,
    /// Bytes of their records in the file.
    pub bytes: u64,
}

impl SlotCount {
    fn plus(self, other: Self) -> Self {
        Self { keys: self.keys.saturating_add(other.keys), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// Keys and bytes by cluster slot.
///
/// Written as one string, `"slot:keys,bytes;…"` with empty slots left out, so that it stays below 800 KB however
/// full it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SlotCounts {
    // The slots that hold keys, ascending.
    slots: Vec<(u16, SlotCount)>,
}

impl SlotCounts {
    /// What one slot holds; nothing for a slot that does not exist.
    pub fn slot(&self, slot: u16) -> SlotCount {
        let place = self.slots.binary_search_by_key(&slot, |(slot, _)| *slot);
        place.ok().and_then(|place| self.slots.get(place)).map(|(_, count)| *count).unwrap_or_default()
    }

    /// The slots that hold keys, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, SlotCount)> + '_ {
        self.slots.iter().copied()
    }

    /// Of a table with a place for each slot.
    pub(crate) fn from_table(table: &[SlotCount]) -> Self {
        let slots = (0u16..).zip(table.iter().copied()).filter(|(_, count)| count.keys > 0);
        Self { slots: slots.collect() }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        if self.slots.is_empty() {
            return other;
        }
        let mut table = vec![SlotCount::default(); SLOTS];
        for (slot, count) in self.slots.into_iter().chain(other.slots) {
            if let Some(sum) = table.get_mut(usize::from(slot)) {
                *sum = sum.plus(count);
            }
        }
        Self::from_table(&table)
    }
}

impl From<SlotCounts> for String {
    fn from(counts: SlotCounts) -> Self {
        let mut text = String::new();
        for (slot, SlotCount { keys, bytes }) in counts.iter() {
            if !text.is_empty() {
                text.push(';');
            }
            // Writing to a string cannot fail.
            let _ = write!(text, "{slot}:{keys},{bytes}");
        }
        text
    }
}

/// A slot table that was not written by this crate.
#[derive(Debug, thiserror::Error)]
#[error("slot table entry {0:?} is not \"slot:keys,bytes\" with a slot below {SLOTS}, ascending")]
pub struct SlotTableError(String);

impl TryFrom<String> for SlotCounts {
    type Error = SlotTableError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut slots: Vec<(u16, SlotCount)> = Vec::new();
        for entry in text.split(';').filter(|entry| !entry.is_empty()) {
            let parsed = parse_entry(entry);
            let ascends = |next: u16| slots.last().is_none_or(|(slot, _)| *slot < next);
            match parsed.filter(|(slot, _)| ascends(*slot)) {
                Some(parsed) => slots.push(parsed),
                None => return Err(SlotTableError(entry.chars().take(64).collect())),
            }
        }
        Ok(Self { slots })
    }
}

fn parse_entry(entry: &str) -> Option<(u16, SlotCount)> {
    let (slot, counts) = entry.split_once(':')?;
    let (keys, bytes) = counts.split_once(',')?;
    let slot = slot.parse().ok().filter(|slot| usize::from(*slot) < SLOTS)?;
    Some((slot, SlotCount { keys: keys.parse().ok()?, bytes: bytes.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_is_written_below_one_mebibyte_and_read_back() {
        let counts = SlotCounts::from_table(&vec![SlotCount { keys: u64::MAX, bytes: u64::MAX }; SLOTS]);
        let text = String::from(counts.clone());
        assert!(text.len() < 1 << 20);
        assert_eq!(SlotCounts::try_from(text).unwrap(), counts);
        assert_eq!(counts.slot(16383).keys, u64::MAX);
        assert_eq!(counts.clone().join(counts.clone()).slot(0).bytes, u64::MAX);
        for bad in ["16384:1,1", "1:1,1;1:1,1", "1", "1:2", "x:1,1"] {
            assert!(SlotCounts::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
