//! Cluster slots.
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The number of slots of a cluster.
pub const SLOTS: usize = 16384;

/// The keys of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotCount {
    /// Keys in the slot, over all databases.
    pub keys: u64,
    /// Bytes of their records in the file.
    pub bytes: u64,
}

/// Keys and bytes by cluster slot.
///
/// Written as one string, `"slot:keys,bytes;…"` with empty slots left out, so that it stays below 800 KB however
/// full it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SlotCounts {
    // Empty as long as no key was counted, else one for each slot.
    slots: Vec<SlotCount>,
}

impl SlotCounts {
    /// What one slot holds; nothing for a slot that does not exist.
    pub fn slot(&self, slot: u16) -> SlotCount {
        self.slots.get(usize::from(slot)).copied().unwrap_or_default()
    }

    /// The slots that hold keys, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, SlotCount)> + '_ {
        (0u16..).zip(self.slots.iter().copied()).filter(|(_, count)| *count != SlotCount::default())
    }

    pub(crate) fn add(&mut self, slot: u16, count: SlotCount) {
        if self.slots.is_empty() {
            self.slots = vec![SlotCount::default(); SLOTS];
        }
        if let Some(sum) = self.slots.get_mut(usize::from(slot)) {
            sum.keys = sum.keys.saturating_add(count.keys);
            sum.bytes = sum.bytes.saturating_add(count.bytes);
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (slot, count) in other.iter() {
            self.add(slot, count);
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

/// A slot table that was not written by this crate.
#[derive(Debug, thiserror::Error)]
#[error("slot table entry {0:?} is not \"slot:keys,bytes\" with a slot below {SLOTS}")]
pub struct SlotTableError(String);

impl TryFrom<String> for SlotCounts {
    type Error = SlotTableError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut counts = Self::default();
        for entry in text.split(';').filter(|entry| !entry.is_empty()) {
            let (slot, count) =
                parse_entry(entry).ok_or_else(|| SlotTableError(entry.chars().take(64).collect()))?;
            counts.add(slot, count);
        }
        Ok(counts)
    }
}

fn parse_entry(entry: &str) -> Option<(u16, SlotCount)> {
    let (slot, counts) = entry.split_once(':')?;
    let (keys, bytes) = counts.split_once(',')?;
    let slot = slot.parse().ok().filter(|slot| usize::from(*slot) < SLOTS)?;
    Some((slot, SlotCount { keys: keys.parse().ok()?, bytes: bytes.parse().ok()? }))
}

/// The cluster slot of a key: CRC16 (XMODEM) of its hash tag, or of the whole key if it has none, modulo 16384.
///
/// A hash tag is what stands between the first `{` and the first `}` after it, unless that is nothing.
pub fn key_slot(key: &[u8]) -> u16 {
    let mut hasher = SlotHasher::default();
    hasher.update(key);
    hasher.slot()
}

/// The slot of a key that passes in pieces.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlotHasher {
    key: u16,
    tag: u16,
    state: TagState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum TagState {
    #[default]
    Before,
    Open,
    Inside,
    Closed,
    Empty,
}

impl SlotHasher {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((&byte, tail)) = rest.split_first() {
            match self.state {
                TagState::Closed => return,
                TagState::Empty => {
                    self.key = crc16(self.key, rest);
                    return;
                }
                TagState::Before => {
                    let plain = rest.iter().position(|byte| *byte == b'{').unwrap_or(rest.len());
                    let (before, from_brace) = rest.split_at(plain);
                    self.key = crc16(self.key, before);
                    let Some((brace, tail)) = from_brace.split_first() else { return };
                    self.key = crc16(self.key, &[*brace]);
                    self.state = TagState::Open;
                    rest = tail;
                    continue;
                }
                TagState::Open if byte == b'}' => self.state = TagState::Empty,
                TagState::Inside if byte == b'}' => self.state = TagState::Closed,
                TagState::Open | TagState::Inside => {
                    self.tag = crc16(self.tag, &[byte]);
                    self.state = TagState::Inside;
                }
            }
            self.key = crc16(self.key, &[byte]);
            rest = tail;
        }
    }

    pub(crate) fn slot(self) -> u16 {
        let crc = if self.state == TagState::Closed { self.tag } else { self.key };
        crc & (SLOTS as u16 - 1)
    }
}

fn crc16(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, byte| (crc << 8) ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)])
}

const CRC16: [u16; 256] = crc16_table();

const fn crc16_table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_a_real_cluster() {
        // From CLUSTER KEYSLOT of a real server.
        assert_eq!(key_slot(b""), 0);
        assert_eq!(key_slot(b"123456789"), 0x31c3);
        assert_eq!(key_slot(b"foo"), 12182);
        assert_eq!(key_slot(b"{foo}.bar"), key_slot(b"foo"));
        assert_eq!(key_slot(b"a{foo}{bar}"), key_slot(b"foo"));
        assert_ne!(key_slot(b"{}foo"), key_slot(b"foo"));
        assert_eq!(key_slot(b"{}{foo}"), crc16(0, b"{}{foo}") & 16383);
        assert_eq!(key_slot(b"{foo"), crc16(0, b"{foo") & 16383);
    }

    #[test]
    fn pieces_give_the_slot_of_the_whole() {
        let key = b"user:{1000}:following";
        for cut in 0..=key.len() {
            let mut hasher = SlotHasher::default();
            hasher.update(&key[..cut]);
            hasher.update(&key[cut..]);
            assert_eq!(hasher.slot(), key_slot(b"1000"));
        }
    }

    #[test]
    fn a_full_table_is_written_below_one_mebibyte_and_read_back() {
        let mut counts = SlotCounts::default();
        for slot in 0..SLOTS as u16 {
            counts.add(slot, SlotCount { keys: u64::MAX, bytes: u64::MAX });
        }
        let text = String::from(counts.clone());
        assert!(text.len() < 1 << 20);
        assert_eq!(SlotCounts::try_from(text).unwrap(), counts);
        assert!(SlotCounts::try_from("16384:1,1".to_owned()).is_err());
    }
}
