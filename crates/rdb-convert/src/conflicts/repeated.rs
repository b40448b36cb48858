//! Hashes of keys, and where in the file the keys of repeated ones are.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    MAX_COMPARED_KEYS,
    encoded::{Base64, at_most, encode},
    hash::hash,
};

/// Hashes. In JSON, base64 of 16 bytes each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hashes(Vec<u128>);

/// Room for this many hashes is made at least.
const LEAST_HASHES: usize = 1024;

impl Hashes {
    pub(super) fn push_up_to(&mut self, hash: u128, most: u64) {
        if (self.0.len() as u64) < most {
            self.0.push(hash);
        }
    }

    pub(super) fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
    }

    /// Adds a hash, which may be there. If there are more than `most`, some of the others are left out.
    pub(super) fn push_new(&mut self, hash: u128, most: u64) {
        let room = most + most / 2 + LEAST_HASHES as u64;
        if self.count() > room {
            self.0.sort_unstable();
            self.0.dedup();
            // All that is missing of too many is seen by their number.
            if self.count() > most {
                self.0.truncate(most as usize + 1);
            }
        }
        self.0.push(hash);
        self.shrink();
    }

    /// The number of hashes.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Adds hashes, which may be there.
    pub(super) fn append_new(&mut self, more: Self) {
        self.append(more);
        self.shrink();
    }

    /// Drops hashes that are there repeatedly, before more memory is taken.
    fn shrink(&mut self) {
        if self.0.len() == self.0.capacity() {
            self.0.sort_unstable();
            self.0.dedup();
            self.0.reserve((self.0.len() / 2).max(LEAST_HASHES));
        }
    }

    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }

    /// Sorts the hashes. Returns how many occur again.
    pub(super) fn sort(&mut self) -> u64 {
        self.0.sort_unstable();
        self.repeated().count() as u64
    }

    /// Of sorted hashes, drops those that occur again, and returns which these are.
    pub(super) fn take_repeated(&mut self) -> Self {
        let again = Self(self.repeated().collect());
        self.0.dedup();
        again
    }

    fn repeated(&self) -> impl Iterator<Item = u128> + '_ {
        self.0.chunk_by(u128::eq).filter(|same| same.len() > 1).filter_map(|same| same.first().copied())
    }

    /// Whether sorted hashes have this one.
    pub(super) fn contains(&self, hash: u128) -> bool {
        self.0.binary_search(&hash).is_ok()
    }
}

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        serializer.serialize_str(&encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Base64(bytes) = Base64::deserialize(deserializer)?;
        let (hashes, rest) = bytes.as_chunks();
        at_most(hashes.len(), MAX_COMPARED_KEYS as usize)?;
        if !rest.is_empty() {
            return Err(D::Error::custom("hashes of 16 bytes are expected"));
        }
        Ok(Self(hashes.iter().map(|hash| u128::from_le_bytes(*hash)).collect()))
    }
}

/// Keys that occur more than once, as hashes, with the file offsets of the first and the last of each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repeated {
    /// In ascending order.
    hashes: Hashes,
    /// Offset of the first and of the last record of each.
    #[serde(with = "offsets")]
    places: Vec<(u64, u64)>,
    /// Keys that were not compared, because there are too many.
    unchecked: u64,
}

/// Where some of the repeated keys are: the index of a hash, and the offset of a record. Each range has its own, which
/// take memory only for what is there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Places(#[serde(with = "offsets")] Vec<(u64, u64)>);

impl Places {
    pub(super) fn push(&mut self, index: u64, offset: u64) {
        self.0.push((index, offset));
        self.shrink();
    }

    pub(super) fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
        self.shrink();
    }

    /// Keeps the first and the last record of each, before more memory is taken.
    fn shrink(&mut self) {
        if self.0.len() < self.0.capacity() {
            return;
        }
        self.0.sort_unstable();
        let mut has_both = false;
        self.0.dedup_by(|later, kept| {
            let (is_same, is_last) = (later.0 == kept.0, has_both);
            has_both = is_same;
            if is_same && is_last {
                kept.1 = later.1;
            }
            is_same && is_last
        });
        self.0.reserve((self.0.len() / 2).max(LEAST_HASHES));
    }
}

/// A record that is not yet known.
const NOWHERE: (u64, u64) = (u64::MAX, 0);

impl Repeated {
    /// Sorted hashes whose keys have to be found.
    pub(super) fn of(hashes: Hashes) -> Self {
        let places = vec![NOWHERE; hashes.0.len()];
        Self { hashes, places, unchecked: 0 }
    }

    pub(super) fn unchecked(keys: u64) -> Self {
        Self { unchecked: keys, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.0.is_empty()
    }

    /// Which of the hashes this is.
    pub(super) fn index(&self, hash: u128) -> Option<u64> {
        self.hashes.0.binary_search(&hash).ok().map(|index| index as u64)
    }

    /// Adds records that were found.
    pub(super) fn place_at(&mut self, found: &Places) {
        for (index, offset) in &found.0 {
            if let Some((first, last)) = self.places.get_mut(*index as usize) {
                (*first, *last) = ((*first).min(*offset), (*last).max(*offset));
            }
        }
    }

    /// The number of keys that were not compared, because there are too many.
    pub fn unchecked_keys(&self) -> u64 {
        self.unchecked
    }

    /// Whether the record at an offset is the first with its key, and the last; none if it is the only one.
    pub(crate) fn place(
        &self,
        database: u64,
        prefix: &[u8],
        key: &[u8],
        offset: u64,
    ) -> Option<(bool, bool)> {
        if self.hashes.0.is_empty() {
            return None;
        }
        let place = self.hashes.0.binary_search(&hash(database, prefix, key)).ok()?;
        self.places.get(place).map(|(first, last)| (*first == offset, *last == offset))
    }
}

/// Pairs of offsets, as base64 of 16 bytes each.
mod offsets {
    use super::{Deserialize, Deserializer, Error, Hashes, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(places: &[(u64, u64)], serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = places.iter().map(|(first, last)| u128::from(*first) << 64 | u128::from(*last));
        Hashes(pairs.collect()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u64, u64)>, D::Error> {
        let pairs = Hashes::deserialize(deserializer).map_err(D::Error::custom)?;
        Ok(pairs.0.iter().map(|pair| ((pair >> 64) as u64, *pair as u64)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_of_many_records_are_kept() {
        let (mut places, mut others) = (Places::default(), Places::default());
        for offset in 0..100_000 {
            places.push(offset % 7, offset);
            others.push(offset % 11, 100_000 + offset);
        }
        assert!(places.0.capacity() < 5000, "{}", places.0.capacity());
        places.append(others);
        let mut repeated = Repeated::of(Hashes((0..12).collect()));
        repeated.place_at(&places);
        for (index, place) in (0..11u64).zip(&repeated.places) {
            let first = if index < 7 { index } else { 100_000 + index };
            let last = (199_989..200_000).find(|offset| (offset - 100_000) % 11 == index).unwrap();
            assert_eq!(*place, (first, last), "{index}");
        }
        assert_eq!(repeated.places[11], NOWHERE);
    }
}
