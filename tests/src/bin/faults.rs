//! `make faults`: every call of every scenario meets every fault that fits it.

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
    sync::Mutex,
};

use clap::Parser;
use system_tests::faults::{self, Options, Progress, Violation};

/// Injects faults into seedings, one at a time, and checks how they end.
#[derive(Debug, Parser)]
struct Args {
    /// Only cases whose name begins with this: SCENARIO, SCENARIO/CALL or SCENARIO/CALL/FAULT.
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// Only this many cases, spread over all. The same number gives the same cases.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Stacks at once.
    #[arg(long, value_name = "N", default_value_t = 3)]
    stacks: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args { only, sample, stacks } = Args::parse();
    let options = Options { only, sample, stacks, ..Options::default() };
    let open = Mutex::new(None::<String>);
    let shown = std::io::stdout().is_terminal();
    match faults::run(&options, &|progress| show(progress, &open, shown)).await {
        Ok(result) => {
            let (faults, scenarios) = (result.faults, result.scenarios);
            if result.not_met > 0 {
                println!("{} further faults met no call: it was not repeated this time", result.not_met);
            }
            println!("{faults} faults, {scenarios} scenarios, {} violations", result.violations.len());
            if result.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            println!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One line for a scenario, written again with each of its cases on a terminal, else once when all are done.
fn show(progress: &Progress, open: &Mutex<Option<String>>, terminal: bool) {
    let Ok(mut open) = open.lock() else { return };
    let Progress { scenario, done, of, violations, seconds_left, violation } = progress;
    let line = format!(
        "{scenario:<16} {done:>4} of {of:<4} {violations:>3} violations  {}:{:02} left",
        seconds_left / 60,
        seconds_left % 60
    );
    if let Some(violation) = violation {
        if open.take().is_some() {
            println!();
        }
        print_violation(violation);
    }
    if terminal {
        if open.as_deref().is_some_and(|other| other != *scenario) {
            println!();
        }
        print!("\r{line}");
        *open = Some((*scenario).to_owned());
    } else if done == of || done % 25 == 0 {
        println!("{line}");
    }
    let _ = std::io::stdout().flush();
}

fn print_violation(violation: &Violation) {
    println!("VIOLATION {}", violation.case);
    for found in &violation.found {
        println!("    {}", found.replace('\n', "\n    "));
    }
    println!("    repeat: make faults FAULTS_ARGS='--only {}'", violation.case);
}
