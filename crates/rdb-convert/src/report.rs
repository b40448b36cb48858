//! What a conversion has done, or would do.

use std::collections::BTreeMap;

use rdb_scan::Stretch;
use serde::{Deserialize, Serialize};

use crate::encoded;

mod names;

/// At most this many keys are listed for each thing that is counted; a hundred of conflicts.
pub const MAX_LISTED_KEYS: usize = 10;
/// Of a listed key, at most this many bytes are kept.
pub const MAX_LISTED_KEY_BYTES: usize = 256;
const MAX_LISTED_CONFLICTS: usize = 100;

/// A number of something, with the first keys that have it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// How many.
    pub number: u64,
    /// The first keys, at most [`MAX_LISTED_KEYS`], cut to [`MAX_LISTED_KEY_BYTES`].
    #[serde(with = "encoded::keys")]
    pub keys: Vec<Vec<u8>>,
}

/// Something that stands in the way of a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What it is, for programs, in kebab-case.
    pub code: &'static str,
    /// How often it is there, and the first keys.
    pub count: Count,
    /// What can be done.
    #[serde(skip_serializing)]
    pub remedy: &'static str,
}

/// Keys that two databases bring to one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflicts {
    /// How many keys there are more than once.
    pub number: u64,
    /// The first hundred, cut to [`MAX_LISTED_KEY_BYTES`].
    #[serde(with = "encoded::keys")]
    pub keys: Vec<Vec<u8>>,
}

/// What a conversion has done, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Keys in the source.
    pub keys_read: u64,
    /// Keys in all new files.
    pub keys_written: u64,
    /// Bytes in all new files. Those of a range are without what precedes and follows the records, and with a selection
    /// of its first database.
    pub bytes_written: u64,
    /// Keys that were left out, by reason.
    #[serde(with = "names")]
    pub dropped: BTreeMap<&'static str, Count>,
    /// What else was lost.
    #[serde(with = "names")]
    pub lost: BTreeMap<&'static str, Count>,
    /// What was mended.
    #[serde(with = "names")]
    pub repaired: BTreeMap<&'static str, Count>,
    /// Hash fields that keep their expiry.
    pub field_expiries_kept: u64,
    /// Keys that were written in another encoding than that of the source.
    pub keys_rewritten: u64,
    /// Keys that two databases bring to one.
    pub conflicts: Conflicts,
    /// What stands in the way, in the order of the file.
    pub refused: Vec<Refusal>,
}

/// Adds a key to a list, cut.
fn list(keys: &mut Vec<Vec<u8>>, key: &[u8], most: usize) {
    if keys.len() < most {
        keys.push(key.get(..MAX_LISTED_KEY_BYTES).unwrap_or(key).to_vec());
    }
}

impl Count {
    pub(crate) fn add(&mut self, number: u64, key: Option<&[u8]>) {
        self.number += number;
        if let Some(key) = key {
            list(&mut self.keys, key, MAX_LISTED_KEYS);
        }
    }

    fn merge(&mut self, next: Self) {
        self.number += next.number;
        self.keys.extend(next.keys);
        self.keys.truncate(MAX_LISTED_KEYS);
    }
}

impl Report {
    /// Whether fields have expiries, whether the new file holds them or not.
    pub(crate) fn has_field_expiries(&self) -> bool {
        let is_lost = |what| self.lost.contains_key(what);
        self.field_expiries_kept > 0
            || is_lost("fieldExpiries")
            || is_lost("expiredFields")
            || self.refused.iter().any(|one| one.code == "field-expiries")
    }

    /// Of a stretch whose keys stay as they are, with what precedes it in the new file.
    pub(crate) fn of_stretch(stretch: &Stretch, bytes_written: u64) -> Self {
        let keys = stretch.keys;
        Self { keys_read: keys, keys_written: keys, bytes_written, ..Self::default() }
    }

    pub(crate) fn dropped(&mut self, reason: &'static str, key: &[u8]) {
        self.dropped.entry(reason).or_default().add(1, Some(key));
    }

    pub(crate) fn lost(&mut self, what: &'static str, number: u64, key: Option<&[u8]>) {
        if number > 0 {
            self.lost.entry(what).or_default().add(number, key);
        }
    }

    pub(crate) fn repaired(&mut self, what: &'static str, number: u64, key: Option<&[u8]>) {
        if number > 0 {
            self.repaired.entry(what).or_default().add(number, key);
        }
    }

    pub(crate) fn refuse(&mut self, code: &'static str, key: Option<&[u8]>) {
        let mut count = Count::default();
        count.add(1, key);
        self.merge_refusal(Refusal { code, count, remedy: names::remedy(code) });
    }

    pub(crate) fn conflict(&mut self, key: &[u8]) {
        self.conflicts.number += 1;
        list(&mut self.conflicts.keys, key, MAX_LISTED_CONFLICTS);
    }

    /// Adds the report of the range that follows.
    pub(crate) fn merge(&mut self, next: Self) {
        self.keys_read += next.keys_read;
        self.keys_written += next.keys_written;
        self.bytes_written += next.bytes_written;
        self.field_expiries_kept += next.field_expiries_kept;
        self.keys_rewritten += next.keys_rewritten;
        for (counts, next) in [
            (&mut self.dropped, next.dropped),
            (&mut self.lost, next.lost),
            (&mut self.repaired, next.repaired),
        ] {
            for (what, count) in next {
                counts.entry(what).or_default().merge(count);
            }
        }
        self.conflicts.number += next.conflicts.number;
        self.conflicts.keys.extend(next.conflicts.keys);
        self.conflicts.keys.truncate(MAX_LISTED_CONFLICTS);
        for refusal in next.refused {
            self.merge_refusal(refusal);
        }
    }

    fn merge_refusal(&mut self, refusal: Refusal) {
        match self.refused.iter_mut().find(|one| one.code == refusal.code) {
            Some(one) => one.count.merge(refusal.count),
            None => self.refused.push(refusal),
        }
    }
}
