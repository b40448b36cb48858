//! A sample of the keys, from which their prefixes are estimated.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "estimates of what is counted up to 2^52"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{bytes::key_text::escape, inspection::groups::SEPARATORS, scan::visit::Record};

/// The number of keys in the sample. The share of a prefix at 10 % is then within 1.3 percentage points in 19 of 20
/// cases.
pub(crate) const SAMPLE_KEYS: usize = 2048;
/// The number of bytes kept of each key.
const MAX_PREFIX_BYTES: usize = 64;
/// The number of separators, from the first one on, after which a prefix may end.
const MAX_DEPTH: usize = 3;
/// Prefixes with a smaller share are not reported.
const LEAST_SHARE: f64 = 0.005;
const MAX_PREFIXES: usize = 20;

/// The keys with the smallest hashes: a random sample that depends neither on the order of the keys nor on how a file
/// was cut into parts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<WrittenSample>", into = "Vec<WrittenSample>")]
pub(crate) struct KeySample {
    // Unordered. Holds up to twice the size of the sample while keys are added, so that few keys are compared with
    // others.
    keys: Vec<Sampled>,
    // The largest hash of those kept at the last cut; none before the first.
    largest: Option<u64>,
}

/// One key of the sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sampled {
    hash: u64,
    bytes: u64,
    expires: bool,
    start: KeyStart,
}

/// The start of a key. Not on the heap: most keys that are added are dropped again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct KeyStart {
    // Zeros after the end.
    bytes: [u8; MAX_PREFIX_BYTES],
    length: u8,
}

impl KeyStart {
    fn of(key: &[u8]) -> Self {
        let mut bytes = [0; MAX_PREFIX_BYTES];
        let length = key.len().min(MAX_PREFIX_BYTES);
        bytes[..length].copy_from_slice(&key[..length]);
        Self { bytes, length: length as u8 }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// The JSON form of a key of the sample.
#[derive(Serialize, Deserialize)]
struct WrittenSample {
    #[serde(rename = "h", with = "crate::bytes::encoded")]
    hash: u64,
    #[serde(rename = "b")]
    bytes: u64,
    #[serde(rename = "e")]
    expires: bool,
    #[serde(rename = "k", with = "crate::bytes::encoded::bytes")]
    start: Vec<u8>,
}

/// A common start of keys, estimated from a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prefix {
    /// The common start of the keys, escaped like keys.
    pub prefix: String,
    /// The estimated number of keys.
    pub keys: u64,
    /// Their share of all keys, from 0 to 1.
    pub share: f64,
    /// The standard error of the share; 0 if every key is in the sample.
    pub share_error: f64,
    /// The estimated bytes of their records in the file.
    pub bytes: u64,
    /// The share of these keys that never expire, from 0 to 1.
    pub without_expiry: f64,
}

impl KeySample {
    /// The hash above which no key can enter the sample, however many keys follow.
    pub(crate) fn threshold(&self) -> u64 {
        self.largest.unwrap_or(u64::MAX)
    }

    /// Adds a key. Keys with a hash above [`Self::threshold`] need not be added.
    #[cold]
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        let start = KeyStart::of(record.key);
        let (bytes, expires) = (record.bytes(), record.expires_at_ms.is_some());
        self.keys.push(Sampled { hash: record.key_hash, bytes, expires, start });
        if self.keys.len() >= 2 * SAMPLE_KEYS {
            self.settle();
        }
    }

    /// Drops the keys that do not belong to the sample.
    pub(crate) fn settle(&mut self) {
        if self.keys.len() >= SAMPLE_KEYS {
            let (_, last, _) = self.keys.select_nth_unstable(SAMPLE_KEYS - 1);
            self.largest = Some(last.hash);
            self.keys.truncate(SAMPLE_KEYS);
        }
    }

    /// Joins the sample of another part. The result is not settled yet.
    pub(crate) fn join(&mut self, next: Self) {
        let threshold = self.threshold();
        let kept = next.keys.into_iter().filter(|key| key.hash <= threshold);
        self.keys.extend(kept);
        if self.keys.len() >= 2 * SAMPLE_KEYS {
            self.settle();
        }
    }

    fn sorted(mut self) -> Vec<Sampled> {
        self.settle();
        self.keys.sort_unstable();
        self.keys
    }

    /// The most common prefixes, largest share first, scaled to `keys` keys in all.
    pub(crate) fn prefixes(&self, keys: u64) -> Vec<Prefix> {
        let sample = self.clone().sorted();
        let sampled = sample.len() as f64;
        let mut groups: BTreeMap<&[u8], PrefixGroup> = BTreeMap::new();
        for key in &sample {
            for prefix in prefixes_of(key.start.as_slice()) {
                let group = groups.entry(prefix).or_default();
                group.keys += 1;
                group.bytes += key.bytes;
                group.expire += u64::from(key.expires);
            }
        }
        let weight = keys as f64 / sampled.max(1.0);
        let whole = keys == sample.len() as u64;
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
struct PrefixGroup {
    keys: u64,
    bytes: u64,
    expire: u64,
}

/// The prefixes of a key, each up to one of its first separators.
fn prefixes_of(start: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = start.iter().enumerate().filter(|(_, byte)| SEPARATORS.contains(byte)).map(|(place, _)| place);
    ends.take(MAX_DEPTH).filter_map(|end| start.get(..=end))
}

impl PartialEq for KeySample {
    fn eq(&self, other: &Self) -> bool {
        self.clone().sorted() == other.clone().sorted()
    }
}

impl From<Vec<WrittenSample>> for KeySample {
    fn from(keys: Vec<WrittenSample>) -> Self {
        let keys = keys.into_iter().map(|WrittenSample { hash, bytes, expires, start }| Sampled {
            hash,
            bytes,
            expires,
            start: KeyStart::of(&start),
        });
        let mut sample = Self { keys: keys.collect(), largest: None };
        sample.settle();
        sample
    }
}

impl From<KeySample> for Vec<WrittenSample> {
    fn from(sample: KeySample) -> Self {
        let keys = sample.sorted().into_iter();
        keys.map(|Sampled { hash, bytes, expires, start }| WrittenSample {
            hash,
            bytes,
            expires,
            start: start.as_slice().to_vec(),
        })
        .collect()
    }
}
