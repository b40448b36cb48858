//! Hashes of keys, and where in the file the keys of repeated ones are.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{MAX_COMPARED_KEYS, hash};
use crate::encoded::{Base64, at_most, encode};

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

    /// Adds a hash, which may be there.
    pub(super) fn push_new(&mut self, hash: u128) {
        self.0.push(hash);
        self.shrink();
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

    /// Sorts the hashes, and drops those that occur again. Returns which these are.
    pub(super) fn sort(&mut self) -> Self {
        self.0.sort_unstable();
        let again =
            self.0.chunk_by(u128::eq).filter(|same| same.len() > 1).filter_map(|same| same.first().copied());
        let again = Self(again.collect());
        self.0.dedup();
        again
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

    /// The same hashes, none of which has been found.
    pub(super) fn unplaced(&self) -> Self {
        Self::of(self.hashes.clone())
    }

    pub(super) fn note(&mut self, hash: u128, offset: u64) {
        if let Ok(place) = self.hashes.0.binary_search(&hash)
            && let Some((first, last)) = self.places.get_mut(place)
        {
            (*first, *last) = ((*first).min(offset), (*last).max(offset));
        }
    }

    pub(super) fn merge(&mut self, more: &Self) {
        for (place, more) in self.places.iter_mut().zip(&more.places) {
            *place = (place.0.min(more.0), place.1.max(more.1));
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
