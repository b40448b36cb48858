//! The engines that ElastiCache offers, and the RDB versions that each of their versions loads.

use std::fmt;

use rdb_footprint::{Compared, Generation};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::json_type;

/// The engine of the new cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Valkey, 7.2 and later.
    Valkey,
    /// Redis OSS, up to 7.1.
    Redis,
}

impl Engine {
    /// The name that the ElastiCache API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valkey => "valkey",
            Self::Redis => "redis",
        }
    }

    /// The version used if a request names none.
    pub const fn default_version(self) -> EngineVersion {
        match self {
            Self::Valkey => EngineVersion { major: 8, minor: 1, patch: None },
            Self::Redis => EngineVersion { major: 7, minor: 1, patch: None },
        }
    }

    /// The versions known at the time of writing (ElastiCache user guide, "Supported engines and versions", 2026).
    pub const fn known_versions(self) -> &'static [&'static str] {
        match self {
            Self::Valkey => &["7.2", "8.0", "8.1", "8.2", "9.0", "9.1"],
            Self::Redis => &["4.0.10", "5.0.6", "6.0", "6.2", "7.0", "7.1"],
        }
    }

    /// The node families that `nodeType: auto` chooses from if a request names none: current generations that AWS sells
    /// in most regions. The newest are for Valkey only.
    pub const fn default_node_families(self) -> &'static [&'static str] {
        match self {
            Self::Valkey => &["r7g", "m7g", "t4g", "r8g", "m8g", "c8gn"],
            Self::Redis => &["r7g", "m7g", "t4g"],
        }
    }

    /// The parameter group family of a version: `redis6.x`, `redis7`, `valkey8` and so on.
    pub fn family(self, version: EngineVersion) -> String {
        match (self, version.major) {
            (Self::Redis, 4 | 5) => format!("redis{}.0", version.major),
            (Self::Redis, 6) => "redis6.x".to_owned(),
            _ => format!("{}{}", self.as_str(), version.major),
        }
    }

    /// The default parameter group of a version, for cluster mode on or off.
    pub fn default_parameter_group(self, version: EngineVersion, cluster_mode: bool) -> String {
        format!("default.{}{}", self.family(version), if cluster_mode { ".cluster.on" } else { "" })
    }

    /// The highest RDB version with the `REDIS` magic that a version loads. Source: the open-source engine of the same
    /// number (`RDB_VERSION` in `src/rdb.h`). AWS does not document what its own builds load beyond that.
    pub const fn max_rdb_version(self, version: EngineVersion) -> u32 {
        match (self, version.major, version.minor) {
            (Self::Redis, ..=4, _) => 8,
            (Self::Redis, 5 | 6, _) => 9,
            (Self::Redis, 7, 0 | 1) => 10,
            (Self::Valkey, ..) | (Self::Redis, 7, 2 | 3) => 11,
            (Self::Redis, 7, _) | (Self::Redis, 8, ..=5) => 12,
            (Self::Redis, 8, 6 | 7) => 13,
            (Self::Redis, 8, 8 | 9) => 14,
            (Self::Redis, ..) => 15,
        }
    }

    /// The generation whose data structures a version uses. ElastiCache's own builds (Redis 7.1, Valkey 8.2) count as
    /// the open-source version before them.
    pub fn generation(self, version: EngineVersion) -> Generation {
        Generation::of(self.as_str(), version.major, version.minor).unwrap_or(match self {
            Self::Valkey => Generation::Valkey9,
            Self::Redis => Generation::Redis7,
        })
    }

    /// The server with which the memory predictions for a version were compared, if any.
    pub fn compared_with(self, version: EngineVersion) -> Option<Compared> {
        Compared::standing_for(self.as_str(), version.major, version.minor, version.patch)
    }

    /// Whether a version loads files with the `VALKEY` magic (RDB 80, written by Valkey 9).
    pub const fn reads_valkey_magic(self, version: EngineVersion) -> bool {
        matches!(self, Self::Valkey) && version.major >= 9
    }

    /// Whether a version skips empty collections while loading. Redis does since 6.2.6, which is the 6.2 that
    /// ElastiCache offers; Valkey always does.
    pub const fn skips_empty_collections(self, version: EngineVersion) -> bool {
        matches!(self, Self::Valkey) || version.major >= 7 || (version.major == 6 && version.minor >= 2)
    }

    /// Whether a version supports functions (`FUNCTION LOAD`), introduced in Redis 7.0.
    pub const fn knows_functions(self, version: EngineVersion) -> bool {
        version.major >= 7
    }

    /// Whether a version is named with its patch level. From Redis 6 on and for every Valkey the API refuses one,
    /// though it lists patch levels: "Specific version selection is not allowed for '6.2.6', please use '6.2'".
    pub const fn takes_patch_level(self, version: EngineVersion) -> bool {
        matches!(self, Self::Redis) && version.major < 6
    }

    /// Whether cluster mode has database 0 only. Valkey 9.0 introduced numbered databases in cluster mode.
    pub const fn one_database_in_cluster_mode(self, version: EngineVersion) -> bool {
        !self.reads_valkey_magic(version)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An engine version as the ElastiCache API expects it: `8.1`, or `5.0.6` before Redis 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EngineVersion {
    /// The major version.
    pub major: u16,
    /// The minor version.
    pub minor: u16,
    /// The patch level; only Redis 4 and 5 versions have one.
    pub patch: Option<u16>,
}

impl EngineVersion {
    /// Parses `8.1` or `5.0.6`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(|part| part.parse::<u16>().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        let patch = match parts.next() {
            None => None,
            Some(patch) => Some(patch?),
        };
        parts.next().is_none().then_some(Self { major, minor, patch })
    }
}

