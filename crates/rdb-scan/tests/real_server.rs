//! What a scan finds in the files of real servers is what those servers hold; skipped if there is no server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;
#[path = "common/filling.rs"]
mod filling;
#[path = "common/server.rs"]
mod server;

use std::{collections::BTreeMap, net::TcpListener, thread, time::Duration};

use filling::{fill, fill_cluster};
use rdb_scan::{
    Control, Crc, HazardCode, InspectOptions, Inspected, Inspection, Position, Record, Visitor, key_slot,
    read_header, scan,
};
use server::{Reply, Server, engines};

/// All keys of a database: name, type, elements, expiry and encoding. Before Redis 7.0, only whether there is an
/// expiry.
const HELD: &str = "
    local sizes = {list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', stream = 'XLEN'}
    local held = {}
    for _, key in ipairs(redis.call('KEYS', '*')) do
        local kind = redis.call('TYPE', key).ok
        held[#held + 1] = {key, kind, sizes[kind] and redis.call(sizes[kind], key) or 1,
            ARGV[1] == '1' and redis.call('PEXPIRETIME', key) or math.min(redis.call('PTTL', key), 0), redis.call('OBJECT', 'ENCODING', key)}
    end
    return held";

/// Everything that DEBUG DIGEST does not cover.
const DETAILS: &str = "
    local details = {}
    for _, key in ipairs(redis.call('KEYS', '*')) do
        local kind = redis.call('TYPE', key).ok
        if kind == 'stream' then
            details[#details + 1] = {key, redis.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0)}
        elseif kind == 'hash' and ARGV[1] == '1' then
            local fields = redis.call('HKEYS', key)
            table.sort(fields)
            for n, field in ipairs(fields) do
                local expires = redis.call('HPEXPIRETIME', key, 'FIELDS', 1, field)
                if expires[1] ~= -1 then details[#details + 1] = {key, field, expires[1]} end
            end
        end
    end
    return details";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    kind: String,
    elements: u64,
    expires_at_ms: Option<i64>,
    encoding: String,
}

type Keys = BTreeMap<(u64, Vec<u8>), Held>;

#[test]
fn what_is_seen_is_what_the_server_holds() {
    for engine in engines() {
        let mut source = Server::start(&engine, &[]);
        let databases = fill(&mut source);
        let held = held(&mut source, &databases);
        let digest = source.run(&["DEBUG", "DIGEST"]).text();
        let mut copy = Server::start(&engine, &[]);
        // Each policy writes another prefix before the records.
        for policy in ["noeviction", "allkeys-lru", "allkeys-lfu"] {
            source.run(&["CONFIG", "SET", "maxmemory-policy", policy]);
            let file = source.save();
            let (inspection, seen) = see(&file);
            let place = format!("{}, {policy}", engine.name);
            assert_same_totals(&inspection, &held, engine.is_7, &place);
            assert_same_keys(&seen, &held, &place);

            copy.run(&["FLUSHALL"]);
            restore(&mut copy, &file, &seen, &held);
            let copied = copy.run(&["DEBUG", "DIGEST"]).text();
            assert_eq!(copied, digest, "{place}: {:?}", different(&mut source, &mut copy, &held));
            assert_same_details(&mut source, &mut copy, &databases, &place);
            let none_raw = seen.iter().filter(|seen| !seen.raw).count();
            assert!(none_raw > 0, "{place}: every record is at hand in one piece");
            println!(
                "{place}: {} keys, {} bytes, {none_raw} not at hand in one piece, digest {digest}",
                seen.len(),
                file.len()
            );
        }
    }
}

#[test]
fn slots_are_those_of_the_cluster() {
    for engine in engines() {
        if !engine.is_7 {
            println!("{}: skipped, its cluster bus has a port that cannot be chosen", engine.name);
            continue;
        }
        let Some(mut server) = start_cluster(&engine) else { continue };
        fill_cluster(&mut server);
        let file = server.save();
        let (inspection, seen) = see(&file);
        assert_eq!(inspection.faults, [], "{}", engine.name);
        let mut slots = BTreeMap::<u16, u64>::new();
        for record in &seen {
            *slots.entry(record.slot).or_default() += 1;
            if record.key.len() as u64 == record.key_bytes {
                let slot = server.call(&[b"CLUSTER", b"KEYSLOT", &record.key]).int();
                assert_eq!(i64::from(record.slot), slot, "{}: {:?}", engine.name, record.key);
                assert_eq!(key_slot(&record.key), record.slot);
            }
        }
        for (slot, keys) in &slots {
            let counted = server.run(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]).int();
            assert_eq!(u64::try_from(counted).unwrap(), *keys, "{}: slot {slot}", engine.name);
        }
        assert_eq!(server.run(&["DBSIZE"]).int(), i64::try_from(seen.len()).unwrap());
        println!("{}: {} keys in {} slots", engine.name, seen.len(), slots.len());
    }
}

/// One record as the visitor received it.
struct Seen {
    database: u64,
    key: Vec<u8>,
    key_bytes: u64,
    slot: u16,
    held: Held,
    type_id: u8,
    value: std::ops::Range<usize>,
    raw: bool,
}

struct Eye<'f> {
    file: &'f [u8],
    seen: Vec<Seen>,
    databases: Vec<u64>,
}

