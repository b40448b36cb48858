//! Engines, engine versions and parameter group families.

use std::fmt;

/// The engine of a replication group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Redis,
    Valkey,
}

impl Engine {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "redis" => Some(Self::Redis),
            "valkey" => Some(Self::Valkey),
            _ => None,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Engine, version and family, from the oldest to the newest version of each engine.
pub(crate) const VERSIONS: [(Engine, &str, &str); 12] = [
    (Engine::Redis, "4.0.10", "redis4.0"),
    (Engine::Redis, "5.0.6", "redis5.0"),
    (Engine::Redis, "6.0", "redis6.x"),
    (Engine::Redis, "6.2", "redis6.x"),
    (Engine::Redis, "7.0", "redis7"),
    (Engine::Redis, "7.1", "redis7"),
    (Engine::Valkey, "7.2", "valkey7"),
    (Engine::Valkey, "8.0", "valkey8"),
    (Engine::Valkey, "8.1", "valkey8"),
    (Engine::Valkey, "8.2", "valkey8"),
    (Engine::Valkey, "9.0", "valkey9"),
    (Engine::Valkey, "9.1", "valkey9"),
];

/// The requested version, or the newest one by default, and its family.
pub(crate) fn version(engine: Engine, asked: Option<&str>) -> Option<(&'static str, &'static str)> {
    let mut own = VERSIONS.iter().filter(|(other, ..)| *other == engine);
    let found = match asked {
        Some(asked) => own.find(|(_, version, _)| *version == asked),
        None => own.next_back(),
    };
    found.map(|(_, version, family)| (*version, *family))
}

/// The newest version with this major version, or of all by default, and its family; serverless caches begin with 7.
pub(crate) fn newest_of(engine: Engine, major: Option<&str>) -> Option<(&'static str, &'static str)> {
    const SERVERLESS: [&str; 3] = ["7", "8", "9"];
    let mut own = VERSIONS.iter().filter(|(other, ..)| *other == engine);
    let found = own.rfind(|(_, version, _)| {
        let own_major = version.split('.').next().unwrap_or_default();
        SERVERLESS.contains(&own_major) && major.is_none_or(|major| major == own_major)
    });
    found.map(|(_, version, family)| (*version, *family))
}

/// Every family once.
pub(crate) fn families() -> Vec<&'static str> {
    let mut families: Vec<&str> = VERSIONS.iter().map(|(.., family)| *family).collect();
    families.dedup();
    families
}