impl fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

impl Serialize for EngineVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EngineVersion {
    /// Reads `"8.1"`, and also 8.1 without quotes, a common mistake. (7.10 without quotes *is* 7.1: JSON parsers drop
    /// the zero.)
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) if number.is_f64() => number.to_string(),
            Value::Number(number) => {
                return Err(D::Error::custom(format!(
                    "{number} is only the major part of an engine version: write both parts, such as \"{number}.0\""
                )));
            }
            other => {
                return Err(D::Error::custom(format!(
                    "expected an engine version such as \"8.1\", found {}",
                    json_type(&other)
                )));
            }
        };
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not an engine version such as 8.1 or 7.1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_default_groups_are_those_of_the_api() {
        let family = |engine: Engine, text| engine.family(EngineVersion::parse(text).unwrap());
        assert_eq!(family(Engine::Redis, "5.0.6"), "redis5.0");
        assert_eq!(family(Engine::Redis, "6.2"), "redis6.x");
        assert_eq!(family(Engine::Redis, "7.1"), "redis7");
        assert_eq!(family(Engine::Valkey, "8.2"), "valkey8");
        let group = Engine::Valkey.default_parameter_group(Engine::Valkey.default_version(), true);
        assert_eq!(group, "default.valkey8.cluster.on");
    }

    #[test]
    fn a_version_may_stand_without_quotes() {
        let read =
            |text: &str| serde_json::from_str::<EngineVersion>(text).map(|version| version.to_string());
        for (text, expected) in [("\"7.1\"", "7.1"), ("7.1", "7.1"), ("8.0", "8.0"), ("7.10", "7.1")] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        let error = read("8").unwrap_err().to_string();
        assert!(error.contains("8 is only the major part") && error.contains("\"8.0\""), "{error}");
        for text in ["1e300", "-7.1", "true", "null", "[]", "12345678901234567890"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn malformed_versions_are_refused() {
        for text in ["", "8", "8.x", "8.1.", "8.1.2.3", "v8.1", "-8.1"] {
            assert_eq!(EngineVersion::parse(text), None, "{text}");
        }
    }
}
