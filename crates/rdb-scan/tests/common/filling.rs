//! Values of every type on both sides of every threshold at which a server changes their encoding.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

use crate::server::Server;

/// Fills one database. ARGV: the longest string, the most elements, and whether fields can expire.
const FILL: &str = "
    -- Compression looks back over 8 KiB: what repeats after more is noise to it.
    local parts = {}
    for part = 1, 500 do
        local hex = redis.sha1hex(part)
        parts[part] = string.gsub(hex, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end)
    end
    parts = table.concat(parts)
    local function noise(n, bytes) return string.sub(string.rep(parts, bytes / #parts + 2), n % 999 + 1, n % 999 + bytes) end
    local long, most = tonumber(ARGV[1]), tonumber(ARGV[2])

    for _, number in ipairs({'0', '1', '-1', '12', '13', '127', '128', '-128', '-129', '4095', '4096', '-4096', '-4097',
            '32767', '32768', '-32768', '-32769', '8388607', '8388608', '2147483647', '2147483648', '-2147483648',
            '-2147483649', '9223372036854775807', '-9223372036854775808', '9223372036854775808', '007', '-0', '1.5'}) do
        redis.call('SET', number, number)
        redis.call('SET', 'number ' .. number, number)
        redis.call('RPUSH', 'numbers', number)
        redis.call('SADD', 'a set of numbers', number)
        redis.call('HSET', 'a hash of numbers', number, number)
    end
    for _, bytes in ipairs({0, 1, 19, 20, 21, 44, 45, 63, 64, 65, 127, 128, 4095, 4096, 16383, 16384, 65535, 65536, 70000, 1500000}) do
        if bytes > long then break end
        redis.call('SET', 'noise of ' .. bytes, noise(bytes, bytes))
        redis.call('SET', 'text of ' .. bytes, string.sub(string.rep('lorem ipsum ', bytes / 12 + 1), 1, bytes))
        if bytes <= 70000 then
            redis.call('SET', noise(bytes + 1, bytes), 'a key of noise')
            redis.call('SET', string.sub('key' .. string.rep('0123456789', bytes / 10 + 1), 1, bytes + 3), 'a long key')
            redis.call('RPUSH', 'a list of long items', noise(bytes, bytes))
            redis.call('RPUSH', 'a list with one of ' .. bytes, 'small', noise(bytes, bytes), 'small')
            redis.call('SADD', 'a set with one of ' .. bytes, 'small', noise(bytes, bytes))
            redis.call('HSET', 'a hash with one of ' .. bytes, 'field', noise(bytes, bytes), noise(bytes, bytes), 'value')
            redis.call('ZADD', 'a zset with one of ' .. bytes, 1.25, noise(bytes, bytes), 2, 'small')
            redis.call('XADD', 'a stream with one of ' .. bytes, '5-5', 'field', noise(bytes, bytes))
        end
    end
    redis.call('SET', 'a long run', string.rep('x', 2 * long))
    redis.call('SETRANGE', 'sparse', 3000, 'x')
    redis.call('APPEND', 'raw', '12')
    redis.call('APPEND', 'raw', '34')
    redis.call('PFADD', 'hyperloglog', 'a', 'b', 'c')
    redis.call('SETBIT', 'bits', 100000, 1)

    for _, size in ipairs({1, 2, 127, 128, 129, 511, 512, 513, 3000}) do
        if size > most then break end
        for n = 1, size do
            local digest = redis.sha1hex(n)
            redis.call('RPUSH', 'list of ' .. size, digest)
            redis.call('RPUSH', 'list of numbers ' .. size, n * n)
            redis.call('RPUSH', 'compressible list of ' .. size, string.rep('lorem ipsum ', 9) .. n)
            redis.call('SADD', 'set of ' .. size, digest)
            redis.call('SADD', 'intset 16 of ' .. size, n - 100)
            redis.call('SADD', 'intset 32 of ' .. size, n * 100000 - 5)
            redis.call('SADD', 'intset 64 of ' .. size, n * 10000000000 - 5)
            redis.call('ZADD', 'zset of ' .. size, n / 7, digest)
            redis.call('ZADD', 'zset of numbers ' .. size, n, n)
            redis.call('HSET', 'hash of ' .. size, 'field' .. n, digest)
            redis.call('HSET', 'hash of numbers ' .. size, n, -n)
            -- Values in every form side by side: as they are, compressed, as integers, and some of them long.
            local forms = {'short', string.rep('lorem ipsum ', 30) .. n, n * 1000, digest, string.rep('dolor ', n % 97 == 0 and 20000 or 9)}
            redis.call('HSET', 'mixed hash of ' .. size, string.rep('f', n % 3) .. n, forms[n % 5 + 1])
            redis.call('SADD', 'mixed set of ' .. size, forms[n % 5 + 1] .. (n % 2 == 0 and n or ''))
            redis.call('ZADD', 'mixed zset of ' .. size, n, forms[n % 5 + 1] .. n)
            redis.call('XADD', 'stream of ' .. size, n .. '-1', 'field', digest, 'other', n)
            if n % 3 == 0 then redis.call('XADD', 'stream of ' .. size, n .. '-2', 'of its own', n) end
        end
        for n = 2, size, 5 do redis.call('XDEL', 'stream of ' .. size, n .. '-1') end
        redis.call('SADD', 'was an intset of ' .. size, 1, 2, 3, 'x')
        redis.call('EXPIRE', 'hash of numbers ' .. size, 1000000 + size)
    end
    redis.call('ZADD', 'scores', '+inf', 'a', '-inf', 'b', '-0', 'c', '1e300', 'd', '3.0000000000000004', 'e', 1e17, 'f')
    for n = 1, 200 do redis.call('ZADD', 'many scores', ({'+inf', '-inf', '0.1', n})[n % 4 + 1], n) end

    for n = 1, 30 do redis.call('XADD', 'read stream', n .. '-1', 'a', n) end
    redis.call('XDEL', 'read stream', '2-1')
    redis.call('XGROUP', 'CREATE', 'read stream', 'idle', '$')
    redis.call('XGROUP', 'CREATE', 'read stream', 'busy', '0')
    redis.call('XGROUP', 'CREATECONSUMER', 'read stream', 'idle', 'never read')
    for n = 1, 4 do redis.call('XREADGROUP', 'GROUP', 'busy', 'consumer ' .. n % 4, 'COUNT', '7', 'STREAMS', 'read stream', '>') end
    redis.call('XACK', 'read stream', 'busy', '1-1', '3-1', '4-1')
    redis.call('XADD', 'emptied', '1-1', 'a', 'b')
    redis.call('XDEL', 'emptied', '1-1')
    redis.call('XGROUP', 'CREATE', 'no entries', 'group', '$', 'MKSTREAM')
    for n = 1, 50 do redis.call('XADD', 'trimmed', 'MAXLEN', 10, n .. '-0', 'a', n) end

    for n = 1, 100 do
        redis.call('SET', 'expiring ' .. n, n, 'PXAT', 4000000000000 + n * 997)
        redis.call('SET', '{tag' .. n % 7 .. '}:' .. n, 'value')
    end
    redis.call('SET', 'expires last', 1, 'PXAT', 253402300799999)
    for _, key in ipairs({'numbers', 'set of 127', 'zset of 2', 'hash of 513', 'stream of 127', 'text of 4096'}) do
        redis.call('PEXPIREAT', key, 4102444800123)
    end
    if ARGV[3] == '1' then
        for _, size in ipairs({1, 2, 127, 128, 511, 513}) do
            if size > most then break end
            local key = 'field expiry ' .. size
            for n = 1, size do redis.call('HSET', key, 'field' .. n, n) end
            for n = 1, size, 2 do redis.call('HPEXPIREAT', key, 4000000000000 + n, 'FIELDS', 1, 'field' .. n) end
            if size == 127 then redis.call('PEXPIREAT', key, 4200000000000) end
        end
    end
    return redis.call('DBSIZE')";

/// Fills databases 0, 3 and 15, and returns their numbers. Adds a library of functions, if the server has functions.
pub fn fill(server: &mut Server) -> [&'static str; 3] {
    let fields = if server.knows("hpexpireat") { "1" } else { "0" };
    let databases = ["0", "3", "15"];
    for (database, [long, most]) in
        databases.iter().zip([["1500000", "3000"], ["70000", "513"], ["5000", "128"]])
    {
        server.run(&["SELECT", database]);
        server.run(&["EVAL", FILL, "0", long, most, fields]);
    }
    if server.knows("function") {
        let code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
        server.run(&["FUNCTION", "LOAD", code]);
    }
    databases
}

/// Fills the only database of a cluster's server.
pub fn fill_cluster(server: &mut Server) {
    server.run(&["EVAL", FILL, "0", "70000", "513", "0"]);
}

/// Fills two databases with about 100 KB in all.
pub fn fill_small(server: &mut Server) {
    let fields = if server.knows("hpexpireat") { "1" } else { "0" };
    for (database, [long, most]) in ["0", "3"].iter().zip([["300", "129"], ["65", "2"]]) {
        server.run(&["SELECT", database]);
        server.run(&["EVAL", FILL, "0", long, most, fields]);
    }
}
