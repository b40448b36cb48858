//! A backup of a real server has what the server has; skipped if there is no server.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

mod backing_up;
#[path = "../../rdb-scan/tests/common/filling.rs"]
mod filling;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use backing_up::{an_engine, backup, expect, names, printed, socket, url};
use serde_json::Value;
use server::{Reply, Server, engines};

const DISKLESS: [&str; 4] = ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"];
const BY_DISK: [&str; 2] = ["--repl-diskless-sync", "no"];

#[test]
fn every_server_s_backup_loads_and_holds_the_same() {
    for engine in engines() {
        for (arguments, form) in [(&DISKLESS[..], "mark"), (&BY_DISK, "length")] {
            let name = format!("{}, end by {form}", engine.name);
            let mut server = Server::start(&engine, arguments);
            filling::fill(&mut server);
            let digest = server.run(&["DEBUG", "DIGEST"]);
            let folder = tempfile::tempdir().unwrap();
            let output = backup(folder.path(), &[&url(&server), "new.rdb", "--json"]);
            assert_eq!(output.status.code(), Some(0), "{name}: {}", printed(&output));
            let file = fs::read(folder.path().join("new.rdb")).unwrap();
            let told: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!((&told["schema"], &told["bytes"]), (&1.into(), &file.len().into()), "{name}");
            assert_eq!((&told["source"], &told["to"]), (&url(&server).into(), &"new.rdb".into()), "{name}");
            assert_eq!(told["keys"], keys(&mut server), "{name}");
            assert_eq!(names(folder.path()), ["new.rdb"], "{name}");
            // The server's own file has the same format.
            while matches!(server.try_call(&[b"SAVE"]).unwrap(), Reply::Error(_)) {
                // The process that sent the data ends after it.
                thread::yield_now();
            }
            let saved = fs::read(server.folder.path().join("dump.rdb")).unwrap();
            assert_eq!(file[..9], saved[..9], "{name}");
            let mut loaded =
                Server::load(&engine, Some(&file), &[]).unwrap_or_else(|log| panic!("{name}: {log}"));
            assert_eq!(loaded.run(&["DEBUG", "DIGEST"]), digest, "{name}");
            if loaded.knows("function") {
                assert_eq!(loaded.run(&["FUNCTION", "LIST"]).list().len(), 1, "{name}");
            }
        }
    }
}

fn keys(server: &mut Server) -> i64 {
    ["0", "3", "15"]
        .iter()
        .map(|database| {
            server.run(&["SELECT", database]);
            server.run(&["DBSIZE"]).int()
        })
        .sum()
}

#[test]
fn a_backup_while_clients_write_is_sound() {
    for engine in engines() {
        let mut server = Server::start(&engine, &DISKLESS);
        filling::fill(&mut server);
        let is_done = Arc::new(AtomicBool::new(false));
        let writer = {
            let (is_done, socket) = (Arc::clone(&is_done), socket(&server));
            thread::spawn(move || write_until(&socket, &is_done))
        };
        let folder = tempfile::tempdir().unwrap();
        let output = backup(folder.path(), &[&url(&server), "new.rdb"]);
        is_done.store(true, Ordering::Relaxed);
        let written = writer.join().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {}", engine.name, printed(&output));
        let file = fs::read(folder.path().join("new.rdb")).unwrap();
        let mut loaded =
            Server::load(&engine, Some(&file), &[]).unwrap_or_else(|log| panic!("{}: {log}", engine.name));
        // All that was written up to one moment, and nothing after it.
        let length = loaded.run(&["LLEN", "written"]).int();
        assert!((0..=written).contains(&length), "{}: {length} of {written}", engine.name);
        if length > 0 {
            assert_eq!(
                loaded.run(&["LINDEX", "written", "-1"]).text(),
                length.to_string(),
                "{}",
                engine.name
            );
        }
    }
}

/// Appends numbers to a list until told otherwise. Returns the last one.
fn write_until(socket: &Path, is_done: &AtomicBool) -> i64 {
    let mut connection = UnixStream::connect(socket).unwrap();
    let (mut last, mut reply) = (0, [0; 64]);
    while !is_done.load(Ordering::Relaxed) {
        last += 1;
        connection.write_all(format!("RPUSH written {last}\r\n").as_bytes()).unwrap();
        assert!(connection.read(&mut reply).unwrap() > 0);
    }
    last
}

