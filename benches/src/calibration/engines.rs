//! The engines that predictions are calibrated on.
use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use rdb_footprint::Quantum;

use crate::engines::{Engine, listed};

/// An engine that ElastiCache has, as a program that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalibratedEngine {
    /// What it is called on the command line: `valkey-8.1`.
    pub name: String,
    /// Which of the two it is.
    pub family: Family,
    /// Its whole version: `8.1.1`.
    pub version: String,
    /// The first two numbers of the version: what decides the layout in memory.
    pub release: (u64, u64),
    /// The server program.
    pub server: PathBuf,
    /// The spacing of its allocator's smallest sizes.
    pub quantum: Quantum,
}

/// How the names end of servers with another allocator than Debian's.
const QUANTUM_8: &str = "-q8";

/// Redis or Valkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Redis, up to 7.1 in ElastiCache.
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
        // Debian's are linked with the system's jemalloc; the one Redis 6.2 that there is has its own.
        let is_eight = name.ends_with(QUANTUM_8) || (family == Family::Redis && release == (6, 2));
        let quantum = if is_eight { Quantum::Eight } else { Quantum::Sixteen };
        Some(Self { name, family, version, release, server, quantum })
    }

    /// Whether ElastiCache has it: no Redis from 7.2 on.
    fn is_offered(&self) -> bool {
        self.family == Family::Valkey || self.release < (7, 2)
    }

    /// Whether it reads no more than RDB 9, and has to be given files of its own.
    pub fn is_before_7(&self) -> bool {
        self.family == Family::Redis && self.release < (7, 0)
    }

    /// Whether a cluster may have more than one database, and is to be told how many.
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

/// The engines of the lists of `make servers` that ElastiCache has, oldest first, with both quanta; or those of them
/// that are named. Redis 6.2 only if it is named: it reads no file that a later one has written.
pub fn calibrated(list: &Path, names: &[String]) -> Result<Vec<CalibratedEngine>> {
    let text = std::fs::read_to_string(list)
        .with_context(|| format!("failed to read {}: make servers writes it", list.display()))?;
    // Where none could be had, there is none.
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
