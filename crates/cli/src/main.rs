//! `seeder`: check a backup and seed ElastiCache from the command line.
#![forbid(unsafe_code)]

mod args;
mod check;
mod seed;
mod term;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Check(args) => return check::run(&args),
        Command::Seed(args) => seed::run(&args).await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(1)
    })
}
