//! The generations of engines that keep data in the same structures.
use std::fmt;

use serde::{Deserialize, Serialize};

/// Engine versions whose structures are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// Redis up to 6.2: ziplists.
    #[serde(rename = "redis-6.2")]
    Redis6,
    /// Redis 7.0, and ElastiCache's 7.1: listpacks.
    #[serde(rename = "redis-7.0")]
    Redis7,
    /// Valkey 7.2: small sets and lists as listpacks, sets without dictionary entries where they can do without.
    #[serde(rename = "valkey-7.2")]
    Valkey7,
    /// Valkey 8.0: keys inside dictionary entries, one dictionary for each slot.
    #[serde(rename = "valkey-8.0")]
    Valkey8,
    /// Valkey 8.1 and ElastiCache's 8.2: hash tables of cache lines, keys inside objects.
    #[serde(rename = "valkey-8.1")]
    Valkey81,
    /// Valkey 9.0 and 9.1: more embedded strings, members inside skip list nodes.
    #[serde(rename = "valkey-9.1")]
    Valkey9,
}

impl Generation {
    /// All of them, oldest first.
    pub const ALL: [Self; 6] =
        [Self::Redis6, Self::Redis7, Self::Valkey7, Self::Valkey8, Self::Valkey81, Self::Valkey9];

    /// The engine, as ElastiCache names it.
    pub const fn engine(self) -> &'static str {
        match self {
            Self::Redis6 | Self::Redis7 => "redis",
            _ => "valkey",
        }
    }

    /// The engine version that stands for the generation.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Redis6 => "6.2",
            Self::Redis7 => "7.0",
            Self::Valkey7 => "7.2",
            Self::Valkey8 => "8.0",
            Self::Valkey81 => "8.1",
            Self::Valkey9 => "9.1",
        }
    }

    /// The generation of an engine version; none for an engine that is neither `redis` nor `valkey`.
    ///
    /// Versions between two generations count as the older one, unknown later ones as the last.
    pub fn of(engine: &str, major: u16, minor: u16) -> Option<Self> {
        Some(match (engine, major, minor) {
            ("redis", ..=6, _) => Self::Redis6,
            ("redis", ..) => Self::Redis7,
            ("valkey", ..=7, _) => Self::Valkey7,
            ("valkey", 8, 0) => Self::Valkey8,
            ("valkey", 8, _) => Self::Valkey81,
            ("valkey", ..) => Self::Valkey9,
            _ => return None,
        })
    }

    /// Whether the model was compared with a real server of the generation (`make calibrate`).
    pub const fn is_calibrated(self) -> bool {
        matches!(self, Self::Redis7 | Self::Valkey8 | Self::Valkey81 | Self::Valkey9)
    }

    /// Whether tables are chained dictionaries (`dict.c`) and not buckets of a cache line (`hashtable.c`).
    pub(crate) const fn has_dictionaries(self) -> bool {
        !matches!(self, Self::Valkey81 | Self::Valkey9)
    }

    /// Whether each slot of a cluster has a table of its own (`kvstore.c`).
    pub(crate) const fn has_slot_tables(self) -> bool {
        matches!(self, Self::Valkey8 | Self::Valkey81 | Self::Valkey9)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.engine(), self.version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_that_elasticache_offers_has_its_generation() {
        let of = |engine, major, minor| Generation::of(engine, major, minor).unwrap();
        assert_eq!(of("redis", 5, 0), Generation::Redis6);
        assert_eq!(of("redis", 7, 1), Generation::Redis7);
        assert_eq!(of("valkey", 7, 2), Generation::Valkey7);
        assert_eq!(of("valkey", 8, 0), Generation::Valkey8);
        assert_eq!(of("valkey", 8, 2), Generation::Valkey81);
        assert_eq!(of("valkey", 9, 0), Generation::Valkey9);
        assert_eq!(Generation::of("memcached", 1, 6), None);
    }
}
