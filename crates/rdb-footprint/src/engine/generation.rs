//! The generations of engines that keep data in the same structures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Engine versions with the same structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// Redis up to 6.2: ziplists.
    #[serde(rename = "redis-6.2")]
    Redis6,
    /// Redis 7.0, and ElastiCache's 7.1: listpacks.
    #[serde(rename = "redis-7.0")]
    Redis7,
    /// Valkey 7.2: small sets and lists as listpacks, sets without dictionary entries where possible.
    #[serde(rename = "valkey-7.2")]
    Valkey7,
    /// Valkey 8.0: keys inside dictionary entries, one dictionary per slot.
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
    /// All generations, oldest first.
    pub const ALL: [Self; 6] =
        [Self::Redis6, Self::Redis7, Self::Valkey7, Self::Valkey8, Self::Valkey81, Self::Valkey9];

    /// The engine's name in ElastiCache.
    pub const fn engine(self) -> &'static str {
        match self {
            Self::Redis6 | Self::Redis7 => "redis",
            _ => "valkey",
        }
    }

    /// The engine version that represents the generation.
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

    /// The generation of an engine version; none for an engine other than `redis` or `valkey`.
    ///
    /// Versions between two generations count as the older one, unknown later versions as the last.
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
}

/// An engine version that predictions were compared with (`make calibrate`). A model is valid for these versions, and
/// for no other version until it has been compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// `redis` or `valkey`.
    pub engine: &'static str,
    /// Major, minor and patch.
    pub version: [u16; 3],
}

impl Compared {
    /// All compared versions.
    pub const ALL: [Self; 5] = [
        Self { engine: "redis", version: [6, 2, 5] },
        Self { engine: "redis", version: [7, 0, 15] },
        Self { engine: "valkey", version: [8, 0, 1] },
        Self { engine: "valkey", version: [8, 1, 1] },
        Self { engine: "valkey", version: [9, 1, 2] },
    ];

    /// The compared version that represents a version of an engine; none if there is none.
    ///
    /// ElastiCache takes major and minor version and does not disclose its patch level: without a patch level, the
    /// minor version decides. With a patch level, it must be the compared one. AWS's own builds, Redis 7.1 and Valkey
    /// 8.2, are not available, and are represented by the open-source version before them.
    pub fn standing_for(engine: &str, major: u16, minor: u16, patch: Option<u16>) -> Option<Self> {
        let minor = match (engine, major, minor, patch) {
            ("redis", 7, 1, None) => 0,
            ("valkey", 8, 2, None) => 1,
            _ => minor,
        };
        let stands = |one: &Self| {
            let [of_major, of_minor, of_patch] = one.version;
            one.engine == engine
                && (of_major, of_minor) == (major, minor)
                && patch.is_none_or(|patch| patch == of_patch)
        };
        Self::ALL.into_iter().find(stands)
    }

    /// Whether this is the given minor version itself, and does not merely represent it.
    pub const fn is(self, major: u16, minor: u16) -> bool {
        let [of_major, of_minor, _] = self.version;
        of_major == major && of_minor == minor
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.version;
        write!(f, "{} {major}.{minor}.{patch}", self.engine)
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

    #[test]
    fn only_what_was_compared_is_calibrated() {
        let with = |engine, major, minor, patch| {
            Compared::standing_for(engine, major, minor, patch).map(|one| one.to_string())
        };
        assert_eq!(with("redis", 7, 0, None).as_deref(), Some("redis 7.0.15"));
        assert_eq!(with("valkey", 9, 1, Some(2)).as_deref(), Some("valkey 9.1.2"));
        // AWS's own builds.
        assert_eq!(with("redis", 7, 1, None).as_deref(), Some("redis 7.0.15"));
        assert_eq!(with("valkey", 8, 2, None).as_deref(), Some("valkey 8.1.1"));
        // A patch release, and minor versions that were not compared.
        assert_eq!(with("valkey", 8, 1, Some(4)), None);
        for (engine, major, minor) in [
            ("redis", 6, 0),
            ("redis", 5, 0),
            ("valkey", 7, 2),
            ("valkey", 9, 0),
            ("valkey", 9, 2),
            ("valkey", 10, 0),
        ] {
            assert_eq!(with(engine, major, minor, None), None, "{engine} {major}.{minor}");
        }
        // Each belongs to the generation with its version.
        for Compared { engine, version: [major, minor, _] } in Compared::ALL {
            let generation = Generation::of(engine, major, minor).unwrap();
            assert_eq!(generation.version(), format!("{major}.{minor}"));
        }
    }
}
