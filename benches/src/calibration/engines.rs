//! The engines that predictions are calibrated on.
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

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
}

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
        Some(Self { name, family, version, release: (major, minor), server })
    }

    /// Whether ElastiCache has it: no Redis from 7.2 on.
    fn is_offered(&self) -> bool {
        self.family == Family::Valkey || self.release < (7, 2)
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
        write!(f, "{family} {}", self.version)
    }
}

/// The engines of the list of `make servers` that ElastiCache has, oldest first, or those of them that are named.
pub fn calibrated(list: &Path, names: &[String]) -> Result<Vec<CalibratedEngine>> {
    let text = std::fs::read_to_string(list)
        .with_context(|| format!("failed to read {}: make servers writes it", list.display()))?;
    chosen(&text, names)
}

fn chosen(list: &str, names: &[String]) -> Result<Vec<CalibratedEngine>> {
    let mut engines: Vec<_> = listed(list).filter_map(CalibratedEngine::parse).collect();
    engines.retain(CalibratedEngine::is_offered);
    engines.sort_by_key(|engine| (engine.family as u8, engine.release));
    if let Some(name) = names.iter().find(|&name| !engines.iter().any(|engine| engine.name == *name)) {
        let known: Vec<_> = engines.iter().map(|engine| engine.name.as_str()).collect();
        bail!("there is no engine {name} to calibrate on, only {}", known.join(", "));
    }
    engines.retain(|engine| names.is_empty() || names.contains(&engine.name));
    ensure!(!engines.is_empty(), "there is no engine that ElastiCache has: make servers brings them");
    Ok(engines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "valkey-9.1 valkey 9.1.2 /v/valkey-server /v/valkey-check-rdb\n\
                        valkey-8.0 valkey 8.0.1 /w/valkey-server /w/valkey-check-rdb\n\
                        redis-7.0 redis 7.0.15 /r/redis-server /r/redis-check-rdb\n\
                        redis-8.0 redis 8.0.2 /s/redis-server /s/redis-check-rdb\n";

    fn names(engines: &[CalibratedEngine]) -> Vec<&str> {
        engines.iter().map(|engine| engine.name.as_str()).collect()
    }

    #[test]
    fn engines_that_elasticache_does_not_have_are_left_out() {
        let all = chosen(LIST, &[]).unwrap();
        assert_eq!(names(&all), ["redis-7.0", "valkey-8.0", "valkey-9.1"]);
        assert_eq!(
            all.iter().map(CalibratedEngine::has_cluster_databases).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert_eq!(names(&chosen(LIST, &["valkey-8.0".to_owned()]).unwrap()), ["valkey-8.0"]);
        assert!(chosen(LIST, &["redis-8.0".to_owned()]).is_err());
        assert!(chosen("", &[]).is_err());
    }
}
