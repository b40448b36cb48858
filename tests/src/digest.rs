//! Digests of a dataset as a client sees it: each key with its type, expiry and whole value.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use redis::{Value, aio::MultiplexedConnection};
use sha2::{Digest as _, Sha256};

/// Each key of a database with a digest of its value.
pub type Digest = BTreeMap<Vec<u8>, [u8; 16]>;

/// The key that ElastiCache stores in every cluster.
const ELASTICACHE_KEY: &[u8] = b"ElastiCacheMasterReplicationTimestamp";

/// Reads one database from each of these primaries.
pub async fn digest(addresses: &[String], database: i64) -> Result<Digest> {
    let mut digest = Digest::new();
    for address in addresses {
        let client = redis::Client::open(format!("redis://{address}"))?;
        let mut node = client.get_multiplexed_async_connection().await?;
        if database != 0 {
            redis::cmd("SELECT").arg(database).exec_async(&mut node).await?;
        }
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<Vec<u8>>) =
                redis::cmd("SCAN").arg(cursor).arg("COUNT").arg(2_000).query_async(&mut node).await?;
            let keys: Vec<_> = keys.into_iter().filter(|key| key != ELASTICACHE_KEY).collect();
            add(&mut digest, &mut node, keys).await?;
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
    }
    Ok(digest)
}

async fn add(digest: &mut Digest, node: &mut MultiplexedConnection, keys: Vec<Vec<u8>>) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut about = redis::pipe();
    for key in &keys {
        about.cmd("TYPE").arg(key).cmd("PEXPIRETIME").arg(key);
    }
    let about: Vec<Value> = about.query_async(node).await?;
    let mut values = redis::pipe();
    for (key, about) in keys.iter().zip(about.chunks(2)) {
        let Value::SimpleString(kind) = &about[0] else { bail!("TYPE answered {:?}", about[0]) };
        match kind.as_str() {
            "string" => values.cmd("GET").arg(key),
            "list" => values.cmd("LRANGE").arg(key).arg(0).arg(-1),
            "set" => values.cmd("SMEMBERS").arg(key),
            "hash" => values.cmd("HGETALL").arg(key),
            "zset" => values.cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES"),
            "stream" => values.cmd("XINFO").arg("STREAM").arg(key).arg("FULL").arg("COUNT").arg(0),
            other => bail!("a key of the type {other}"),
        };
    }
    let values: Vec<Value> = values.query_async(node).await?;
    for ((key, about), value) in keys.into_iter().zip(about.chunks(2)).zip(values) {
        let mut hash = Sha256::new();
        hash.update(text(&about[0]));
        hash.update(text(&about[1]));
        hash.update(whole_value(&about[0], &value));
        let mut short = [0; 16];
        short.copy_from_slice(&hash.finalize()[..16]);
        if digest.insert(key.clone(), short).is_some_and(|other| other != short) {
            bail!("the key {} is on two primaries", String::from_utf8_lossy(&key));
        }
    }
    Ok(())
}

/// The value, with its members in an order that does not depend on the server's encoding.
fn whole_value(kind: &Value, value: &Value) -> Vec<u8> {
    let kind = text(kind);
    let Value::Array(items) = value else { return text(value) };
    match kind.as_slice() {
        b"\"set\"" => sorted(items, 1),
        b"\"hash\"" => sorted(items, 2),
        // Generations of servers print the same score with more or fewer digits.
        b"\"zset\"" => items
            .chunks(2)
            .flat_map(|pair| [text(&pair[0]), pair.get(1).map_or_else(Vec::new, score)].concat())
            .collect(),
        // The number of radix tree nodes of a stream depends on the server.
        b"\"stream\"" => {
            let fields = items.chunks(2).filter(|pair| !text(&pair[0]).starts_with(b"\"radix-tree"));
            fields.flat_map(|pair| pair.iter().flat_map(text)).collect()
        }
        _ => items.iter().flat_map(text).collect(),
    }
}

/// A score as binary floating-point number.
fn score(value: &Value) -> Vec<u8> {
    let Value::BulkString(digits) = value else { return text(value) };
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<f64>().ok());
    number.map_or_else(|| text(value), |number| number.to_bits().to_be_bytes().to_vec())
}

fn sorted(items: &[Value], size: usize) -> Vec<u8> {
    let mut groups: Vec<Vec<u8>> =
        items.chunks(size).map(|group| group.iter().flat_map(text).collect()).collect();
    groups.sort_unstable();
    groups.concat()
}

/// A value as bytes, with quoted strings and marked ends.
fn text(value: &Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => [b"\"", bytes.as_slice(), b"\""].concat(),
        Value::SimpleString(text) => format!("\"{text}\"").into_bytes(),
        Value::Array(items) => {
            let inner: Vec<u8> = items.iter().flat_map(text).collect();
            [b"[", inner.as_slice(), b"]"].concat()
        }
        other => format!("{other:?}").into_bytes(),
    }
}

/// The differences between two datasets, at most ten keys; empty if they are equal.
pub fn differences(source: &Digest, target: &Digest) -> Vec<String> {
    let name = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    let missing =
        source.keys().filter(|key| !target.contains_key(*key)).map(|key| format!("missing: {}", name(key)));
    let extra =
        target.keys().filter(|key| !source.contains_key(*key)).map(|key| format!("extra: {}", name(key)));
    let other = source
        .iter()
        .filter(|(key, digest)| target.get(*key).is_some_and(|found| found != *digest))
        .map(|(key, _)| format!("other value or expiry: {}", name(key)));
    missing.chain(extra).chain(other).take(10).collect()
}
