//! Files from the field, in `tests/field`: each reproduces a public report and was made for this test. Each row has the
//! expected output of `seeder check`, without a target and with one.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::process::{Command, Output};

use serde_json::Value;

/// The expected output for one file. Texts are substrings.
struct Row {
    file: &'static str,
    /// Number of keys that are read.
    keys: u64,
    /// The exit status without a target, and a part of the table's heading.
    exit: i32,
    heading: &'static str,
    /// Every fault and hazard: code, offset, and a part of the message.
    found: &'static [(&'static str, u64, &'static str)],
    /// The options for a target, and the exit status with it.
    target: &'static [&'static str],
    target_exit: i32,
    /// Every finding except [`ELSEWHERE`]: code, severity, and a part of the message or remedy.
    findings: &'static [(&'static str, &'static str, &'static str)],
}

/// Findings that are not the subject of any row. Some depend on the date.
const ELSEWHERE: &[&str] =
    &["backup-is-old", "checksum-absent", "keys-already-expired", "memory-model-uncalibrated"];

const VALKEY: &[&str] = &["--engine", "valkey", "--engine-version", "8.1"];

const ROWS: &[Row] = &[
    Row {
        file: "aof-base",
        keys: 1,
        exit: 0,
        heading: "Redis 7.0.15",
        found: &[("aof-base", 0, "appendonly.aof.N.incr.aof")],
        target: VALKEY,
        target_exit: 0,
        findings: &[("writes-after-backup", "warn", "appendonly.aof.N.incr.aof")],
    },
    Row {
        file: "concatenated",
        keys: 2,
        exit: 0,
        heading: "Redis 7.0.15",
        found: &[("another-rdb", 72, "another RDB file (REDIS version 10) begins at offset 72")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("another-rdb-follows", "fail", "name the files one by one")],
    },
    Row {
        file: "concatenated",
        keys: 2,
        exit: 0,
        heading: "Redis 7.0.15",
        found: &[("another-rdb", 72, "servers load the first file only")],
        target: &["--engine", "valkey", "--allow", "another-rdb-follows"],
        target_exit: 0,
        findings: &[("another-rdb-follows", "fail", "begins at offset 72")],
    },
    Row {
        file: "rediscli-stdout-7.0.15",
        keys: 20,
        exit: 0,
        heading: "Redis 7.0.15",
        found: &[("replication-end-mark", 519, "redis-cli --rdb -")],
        target: VALKEY,
        target_exit: 0,
        findings: &[("trailing-bytes", "note", "end mark")],
    },
    Row {
        file: "page-blob-padded",
        keys: 2,
        exit: 0,
        heading: "Redis 7.0.15",
        found: &[("padding", 72, "440 zeros")],
        target: VALKEY,
        target_exit: 0,
        findings: &[("trailing-bytes", "note", "440 zeros")],
    },
    Row {
        file: "replacement",
        keys: 0,
        exit: 1,
        heading: "RDB version 10",
        found: &[("unknown-opcode", 9, "took it for UTF-8 text and put EF BF BD in place")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("backup-corrupt", "fail", "through no editor")],
    },
    Row {
        file: "tty-crlf",
        keys: 0,
        exit: 1,
        heading: "RDB version 10",
        found: &[("bad-length", 27, "every LF became CR LF")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("backup-corrupt", "fail", "docker exec without -t")],
    },
    Row {
        file: "sync-eof-stream",
        keys: 0,
        exit: 1,
        heading: "broken",
        found: &[("not-an-rdb", 0, "the RDB begins at offset 47 and ends before the last 40 bytes")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("not-an-rdb", "fail", "begins at offset 47")],
    },
    Row {
        file: "keydb-active-replica",
        keys: 4,
        exit: 0,
        heading: "RDB version",
        found: &[],
        target: VALKEY,
        target_exit: 0,
        findings: &[],
    },
    Row {
        file: "stream-length",
        keys: 1,
        exit: 0,
        heading: "RDB version",
        found: &[("stream-length", 85, "says it has 7 entries but its 1 nodes have 5")],
        target: VALKEY,
        target_exit: 0,
        findings: &[("refused-by-engine", "warn", "this engine loads it as it is")],
    },
    Row {
        file: "stream-length",
        keys: 1,
        exit: 0,
        heading: "RDB version",
        found: &[("stream-length", 85, "7 entries")],
        target: &["--engine", "valkey", "--engine-version", "9.1"],
        target_exit: 1,
        findings: &[("refused-by-engine", "fail", "use an engine version that loads it")],
    },
    Row {
        file: "stream-zero-live",
        keys: 2,
        exit: 0,
        heading: "RDB version",
        found: &[("empty-stream-node", 94, "all 2 entries of node 0 are deleted")],
        target: VALKEY,
        target_exit: 0,
        findings: &[("refused-by-engine", "warn", "later engine")],
    },
    Row {
        file: "zipmap-empty",
        keys: 1,
        exit: 1,
        heading: "RDB version",
        found: &[("bad-zipmap", 28, "without fields"), ("empty-collection", 28, "hash")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("backup-corrupt", "fail", "without fields"), ("unusual-content", "note", "")],
    },
    Row {
        file: "quicklist2-plain-0",
        keys: 1,
        exit: 1,
        heading: "RDB version",
        found: &[("bad-quicklist", 28, "has no bytes")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("backup-corrupt", "fail", "has no bytes")],
    },
    Row {
        file: "empty-db20",
        keys: 1,
        exit: 0,
        heading: "RDB version",
        found: &[("database-number", 37, "database 20")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("database-number-too-high", "fail", "more databases")],
    },
    Row {
        file: "enterprise-slotnum",
        keys: 2,
        exit: 0,
        heading: "RDB version",
        found: &[
            ("foreign-record", 46, "opcode 121 of Redis Enterprise"),
            ("foreign-record", 54, "opcode 121"),
        ],
        target: VALKEY,
        target_exit: 1,
        findings: &[("foreign-record", "fail", "Redis Enterprise by replicating")],
    },
    Row {
        file: "dragonfly-set-ttl",
        keys: 0,
        exit: 1,
        heading: "RDB version",
        found: &[("foreign-record", 51, "a set with expiring members of Dragonfly")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("foreign-record", "fail", "--df_snapshot_format=false")],
    },
    Row {
        file: "keydb-cron",
        keys: 0,
        exit: 1,
        heading: "RDB version",
        found: &[("foreign-record", 31, "a job of KeyDB")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("foreign-record", "fail", "deleting its cron jobs")],
    },
    Row {
        file: "rdb15-plain",
        keys: 2,
        exit: 0,
        heading: "RDB version",
        found: &[],
        target: VALKEY,
        target_exit: 0,
        findings: &[("converted", "note", "nothing is lost")],
    },
    Row {
        file: "valkey081",
        keys: 1,
        exit: 0,
        heading: "RDB version",
        found: &[("newer-format", 0, "VALKEY081 is newer")],
        target: VALKEY,
        target_exit: 1,
        findings: &[("rdb-newer-than-engine", "fail", "newer Valkey than ElastiCache offers")],
    },
    Row {
        file: "functions-4mb",
        keys: 0,
        exit: 0,
        heading: "RDB version",
        found: &[("functions", 80, "a library of functions")],
        target: VALKEY,
        target_exit: 0,
        findings: &[("no-keys", "warn", "check that it is the right file")],
    },
];

