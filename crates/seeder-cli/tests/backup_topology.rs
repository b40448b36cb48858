//! Backups of a cluster, and of what a sentinel watches; skipped if there is no server.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod backing_up;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use backing_up::{an_engine, backup, expect, free_port, names, printed, scripted};
use serde_json::Value;
use server::{Engine, Reply, Server};

/// A server with a port.
fn with_port(engine: &Engine, arguments: &[&str]) -> (Server, String) {
    let port = free_port().to_string();
    let all = [&["--port", &port, "--repl-diskless-sync-delay", "0"], arguments].concat();
    (Server::start(engine, &all), port)
}

/// Waits at most two minutes.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("still not: {what}");
}

fn info(server: &mut Server) -> String {
    server.run(&["INFO"]).text()
}

#[test]
fn a_replica_that_a_sentinel_watches_is_backed_up() {
    let Some(engine) = an_engine() else { return };
    let (mut master, port) = with_port(&engine, &[]);
    let folder = tempfile::tempdir().unwrap();
    master.run(&["SET", "key", "value"]);
    // Sentinels write their configuration.
    let config = folder.path().join("sentinel.conf");
    fs::write(&config, format!("sentinel monitor orders 127.0.0.1 {port} 1\n")).unwrap();
    let sentinel_port = free_port().to_string();
    let arguments = [config.to_str().unwrap(), "--sentinel", "--port", &sentinel_port];
    let _sentinel = Sentinel::start(&engine, &arguments);
    let source = format!("redis://127.0.0.1:{sentinel_port}");
    let run =
        |name: &str| backup(folder.path(), &[&source, "new.rdb", "--sentinel", name, "--force", "--json"]);
    until("it answers", || run("none").status.code() == Some(1));
    expect(&run("none"), 1, "watches no master none");

    // The master alone.
    expect(&run("orders"), 0, "\"keys\":1");
    expect(&backup(folder.path(), &[&source, "x.rdb"]), 1, "hint: name the master that it watches");
    let (mut replica, _) = with_port(&engine, &["--replicaof", &format!("127.0.0.1 {port}")]);
    until("the link is up", || info(&mut replica).contains("master_link_status:up"));
    // It is found within ten seconds.
    until("it is found", || printed(&run("orders")).contains(", replica, "));
    drop(replica);
    expect(&run("orders"), 0, ", master, ");
}

/// Its keys may be missing, or in two backups.
#[test]
fn a_cluster_whose_slots_move_meanwhile_leaves_no_file() {
    let (own_port, asked) = (Arc::new(OnceLock::new()), AtomicU32::new(0));
    let known = Arc::clone(&own_port);
    let port = scripted(move |words| match words[0].as_str() {
        "CLUSTER" => {
            let last = if asked.fetch_add(1, Ordering::Relaxed) == 0 { 16_383 } else { 16_382 };
            let port = known.get().unwrap();
            format!("*1\r\n*3\r\n:0\r\n:{last}\r\n*3\r\n$0\r\n\r\n:{port}\r\n$2\r\nid\r\n").into_bytes()
        }
        "PSYNC" => b"+FULLRESYNC 0 0\r\n$18\r\nREDIS0011\xff\0\0\0\0\0\0\0\0".to_vec(),
        _ => b"+OK\r\n".to_vec(),
    });
    own_port.set(port).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = format!("redis://127.0.0.1:{port}");
    expect(&backup(folder.path(), &[&source, "new.rdb", "--cluster"]), 1, "were moved meanwhile");
    assert!(names(folder.path()).is_empty());
    // It stays now.
    expect(&backup(folder.path(), &[&source, "new.rdb", "--cluster"]), 0, "1 of 16384 slots have no server");
    assert_eq!(names(folder.path()), ["new-0001.rdb"]);
}

/// A process that ends with the test.
struct Sentinel(Child);

