//! A sample of the keys, from which it is told which prefixes there are.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "estimates of what is counted up to 2^52"
)]

use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

use crate::key_text::escape;
use crate::visit::Record;

/// How many keys are kept: a prefix with a share of 10 % is then told within 1.3 percentage points, 19 times of 20.
pub(crate) const SAMPLE_KEYS: usize = 2048;
/// So much of a key is kept.
const MAX_PREFIX_BYTES: usize = 64;
/// What may end a prefix.
const SEPARATORS: &[u8] = b":/.|#";
/// A prefix ends behind one of the first separators.
const MAX_DEPTH: usize = 3;
/// Prefixes with a smaller share are not worth telling.
const LEAST_SHARE: f64 = 0.005;
const MAX_PREFIXES: usize = 20;

/// The keys with the smallest hashes: a random sample that does not depend on the order in which keys are seen, nor
/// on how a file was cut into parts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Sampled>", into = "Vec<Sampled>")]
pub(crate) struct KeySample {
    // The largest hash on top.
    keys: BinaryHeap<Sampled>,
}

/// One key of the sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Sampled {
    #[serde(rename = "h", with = "crate::encoded")]
    hash: u64,
    #[serde(rename = "b")]
    bytes: u64,
    #[serde(rename = "e")]
    expires: bool,
    #[serde(rename = "k", with = "crate::encoded::bytes")]
    start: Vec<u8>,
}

/// What a part of the keys has in common, estimated from a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prefix {
    /// How the keys begin, escaped as in [`crate::BigKey::key`].
    pub prefix: String,
    /// About how many keys.
    pub keys: u64,
    /// Their share of all keys, from 0 to 1.
    pub share: f64,
    /// The standard error of the share; 0 where all keys were looked at.
    pub share_error: f64,
    /// About how many bytes their records take in the file.
    pub bytes: u64,
    /// The share of these keys that never expire, from 0 to 1.
    pub without_expiry: f64,
}

impl KeySample {
    /// The largest hash that can still get in, now and however many keys follow.
    pub(crate) fn threshold(&self) -> u64 {
        if self.keys.len() < SAMPLE_KEYS { u64::MAX } else { self.keys.peek().map_or(0, |top| top.hash) }
    }

    /// Adds a key, if it is small enough.
    #[cold]
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        let start = record.key[..record.key.len().min(MAX_PREFIX_BYTES)].to_vec();
        let (bytes, expires) = (record.bytes(), record.expires_at_ms.is_some());
        self.push(Sampled { hash: record.key_hash, bytes, expires, start });
    }

    pub(crate) fn join(&mut self, next: Self) {
        for key in next.keys {
            self.push(key);
        }
    }

    fn push(&mut self, key: Sampled) {
        if self.keys.len() < SAMPLE_KEYS {
            self.keys.push(key);
        } else if let Some(mut top) = self.keys.peek_mut()
            && key < *top
        {
            *top = key;
        }
    }

    /// The prefixes of most keys, the largest share first, of so many keys in all.
    pub(crate) fn prefixes(&self, keys: u64) -> Vec<Prefix> {
        let sampled = self.keys.len() as f64;
        let mut groups: BTreeMap<&[u8], Group> = BTreeMap::new();
        for key in &self.keys {
            for prefix in prefixes_of(&key.start) {
                let group = groups.entry(prefix).or_default();
                group.keys += 1;
                group.bytes += key.bytes;
                group.expire += u64::from(key.expires);
            }
        }
        let weight = keys as f64 / sampled.max(1.0);
        let whole = keys == self.keys.len() as u64;
        let mut prefixes: Vec<_> = groups
            .into_iter()
            .map(|(prefix, group)| {
                let count = group.keys as f64;
                let share = count / sampled;
                let share_error = if whole { 0.0 } else { (share * (1.0 - share) / sampled).sqrt() };
                Prefix {
                    prefix: escape(prefix, prefix.len() as u64),
                    keys: (count * weight).round() as u64,
                    share,
                    share_error,
                    bytes: (group.bytes as f64 * weight).round() as u64,
                    without_expiry: 1.0 - group.expire as f64 / count,
                }
            })
            .filter(|prefix| prefix.share >= LEAST_SHARE)
            .collect();
        prefixes.sort_by(|one, other| other.keys.cmp(&one.keys).then_with(|| one.prefix.cmp(&other.prefix)));
        prefixes.truncate(MAX_PREFIXES);
        prefixes
    }
}

#[derive(Default)]
struct Group {
    keys: u64,
    bytes: u64,
    expire: u64,
}

/// The beginnings of a key up to its first separators.
fn prefixes_of(start: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = start.iter().enumerate().filter(|(_, byte)| SEPARATORS.contains(byte)).map(|(place, _)| place);
    ends.take(MAX_DEPTH).filter_map(|end| start.get(..=end))
}

impl PartialEq for KeySample {
    fn eq(&self, other: &Self) -> bool {
        Vec::from(self.clone()) == Vec::from(other.clone())
    }
}

impl From<Vec<Sampled>> for KeySample {
    fn from(mut keys: Vec<Sampled>) -> Self {
        keys.sort();
        keys.truncate(SAMPLE_KEYS);
        Self { keys: keys.into() }
    }
}

impl From<KeySample> for Vec<Sampled> {
    fn from(sample: KeySample) -> Self {
        sample.keys.into_sorted_vec()
    }
}
