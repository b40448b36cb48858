//! Copies keys from the servers that loaded the backups to the shards that own their slots.

use std::sync::Arc;

use futures::future::try_join_all;
use jiff::Timestamp;
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::sync::mpsc;

use crate::{error::Failure, groups::slots, servers::server_process::ServerProcess};

/// Number of keys per read from the source and per write to a shard.
const BATCH_KEYS: usize = 500;
/// Bytes of values in flight per shard; a single value may be larger.
const BATCH_BYTES: u64 = 8 << 20;

type Key = Vec<u8>;

/// Copies every key of one database to its shard, with unchanged value and expiry. `owners` holds the shard of each
/// slot. A key of an earlier backup is replaced.
pub(crate) async fn spread(
    source: &ServerProcess,
    database: u32,
    shards: &[&ServerProcess],
    owners: &Arc<[usize]>,
) -> Result<(), Failure> {
    let (mut queues, mut workers) = (Vec::new(), Vec::new());
    for shard in shards {
        let (queue, batches) = mpsc::channel(2);
        queues.push(queue);
        let (from, to) = (source.connect(database).await?, shard.connect(database).await?);
        workers.push(copy(from, to, source.before_7, batches));
    }
    let scan = scan(source.connect(database).await?, owners, queues);
    let copied = try_join_all(workers);
    futures::try_join!(async { scan.await.map_err(failed) }, async { copied.await.map_err(failed) })?;
    Ok(())
}

fn failed(error: redis::RedisError) -> Failure {
    Failure::local("copy keys to their shards", error)
}

/// Reads all keys, and sends each shard its own in batches. Stops early if a worker has failed; the worker's error is
/// the reason.
async fn scan(
    mut source: MultiplexedConnection,
    owners: &Arc<[usize]>,
    queues: Vec<mpsc::Sender<Vec<Key>>>,
) -> RedisResult<()> {
    let mut waiting: Vec<Vec<Key>> = vec![Vec::new(); queues.len()];
    let mut cursor = 0_u64;
    loop {
        let keys: Vec<Key>;
        (cursor, keys) =
            redis::cmd("SCAN").arg(cursor).arg("COUNT").arg(2 * BATCH_KEYS).query_async(&mut source).await?;
        for key in keys {
            // A single shard owns all slots, with cluster mode enabled or disabled.
            let owner = owners.get(usize::from(slots::slot(&key))).copied().unwrap_or(0);
            waiting[owner].push(key);
        }
        for (queue, keys) in queues.iter().zip(&mut waiting) {
            let due = keys.len() >= BATCH_KEYS || cursor == 0 && !keys.is_empty();
            if due && queue.send(std::mem::take(keys)).await.is_err() {
                return Ok(());
            }
        }
        if cursor == 0 {
            return Ok(());
        }
    }
}

async fn copy(
    mut source: MultiplexedConnection,
    mut shard: MultiplexedConnection,
    before_7: bool,
    mut batches: mpsc::Receiver<Vec<Key>>,
) -> RedisResult<()> {
    while let Some(keys) = batches.recv().await {
        let mut ask = redis::pipe();
        for key in &keys {
            ask.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(1);
            ask.cmd(if before_7 { "PTTL" } else { "PEXPIRETIME" }).arg(key);
        }
        let asked_at_ms = Timestamp::now().as_millisecond();
        let mut answers: Vec<Option<i64>> = ask.query_async(&mut source).await?;
        if before_7 {
            // These servers report only the remaining time, so the expiry is exact to a few milliseconds.
            for left in answers.iter_mut().skip(1).step_by(2).flatten().filter(|left| **left >= 0) {
                *left = left.saturating_add(asked_at_ms);
            }
        }
        let mut keys = keys.into_iter().zip(answers.chunks_exact(2)).peekable();
        while keys.peek().is_some() {
            let (mut dump, mut some, mut bytes) = (redis::pipe(), Vec::new(), 0);
            // A key that has expired since has neither size nor expiry.
            while let Some((key, [size, expiry])) = keys.next_if(|_| bytes < BATCH_BYTES).map(pair) {
                bytes += size;
                dump.cmd("DUMP").arg(&key);
                some.push((key, expiry));
            }
            let values: Vec<Option<Vec<u8>>> = dump.query_async(&mut source).await?;
            let mut restore = redis::pipe();
            for ((key, expiry), value) in some.iter().zip(values) {
                let Some(value) = value else { continue };
                restore.cmd("RESTORE").arg(key).arg(*expiry).arg(value).arg("REPLACE").arg("ABSTTL").ignore();
            }
            restore.query_async::<()>(&mut shard).await?;
        }
    }
    Ok(())
}

/// Size in bytes and expiry time, 0 for none.
fn pair((key, answers): (Key, &[Option<i64>])) -> (Key, [u64; 2]) {
    (
        key,
        [0, 1].map(|index| {
            answers.get(index).copied().flatten().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
        }),
    )
}

/// Copies the functions to every shard.
pub(crate) async fn copy_functions(source: &ServerProcess, shards: &[&ServerProcess]) -> Result<(), Failure> {
    let failed = |error| Failure::local("copy functions to the shards", error);
    if source.before_7 {
        return Ok(());
    }
    let mut connection = source.connect(0).await?;
    let library: Vec<redis::Value> =
        redis::cmd("FUNCTION").arg("LIST").query_async(&mut connection).await.map_err(failed)?;
    if library.is_empty() {
        return Ok(());
    }
    let dump: Vec<u8> =
        redis::cmd("FUNCTION").arg("DUMP").query_async(&mut connection).await.map_err(failed)?;
    for shard in shards {
        let mut connection = shard.connect(0).await?;
        let mut restore = redis::cmd("FUNCTION");
        restore.arg("RESTORE").arg(&dump).arg("REPLACE");
        restore.query_async::<()>(&mut connection).await.map_err(failed)?;
    }
    Ok(())
}