impl Visitor for Eye<'_> {
    fn record(&mut self, record: &Record<'_>) {
        let (start, end) = (record.span.start as usize, record.span.end as usize);
        if let Some(raw) = record.raw {
            assert_eq!(raw, &self.file[start..end]);
        }
        assert_eq!(record.database, self.databases.last().copied());
        self.seen.push(Seen {
            database: record.database.unwrap(),
            key: record.key.to_vec(),
            key_bytes: record.key_bytes,
            slot: record.slot,
            held: Held {
                kind: record.kind().name().to_owned(),
                elements: record.elements,
                expires_at_ms: record.expires_at_ms,
                encoding: record.encoding.name().to_owned(),
            },
            type_id: record.type_id,
            value: record.value_start as usize..end,
            raw: record.raw.is_some(),
        });
    }

    fn select_database(&mut self, database: u64) {
        self.databases.push(database);
    }
}

fn see(file: &[u8]) -> (Inspection, Vec<Seen>) {
    let options = InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() };
    let eye = Eye { file, seen: Vec::new(), databases: Vec::new() };
    match scan(file, &Position::default(), &options, eye, &mut |_| Control::Continue).unwrap() {
        (Inspected::Complete(inspection), eye) => (inspection, eye.seen),
        _ => panic!("nobody paused"),
    }
}

fn held(server: &mut Server, databases: &[&str]) -> Keys {
    let times = if server.knows("pexpiretime") { "1" } else { "0" };
    let mut held = Keys::new();
    for database in databases {
        server.run(&["SELECT", database]);
        for key in server.run(&["EVAL", HELD, "0", times]).list() {
            let [name, kind, elements, expires, encoding] = key.list() else { panic!("{key:?}") };
            let held_key = Held {
                kind: kind.text(),
                elements: u64::try_from(elements.int()).unwrap(),
                expires_at_ms: Some(expires.int()).filter(|expires| *expires >= 0),
                encoding: encoding.text(),
            };
            held.insert((database.parse().unwrap(), name.bytes().to_vec()), held_key);
        }
    }
    held
}

#[track_caller]
fn assert_same_totals(inspection: &Inspection, held: &Keys, has_functions: bool, place: &str) {
    assert_eq!(inspection.faults, [], "{place}");
    assert!(inspection.is_sound(), "{place}");
    assert_eq!(inspection.rdb.as_ref().unwrap().crc, Crc::Ok, "{place}");
    assert_eq!(inspection.functions, u64::from(has_functions), "{place}");
    // Servers keep streams without entries, so these are no hazard.
    let hazards: &[_] = if has_functions { &[&HazardCode::Functions] } else { &[] };
    assert_eq!(inspection.hazard_counts.keys().collect::<Vec<_>>(), hazards, "{place}");
    let mut databases = BTreeMap::<u64, (u64, u64)>::new();
    let mut types = BTreeMap::<String, (u64, u64)>::new();
    for ((database, _), key) in held {
        let counts = databases.entry(*database).or_default();
        counts.0 += 1;
        counts.1 += u64::from(key.expires_at_ms.is_some());
        let counts = types.entry(key.kind.clone()).or_default();
        counts.0 += 1;
        counts.1 += key.elements;
    }
    let found = inspection.databases.iter().map(|(index, counts)| (*index, (counts.keys, counts.expires)));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), databases, "{place}");
    let found = inspection.types.iter().map(|(kind, counts)| (kind.clone(), (counts.keys, counts.elements)));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), types, "{place}");
    assert_eq!(inspection.expires, databases.values().map(|counts| counts.1).sum::<u64>(), "{place}");
    let slots: u64 = inspection.slots.iter().map(|(_, counts)| counts.keys).sum();
    assert_eq!(slots, held.len() as u64, "{place}");
}