impl Sentinel {
    fn start(engine: &Engine, arguments: &[&str]) -> Self {
        let mut command = Command::new(&engine.server);
        command.args(arguments).args(["--bind", "127.0.0.1"]).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_shard_of_a_cluster_becomes_a_file() {
    let Some(engine) = an_engine() else { return };
    let cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"];
    let ((mut low, low_port), (mut high, high_port)) =
        (with_port(&engine, &cluster), with_port(&engine, &cluster));
    let (mut replica, replica_port) = with_port(&engine, &cluster);
    low.run(&["CLUSTER", "ADDSLOTSRANGE", "0", "999", "2000", "8191"]);
    high.run(&["CLUSTER", "ADDSLOTSRANGE", "1000", "1999", "8192", "16383"]);
    // Otherwise they agree only after a collision of their epochs.
    high.run(&["CLUSTER", "SET-CONFIG-EPOCH", "2"]);
    low.run(&["CLUSTER", "SET-CONFIG-EPOCH", "1"]);
    let folder = tempfile::tempdir().unwrap();
    let source = format!("redis://127.0.0.1:{low_port}");
    let run = |more: &[&str]| {
        backup(folder.path(), &[&[&*source, "new.rdb", "--cluster", "--json", "--force"], more].concat())
    };
    expect(&run(&[]), 0, "9192 of 16384 slots have no server");
    fs::remove_file(folder.path().join("new-0001.rdb")).unwrap();

    for port in [&high_port, &replica_port] {
        low.run(&["CLUSTER", "MEET", "127.0.0.1", port]);
    }
    let id = high.run(&["CLUSTER", "MYID"]).text();
    let is_ok = |server: &mut Server| server.run(&["CLUSTER", "INFO"]).text().contains("cluster_state:ok");
    until("they know each other", || is_ok(&mut low) && is_ok(&mut high));
    until("it replicates", || {
        replica.try_call(&[b"CLUSTER", b"REPLICATE", id.as_bytes()]).unwrap() == Reply::Text(b"OK".to_vec())
    });
    let servers = |server: &mut Server| -> usize {
        server.run(&["CLUSTER", "SLOTS"]).list().iter().map(|range| range.list().len() - 2).sum()
    };
    until("the replica is known", || servers(&mut low) == 6 && info(&mut replica).contains("link_status:up"));
    let mut written = 0;
    for number in 0..1000 {
        let key = format!("key {number}");
        for server in [&mut low, &mut high] {
            let reply = server.try_call(&[b"SET", key.as_bytes(), b"value"]).unwrap();
            written += usize::from(reply == Reply::Text(b"OK".to_vec()));
        }
    }
    assert_eq!(written, 1000);

    let done = run(&[]);
    assert_eq!(done.status.code(), Some(0), "{}", printed(&done));
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&told["keys"], &told["source"], told.get("rdb")),
        (&1000.into(), &source.as_str().into(), None)
    );
    let sources: Vec<_> = told["shards"].as_array().unwrap().iter().map(|shard| &shard["source"]).collect();
    // Of the one that has a replica, the replica.
    assert_eq!(sources, [source.as_str(), &format!("redis://127.0.0.1:{replica_port}")]);
    assert_eq!(names(folder.path()), ["new-0001.rdb", "new-0002.rdb"]);
    for (name, server) in [("new-0001.rdb", &mut low), ("new-0002.rdb", &mut high)] {
        let file = fs::read(folder.path().join(name)).unwrap();
        let mut loaded = Server::load(&engine, Some(&file), &[]).unwrap();
        assert_eq!(loaded.run(&["DEBUG", "DIGEST"]), server.run(&["DEBUG", "DIGEST"]), "{name}");
    }
    // One of the files exists: none is replaced.
    fs::remove_file(folder.path().join("new-0001.rdb")).unwrap();
    expect(&backup(folder.path(), &[&source, "new.rdb", "--cluster"]), 2, "new-0002.rdb exists");
    expect(&backup(folder.path(), &[&source, "-", "--cluster"]), 2, "standard output");
    expect(&backup(folder.path(), &[&source, "one.rdb"]), 0, "--cluster backs up every shard");

    // Without its replica, the master is asked, and without both there is no file at all.
    drop(replica);
    expect(&run(&[]), 0, "the next server of this shard is asked");
    drop(high);
    for name in ["new-0001.rdb", "new-0002.rdb"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let failed = run(&["--timeout-seconds", "5"]);
    assert_eq!(failed.status.code(), Some(3), "{}", printed(&failed));
    assert_eq!(names(folder.path()), ["one.rdb"]);
}
