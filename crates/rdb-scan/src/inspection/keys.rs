//! The keys of a file, kept to find duplicates.

use serde::{Deserialize, Serialize};

use crate::bytes::hash::fold;

/// The hash and the file offset of every key, unless there are too many keys.
///
/// Two different keys share a hash with a probability of 2^-64, so the comparison is exact for all practical purposes.
/// The set does not depend on how a file was cut into parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "WrittenKeys", try_from = "WrittenKeys")]
pub(crate) struct KeySet {
    limit: usize,
    // In file order. Emptied for good once there are more than `limit`.
    keys: Vec<(u64, u64)>,
    // The number of keys at the start that have an unknown database.
    unresolved: usize,
    overflown: bool,
}

impl KeySet {
    /// A set of at most `limit` keys.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds a key by its hash. `database` is a [`database_seed`].
    #[inline]
    pub(crate) fn push(&mut self, hash: u64, offset: u64, database: Option<u64>) {
        if self.overflown {
            return;
        }
        if self.keys.len() >= self.limit {
            self.overflow();
            return;
        }
        self.unresolved += usize::from(database.is_none());
        self.keys.push((hash ^ database.unwrap_or(0), offset));
    }

    /// Whether there were too many keys to compare.
    pub(crate) fn is_overflown(&self) -> bool {
        self.overflown
    }

    /// Sets the database of the first keys, now that it is known.
    pub(crate) fn resolve(&mut self, database: u64) {
        let seed = database_seed(database);
        for (hash, _) in self.keys.iter_mut().take(self.unresolved) {
            *hash ^= seed;
        }
        self.unresolved = 0;
    }

    /// Appends the set of the next part. It may have unresolved keys only if all keys of this set are.
    pub(crate) fn join(&mut self, next: Self) {
        self.overflown |= next.overflown;
        if self.overflown || self.keys.len() + next.keys.len() > self.limit {
            self.overflow();
            return;
        }
        self.unresolved += next.unresolved;
        self.keys.extend(next.keys);
    }

    /// The offsets of keys that occur twice, each with that of the previous occurrence, in file order of the later one.
    pub(crate) fn duplicates(&self) -> Vec<(u64, u64)> {
        // Sorting is slow, and for nearly all keys the first bits of the hash are unique.
        let mut seen = FirstBits::new(self.keys.len());
        let mut seen_twice = FirstBits::new(self.keys.len());
        for (hash, _) in &self.keys {
            if seen.insert(*hash) {
                seen_twice.insert(*hash);
            }
        }
        let mut keys: Vec<_> = self.keys.iter().filter(|(hash, _)| seen_twice.contains(*hash)).collect();
        keys.sort_unstable();
        let pairs = keys.windows(2).filter_map(|pair| match pair {
            [(one, first), (other, second)] if one == other => Some((*second, *first)),
            _ => None,
        });
        let mut duplicates: Vec<_> = pairs.collect();
        duplicates.sort_unstable();
        duplicates
    }

    /// Drops the keys, once they have been compared.
    pub(crate) fn clear(&mut self) {
        self.keys = Vec::new();
    }

    /// Drops the keys: there are too many to compare.
    pub(crate) fn overflow(&mut self) {
        self.overflown = true;
        self.unresolved = 0;
        self.keys = Vec::new();
    }
}

/// A set of the first bits of hashes: enough bits that few hashes share theirs with another.
struct FirstBits {
    words: Vec<u64>,
    shift: u32,
}

impl FirstBits {
    fn new(hashes: usize) -> Self {
        let bits = (16 * hashes).next_power_of_two().max(64);
        Self { words: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() }
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let bit = hash >> self.shift;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    /// Adds the first bits of a hash. Returns whether they were present.
    fn insert(&mut self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        let Some(word) = self.words.get_mut(word) else { return true };
        let was_there = *word & bit != 0;
        *word |= bit;
        was_there
    }

    fn contains(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words.get(word).is_none_or(|word| word & bit != 0)
    }
}

/// A seed that distinguishes the keys of this database from those of others.
pub(crate) fn database_seed(database: u64) -> u64 {
    fold(database ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db)
}

/// The JSON form of the set: hashes and differences of offsets as bytes.
#[derive(Serialize, Deserialize)]
struct WrittenKeys {
    limit: usize,
    unresolved: usize,
    overflown: bool,
    #[serde(with = "crate::bytes::encoded::bytes")]
    keys: Vec<u8>,
}

impl From<KeySet> for WrittenKeys {
    fn from(set: KeySet) -> Self {
        let mut bytes = Vec::with_capacity(set.keys.len() * 10);
        let mut last = 0;
        for (hash, offset) in set.keys {
            bytes.extend_from_slice(&hash.to_le_bytes());
            let mut distance = offset.wrapping_sub(last);
            while distance >= 0x80 {
                bytes.push(distance as u8 | 0x80);
                distance >>= 7;
            }
            bytes.push(distance as u8);
            last = offset;
        }
        Self { limit: set.limit, unresolved: set.unresolved, overflown: set.overflown, keys: bytes }
    }
}

/// A set of keys that this crate did not write.
#[derive(Debug, thiserror::Error)]
#[error("the set of keys breaks off inside a key")]
pub(crate) struct KeySetError;

impl TryFrom<WrittenKeys> for KeySet {
    type Error = KeySetError;

    fn try_from(written: WrittenKeys) -> Result<Self, KeySetError> {
        let WrittenKeys { limit, unresolved, overflown, keys: bytes } = written;
        let mut keys = Vec::new();
        let mut rest = &bytes[..];
        let mut last: u64 = 0;
        while let Some((hash, tail)) = rest.split_first_chunk::<8>() {
            let digits = tail.iter().take(10).position(|byte| *byte < 0x80).ok_or(KeySetError)? + 1;
            let (distance, tail) = tail.split_at(digits);
            let distance = distance.iter().rev().fold(0u64, |sum, digit| sum << 7 | u64::from(digit & 0x7f));
            last = last.wrapping_add(distance);
            keys.push((u64::from_le_bytes(*hash), last));
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(KeySetError);
        }
        Ok(Self { limit, keys, unresolved, overflown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_as_it_was_written() {
        let mut set = KeySet::new(100);
        for (hash, offset) in [(1, 9), (u64::MAX, 10), (7, 1 << 40), (7, u64::MAX)] {
            set.push(hash, offset, None);
        }
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<KeySet>(&text).unwrap(), set);
        assert_eq!(set.duplicates(), [(u64::MAX, 1 << 40)]);
        for bad in ["AAAA", "AAAAAAAAAAD/////////////"] {
            let text = format!(r#"{{"limit":1,"unresolved":0,"overflown":false,"keys":"{bad}"}}"#);
            assert!(serde_json::from_str::<KeySet>(&text).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_key_in_two_databases_is_no_duplicate() {
        let mut set = KeySet::new(100);
        set.push(5, 0, Some(database_seed(0)));
        set.push(5, 10, Some(database_seed(1)));
        assert_eq!(set.duplicates(), []);
        let mut next = KeySet::new(100);
        next.push(5, 20, None);
        next.resolve(1);
        set.join(next);
        assert_eq!(set.duplicates(), [(20, 10)]);
    }
}