#[test]
fn a_backup_can_be_piped() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &DISKLESS);
    filling::fill_small(&mut server);
    let folder = tempfile::tempdir().unwrap();
    let output = backup(folder.path(), &[&url(&server), "-", "--quiet", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    let told = String::from_utf8(output.stderr).unwrap();
    let told: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!((&told["to"], &told["bytes"]), (&"-".into(), &output.stdout.len().into()));
    let mut loaded = Server::load(&engine, Some(&output.stdout), &[]).unwrap();
    assert_eq!(loaded.run(&["DEBUG", "DIGEST"]), server.run(&["DEBUG", "DIGEST"]));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_file_is_named_after_the_server_and_not_replaced() {
    let Some(engine) = an_engine() else { return };
    let server = Server::start(&engine, &DISKLESS);
    let folder = tempfile::tempdir().unwrap();
    expect(&backup(folder.path(), &[&url(&server)]), 0, "socket.rdb");
    assert_eq!(names(folder.path()), ["socket.rdb"]);
    fs::write(folder.path().join("socket.rdb"), "precious").unwrap();
    expect(&backup(folder.path(), &[&url(&server)]), 2, "socket.rdb exists; --force replaces it");
    assert_eq!(fs::read(folder.path().join("socket.rdb")).unwrap(), b"precious");
    expect(&backup(folder.path(), &[&url(&server), "--force"]), 0, "complete and sound");
    assert!(fs::read(folder.path().join("socket.rdb")).unwrap().len() > 50);
    assert_eq!(names(folder.path()), ["socket.rdb"]);
}

/// What a seeding reads is what was backed up.
#[test]
fn check_reads_a_backup() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &BY_DISK);
    filling::fill_small(&mut server);
    let folder = tempfile::tempdir().unwrap();
    expect(&backup(folder.path(), &[&url(&server), "new.rdb"]), 0, "new.rdb");
    let checked = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .args(["check", "new.rdb", "--json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", printed(&checked));
    let told: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(told["keys"], keys(&mut server));
}

#[test]
fn a_server_saves_its_own_file() {
    for engine in engines() {
        let mut server = Server::start(&engine, &[]);
        filling::fill_small(&mut server);
        let folder = tempfile::tempdir().unwrap();
        let file = server.folder.path().join("dump.rdb");
        for how in ["--bgsave", "--save"] {
            let _ = fs::remove_file(&file);
            let output = backup(folder.path(), &[&url(&server), how, "--json"]);
            assert_eq!(output.status.code(), Some(0), "{}: {}", engine.name, printed(&output));
            let told: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(told["file"], file.to_str().unwrap(), "{}", engine.name);
            assert!(file.exists(), "{}", engine.name);
        }
        assert_eq!(names(folder.path()), [""; 0]);
        expect(&backup(folder.path(), &[&url(&server), "--bgsave"]), 0, "has saved on its own disk");
    }
}

/// A save that had begun earlier lacks what was written since.
#[test]
fn a_save_that_is_in_progress_is_not_taken_for_this_one() {
    let Some(engine) = an_engine() else { return };
    let mut server = Server::start(&engine, &[]);
    server.run(&["EVAL", "for n = 1, 1000 do redis.call('SET', n, n) end", "0"]);
    // A second.
    server.run(&["CONFIG", "SET", "rdb-key-save-delay", "1000"]);
    server.run(&["BGSAVE"]);
    server.run(&["SET", "later", "1"]);
    let folder = tempfile::tempdir().unwrap();
    expect(&backup(folder.path(), &[&url(&server), "--bgsave"]), 0, "has saved on its own disk");
    let file = fs::read(server.folder.path().join("dump.rdb")).unwrap();
    let mut loaded = Server::load(&engine, Some(&file), &[]).unwrap();
    assert_eq!(loaded.run(&["GET", "later"]).text(), "1");
}

#[test]
fn a_server_that_cannot_save_says_so() {
    let Some(engine) = an_engine() else { return };
    let server = Server::start(&engine, &[]);
    // No file can have the name of a folder.
    fs::create_dir(server.folder.path().join("dump.rdb")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    expect(&backup(folder.path(), &[&url(&server), "--bgsave"]), 1, "failed to save");
    expect(&backup(folder.path(), &[&url(&server), "--save"]), 1, "refused SAVE");
}