fn check(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_seeder")).arg("check").args(args).output().unwrap()
}

fn list<'v>(report: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    report[name].as_array().unwrap().iter()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[test]
fn files_as_people_have_them_are_judged_as_is_right_for_each() {
    for row in ROWS {
        let path = format!("{}/tests/field/{}.rdb", env!("CARGO_MANIFEST_DIR"), row.file);
        let what = |output: &Output| format!("{}: {}", row.file, String::from_utf8_lossy(&output.stdout));

        let table = check(&[&path]);
        assert_eq!(table.status.code(), Some(row.exit), "{}", what(&table));
        assert!(String::from_utf8_lossy(&table.stdout).contains(row.heading), "{}", what(&table));

        let output = check(&["--json", &path]);
        assert_eq!(output.status.code(), Some(row.exit), "{}", what(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["keys"], row.keys, "{}", what(&output));
        let found: Vec<_> = list(&report, "faults").chain(list(&report, "hazards")).collect();
        assert_eq!(found.len(), row.found.len(), "{}", what(&output));
        for (found, (code, offset, words)) in found.iter().zip(row.found) {
            assert_eq!(text(found, "code"), *code, "{}", what(&output));
            assert_eq!(found["offset"], *offset, "{}", what(&output));
            assert!(text(found, "message").contains(words), "{words}: {}", what(&output));
        }

        let output = check(&[&["--json", &path], row.target].concat());
        assert_eq!(output.status.code(), Some(row.target_exit), "{}", what(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings: Vec<_> =
            list(&report, "findings").filter(|finding| !ELSEWHERE.contains(&text(finding, "code"))).collect();
        let told: Vec<_> =
            findings.iter().map(|finding| (text(finding, "code"), text(finding, "severity"))).collect();
        let expected: Vec<_> = row.findings.iter().map(|(code, severity, _)| (*code, *severity)).collect();
        assert_eq!(told, expected, "{}", what(&output));
        for (finding, (.., words)) in findings.iter().zip(row.findings) {
            let told = format!("{} {}", finding["evidence"]["message"], finding["remedy"]);
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}
