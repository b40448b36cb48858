//! Datasets with every type in every encoding, generated inside the server.

use anyhow::Result;

use crate::source::Source;

/// Number of keys per call of the script.
const BATCH: u64 = 5_000;

/// Script that sets keys of the mixed dataset. Deterministic; a third of the keys expire in the far future.
const MIXED: &str = r"
local call = redis.call
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local kind, key = i % 12, ARGV[3] .. i
  if kind == 0 then call('SET', key, 'value ' .. i)
  elseif kind == 1 then call('SET', key, i * 7)
  elseif kind == 2 then call('SET', key, string.rep('compressible ' .. i, 20))
  elseif kind == 3 then call('HSET', key, 'name', 'n' .. i, 'count', i, 'text', string.rep('x', i % 50))
  elseif kind == 4 then call('RPUSH', key, i, 'two', string.rep('three', 5))
  elseif kind == 5 then call('SADD', key, i, i + 1, i + 2)
  elseif kind == 6 then call('SADD', key, 'a' .. i, 'b' .. i, 'c')
  elseif kind == 7 then call('ZADD', key, i, 'one', i / 3, 'two', -i, 'three')
  elseif kind == 8 then
    call('XADD', key, i .. '-1', 'field', 'value', 'n', i)
    call('XADD', key, i .. '-2', 'field', 'other')
    if i % 5 == 0 then call('XGROUP', 'CREATE', key, 'readers', '0') end
  elseif kind == 9 then call('SET', key, '')
  elseif kind == 10 then call('SETBIT', key, i % 1000, 1)
  else call('PFADD', key, i, i + 1) end
  if i % 3 == 0 then call('PEXPIREAT', key, 4102444800000 + i) end
  if i % 20000 == 0 then
    for n = 1, 1500 do
      call('HSET', key .. ':hash', 'f' .. n, string.rep('v', n % 90))
      call('RPUSH', key .. ':list', 'item ' .. n .. string.rep('l', n % 60))
      call('SADD', key .. ':set', 'member ' .. n)
      call('ZADD', key .. ':zset', n / 7, 'player ' .. n)
      call('XADD', key .. ':stream', n .. '-0', 'n', n)
    end
  end
end";

/// Fills a server with `keys` keys of all types and a few large collections. Their names begin with `prefix`.
pub async fn fill_mixed(source: &Source, keys: u64, prefix: &str) -> Result<()> {
    let mut connection = source.connect().await?;
    let mut first = 1;
    while first <= keys {
        let last = keys.min(first + BATCH - 1);
        redis::cmd("EVAL")
            .arg(MIXED)
            .arg(0)
            .arg(first)
            .arg(last)
            .arg(prefix)
            .exec_async(&mut connection)
            .await?;
        first = last + 1;
    }
    Ok(())
}

/// Writes strings into a database.
pub async fn fill_database(source: &Source, database: u32, keys: &[(&str, &str)]) -> Result<()> {
    let mut connection = source.connect().await?;
    redis::cmd("SELECT").arg(database).exec_async(&mut connection).await?;
    for (key, value) in keys {
        redis::cmd("SET").arg(key).arg(value).exec_async(&mut connection).await?;
    }
    Ok(())
}

/// Fills a server with incompressible strings that take about `megabytes` MiB of memory.
pub async fn fill_bytes(source: &Source, megabytes: u64) -> Result<()> {
    for batch in 0..megabytes {
        fill_blobs(source, batch * 1_000 + 1, (batch + 1) * 1_000).await?;
    }
    Ok(())
}

/// Adds incompressible strings of 1,000 characters, numbered `first` to `last`. Each value takes 1,024 bytes in the
/// allocator.
pub async fn fill_blobs(source: &Source, first: u64, last: u64) -> Result<()> {
    const SCRIPT: &str = r"
        math.randomseed(tonumber(ARGV[1]))
        for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
          local words = {}
          for n = 1, 100 do words[n] = string.format('%010d', math.random(0, 2147483646)) end
          redis.call('SET', 'blob:' .. i, table.concat(words))
        end";
    let mut connection = source.connect().await?;
    redis::cmd("EVAL").arg(SCRIPT).arg(0).arg(first).arg(last).exec_async(&mut connection).await?;
    Ok(())
}
