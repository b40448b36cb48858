//! Every file of a real server, converted for every target, loads there and holds the same; skipped if there is no
//! server.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;
#[path = "common/converting.rs"]
mod converting;
#[path = "../../rdb-scan/tests/common/filling.rs"]
mod filling;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU16, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use common::Rdb;
use converting::convert_one;
use rdb_convert::{Databases, Options, Plan, Policies, Policy, Target};
use rdb_scan::walk::{Step, Walk};
use server::{Engine, Reply, Server, engines};

/// What a key holds: its digest, its expiry and those of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    digest: Vec<u8>,
    expires_at_ms: i64,
    fields: Vec<(Vec<u8>, i64)>,
}

type Keys = BTreeMap<(u64, Vec<u8>), Held>;

/// Servers that write files, as far as they are at hand.
const WRITERS: [&str; 11] = [
    "redis-6.2",
    "redis-7.0",
    "redis-7.2",
    "redis-7.4",
    "redis-8.0",
    "redis-8.2",
    "redis-8.6",
    "valkey-7.2",
    "valkey-8.0",
    "valkey-8.1",
    "valkey-9.1",
];

const DATABASES: [u64; 3] = [0, 3, 15];

/// Where the databases go for cluster mode, which has one, so that no key is lost.
const PREFIXES: [(u64, &str); 3] = [(0, ""), (3, "three:"), (15, "fifteen:")];

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Everything that a server holds. Before Redis 7.0 there is no PEXPIRETIME, so the expiry is computed.
fn held(server: &mut Server, is_7: bool, databases: &[u64]) -> Keys {
    let mut keys = Keys::new();
    let has_fields = server.knows("hpexpiretime");
    for database in databases.iter().copied() {
        server.run(&["SELECT", &database.to_string()]);
        for key in server.run(&["KEYS", "*"]).list() {
            let key = key.bytes();
            let kind = server.call(&[b"TYPE", key]).text();
            let digest = server.call(&[b"DEBUG", b"DIGEST-VALUE", key]);
            let mut digest = digest.list()[0].bytes().to_vec();
            let mut fields = Vec::new();
            if kind == "hash" {
                let Reply::List(all) = server.call(&[b"HGETALL", key]) else { panic!("no list") };
                let mut rows: Vec<_> =
                    all.chunks(2).map(|row| (row[0].bytes().to_vec(), row[1].bytes().to_vec())).collect();
                rows.sort();
                if has_fields {
                    for (field, _) in &rows {
                        let at = server.call(&[b"HPEXPIRETIME", key, b"FIELDS", b"1", field]).list()[0].int();
                        if at != -1 {
                            fields.push((field.clone(), at));
                        }
                    }
                }
                // The digest contains the expiries of fields, in a way of each engine.
                digest = format!("{rows:?}").into_bytes();
            }
            if kind == "zset" {
                // The digest contains scores as text, in a way of each engine.
                let Reply::List(all) = server.call(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]) else {
                    panic!("no list")
                };
                let score = |reply: &Reply| reply.text().parse::<f64>().unwrap().to_bits();
                let mut rows: Vec<_> =
                    all.chunks(2).map(|row| (row[0].clone().bytes().to_vec(), score(&row[1]))).collect();
                rows.sort();
                digest = format!("{rows:?}").into_bytes();
            }
            if kind == "stream" {
                // The digest does not contain groups.
                digest.extend(format!("{:?}", groups(server, key)).bytes());
            }
            let expires_at_ms = if is_7 {
                server.call(&[b"PEXPIRETIME", key]).int()
            } else {
                match server.call(&[b"PTTL", key]).int() {
                    left @ ..0 => left,
                    left => now_ms() + left,
                }
            };
            keys.insert((database, key.to_vec()), Held { digest, expires_at_ms, fields });
        }
    }
    keys
}

