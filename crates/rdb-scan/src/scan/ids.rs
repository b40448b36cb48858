//! Ids of stream entries, and lists of ids without duplicates.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::hash::fold;

/// The id of a stream entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) struct Id(u64, u64);

/// Longer lists are compared only by the sums of their hashes.
const MOST_KEPT: usize = 4096;

/// A list of ids. Servers write them in ascending order and load them in any order, but refuse duplicates.
///
/// Up to [`MOST_KEPT`] ids are kept, so that lists can be compared exactly. A position inside a value does not store
/// them; after it, as in a longer list, only the order shows that there are no duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdList {
    pub(crate) count: u64,
    #[serde(with = "crate::bytes::encoded")]
    hashes: u64,
    last: Option<Id>,
    /// Whether an id is not greater than the one before it.
    disordered: bool,
    /// The first id that equals the one before it.
    repeated: Option<Id>,
    #[serde(skip)]
    kept: Vec<Id>,
}

impl IdList {
    /// Adds the next id.
    #[inline]
    pub(crate) fn add(&mut self, id: Id) {
        let hash = fold(id.0 ^ 0x9e37_79b9_7f4a_7c15, id.1 ^ 0xd1b5_4a32_d192_ed03);
        self.count += 1;
        self.hashes = self.hashes.wrapping_add(hash);
        if self.kept.len() < MOST_KEPT {
            self.kept.push(id);
        }
        let last = self.last.replace(id);
        if last >= Some(id) {
            self.disordered = true;
            if last == Some(id) {
                self.repeated.get_or_insert(id);
            }
        }
    }

    /// Whether the order does not rule out duplicates.
    pub(crate) fn is_disordered(&self) -> bool {
        self.disordered
    }

    /// Starts a new list with the memory of the old one.
    pub(crate) fn clear(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        *self = Self { kept, ..Self::default() };
        self.kept.clear();
    }

    /// An id that occurs twice, if one is known.
    pub(crate) fn twice(&self) -> Option<Id> {
        if !self.disordered || self.repeated.is_some() {
            return self.repeated;
        }
        let mut sorted = self.known()?.to_vec();
        sorted.sort_unstable();
        sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }

    /// Whether both hold the same ids the same number of times, by count and sum of hashes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.count, self.hashes) == (other.count, other.hashes)
    }

    /// Finds an id of this list that is not in the other.
    pub(crate) fn beyond(&self, other: &Self) -> Beyond {
        let (Some(own), Some(others)) = (self.known(), other.known()) else { return Beyond::Unknown };
        let mut others = others.to_vec();
        others.sort_unstable();
        own.iter().find(|id| others.binary_search(id).is_err()).map_or(Beyond::Nothing, |id| Beyond::Id(*id))
    }

    /// All ids, if they are kept.
    fn known(&self) -> Option<&[Id]> {
        (self.kept.len() as u64 == self.count).then_some(&self.kept)
    }
}

/// What one list of ids has and another does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// All ids are in both.
    Nothing,
    /// The first id that is not in the other list.
    Id(Id),
    /// One list is too long to be kept.
    Unknown,
}

impl Id {
    /// The two big-endian numbers in the file.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_be_bytes()
    }

    /// From the two big-endian numbers in the file.
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self((both >> 64) as u64, both as u64)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}
