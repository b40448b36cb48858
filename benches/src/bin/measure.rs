//! `measure PROGRAM ARGUMENTS...` runs a program and prints the seconds it took and the most bytes of memory it held.
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
