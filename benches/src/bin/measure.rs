//! `measure PROGRAM ARGUMENTS...` runs a program and prints its seconds and its peak memory in bytes.
use std::{ffi::OsString, process::ExitCode};

use rdb_benches::run::execute;

fn main() -> ExitCode {
    let command: Vec<OsString> = std::env::args_os().skip(1).collect();
    match execute(&command) {
        Ok(cost) => {
            println!("{} {}", cost.seconds, cost.peak_bytes);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