#[track_caller]
fn assert_same_keys(seen: &[Seen], held: &Keys, place: &str) {
    assert_eq!(seen.len(), held.len(), "{place}");
    for record in seen {
        let name = String::from_utf8_lossy(&record.key);
        let (_, key) = whole_key(record, held);
        let Held { kind, elements, expires_at_ms, encoding } = &record.held;
        assert_eq!(
            (kind, elements, &expires_at_ms.map(|time| if key.expires_at_ms == Some(0) { 0 } else { time })),
            (&key.kind, &key.elements, &key.expires_at_ms),
            "{place}: {name}"
        );
        let may_be: &[&str] = match encoding.as_str() {
            "int" => &["int", "raw", "embstr"],
            // Numbers that do not fit in 32 bits are stored as text.
            "raw" => &["raw", "embstr", "int"],
            "lzf" => &["raw", "embstr"],
            "quicklist-ziplist" => &["quicklist"],
            "quicklist" => &["quicklist", "listpack"],
            "listpack-expiry" => &["listpackex"],
            "hashtable-expiry" => &["hashtable"],
            name if name.starts_with("listpacks") => &["stream"],
            other => &[other],
        };
        assert!(may_be.contains(&key.encoding.as_str()), "{place}: {name}: {encoding} for {}", key.encoding);
    }
}

/// The complete key of a record: of a very long one, the record has only the start.
fn whole_key<'h>(record: &Seen, held: &'h Keys) -> (&'h [u8], &'h Held) {
    let mut keys = held.range((record.database, record.key.clone())..);
    let found =
        keys.find(|((_, key), _)| key.len() as u64 == record.key_bytes && key.starts_with(&record.key));
    let ((database, key), held) = found.unwrap();
    assert_eq!(*database, record.database);
    (key, held)
}

/// Restores each record on another server, as a serialized value.
fn restore(copy: &mut Server, file: &[u8], seen: &[Seen], held: &Keys) {
    let version = read_header(file).unwrap().version as u16;
    let table = crc_table();
    let mut database = None;
    for record in seen {
        if database.replace(record.database) != Some(record.database) {
            copy.run(&["SELECT", &record.database.to_string()]);
        }
        let mut payload = [&[record.type_id], &file[record.value.clone()], &version.to_le_bytes()].concat();
        let crc = payload.iter().fold(0, |crc, byte| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8));
        payload.extend(crc.to_le_bytes());
        let expires = record.held.expires_at_ms.unwrap_or(0).to_string();
        let (key, _) = whole_key(record, held);
        copy.call(&[b"RESTORE", key, expires.as_bytes(), &payload, b"ABSTTL"]);
    }
}

/// The CRC64 of Redis by a table, because payloads are megabytes, but not by the crate's own.
fn crc_table() -> Vec<u64> {
    let table: Vec<u64> = (0..=255u8).map(|byte| common::crc64(&[byte])).collect();
    assert_eq!(table[0], 0);
    table
}

/// The keys that have different values.
fn different(source: &mut Server, copy: &mut Server, held: &Keys) -> Vec<String> {
    let mut names = Vec::new();
    for (database, key) in held.keys() {
        let digests = [&mut *source, &mut *copy].map(|server| {
            server.run(&["SELECT", &database.to_string()]);
            server.call(&[b"DEBUG", b"DIGEST-VALUE", key])
        });
        if digests[0] != digests[1] {
            names.push(format!("{database}: {}", String::from_utf8_lossy(key)));
        }
    }
    names
}