/// Groups, consumers and pending entries.
fn groups(server: &mut Server, key: &[u8]) -> Vec<Reply> {
    let mut all = vec![server.call(&[b"XLEN", key])];
    let named = |reply: &Reply, name: &[u8]| {
        let list = reply.list();
        let place = list.iter().step_by(2).position(|one| one.bytes() == name).unwrap();
        list[2 * place + 1].clone()
    };
    for group in server.call(&[b"XINFO", b"GROUPS", key]).list().to_vec() {
        let name = named(&group, b"name");
        all.extend([name.clone(), named(&group, b"last-delivered-id"), named(&group, b"consumers")]);
        let pending = server.call(&[b"XPENDING", key, name.bytes(), b"-", b"+", b"1000"]);
        // Without the idle time.
        for entry in pending.list() {
            let entry = entry.list();
            all.extend([entry[0].clone(), entry[1].clone(), entry[3].clone()]);
        }
    }
    all
}

fn options(target: &str) -> Options {
    Options { now_ms: now_ms(), ..Options::new(target.parse().unwrap()) }
}

fn reads(target: Target, engine: &Engine) -> bool {
    let version = target.engine_version();
    engine.name == format!("{}-{version}", target.engine().name())
}

/// A file of a writer and what it holds; none if there is no such server.
fn written_by(name: &str, engines: &[Engine]) -> Option<(Vec<u8>, Keys, bool)> {
    let at_hand = |name: &str| engines.iter().find(|engine| engine.name == name);
    if let Some(engine) = at_hand(name) {
        let mut server = Server::start(engine, &[]);
        filling::fill(&mut server);
        return Some((server.save(), held(&mut server, engine.is_7, &DATABASES), engine.is_7));
    }
    // Redis 7.2 reads the files of Valkey 7.2.
    let reader = at_hand("redis-7.2").filter(|_| name == "valkey-7.2")?;
    let file = valkey_7_2();
    let mut server = Server::load(reader, Some(&file), &[]).unwrap();
    Some((file, held(&mut server, true, &DATABASES), true))
}

/// A file as Valkey 7.2 writes it, with each type that it writes.
fn valkey_7_2() -> Vec<u8> {
    let mut rdb = Rdb::with_header("REDIS0011").raw(&[250]).text(b"redis-ver").text(b"7.2.11");
    rdb = rdb.raw(&[245]).text(b"#!lua name=lib\nredis.register_function('f', function() return 1 end)");
    for database in DATABASES {
        rdb = rdb.database(database);
        let all = common::all_types();
        let mut walk = Walk::new(&all[..]).unwrap();
        loop {
            match walk.step().unwrap() {
                Step::End => break,
                Step::Record => {
                    let mut value = Vec::new();
                    walk.pass(&mut value).unwrap();
                    let id = walk.head().value_type.id();
                    let is_written = [0, 2, 4, 5, 11, 16, 17, 18, 20, 21].contains(&id);
                    let key = String::from_utf8_lossy(&walk.head().key).into_owned();
                    // The other databases have keys that expire.
                    if is_written && database > 0 {
                        rdb = rdb.raw(&[252]).raw(&4_000_000_000_123u64.to_le_bytes());
                    }
                    rdb = if is_written { rdb.key(id, &key).raw(&value) } else { rdb };
                }
                _ => {}
            }
        }
    }
    rdb.end()
}

/// What a server in cluster mode is to hold of this.
fn prefixed(keys: &Keys) -> Keys {
    let prefix = |database: u64| PREFIXES.iter().find(|(from, _)| *from == database).unwrap().1;
    let moved = |(database, key): &(u64, Vec<u8>)| (0, [prefix(*database).as_bytes(), key].concat());
    keys.iter().map(|(key, held)| (moved(key), held.clone())).collect()
}

/// The arguments of a server that is in cluster mode alone.
fn cluster() -> [String; 8] {
    // Each server of this process tries other ports.
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = 15_000 + (std::process::id() % 5000) as u16;
    let port = loop {
        let port = first + TRIED.fetch_add(1, Ordering::Relaxed);
        // The second port is that of other nodes.
        if free(port) && free(port + 10_000) {
            break port;
        }
    };
    let words = ["--port", &port.to_string(), "--cluster-enabled", "yes", "--cluster-allow-reads-when-down"];
    let more = ["yes", "--cluster-require-full-coverage", "no"];
    [words[0], words[1], words[2], words[3], words[4], more[0], more[1], more[2]].map(str::to_owned)
}

