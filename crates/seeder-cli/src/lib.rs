//! The commands of `seeder`, as a library, so that other programs can run and follow a seeding in the same way.

#![forbid(unsafe_code)]

mod args;
mod check;
mod columns;
mod seed;
mod term;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
pub use crate::{
    seed::follow::follow,
    term::{elapsed, thousands},
};

/// Runs the command line; returns the exit code of the process.
pub async fn run() -> ExitCode {
    // Each command has its own exit code for unexpected errors: for `check`, 1 is a result about the backups.
    let (done, on_error) = match Args::parse().command {
        Command::Check(args) => (check::run(*args).await, check::NOT_READABLE),
        Command::Seed(args) => (seed::run(&args).await, 1),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(on_error)
    })
}
