//! The small programs, called as by the benchmark.
use std::{ffi::OsString, path::Path, process::Command};

use rdb_benches::{
    big_value,
    run::{Cost, measured},
};

fn cost_of(command: &[&str]) -> anyhow::Result<Cost> {
    let command: Vec<OsString> = command.iter().map(Into::into).collect();
    measured(Path::new(env!("CARGO_BIN_EXE_measure")), &command)
}

#[test]
fn peak_memory_is_that_of_the_program_alone() {
    let small = cost_of(&["dd", "if=/dev/zero", "of=/dev/null", "bs=4k", "count=1"]).unwrap();
    let large = cost_of(&["dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"]).unwrap();
    assert!(large.peak_bytes > 100_000_000, "{large:?}");
    assert!(small.peak_bytes < 30_000_000, "{small:?}");
    assert!(small.seconds > 0.0);
}

#[test]
fn a_program_that_fails_or_is_missing_has_no_cost() {
    let failed = cost_of(&["sh", "-c", "exit 3"]).unwrap_err().to_string();
    assert!(failed.contains("exit status: 3"), "{failed}");
    let missing = cost_of(&["/nowhere/program"]).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/program"), "{missing}");
}

#[test]
fn the_floor_checks_the_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value.rdb");
    big_value::write(&file, 3_000_001).unwrap();
    let floor = || Command::new(env!("CARGO_BIN_EXE_floor")).arg(&file).output().unwrap();
    assert!(floor().status.success());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1_500_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let refused = floor();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("checksum"));
}
