//! The backups of all scenarios, made once.

use anyhow::Result;

use crate::{
    data::{fill_bytes, fill_database, fill_mixed},
    source::Source,
};

/// Keys of the small backup.
const SMALL_KEYS: u64 = 120;
/// Values of the large backup, of 100 kB each: together more than a node of 16 MB holds. They compress well, so the
/// file is small.
const LARGE_VALUES: u64 = 250;

/// Megabytes of the long backup. A worker reads 8 however late it is.
const LONG_MEGABYTES: u64 = 10;

/// What a scenario seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Fits every node type.
    Small,
    /// Does not fit a node of 16 MB.
    Large,
    /// Longer than the least that a worker reads.
    Long,
    /// Ends before its end marker.
    Truncated,
    /// Of a Redis that no engine of ElastiCache reads, with two databases.
    Newer,
}

/// The files, and how many keys each holds.
#[derive(Debug)]
pub(crate) struct Backups {
    small: (Vec<u8>, usize),
    large: (Vec<u8>, usize),
    long: (Vec<u8>, usize),
    newer: (Vec<u8>, usize),
}

impl Backups {
    /// Has a real server write them.
    pub(crate) async fn make() -> Result<Self> {
        let small = Source::start().await?;
        fill_mixed(&small, SMALL_KEYS, "k:").await?;
        let large = Source::start().await?;
        let script =
            "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'large:' .. i, string.rep('x', 100000)) end";
        let mut connection = large.connect().await?;
        redis::cmd("EVAL").arg(script).arg(0).arg(LARGE_VALUES).exec_async(&mut connection).await?;
        let long = Source::start().await?;
        fill_bytes(&long, LONG_MEGABYTES).await?;
        let newer = Source::start_redis("8.2").await?;
        fill_mixed(&newer, SMALL_KEYS, "k:").await?;
        fill_database(&newer, 3, &[("other", "1"), ("another", "2")]).await?;
        Ok(Self {
            small: saved(&small).await?,
            large: saved(&large).await?,
            long: saved(&long).await?,
            newer: saved(&newer).await?,
        })
    }

    /// The file.
    pub(crate) fn file(&self, content: Content) -> Vec<u8> {
        match content {
            Content::Small => self.small.0.clone(),
            Content::Large => self.large.0.clone(),
            Content::Long => self.long.0.clone(),
            Content::Newer => self.newer.0.clone(),
            Content::Truncated => self.small.0[..self.small.0.len() / 2].to_vec(),
        }
    }

    /// The keys that a cluster has after it.
    pub(crate) const fn keys(&self, content: Content) -> usize {
        match content {
            Content::Small => self.small.1,
            Content::Large => self.large.1,
            Content::Long => self.long.1,
            Content::Newer => self.newer.1,
            Content::Truncated => 0,
        }
    }
}

async fn saved(source: &Source) -> Result<(Vec<u8>, usize)> {
    let mut keys = 0;
    let mut connection = source.connect().await?;
    for database in 0..4 {
        redis::cmd("SELECT").arg(database).exec_async(&mut connection).await?;
        keys += redis::cmd("DBSIZE").query_async::<usize>(&mut connection).await?;
    }
    Ok((std::fs::read(source.save().await?)?, keys))
}
