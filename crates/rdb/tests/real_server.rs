//! A file that a real server wrote holds what the server says it holds; skipped where there is no server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdb_scan::{Crc, HazardCode};

use common::read;

/// Keys and elements of one database by type.
const COUNT: &str = "
    local sizes = {list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', stream = 'XLEN'}
    local found = {}
    for _, key in ipairs(redis.call('KEYS', '*')) do
        local kind = redis.call('TYPE', key).ok
        local elements = sizes[kind] and redis.call(sizes[kind], key) or 1
        local counts = found[kind] or {0, 0}
        found[kind] = {counts[1] + 1, counts[2] + elements}
    end
    local lines = {}
    for kind, counts in pairs(found) do
        lines[#lines + 1] = kind .. ' ' .. counts[1] .. ' ' .. counts[2]
    end
    return table.concat(lines, ',')";

/// Values of every type, small and large, so that each is saved in each of its encodings.
const FILL: &str = "
    local long = string.rep('lorem ipsum ', 100)
    for n = 1, tonumber(ARGV[1]) do
        redis.call('SET', 'string:' .. n, n)
        redis.call('SET', 'text:' .. n, n .. long)
        redis.call('SET', string.rep('a key that is long enough to be compressed ', 3) .. n, 'value')
        redis.call('SET', 'expiring:' .. n, 'value', 'EX', 1000000)
        redis.call('SADD', 'intset:' .. n, -n, n, n * 100000, n * 10000000000)
    end
    for n = 1, 3000 do
        local digest = redis.sha1hex(n)
        for _, size in ipairs({10, 400, 3000}) do
            if n <= size then
                redis.call('RPUSH', 'list:' .. size, digest)
                redis.call('RPUSH', 'compressible list:' .. size, long)
                redis.call('SADD', 'set:' .. size, digest)
                redis.call('ZADD', 'zset:' .. size, n / 7, digest)
                redis.call('HSET', 'hash:' .. size, 'field' .. n, digest)
                redis.call('XADD', 'stream:' .. size, n .. '-1', 'field', digest, 'other', n)
            end
        end
    end
    redis.call('RPUSH', 'plain nodes', string.rep('x', 20000), 'small', string.rep('y', 20000))
    redis.call('ZADD', 'infinite', '+inf', 'a', '-inf', 'b')
    redis.call('XGROUP', 'CREATE', 'stream:400', 'group', '0')
    redis.call('XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', '50', 'STREAMS', 'stream:400', '>')
    redis.call('XDEL', 'stream:400', '7-1', '8-1')
    return 'OK'";

#[test]
fn counts_equal_those_of_the_server() {
    let Some(mut server) = Server::start() else { return };
    let mut types: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut databases = BTreeMap::new();
    for (database, amount) in [("0", "500"), ("3", "20"), ("15", "1")] {
        server.call(&["SELECT", database]);
        server.call(&["EVAL", FILL, "0", amount]);
        databases.insert(database.parse::<u64>().unwrap(), server.call(&["DBSIZE"]).parse::<u64>().unwrap());
        for line in server.call(&["EVAL", COUNT, "0"]).split(',') {
            let [kind, keys, elements] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let counts = types.entry(kind.to_owned()).or_default();
            counts.0 += keys.parse::<u64>().unwrap();
            counts.1 += elements.parse::<u64>().unwrap();
        }
    }
    server.call(&[
        "FUNCTION",
        "LOAD",
        "#!lua name=lib\nredis.register_function('f', function() return 1 end)",
    ]);
    for policy in ["allkeys-lru", "allkeys-lfu"] {
        server.call(&["CONFIG", "SET", "maxmemory-policy", policy]);
        server.call(&["SAVE"]);
        let file = std::fs::read(server.folder.path().join("dump.rdb")).unwrap();
        let inspection = read(&file);
        assert_eq!(inspection.faults, []);
        assert_eq!(inspection.rdb.as_ref().unwrap().crc, Crc::Ok);
        let found = inspection.databases.iter().map(|(index, counts)| (*index, counts.keys));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), databases);
        let found =
            inspection.types.iter().map(|(kind, counts)| (kind.clone(), (counts.keys, counts.elements)));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), types);
        assert_eq!(inspection.expires, 521);
        assert_eq!(inspection.hazard_counts.keys().collect::<Vec<_>>(), [&HazardCode::Functions]);
    }
}

struct Server {
    process: Child,
    connection: BufReader<UnixStream>,
    folder: tempfile::TempDir,
}

impl Server {
    /// None, with a line that says so, where there is no server.
    #[allow(clippy::zombie_processes, reason = "drop waits for it")]
    fn start() -> Option<Self> {
        let binary = Path::new("/usr/bin/redis-server");
        if !binary.exists() {
            println!("skipped: no {}", binary.display());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let mut process = Command::new(binary)
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(connection) = UnixStream::connect(&socket) {
                return Some(Self { process, connection: BufReader::new(connection), folder });
            }
            if Instant::now() > deadline {
                let _ = process.kill().and_then(|()| process.wait());
                panic!("the server does not listen on {}", socket.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One command; its reply must be a status, a number or a string.
    fn call(&mut self, words: &[&str]) -> String {
        let words_of_command = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let command = format!("*{}\r\n{}", words.len(), words_of_command.collect::<String>());
        self.connection.get_mut().write_all(command.as_bytes()).unwrap();
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.connection.read_exact(&mut text).unwrap();
                String::from_utf8(text).unwrap().trim_end().to_owned()
            }
            "-" => panic!("{}: {rest}", words[0]),
            _ => rest.to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