fn assert_same_details(source: &mut Server, copy: &mut Server, databases: &[&str], place: &str) {
    let fields = if source.knows("hpexpireat") { "1" } else { "0" };
    for database in databases {
        let [mut wanted, mut found] = [&mut *source, &mut *copy].map(|server| {
            server.run(&["SELECT", database]);
            server.run(&["EVAL", DETAILS, "0", fields]).list().to_vec()
        });
        let by_key = |detail: &Reply| format!("{:?}", &detail.list()[..2]);
        wanted.sort_by_key(by_key);
        found.sort_by_key(by_key);
        assert_eq!(wanted.len(), found.len(), "{place}");
        for (wanted, found) in wanted.iter().zip(&found) {
            assert_eq!(wanted, found, "{place}");
        }
    }
}

/// A server that is a cluster of its own; none, with a message, if no pair of ports is free.
fn start_cluster(engine: &server::Engine) -> Option<Server> {
    for _ in 0..20 {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, bus) = (free(), free());
        let [port, bus] = [port, bus].map(|socket| socket.local_addr().unwrap().port().to_string());
        let arguments = ["--port", &port, "--cluster-enabled", "yes", "--cluster-port", &bus];
        let Ok(mut server) = Server::load(engine, None, &arguments) else { continue };
        server.run(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        while !server.run(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok") {
            thread::sleep(Duration::from_millis(20));
        }
        return Some(server);
    }
    println!("{}: skipped, no ports for a cluster", engine.name);
    None
}

/// The base of an append-only file is reported; a file that the same server writes by SAVE is not.
#[test]
fn the_base_of_an_append_only_file_is_told_from_a_backup() {
    for engine in engines() {
        // Servers before 7.0 refuse an option that all are started with.
        let Ok(mut server) = Server::load(&engine, None, &["--appendonly", "yes"]) else { continue };
        server.run(&["SET", "before", "1"]);
        server.run(&["BGREWRITEAOF"]);
        let folder = server.folder.path();
        // The first base is empty, the second one holds the key. Before 7.0 there is only one file.
        let paths = ["appendonlydir/appendonly.aof.2.base.rdb", "appendonly.aof"];
        let base = (0..600).find_map(|_| {
            thread::sleep(Duration::from_millis(50));
            let base = paths.iter().find_map(|path| std::fs::read(folder.join(path)).ok());
            base.filter(|base| common::read(base).is_sound())
        });
        let base = common::read(&base.unwrap_or_else(|| panic!("{} writes no base", engine.name)));
        let codes: Vec<_> = base.hazards.iter().map(|hazard| hazard.code).collect();
        assert_eq!((base.keys, codes), (1, vec![HazardCode::AofBase]), "{}", engine.name);
        assert_eq!(common::read(&server.save()).hazards, [], "{}", engine.name);
    }
}

/// Whatever follows the end, every server loads what precedes it, and nothing else.
#[test]
fn what_follows_the_end_is_loaded_by_no_server() {
    for engine in engines() {
        let Ok(mut server) = Server::load(&engine, None, &[]) else { continue };
        server.run(&["SET", "a", "1"]);
        let first = server.save();
        server.run(&["SET", "b", "1"]);
        let second = server.save();
        for (tail, code) in [
            (second, HazardCode::AnotherRdb),
            (b"aa88e62d8be28e627e8a9e37ae8534812516ab77".to_vec(), HazardCode::ReplicationEndMark),
            (vec![0; 1000], HazardCode::Padding),
            (b"something else".to_vec(), HazardCode::TrailingBytes),
        ] {
            let file = [&first[..], &tail].concat();
            let hazards = common::read(&file).hazards;
            assert_eq!(hazards.iter().map(|hazard| hazard.code).collect::<Vec<_>>(), [code]);
            let mut loaded = Server::load(&engine, Some(&file), &[]).unwrap();
            assert_eq!(loaded.run(&["DBSIZE"]).int(), 1, "{} {code}", engine.name);
        }
    }
}
