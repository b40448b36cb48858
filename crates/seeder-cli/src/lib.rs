//! The commands of `seeder`, so that others can run and follow a seeding the way it does.

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

/// Runs what the command line says; the exit status is that of the process.
pub async fn run() -> ExitCode {
    // Each command has its own exit status for what should not happen: for check, 1 is a statement about the backups.
    let (done, on_error) = match Args::parse().command {
        Command::Check(args) => (check::run(*args).await, check::NOT_READABLE),
        Command::Seed(args) => (seed::run(&args).await, 1),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(on_error)
    })
}
