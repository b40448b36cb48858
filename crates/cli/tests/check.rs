//! `seeder check` as a script sees it: exit status and JSON.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    fs::File,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

/// One string key `k` = `v` in database 0, written by RDB version 10 without a checksum.
const SOUND: &[u8] = b"REDIS0010\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("seeder-check-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn check(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seeder")).arg("check").args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_sound_file_ends_with_0_and_its_counts() {
    let path = file("sound.rdb", SOUND);
    let output = check(&["--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let report = json(&output);
    assert_eq!((&report["schema"], &report["keys"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(report["rdb"]["crc"], "absent");
    assert_eq!(report["rdb"]["magic"], "REDIS");
    assert_eq!(report["types"]["string"]["keys"], 1);
    assert_eq!(report["databases"][0]["index"], 0);
    let table = check(&[path.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&table.stdout).contains(": sound"));
}

#[test]
fn a_broken_file_ends_with_1_and_says_where() {
    let path = file("short.rdb", &SOUND[..14]);
    let output = check(&["--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["faults"][0]["code"], "truncated");
    assert_eq!(json(&output)["faults"][0]["offset"], 11);
}

#[test]
fn key_names_can_be_hidden() {
    let path = file("hidden.rdb", SOUND);
    let [shown, hidden] = [&[][..], &["--hide-keys"]].map(|flags| {
        let args: Vec<_> =
            ["--json", path.to_str().unwrap()].into_iter().chain(flags.iter().copied()).collect();
        json(&check(&args))["biggest"][0]["key"].clone()
    });
    assert_eq!((shown, hidden), (Value::from("k"), Value::Null));
}

#[test]
fn standard_input_is_read_and_what_cannot_be_read_ends_with_3() {
    let path = file("stdin.rdb", SOUND);
    let piped = Command::new(env!("CARGO_BIN_EXE_seeder"))
        .args(["check", "-", "--json"])
        .stdin(File::open(path).unwrap())
        .output()
        .unwrap();
    assert_eq!((piped.status.code(), &json(&piped)["keys"]), (Some(0), &Value::from(1)));
    let missing = check(&["--json", "/no/such/file.rdb"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(json(&missing)["error"].is_string());
    assert_eq!(check(&["/"]).status.code(), Some(3));
    assert_eq!(check(&[]).status.code(), Some(2));
}
