//! The target of a prediction.

use serde::{Deserialize, Serialize};

use crate::engine::{allocator::Quantum, generation::Generation};

/// A target: its structures, allocator and parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The engine's structures.
    pub generation: Generation,
    /// The allocator's size classes.
    #[serde(default)]
    pub quantum: Quantum,
    /// The sizes up to which collections stay packed.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Whether integers from 0 to 9999 share one object. Servers share them unless `maxmemory` is set and the eviction
    /// policy needs an access time per object (`*-lru`, `*-lfu`). With ElastiCache's defaults they are not shared.
    #[serde(default)]
    pub shares_integers: bool,
}

/// The parameters that decide the encoding of collections, by their newer names (`ziplist` before Redis 7.0).
///
/// The defaults are those of `config.c`, and of ElastiCache's default parameter groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// `hash-max-listpack-entries`.
    pub hash_entries: u64,
    /// `hash-max-listpack-value`, in bytes.
    pub hash_value: u64,
    /// `zset-max-listpack-entries`.
    pub zset_entries: u64,
    /// `zset-max-listpack-value`, in bytes.
    pub zset_value: u64,
    /// `set-max-intset-entries`.
    pub set_intset_entries: u64,
    /// `set-max-listpack-entries`, since Valkey 7.2.
    pub set_entries: u64,
    /// `set-max-listpack-value`, in bytes.
    pub set_value: u64,
    /// `list-max-listpack-size`: items per node; if negative, 4 KiB to 64 KiB per node in five steps.
    pub list_size: i64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            hash_entries: 512,
            hash_value: 64,
            zset_entries: 128,
            zset_value: 64,
            set_intset_entries: 512,
            set_entries: 128,
            set_value: 64,
            list_size: -2,
        }
    }
}

impl Settings {
    /// The defaults for a generation: those of ElastiCache, and the larger quantum.
    pub fn new(generation: Generation) -> Self {
        Self {
            generation,
            quantum: Quantum::default(),
            thresholds: Thresholds::default(),
            shares_integers: false,
        }
    }

    /// The identity of these settings and of the model, for weights that are stored.
    pub fn id(&self) -> String {
        let Self { generation, quantum, thresholds, shares_integers } = self;
        let Thresholds { hash_entries, hash_value, zset_entries, zset_value, .. } = thresholds;
        let Thresholds { set_intset_entries, set_entries, set_value, list_size, .. } = thresholds;
        format!(
            "{}-{}-q{}-{hash_entries}.{hash_value}-{zset_entries}.{zset_value}-{set_intset_entries}.{set_entries}.{set_value}-{list_size}{}-m{MODEL}",
            generation.engine(),
            generation.version(),
            quantum.bytes(),
            if *shares_integers { "-shared" } else { "" },
        )
    }

    /// The most bytes (`quicklistNodeLimit`) and the most items of a list node.
    pub(crate) fn list_limits(&self) -> (u64, u64) {
        /// 4, 8, 16, 32 and 64 KiB (`optimization_level`).
        const LEVELS: [u64; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];
        /// The limit in bytes for nodes that are limited by items (`SIZE_SAFETY_LIMIT`).
        const SAFETY_BYTES: u64 = 8 << 10;
        match self.thresholds.list_size {
            size @ 0.. => (SAFETY_BYTES, size.unsigned_abs().max(1)),
            size => {
                let level = (size.unsigned_abs() as usize).clamp(1, LEVELS.len());
                (LEVELS[level - 1], u64::MAX)
            }
        }
    }
}

/// The version of the model. Incremented when the model changes, so that weights of another model are not mixed with
/// its own.
const MODEL: u32 = 2;
