//! Keys and bytes by cluster slot.

use std::{fmt::Write as _, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{format::slot::SLOTS, inspection::weigh::join_slots};

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
/// Serialized as one string, `"slot:keys,bytes;…"` without empty slots, of at most 800 KB.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SlotCounts {
    // The slots that have keys, ascending.
    slots: Vec<(u16, SlotCount)>,
}

impl SlotCounts {
    /// The count of one slot; zero for a slot that does not exist.
    pub fn slot(&self, slot: u16) -> SlotCount {
        let place = self.slots.binary_search_by_key(&slot, |(slot, _)| *slot);
        place.ok().and_then(|place| self.slots.get(place)).map(|(_, count)| *count).unwrap_or_default()
    }

    /// The slots that have keys, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, SlotCount)> + '_ {
        self.slots.iter().copied()
    }

    /// From a table with one entry per slot.
    pub(crate) fn from_table(table: &[SlotCount]) -> Self {
        let slots = (0u16..).zip(table.iter().copied()).filter(|(_, count)| count.keys > 0);
        Self { slots: slots.collect() }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        Self { slots: join_slots(self.slots, other.slots, SlotCount::plus) }
    }
}

/// Counts of all slots while they grow. Keys and bytes of a slot share a word, which halves what has to stay in the
/// cache. The words are emptied into wide counts before they can overflow.
pub(crate) struct SlotTable {
    words: Vec<u64>,
    wide: Vec<SlotCount>,
    /// The slot of the last record.
    last: u16,
    /// Records and bytes since the words were last emptied.
    records: u64,
    bytes: u64,
}

impl SlotTable {
    const BYTES_BITS: u32 = 40;
    const MAX_BYTES: u64 = (1 << Self::BYTES_BITS) - 1;
    const MAX_RECORDS: u64 = (1 << (64 - Self::BYTES_BITS)) - 1;

    pub(crate) fn new() -> Self {
        Self { words: vec![0; SLOTS], wide: Vec::new(), last: 0, records: 0, bytes: 0 }
    }

    #[inline]
    pub(crate) fn add(&mut self, slot: u16, bytes: u64) {
        self.records += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.records > Self::MAX_RECORDS || self.bytes > Self::MAX_BYTES {
            self.empty();
            (self.records, self.bytes) = (1, bytes);
            if bytes > Self::MAX_BYTES {
                return self.add_wide(slot, SlotCount { keys: 1, bytes });
            }
        }
        if let Some(word) = self.words.get_mut(usize::from(slot)) {
            *word += 1 << Self::BYTES_BITS | bytes;
            self.last = slot;
        }
    }

    /// The counts since the start or the last call.
    pub(crate) fn take(&mut self) -> SlotCounts {
        if self.wide.is_empty() {
            // A range begins with parts of one record each, for which the table need not be searched.
            let slots = if self.records <= 1 { self.last..self.last + 1 } else { 0..SLOTS as u16 };
            (self.records, self.bytes) = (0, 0);
            return SlotCounts { slots: self.take_words(slots) };
        }
        self.empty();
        let counts = SlotCounts::from_table(&self.wide);
        self.wide.clear();
        counts
    }

    fn take_words(&mut self, slots: Range<u16>) -> Vec<(u16, SlotCount)> {
        let words = self.words.get_mut(usize::from(slots.start)..usize::from(slots.end)).unwrap_or_default();
        let mut counts = Vec::with_capacity(words.iter().filter(|word| **word > 0).count());
        let words = slots.zip(words).filter(|(_, word)| **word > 0);
        counts.extend(words.map(|(slot, word)| (slot, Self::count(std::mem::take(word)))));
        counts
    }

    #[cold]
    fn empty(&mut self) {
        for slot in 0..SLOTS as u16 {
            let word = self.words.get_mut(usize::from(slot)).map_or(0, std::mem::take);
            if word > 0 {
                self.add_wide(slot, Self::count(word));
            }
        }
        (self.records, self.bytes) = (0, 0);
    }

    fn count(word: u64) -> SlotCount {
        SlotCount { keys: word >> Self::BYTES_BITS, bytes: word & Self::MAX_BYTES }
    }

    fn add_wide(&mut self, slot: u16, count: SlotCount) {
        if self.wide.is_empty() {
            self.wide.resize(SLOTS, SlotCount::default());
        }
        if let Some(sum) = self.wide.get_mut(usize::from(slot)) {
            *sum = sum.plus(count);
        }
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

/// A slot table that this crate did not write.
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
    fn counts_outgrow_their_words_unharmed() {
        let mut table = SlotTable::new();
        for bytes in [SlotTable::MAX_BYTES, 1, SlotTable::MAX_BYTES + 1, u64::MAX / 4, 5] {
            table.add(7, bytes);
            table.add(8, 1);
        }
        let counts = table.take();
        assert_eq!(counts.slot(7).keys, 5);
        assert_eq!(counts.slot(7).bytes, 2 * SlotTable::MAX_BYTES + 2 + u64::MAX / 4 + 5);
        assert_eq!(counts.slot(8), SlotCount { keys: 5, bytes: 5 });
        assert_eq!(table.take(), SlotCounts::default());
    }

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
