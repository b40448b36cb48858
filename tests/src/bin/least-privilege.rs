//! `make least-privilege`: takes each permission of each role away, and prints what fails without it.

use std::{collections::BTreeSet, process::ExitCode};

use clap::Parser;
use system_tests::least_privilege::{Options, audit};

/// Takes each action of each role of the template away in turn and runs the scenarios that used it.
#[derive(Debug, Parser)]
struct Args {
    /// Only this many of the actions that a plain seeding needs, spread over all.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Stacks at once.
    #[arg(long, value_name = "N", default_value_t = 2)]
    stacks: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args { sample, stacks } = Args::parse();
    let progress = |done, of| {
        if done % 10 == 0 || done == of {
            eprintln!("{done} of {of} actions");
        }
    };
    match audit(Options { sample, stacks }, &progress).await {
        Ok(rows) => {
            println!("| role | statement | action | what fails without it |\n|---|---|---|---|");
            for row in &rows {
                let (permission, needed) = (&row.permission, &row.needed);
                println!(
                    "| {} | {} | `{}` | {needed} |",
                    permission.caller, permission.sid, permission.action
                );
            }
            let roles: BTreeSet<_> = rows.iter().map(|row| row.permission.caller.as_str()).collect();
            let unexplained = rows.iter().filter(|row| row.is_unexplained).count();
            println!("{} actions of {} roles, {unexplained} unexplained", rows.len(), roles.len());
            if unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            println!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}