#[test]
fn every_target_loads_what_was_converted_for_it_and_holds_the_same() {
    let engines = engines();
    let mut matrix = Matrix::default();
    let mut missing = Vec::new();
    let targets: Vec<_> = Target::NAMES
        .iter()
        .map(|name| name.parse::<Target>().unwrap())
        .filter_map(|target| Some((target, engines.iter().find(|engine| reads(target, engine))?)))
        .collect();
    // `make convert-matrix` has every writer meet every target; otherwise each meets two.
    let whole = std::env::var_os("WHOLE_MATRIX").is_some();
    for (number, writer) in WRITERS.into_iter().enumerate() {
        let Some((file, before, is_7)) = written_by(writer, &engines) else {
            missing.push(writer);
            continue;
        };
        for (place, (target, engine)) in targets.iter().copied().enumerate() {
            if !whole && !matches!((number + place) % targets.len(), 0 | 2) {
                continue;
            }
            let route = format!("{writer} to {target}");
            let mut options = options(&target.to_string());
            let refused = Plan::of(|| Ok(&file[..]), &options).unwrap().report.refused;
            let codes: Vec<_> = refused.iter().map(|refusal| refusal.code).collect();
            let expiring = before.values().any(|held| !held.fields.is_empty());
            let mut expected = Vec::new();
            if expiring && !target.has_field_expiries() {
                expected.push("field-expiries");
            }
            if is_7 && !target.has_functions() {
                expected.insert(0, "functions");
            }
            assert_eq!(codes, expected, "{route}");
            options.policies =
                Policies { field_expiries: Policy::Drop, functions: Policy::Drop, ..Policies::default() };
            let has_functions = is_7 && target.has_functions();
            let route = Route { name: &route, target, engine, exact: is_7 && engine.is_7, has_functions };
            route.follow(&file, &options, &before, &DATABASES, &[]);
            options.databases = Databases::parse("3=0:three:,15=0:fifteen:").unwrap();
            let arguments = cluster();
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let name = format!("{} in cluster mode", route.name);
            let in_cluster = Route { name: &name, ..route };
            in_cluster.follow(&file, &options, &prefixed(&before), &[0], &arguments);
            matrix.add(writer, engines.iter().any(|engine| engine.name == writer), target, &expected);
        }
    }
    matrix.print();
    println!("not at hand: {missing:?}");
}

/// From a file to a server of the target.
struct Route<'r> {
    name: &'r str,
    target: Target,
    engine: &'r Engine,
    /// Whether both servers have PEXPIRETIME.
    exact: bool,
    has_functions: bool,
}

impl Route<'_> {
    fn follow(&self, file: &[u8], options: &Options, before: &Keys, databases: &[u64], arguments: &[&str]) {
        let Self { name, target, engine, exact, has_functions } = self;
        let (report, written) = convert_one(file, options);
        let lost: Vec<_> =
            report.lost.iter().map(|(what, count)| format!("{what} {}", count.number)).collect();
        println!(
            "{name}: {} bytes, {} after, {} of {} keys rewritten, lost {lost:?}",
            file.len(),
            written.len(),
            report.keys_rewritten,
            report.keys_written,
        );
        let expiring = before.values().any(|held| !held.fields.is_empty());
        assert_eq!(written.starts_with(b"VALKEY080"), expiring && target.has_field_expiries(), "{name}");
        assert_eq!(report.keys_written, before.len() as u64, "{name}");
        let mut server =
            Server::load(engine, Some(&written), arguments).unwrap_or_else(|log| panic!("{name}: {log}"));
        let after = held(&mut server, engine.is_7, databases);
        assert_eq!(after.len(), before.len(), "{name}");
        for (key, held) in before {
            let shown = key.1.escape_ascii().to_string();
            let now = &after[key];
            assert!(now.digest == held.digest, "{name}: {shown} in database {}", key.0);
            let apart = (now.expires_at_ms - held.expires_at_ms).abs();
            assert!(apart <= if *exact { 0 } else { 60_000 }, "{name}: {shown}, {apart} ms");
            let fields = if target.has_field_expiries() { held.fields.clone() } else { Vec::new() };
            assert!(now.fields == fields, "{name}: fields of {shown}");
        }
        if *has_functions {
            assert_eq!(server.run(&["FUNCTION", "LIST"]).list().len(), 1, "{name}");
        }
        assert!(passes(engine, &written), "{name}: the checker of the target");
    }
}

