//! What a conversion is to do.

use std::ops::RangeInclusive;

use rdb_scan::{Kind, Magic, TypeSet, ValueType};
use serde::{Deserialize, Serialize};

use crate::{Databases, Glob, Target};

/// The most keys among which conflicts can be looked for: 1 GiB of memory. A key that occurs more than once counts as
/// eight more.
pub const MAX_COMPARED_KEYS: u64 = 1 << 26;

/// What happens to something that the target cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing is written.
    #[default]
    Refuse,
    /// It is left out, and counted.
    Drop,
}

/// What happens to what the target cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policies {
    /// Expiries of hash fields. Dropped, a field stays without its expiry, unless it has expired.
    pub field_expiries: Policy,
    /// Deduplication and given-back entries of streams. Dropped, the stream stays.
    pub stream_state: Policy,
    /// Values and data of modules, vector sets among them. Dropped, their keys go.
    pub modules: Policy,
    /// Values of types that the target does not have. Dropped, their keys go.
    pub unsupported_types: Policy,
    /// Libraries of functions.
    pub functions: Policy,
}

/// What happens to a key that two databases bring to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Nothing is written.
    #[default]
    Refuse,
    /// The first in the file stays.
    First,
    /// The last in the file stays.
    Last,
}

/// What a conversion is to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who is to read the new file.
    pub target: Target,
    /// What happens to what the target cannot hold.
    pub policies: Policies,
    /// Where databases go.
    pub databases: Databases,
    /// What happens to keys that two databases bring to one.
    pub on_conflict: OnConflict,
    /// Only keys that match one of these stay; all if empty. Compared with keys as they are in the source.
    pub include: Vec<Glob>,
    /// Keys that match one of these go.
    pub exclude: Vec<Glob>,
    /// Whether keys go that have expired at [`Options::now_ms`].
    pub drop_expired: bool,
    /// Whether what ends a load is mended: of keys that occur twice the first stays, collections without elements go,
    /// and streams get their true length.
    pub repair: bool,
    /// Only keys of these types stay; all if empty.
    pub only: Vec<Kind>,
    /// Only keys in these cluster slots stay.
    pub slots: Option<RangeInclusive<u16>>,
    /// The number of new files, at least 1. Each gets an equal share of the cluster slots.
    pub split: u16,
    /// The time at which keys and fields have expired or not, in Unix milliseconds.
    pub now_ms: i64,
    /// Conflicts are looked for among at most this many keys, not counting those of the largest database that goes to
    /// the same one. At most [`MAX_COMPARED_KEYS`].
    pub most_compared_keys: u64,
}

impl Options {
    /// A conversion that loses nothing.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            policies: Policies::default(),
            databases: Databases::default(),
            on_conflict: OnConflict::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            drop_expired: false,
            repair: false,
            only: Vec::new(),
            slots: None,
            split: 1,
            now_ms: 0,
            most_compared_keys: MAX_COMPARED_KEYS,
        }
    }

    /// The types of keys that are copied as they are, for [`rdb_scan::InspectOptions::copied`] and
    /// [`RecordRange::around`](crate::RecordRange::around). Empty if every key has to be read: keys are left out,
    /// renamed, moved to another database, mended or divided among files.
    pub fn copied_types(&self) -> TypeSet {
        let keeps_all = self.databases.is_keep()
            && self.include.is_empty()
            && self.exclude.is_empty()
            && self.only.is_empty()
            && self.slots.is_none()
            && !self.drop_expired;
        if !keeps_all || self.repair || self.split > 1 {
            return TypeSet::default();
        }
        // Hashes of Valkey whose fields expire are read under either magic: their expiries are counted.
        ValueType::ALL.iter().copied().filter(|one| self.target.reads(*one, Magic::Redis)).collect()
    }
}
