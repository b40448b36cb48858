//! The commands of `seeder`, as a library, so that other programs can run and follow a seeding in the same way.

#![forbid(unsafe_code)]

mod approve;
mod args;
mod backup;
mod cancel;
mod check;
mod columns;
mod convert;
mod doctor;
mod download;
mod execution;
mod executions;
mod output;
mod page;
mod seed;
mod signals;
mod signed;
mod stack;
mod status;
mod sweep;
mod term;
mod upload;

use std::{
    env,
    process::{ExitCode, exit},
};

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

/// Parses the command line, or ends the process. A message about it has no password.
fn parse() -> Args {
    Args::try_parse().unwrap_or_else(|error| {
        let message = error.render().to_string();
        let shown =
            backup::without_secrets(&message, env::args_os().map(|word| word.to_string_lossy().into()));
        if shown == message {
            error.exit();
        }
        eprint!("{shown}");
        exit(error.exit_code());
    })
}

/// Runs the command line; returns the exit code of the process.
pub async fn run() -> ExitCode {
    // Each command has its own exit code for unexpected errors: for `check`, 1 is a result about the backups.
    let (done, on_error) = match parse().command {
        Command::Backup(args) => (backup::run(*args).await, backup::NOT_REACHABLE),
        Command::Check(args) => (check::run(*args).await, check::NOT_READABLE),
        Command::Convert(args) => (convert::run(*args).await, convert::NOT_READABLE),
        Command::Seed(args) => (seed::run(&args).await, 1),
        Command::Sweep(args) => (sweep::run(&args).await, 1),
        Command::Executions(args) => (executions::run(&args).await, UNREACHABLE),
        Command::Status(args) => (status::run(&args).await, UNREACHABLE),
        Command::Report(args) => (download::run(&args).await, UNREACHABLE),
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
