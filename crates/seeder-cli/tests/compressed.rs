//! `seeder check` reads through gzip and zstd.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

/// 50,000 keys, in RDB version 10 without a checksum.
fn rdb() -> Vec<u8> {
    let mut rdb = b"REDIS0010\xfa\x09redis-ver\x067.0.15\xfe\x00".to_vec();
    for key in 0..50_000u32 {
        let name = format!("key:{key:08}");
        rdb.extend([0, name.len() as u8]);
        rdb.extend(name.as_bytes());
        rdb.push(8);
        rdb.extend(
            u64::from(key.wrapping_mul(2_654_435_761)).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes(),
        );
    }
    rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
    rdb
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    // The zstd program does so by default.
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("compressed-{name}"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn check(path: &PathBuf, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seeder"))
        .args(["check", "--json"])
        .args(args)
        .arg(path)
        .output()
        .unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn hazards(report: &Value) -> Vec<(&str, u64)> {
    let hazards = report["hazards"].as_array().unwrap().iter();
    hazards.map(|hazard| (hazard["code"].as_str().unwrap(), hazard["offset"].as_u64().unwrap())).collect()
}

/// Neither the file's name nor the source of the bytes matters.
#[test]
fn a_packed_backup_is_read_as_if_it_were_not() {
    let rdb = rdb();
    let plain = json_of(&check(&file("plain.gz", &rdb), &[]));
    assert_eq!(plain["compression"], Value::Null);
    for (name, packed) in [("gzip", gzip(&rdb)), ("zstd", zstd(&rdb))] {
        let path = file(&format!("{name}.rdb"), &packed);
        let output = check(&path, &[]);
        assert_eq!(output.status.code(), Some(0));
        let mut report = json_of(&output);
        assert_eq!(report["compression"], name);
        report.as_object_mut().unwrap().remove("compression");
        for other in ["file", "timing"] {
            report[other] = plain[other].clone();
        }
        assert_eq!(report, plain);

        let piped = Command::new(env!("CARGO_BIN_EXE_seeder"))
            .args(["check", "--json", "-"])
            .stdin(File::open(&path).unwrap())
            .output()
            .unwrap();
        assert_eq!((piped.status.code(), &json_of(&piped)["compression"]), (Some(0), &json!(name)));

        let output = check(&path, &["--engine", "valkey", "--allow", "compressed-backup"]);
        assert_eq!(output.status.code(), Some(2), "it is final");
        let output = check(&path, &["--engine", "valkey"]);
        assert_eq!(output.status.code(), Some(1));
        let report = json_of(&output);
        assert_eq!(report["verdict"], "reject");
        let finding = &report["findings"][0];
        assert_eq!((&finding["code"], &finding["severity"]), (&json!("compressed-backup"), &json!("fail")));
        assert_eq!(finding["evidence"]["compression"], name);
    }
}

#[test]
fn an_archive_that_is_cut_or_damaged_could_not_be_read() {
    let rdb = rdb();
    for (name, packed) in [("gzip", gzip(&rdb)), ("zstd", zstd(&rdb))] {
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].fill(0x55);
        let mut end = packed.clone();
        *end.last_mut().unwrap() ^= 1;
        for (case, bytes, says) in [
            ("cut", &packed[..packed.len() / 2], "ends too early"),
            ("short", &packed[..packed.len() - 3], "ends too early"),
            ("damaged", &damaged, "is damaged"),
            ("end", &end, "is damaged"),
        ] {
            let output = check(&file(&format!("{case}.{name}"), bytes), &["--engine", "valkey"]);
            assert_eq!(output.status.code(), Some(3), "{name} {case}");
            let report = json_of(&output);
            let error = report["error"].as_str().unwrap();
            assert!(error.contains(says) && error.contains(name), "{error}");
        }
    }
}

#[test]
fn a_broken_file_in_a_sound_archive_is_broken() {
    let mut rdb = rdb();
    let end = rdb.len() - 9;
    rdb[end] = 0xe6;
    for packed in [gzip(&rdb), zstd(&rdb)] {
        let output = check(&file("broken", &packed), &[]);
        assert_eq!(output.status.code(), Some(1));
        let report = json_of(&output);
        assert_eq!(
            (&report["faults"][0]["code"], &report["faults"][0]["offset"]),
            (&json!("unknown-opcode"), &json!(end))
        );
        assert_eq!(report["keys"], 50_000);
    }
    let output = check(&file("tar.gz", &gzip(&gzip(b"text"))), &[]);
    assert_eq!((output.status.code(), &json_of(&output)["faults"][0]["cause"]), (Some(1), &json!("gzip")));
}

#[test]
fn members_and_what_follows_them_are_told() {
    let rdb = rdb();
    let size = rdb.len() as u64;
    let (first, second) = rdb.split_at(rdb.len() / 3);
    for (name, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
        let whole = pack(&rdb);
        for (case, bytes, expected) in [
            ("twice", [&whole[..], &whole].concat(), vec![("another-rdb", size), ("another-member", size)]),
            ("parts", [pack(first), pack(second)].concat(), vec![("another-member", first.len() as u64)]),
            ("garbage", [&whole[..], b"garbage"].concat(), vec![("trailing-bytes", size)]),
            ("padded", [&whole[..], &[0; 300]].concat(), vec![("padding", size)]),
            ("padded inside", pack(&[&rdb[..], &[0; 300]].concat()), vec![("padding", size)]),
        ] {
            let output = check(&file(&format!("{case}.{name}"), &bytes), &[]);
            assert_eq!(output.status.code(), Some(0), "{name} {case}");
            let report = json_of(&output);
            assert_eq!(hazards(&report), expected, "{name} {case}");
            assert_eq!(report["rdb"]["bytes"], size);
        }
        // An archive that is cut after the first member is still incomplete.
        let cut = [&whole[..], &whole[..whole.len() / 2]].concat();
        assert_eq!(check(&file(&format!("cut second.{name}"), &cut), &[]).status.code(), Some(3), "{name}");
    }
    let skippable =
        [b"\x50\x2a\x4d\x18\x04\0\0\0abcd".as_slice(), &zstd(&rdb), b"\x5e\x2a\x4d\x18\x02\0\0\0ab"].concat();
    let report = json_of(&check(&file("skippable", &skippable), &[]));
    assert_eq!((&report["compression"], hazards(&report)), (&json!("zstd"), vec![]));
}

/// `zstd -d` refuses such a window by default, because it would take as much memory.
#[test]
fn a_window_that_takes_too_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(&rdb()).unwrap();
    let output = check(&file("window", &encoder.finish().unwrap()), &[]);
    assert_eq!(output.status.code(), Some(3));
    let report = json_of(&output);
    assert!(report["error"].as_str().unwrap().contains("more than 128 MiB"), "{}", report["error"]);

    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&rdb()).unwrap();
    assert_eq!(check(&file("window", &encoder.finish().unwrap()), &[]).status.code(), Some(0));
}

/// The usual compression tools.
#[test]
fn what_the_tools_write_is_read() {
    let path = file("tools.rdb", &rdb());
    for tool in ["gzip", "zstd"] {
        let packed = Command::new(tool).args(["-c", "-q"]).arg(&path).output();
        let Ok(packed) = packed else { continue };
        let output = check(&file(&format!("tools.{tool}"), &packed.stdout), &[]);
        assert_eq!((output.status.code(), &json_of(&output)["keys"]), (Some(0), &json!(50_000)), "{tool}");
    }
    let mut text = String::new();
    let table =
        Command::new(env!("CARGO_BIN_EXE_seeder")).arg("check").arg(file("table", &gzip(&rdb()))).output();
    table.unwrap().stdout.as_slice().read_to_string(&mut text).unwrap();
    assert!(text.contains("read through gzip"), "{text}");
}
