//! `seeder convert` writes what was asked for, or nothing.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// Three keys in two databases, one of them a hash whose field expires, in RDB version 12 without a checksum.
fn rdb() -> Vec<u8> {
    let mut rdb = b"REDIS0012\xfa\x09redis-ver\x057.4.1\xfe\x00\x00\x01a\x01b".to_vec();
    rdb.extend(b"\x18\x01h\0\x40\xba\x0a\xa3\x03\0\0\x01\x01\x01f\x01v");
    rdb.extend(b"\xfe\x03\x00\x01a\x01c\xff\0\0\0\0\0\0\0\0");
    rdb
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("seeder-convert-{}-{name}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("in.rdb"), rdb()).unwrap();
    path
}

fn convert(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seeder"))
        .arg("convert")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "in.rdb").collect();
    names.sort();
    names
}

#[test]
fn what_stands_in_the_way_is_said_and_nothing_is_written() {
    let folder = folder("refused");
    let refused =
        convert(&folder, &["in.rdb", "out.rdb", "--to", "valkey-8.1", "--databases", "merge", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = json_of(&refused);
    let codes: Vec<_> = told["refused"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["conflicts", "field-expiries"]);
    assert_eq!(told["conflicts"], json!({"n": 1, "keys": ["a"]}));
    assert_eq!(files(&folder), [""; 0]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_new_file_is_written_with_what_was_named() {
    let folder = folder("written");
    let to_9 = convert(&folder, &["in.rdb", "9.rdb", "--to", "valkey-9.0", "--json"]);
    assert_eq!(to_9.status.code(), Some(0));
    let told = json_of(&to_9);
    assert_eq!(
        told["to"],
        json!({"engine": "valkey", "engineVersion": "9.0", "version": 80, "magic": "VALKEY"})
    );
    assert_eq!(told["from"]["writtenBy"], "Redis 7.4.1");
    assert_eq!((&told["keysRead"], &told["keysWritten"]), (&json!(3), &json!(3)));
    assert!(fs::read(folder.join("9.rdb")).unwrap().starts_with(b"VALKEY080"));
    let words =
        ["in.rdb", "8.rdb", "--to", "valkey-8.1", "--field-expiries", "drop", "--databases", "3=drop"];
    let to_8 = convert(&folder, &[&words[..], &["--json", "--hide-keys"]].concat());
    let told = json_of(&to_8);
    assert_eq!((&told["lost"], &told["dropped"]), (&json!({"fieldExpiries": 1}), &json!({"database": 1})));
    assert!(!String::from_utf8_lossy(&to_8.stdout).contains("firstKeys"));
    // It is not replaced unless that was said.
    assert_eq!(convert(&folder, &words).status.code(), Some(2));
    assert_eq!(convert(&folder, &[&words[..], &["--force"]].concat()).status.code(), Some(0));
    let dry = convert(&folder, &["in.rdb", "none.rdb", "--to", "valkey-9.0", "--dry-run", "--json"]);
    assert_eq!(dry.status.code(), Some(0));
    assert_eq!(json_of(&dry)["bytesWritten"], fs::read(folder.join("9.rdb")).unwrap().len());
    assert_eq!(files(&folder), ["8.rdb", "9.rdb"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pipes_and_archives_are_read_and_several_files_written() {
    let folder = folder("pipes");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&rdb()).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .args(["convert", "-", "-", "--to", "valkey-9.0", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(&encoder.finish().unwrap()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.stdout.starts_with(b"VALKEY080"));
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (&told["from"]["compression"], &told["bytesWritten"]),
        (&json!("gzip"), &json!(output.stdout.len()))
    );
    let split = convert(&folder, &["in.rdb", "out.rdb", "--to", "valkey-9.0", "--split", "2"]);
    assert_eq!(split.status.code(), Some(0));
    assert_eq!(files(&folder), ["out-0001.rdb", "out-0002.rdb"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn several_threads_write_what_one_does() {
    let folder = folder("threads");
    let mut rdb = b"REDIS0012".to_vec();
    for number in 0..40_000u32 {
        if number % 10_000 == 0 {
            rdb.extend([0xfe, (number / 10_000) as u8]);
        }
        rdb.extend(b"\x00\x04");
        rdb.extend(number.to_le_bytes());
        rdb.extend([0x42, 0x58]);
        rdb.extend([b'v'; 600]);
    }
    rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
    fs::write(folder.join("large.rdb"), rdb).unwrap();
    let to = ["--to", "valkey-8.1", "--databases", "merge", "--json"];
    let mut written = Vec::new();
    for threads in ["1", "2", "8"] {
        let words = ["large.rdb", threads, "--threads", threads];
        let output = convert(&folder, &[&words[..], &to[..]].concat());
        assert_eq!(output.status.code(), Some(0));
        written.push(fs::read(folder.join(threads)).unwrap());
        assert_eq!(json_of(&output)["bytesWritten"], written[0].len());
    }
    let piped = convert(&folder, &[&["large.rdb", "-"][..], &to[..]].concat());
    assert!(written.iter().all(|file| *file == piped.stdout));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_damaged_file_is_refused_unless_it_is_to_be_salvaged() {
    let folder = folder("damaged");
    fs::write(folder.join("cut.rdb"), &rdb()[..55]).unwrap();
    let refused = convert(&folder, &["cut.rdb", "out.rdb", "--to", "valkey-9.0"]);
    assert_eq!(refused.status.code(), Some(1));
    let salvaged = convert(&folder, &["cut.rdb", "out.rdb", "--to", "valkey-9.0", "--salvage", "--json"]);
    assert_eq!(salvaged.status.code(), Some(0));
    let told = json_of(&salvaged);
    assert_eq!(told["keysWritten"], 2);
    assert_eq!(told["damaged"].as_array().unwrap().len(), 1);
    assert_eq!(files(&folder), ["cut.rdb", "out.rdb"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_wrong_command_line_and_a_missing_file_have_statuses_of_their_own() {
    let folder = folder("wrong");
    for words in [
        &["in.rdb", "out.rdb", "--to", "valkey-8"][..],
        &["in.rdb", "out.rdb"],
        &["in.rdb", "-", "--to", "valkey-8.1", "--split", "2"],
        &["in.rdb", "out.rdb", "--to", "valkey-8.1", "--slots", "5-1"],
        &["in.rdb", "out.rdb", "--to", "valkey-8.1", "--databases", "1=x"],
        &["in.rdb", "out.rdb", "--to", "valkey-8.1", "--include", "a", "--exclude", "a"],
        &["in.rdb", "out.rdb", "--to", "valkey-8.1", "--on-conflict", "first"],
        &["in.rdb", "out.rdb", "--to", "valkey-8.1", "--on-conflict", "last", "--databases", "keep"],
    ] {
        assert_eq!(convert(&folder, words).status.code(), Some(2), "{words:?}");
    }
    for words in [["none.rdb", "out.rdb"], ["in.rdb", "none/out.rdb"]] {
        let words = [&words[..], &["--to", "valkey-9.0"]].concat();
        assert_eq!(convert(&folder, &words).status.code(), Some(3), "{words:?}");
    }
    assert_eq!(files(&folder), [""; 0]);
    fs::remove_dir_all(folder).unwrap();
}