/// Whether the checker that comes with a server finds no fault.
fn passes(engine: &Engine, file: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("written.rdb");
    std::fs::write(&path, file).unwrap();
    std::process::Command::new(&engine.checker).arg(path).output().unwrap().status.success()
}

/// What was lost on each route, as the table of docs/CONVERT.md. `make convert-matrix` writes it there.
#[derive(Default)]
struct Matrix {
    targets: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Matrix {
    fn add(&mut self, writer: &str, is_server: bool, target: Target, lost: &[&str]) {
        let column = title(&target.to_string());
        if !self.targets.contains(&column) {
            self.targets.push(column);
        }
        let writer = if is_server { title(writer) } else { format!("{} (own file)", title(writer)) };
        if self.rows.last().is_none_or(|(last, _)| *last != writer) {
            self.rows.push((writer, Vec::new()));
        }
        let mut lost: Vec<_> = lost.iter().map(|code| code.trim_end_matches("-expiries")).collect();
        lost.sort_unstable();
        let cell = lost.join(", ").replace("field", "fields");
        let cell = if cell.is_empty() { "equal".to_owned() } else { cell };
        self.rows.last_mut().unwrap().1.push(cell);
    }

    fn print(&self) {
        println!("| from \\ to | {} |", self.targets.join(" | "));
        println!("|---|{}", "---|".repeat(self.targets.len()));
        for (writer, cells) in &self.rows {
            println!("| {writer} | {} |", cells.join(" | "));
        }
    }
}

/// `redis-7.0` as Redis 7.0.
fn title(name: &str) -> String {
    let (engine, version) = name.split_once('-').unwrap();
    let engine = if engine == "redis" { "Redis" } else { "Valkey" };
    format!("{engine} {version}")
}

#[test]
fn databases_are_merged_and_conflicts_found_before() {
    let Some(engine) = engines().into_iter().find(|engine| engine.name.contains("8.0")) else { return };
    let mut source = Server::start(&engine, &[]);
    filling::fill(&mut source);
    let file = source.save();
    let before = held(&mut source, true, &DATABASES);
    let mut names: Vec<_> = before.keys().map(|(_, key)| key).collect();
    names.sort();
    names.dedup();
    let mut merged = options("valkey-8.1");
    merged.databases = Databases::merged();
    merged.policies.field_expiries = Policy::Drop;
    let plan = Plan::of(|| Ok(&file[..]), &merged).unwrap();
    assert!(plan.report.refused.iter().any(|refusal| refusal.code == "conflicts"));
    assert_eq!(plan.report.refused.len(), 1);
    for (policy, databases) in
        [(rdb_convert::OnConflict::First, DATABASES), (rdb_convert::OnConflict::Last, [15, 3, 0])]
    {
        merged.on_conflict = policy;
        let (report, written) = convert_one(&file, &merged);
        assert_eq!(report.keys_written, names.len() as u64);
        assert_eq!(report.conflicts.number, plan.report.conflicts.number);
        let Some(target) = engines().into_iter().find(|engine| engine.name == "valkey-8.1") else { return };
        let arguments = cluster();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut server = Server::load(&target, Some(&written), &arguments).unwrap();
        assert_eq!(server.run(&["DBSIZE"]).int(), i64::try_from(names.len()).unwrap());
        for name in &names {
            let wanted =
                databases.iter().find_map(|database| before.get(&(*database, (*name).clone()))).unwrap();
            assert_eq!(server.call(&[b"PEXPIRETIME", name]).int(), wanted.expires_at_ms);
        }
    }
    // With a prefix there is no conflict.
    merged.on_conflict = rdb_convert::OnConflict::Refuse;
    merged.databases = Databases::parse("3=0:three:,15=drop").unwrap();
    let (report, _) = convert_one(&file, &merged);
    assert_eq!(report.conflicts.number, 0);
    assert_eq!(report.keys_written, before.keys().filter(|(database, _)| *database != 15).count() as u64);
}
