//! What readings of ranges have found, and its sum.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    MAX_DATABASES,
    repeated::{Hashes, Places},
};
use crate::{MAX_COMPARED_KEYS, encoded::pairs};

/// What one reading of a range has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found(pub(super) Find);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Find {
    Sizes(#[serde(with = "pairs")] Sizes),
    /// Hashes, and the number of keys. Too many hashes are left out.
    Hashes(Hashes, u64),
    Places(Places),
    Nothing,
}

/// The number of keys of each database.
pub(super) type Sizes = BTreeMap<u64, u64>;

impl Found {
    /// Adds what another range has found in the same reading.
    pub(crate) fn merge(&mut self, more: Self) {
        match (&mut self.0, more.0) {
            (Find::Sizes(sizes), Find::Sizes(more)) => add_sizes(sizes, more),
            (Find::Hashes(hashes, 0), Find::Hashes(more, 0)) => hashes.append_new(more),
            (Find::Hashes(hashes, keys), Find::Hashes(more, more_keys)) => {
                add_hashes(hashes, keys, more, more_keys, MAX_COMPARED_KEYS);
            }
            (Find::Places(places), Find::Places(more)) => places.append(more),
            _ => {}
        }
    }
}

pub(super) fn add_size(sizes: &mut Sizes, database: u64, keys: u64) {
    // One too many shows that there are too many.
    if sizes.len() <= MAX_DATABASES || sizes.contains_key(&database) {
        *sizes.entry(database).or_default() += keys;
    }
}

pub(super) fn add_sizes(sizes: &mut Sizes, more: Sizes) {
    for (database, keys) in more {
        add_size(sizes, database, keys);
    }
}

pub(super) fn add_hashes(hashes: &mut Hashes, keys: &mut u64, more: Hashes, more_keys: u64, most: u64) {
    *keys += more_keys;
    if *keys > most {
        hashes.clear();
    } else {
        hashes.append(more);
    }
}
