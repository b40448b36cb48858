//! The commands of `seeder`, as a library, so that other programs can run and follow a seeding in the same way.

#![forbid(unsafe_code)]

mod approve;
mod args;
mod backup;
mod cancel;
mod check;
mod columns;
mod config;
mod convert;
mod doctor;
mod download;
mod execution;
mod executions;
mod judged;
mod manual;
mod multipart;
mod output;
mod page;
mod prices;
mod reading;
mod request;
mod seed;
mod signals;
mod signed;
mod stack;
mod status;
mod sweep;
mod term;
mod upload;
mod usage;

use std::{
    env,
    process::{ExitCode, exit},
};

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::{
    args::{Args, Command},
    config::{Config, Weak},
};
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

/// Parses the command line with the defaults of `seeder.toml`, or ends the process. A message about it has no password.
fn parse() -> Args {
    let config = Config::find().unwrap_or_else(|error| {
        eprintln!("error: {error}");
        exit(USAGE.into());
    });
    let (command, weak) = match &config {
        Some(config) => (config.apply(command()), config.weak()),
        None => (command(), Weak::default()),
    };
    let parsed = command.try_get_matches().and_then(|matches| Args::from_arg_matches(&matches));
    let mut args = parsed.unwrap_or_else(|error| {
        let message = error.render().to_string();
        let shown = shown(&message);
        if let Some(config) = config.filter(|_| error.use_stderr() && Args::try_parse().is_ok()) {
            eprint!("in {}: {shown}", config.path.display());
            exit(error.exit_code());
        }
        if shown == message {
            error.exit();
        }
        eprint!("{shown}");
        exit(error.exit_code());
    });
    args.aws.weak = weak;
    args
}

/// Runs the command line; returns the exit code of the process.
pub async fn run() -> ExitCode {
    // Each command has its own exit code for unexpected errors: for `check`, 1 is a result about the backups.
    let Args { aws, command } = parse();
    let aws = &aws;
    let (done, on_error) = match command {
        Command::Backup(args) => (backup::run(*args, aws).await, backup::NOT_REACHABLE),
        Command::Check(args) => (check::run(*args, aws).await, check::NOT_READABLE),
        Command::Convert(args) => (convert::run(*args, aws).await, convert::NOT_READABLE),
        Command::Seed(args) => (seed::run(&args, aws).await, 1),
        Command::Upload(args) => (upload::run(&args, aws).await, 1),
        Command::Sweep(args) => (sweep::run(&args, aws).await, 1),
        Command::Executions(args) => (executions::run(&args, aws).await, UNREACHABLE),
        Command::Status(args) => (status::run(&args, aws).await, UNREACHABLE),
        Command::Report(args) => (download::run(&args, aws).await, UNREACHABLE),
        Command::Cancel(args) => (cancel::run(&args, aws).await, UNREACHABLE),
        Command::Approve(args) => (approve::approve(&args, aws).await, UNREACHABLE),
        Command::Reject(args) => (approve::reject(&args, aws).await, UNREACHABLE),
        Command::Doctor(args) => (doctor::run(&args, aws).await, UNREACHABLE),
        Command::Prices(args) => (prices::run(&args, aws).await, UNREACHABLE),
        Command::Completions(args) => (manual::completions(&args), 1),
        Command::Man(args) => (manual::man(&args), 1),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {}", shown(&format!("{error:#}")));
        ExitCode::from(if error.is::<usage::Usage>() { USAGE } else { on_error })
    })
}

/// A message without the words of the command line that may have a password.
fn shown(message: &str) -> String {
    backup::without_secrets(message, env::args_os().map(|word| word.to_string_lossy().into()))
}
