//! The commands of `seeder`, as a library, so that other programs can run and follow a seeding in the same way.

#![forbid(unsafe_code)]

mod approve;
mod args;
mod cancel;
mod check;
mod columns;
mod convert;
mod doctor;
mod execution;
mod executions;
mod seed;
mod signed;
mod stack;
mod status;
mod sweep;
mod term;
mod upload;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Command};
pub use crate::{
    seed::follow::follow,
    term::{elapsed, thousands},
};

/// The exit code for a wrong command line.
const USAGE: u8 = 2;
/// The exit code of commands about executions, if they could not ask the stack.
const UNREACHABLE: u8 = 3;
/// The exit code after Ctrl-C: 128 plus the number of the signal.
const INTERRUPTED: u8 = 130;

/// The command line, for the tables of its options in docs/.
#[doc(hidden)]
pub fn command() -> clap::Command {
    Args::command()
}

/// The output of `seeder check --json`, for the tables of its members in docs/. `words` follow `check`.
#[doc(hidden)]
pub fn check_json(words: &[&str]) -> anyhow::Result<String> {
    match Args::try_parse_from(["seeder", "check", "--json", "--quiet"].iter().chain(words))?.command {
        Command::Check(args) => check::json(&args),
        _ => unreachable!("it is check"),
    }
}

/// Runs the command line; returns the exit code of the process.
pub async fn run() -> ExitCode {
    // Each command has its own exit code for unexpected errors: for `check`, 1 is a result about the backups.
    let (done, on_error) = match Args::parse().command {
        Command::Check(args) => (check::run(*args).await, check::NOT_READABLE),
        Command::Convert(args) => (convert::run(*args).await, convert::NOT_READABLE),
        Command::Seed(args) => (seed::run(&args).await, 1),
        Command::Sweep(args) => (sweep::run(&args).await, 1),
        Command::Executions(args) => (executions::run(&args).await, UNREACHABLE),
        Command::Status(args) => (status::run(&args).await, UNREACHABLE),
        Command::Cancel(args) => (cancel::run(&args).await, UNREACHABLE),
        Command::Approve(args) => (approve::approve(&args).await, UNREACHABLE),
        Command::Reject(args) => (approve::reject(&args).await, UNREACHABLE),
        Command::Doctor(args) => (doctor::run(&args).await, UNREACHABLE),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(on_error)
    })
}
