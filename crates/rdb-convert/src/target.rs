//! The engine that is to read the new file.

use std::{fmt, str::FromStr};

use rdb_scan::{Magic, ValueType};
use thiserror::Error;

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Redis OSS.
    Redis,
    /// Valkey.
    Valkey,
}

/// An engine in a version, and the file that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    engine: Engine,
    major: u32,
    minor: u32,
}

/// A target that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown target \"{given}\"; {}", near(given))]
pub struct TargetError {
    /// What was given.
    pub given: String,
}

/// Lists the targets of the same engine: of the same major version, if there are some.
fn near(given: &str) -> String {
    let given = given.to_ascii_lowercase();
    let begin_as = |end: char| {
        let beginning = given.split_once(end).map_or(given.as_str(), |(beginning, _)| beginning);
        Target::NAMES.iter().copied().filter(|name| name.starts_with(beginning)).collect::<Vec<_>>()
    };
    let (major, engine) = (begin_as('.'), begin_as('-'));
    match (given.is_empty() || engine.is_empty(), major.is_empty()) {
        (true, _) => format!("known are {}", Target::NAMES.join(", ")),
        (_, true) => format!("near are {}", engine.join(", ")),
        _ => format!("near are {}", major.join(", ")),
    }
}

impl Target {
    /// The targets, by name.
    pub const NAMES: &[&str] = &[
        "redis-6.2",
        "redis-7.0",
        "redis-7.1",
        "valkey-7.2",
        "valkey-8.0",
        "valkey-8.1",
        "valkey-8.2",
        "valkey-9.0",
        "valkey-9.1",
    ];

    /// The engine.
    pub fn engine(self) -> Engine {
        self.engine
    }

    /// The version, as `8.1`.
    pub fn engine_version(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// The highest version of the format under the magic `REDIS` that every server of the target reads.
    pub fn version(self) -> u32 {
        match (self.engine, self.major) {
            (Engine::Redis, 6) => 9,
            (Engine::Redis, _) => 10,
            (Engine::Valkey, _) => 11,
        }
    }

    /// Whether the target reads hash fields with an expiry, under the magic `VALKEY`.
    pub fn has_field_expiries(self) -> bool {
        self.engine == Engine::Valkey && self.major >= 9
    }

    /// Whether the target has functions.
    pub fn has_functions(self) -> bool {
        self.version() >= 10
    }

    /// Whether the target reads a type in a file of this magic.
    pub(crate) fn reads(self, value_type: ValueType, magic: Magic) -> bool {
        match value_type {
            ValueType::HashExpiriesValkey => magic == Magic::Valkey,
            ValueType::Module => false,
            other => !other.is_pre_ga() && other.since() <= self.version(),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(name: &str) -> Result<Self, TargetError> {
        let unknown = || TargetError { given: name.to_owned() };
        let lower = name.to_ascii_lowercase();
        if !Self::NAMES.contains(&lower.as_str()) {
            return Err(unknown());
        }
        let (engine, version) = lower.split_once('-').ok_or_else(unknown)?;
        let (major, minor) = version.split_once('.').ok_or_else(unknown)?;
        let number = |digits: &str| digits.parse().map_err(|_| unknown());
        let engine = if engine == "redis" { Engine::Redis } else { Engine::Valkey };
        Ok(Self { engine, major: number(major)?, minor: number(minor)? })
    }
}

impl Engine {
    /// The name, as ElastiCache has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.engine.name(), self.engine_version())
    }
}
