//! Where the memory goes: by prefix, type, database and slot, as it will be in the target engine.

use rdb_footprint::{Footprint, Groups, Share};
use rdb_scan::{Inspection, key_prefix_text};
use serde::{Deserialize, Serialize};

/// At most this many prefixes are reported.
const MAX_PREFIXES: usize = 300;
/// Prefixes with less than this part of the memory are not reported.
const LEAST_PART: u64 = 1000;
/// At most this many databases are reported one by one: the largest.
const MAX_DATABASES: usize = 64;
/// The slots are reported in this many equal ranges.
pub const SLOT_RANGES: usize = 256;

/// Where the memory of all data goes in the target engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryMap {
    /// Bytes of keys and values, without the tables of keys.
    pub data_bytes: u64,
    /// Bytes of everything else: the tables of keys and expiries, libraries of functions.
    pub tables_bytes: u64,
    /// Prefixes of keys with at least 0.1 % of the memory, largest first, at most 300. Empty if keys are hidden.
    pub prefixes: Vec<PrefixMemory>,
    /// The most bytes that a prefix may lack, because the backup has more than 4,096 prefixes; 0 if it has not.
    pub merged_bytes: u64,
    /// Types and their encodings in the file, largest first.
    pub types: Vec<TypeMemory>,
    /// Databases, largest first, at most 64.
    pub databases: Vec<DatabaseMemory>,
    /// Bytes of 256 equal ranges of slots.
    pub slots: Vec<u64>,
}

/// The keys whose names begin alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixMemory {
    /// Prefix up to one of `:/.|#`, escaped like keys. A `*` is any number, digest or UUID.
    pub prefix: String,
    /// Keys, without those that have expired.
    pub keys: u64,
    /// The keys among them that never expire.
    pub without_expiry: u64,
    /// Bytes of keys and values, a part of `dataBytes`.
    pub bytes: u64,
    /// Standard error of `bytes`; 0 if every key was weighed.
    pub error_bytes: u64,
    /// The `used_memory` of a server that holds nothing else, minus that of an empty server.
    pub alone_bytes: u64,
}

/// The keys of one type and encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeMemory {
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Encoding in the file.
    pub encoding: String,
    /// Keys, without those that have expired.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// The keys of one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseMemory {
    /// Number of the database; null for all that are not listed.
    pub index: Option<u64>,
    /// Keys, without those that have expired.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl MemoryMap {
    /// The map of files with this footprint. None if there are no keys.
    pub fn of<'i>(
        inspections: impl IntoIterator<Item = &'i Inspection>,
        footprint: &Footprint,
    ) -> Option<Self> {
        let groups = Groups::of(inspections, &footprint.settings)?;
        let data_bytes = footprint.data_bytes();
        let slots = footprint.slot_weights();
        Some(Self {
            data_bytes,
            tables_bytes: footprint.used_memory_bytes().saturating_sub(data_bytes),
            prefixes: prefixes(&groups, footprint),
            merged_bytes: groups.merged_bytes,
            types: types(&groups),
            databases: databases(&groups),
            slots: slots
                .chunks(slots.len().div_ceil(SLOT_RANGES).max(1))
                .map(|range| range.iter().sum())
                .collect(),
        })
    }
}

fn prefixes(groups: &Groups, footprint: &Footprint) -> Vec<PrefixMemory> {
    let least = groups.all.keys().bytes / LEAST_PART;
    let large = groups.starts.iter().filter(|(_, share)| share.keys().bytes >= least.max(1));
    let of = |(start, share): (&Vec<u8>, &Share)| {
        let keys = share.keys();
        PrefixMemory {
            prefix: key_prefix_text(start),
            keys: keys.keys,
            without_expiry: keys.keys.saturating_sub(keys.expires),
            bytes: keys.bytes,
            error_bytes: share.error_bytes(),
            alone_bytes: keys.used_memory_bytes(footprint.settings, footprint.cluster_mode),
        }
    };
    let mut all: Vec<_> = large.map(of).collect();
    // A prefix is never larger than the shorter one that it belongs to, so that one is kept as well.
    all.sort_by(|one, other| (other.bytes, &one.prefix).cmp(&(one.bytes, &other.prefix)));
    all.truncate(MAX_PREFIXES);
    all
}

fn types(groups: &Groups) -> Vec<TypeMemory> {
    let of = |(&(kind, encoding), share): (&(&str, &str), &Share)| {
        let keys = share.keys();
        let (kind, encoding) = (kind.to_owned(), encoding.to_owned());
        TypeMemory { kind, encoding, keys: keys.keys, bytes: keys.bytes }
    };
    let mut all: Vec<_> = groups.encodings.iter().map(of).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.bytes));
    all
}

fn databases(groups: &Groups) -> Vec<DatabaseMemory> {
    let of = |(index, share): (&Option<u64>, &Share)| {
        let keys = share.keys();
        DatabaseMemory { index: *index, keys: keys.keys, bytes: keys.bytes }
    };
    let mut all: Vec<_> = groups.databases.iter().map(of).collect();
    all.sort_by_key(|one| (one.index.is_none(), std::cmp::Reverse(one.bytes)));
    if all.len() > MAX_DATABASES {
        let rest = all.split_off(MAX_DATABASES - 1);
        let sum = |number: fn(&DatabaseMemory) -> u64| rest.iter().map(number).sum();
        all.push(DatabaseMemory { index: None, keys: sum(|one| one.keys), bytes: sum(|one| one.bytes) });
    }
    all
}
