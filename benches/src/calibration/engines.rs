//! The engines with which predictions are calibrated.
use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use rdb_footprint::Quantum;

use crate::engines::{Engine, listed};

/// An engine of ElastiCache, as an installed program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalibratedEngine {
    /// Its name on the command line, such as `valkey-8.1`.
    pub name: String,
    /// Redis or Valkey.
    pub family: Family,
    /// Its full version, such as `8.1.1`.
    pub version: String,
    /// Major and minor version, which determine the memory layout.
    pub release: (u64, u64),
    /// The server binary.
    pub server: PathBuf,
    /// The spacing of its allocator's smallest size classes.
    pub quantum: Quantum,
}

/// Name suffix of servers with another allocator than Debian's.
const QUANTUM_8: &str = "-q8";

/// The family of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Redis, up to 7.1 on ElastiCache.
    Redis,
    /// Valkey.
    Valkey,
}

impl CalibratedEngine {
    fn parse(listed: Engine) -> Option<Self> {
        let family = match listed.engine.as_str() {
            "redis" => Family::Redis,
            "valkey" => Family::Valkey,
            _ => return None,
        };
        let [major, minor, ..] = listed.numbers()[..] else { return None };
        let Engine { name, version, server, .. } = listed;
        let release = (major, minor);
        // Debian's servers use the system's jemalloc. The only available Redis 6.2 uses its own.
        let is_eight = name.ends_with(QUANTUM_8) || (family == Family::Redis && release == (6, 2));
        let quantum = if is_eight { Quantum::Eight } else { Quantum::Sixteen };
        Some(Self { name, family, version, release, server, quantum })
    }

    /// Whether ElastiCache offers the engine: Redis only before 7.2.
    fn is_offered(&self) -> bool {
        self.family == Family::Valkey || self.release < (7, 2)
    }

    /// Whether the engine reads only RDB versions up to 9, and thus needs its own files.
    pub fn is_before_7(&self) -> bool {
        self.family == Family::Redis && self.release < (7, 0)
    }

    /// Whether a cluster may have more than one database, with the number as a parameter.
    pub fn has_cluster_databases(&self) -> bool {
        self.family == Family::Valkey && self.release >= (9, 0)
    }
}

impl fmt::Display for CalibratedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Redis => "redis",
            Family::Valkey => "valkey",
        };
        write!(f, "{family} {}", self.version)?;
        if self.quantum == Quantum::Eight { write!(f, " (8-byte quantum)") } else { Ok(()) }
    }
}

/// Returns the engines in the lists of `make servers` that ElastiCache offers, with both quanta and oldest first, or
/// those with the given names. Redis 6.2 is used only by name, because it cannot read files of later versions.
pub fn calibrated(list: &Path, names: &[String]) -> Result<Vec<CalibratedEngine>> {
    let text = std::fs::read_to_string(list)
        .with_context(|| format!("failed to read {}: make servers writes it", list.display()))?;
    // A missing list is an empty one.
    let more = std::fs::read_to_string(list.with_file_name("list-quantum-8")).unwrap_or_default();
    chosen(&(text + &more), names)
}

fn chosen(list: &str, names: &[String]) -> Result<Vec<CalibratedEngine>> {
    let mut engines: Vec<_> = listed(list).filter_map(CalibratedEngine::parse).collect();
    engines.retain(CalibratedEngine::is_offered);
    engines.sort_by_key(|engine| (engine.family as u8, engine.release, engine.quantum.bytes() == 8));
    if let Some(name) = names.iter().find(|&name| !engines.iter().any(|engine| engine.name == *name)) {
        let known: Vec<_> = engines.iter().map(|engine| engine.name.as_str()).collect();
        bail!("there is no engine {name} to calibrate on, only {}", known.join(", "));
    }
    engines.retain(
        |engine| {
            if names.is_empty() { !engine.is_before_7() } else { names.contains(&engine.name) }
        },
    );
    ensure!(!engines.is_empty(), "there is no engine that ElastiCache has: make servers brings them");
    Ok(engines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "valkey-9.1 valkey 9.1.2 /v/valkey-server /v/valkey-check-rdb\n\
                        valkey-8.0 valkey 8.0.1 /w/valkey-server /w/valkey-check-rdb\n\
                        redis-6.2 redis 6.2.5 /q/redis-server /q/redis-check-rdb\n\
                        redis-7.0-q8 redis 7.0.15 /r/8/redis-server /r/redis-check-rdb\n\
                        redis-7.0 redis 7.0.15 /r/redis-server /r/redis-check-rdb\n\
                        redis-8.0 redis 8.0.2 /s/redis-server /s/redis-check-rdb\n";

    fn names(engines: &[CalibratedEngine]) -> Vec<&str> {
        engines.iter().map(|engine| engine.name.as_str()).collect()
    }

    #[test]
    fn engines_that_elasticache_does_not_have_are_left_out() {
        let all = chosen(LIST, &[]).unwrap();
        assert_eq!(names(&all), ["redis-7.0", "redis-7.0-q8", "valkey-8.0", "valkey-9.1"]);
        assert_eq!(
            all.iter().map(CalibratedEngine::has_cluster_databases).collect::<Vec<_>>(),
            [false, false, false, true]
        );
        assert_eq!(all[1].to_string(), "redis 7.0.15 (8-byte quantum)");
        let old = chosen(LIST, &["redis-6.2".to_owned()]).unwrap();
        assert_eq!((old[0].quantum, old.len()), (Quantum::Eight, 1));
        assert_eq!(names(&chosen(LIST, &["valkey-8.0".to_owned()]).unwrap()), ["valkey-8.0"]);
        assert!(chosen(LIST, &["redis-8.0".to_owned()]).is_err());
        assert!(chosen("", &[]).is_err());
    }
}
