//! `seeder executions`: what the stack has seeded, and what it is doing.

use std::{collections::HashMap, io::IsTerminal as _, process::ExitCode, time::Duration};

use anyhow::Result;
use aws_sdk_sfn::{Client, types::ExecutionStatus};
use jiff::Timestamp;
use seeding::StepError;
use serde_json::{Value, json};

use crate::{
    args::{AwsArgs, ExecutionsArgs},
    columns::Columns,
    execution::{AWAITS_APPROVAL, Execution, clock, find, stack::Machine},
    signals::Signals,
    term::{elapsed, print_text},
};

/// The most executions that are described for one list.
const MOST_DESCRIBED: usize = 2_000;
/// The pause between two lists of `--watch`.
const REFRESH: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) async fn run(args: &ExecutionsArgs, aws: &AwsArgs) -> Result<ExitCode> {
    // The list does not need the reports bucket.
    let machine = match Machine::of(&args.stack, aws, Some(""), None).await {
        Ok(machine) => machine,
        Err(error) => return Ok(error.report()),
    };
    let mut lister = Lister { args, machine: &machine, ended: HashMap::new() };
    if !args.watch {
        print(args, &lister.list().await?)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before the first list, so that Ctrl-C always ends the command in the same way.
    let mut signals = Signals::new()?;
    tokio::select! {
        ended = lister.watch() => ended,
        status = signals.next() => {
            Ok(if status == crate::INTERRUPTED { ExitCode::SUCCESS } else { ExitCode::from(status) })
        }
    }
}

/// Some executions, newest first.
struct Listed {
    executions: Vec<Execution>,
    /// Whether there are no more.
    complete: bool,
}

struct Lister<'a> {
    args: &'a ExecutionsArgs,
    machine: &'a Machine,
    /// Executions that have ended. They are described once.
    ended: HashMap<String, Execution>,
}

impl Lister<'_> {
    /// Prints the list again and again. Returns only if the first one cannot be had, or none be printed.
    async fn watch(&mut self) -> Result<ExitCode> {
        print(self.args, &self.list().await?)?;
        loop {
            tokio::time::sleep(REFRESH).await;
            match self.list().await {
                Ok(newest) => print(self.args, &newest)?,
                Err(error) => eprintln!("warning: {error}; trying again"),
            }
        }
    }

    async fn list(&mut self) -> Result<Listed, StepError> {
        let Machine { step_functions, arn, .. } = self.machine;
        let wanted = usize::from(self.args.limit);
        let status = self.args.outcome.as_deref().and_then(status_of);
        let mut pages = find::Pages::new(step_functions, arn, status);
        let mut executions = Vec::new();
        let mut described = 0;
        while let Some(page) = pages.next().await? {
            // No more at once than are missing, since most are usually wanted.
            let arns: Vec<_> = page.into_iter().map(|one| one.execution_arn).collect();
            for some in arns.chunks(wanted.clamp(1, 20)) {
                if executions.len() >= wanted || described >= MOST_DESCRIBED {
                    return Ok(Listed { executions, complete: false });
                }
                described += some.len();
                let some = self.describe(step_functions, some).await?;
                let all = some.into_iter().filter(|one| self.is_wanted(one));
                executions.extend(all);
                if executions.len() > wanted {
                    executions.truncate(wanted);
                    return Ok(Listed { executions, complete: false });
                }
            }
        }
        Ok(Listed { executions, complete: true })
    }

    async fn describe(
        &mut self,
        step_functions: &Client,
        arns: &[String],
    ) -> Result<Vec<Execution>, StepError> {
        let unknown: Vec<_> = arns.iter().filter(|arn| !self.ended.contains_key(*arn)).cloned().collect();
        let found = find::describe_all(step_functions, unknown).await?;
        let mut running = HashMap::new();
        for one in find::with_states(step_functions, found).await {
            let place = if one.ended_ms.is_some() { &mut self.ended } else { &mut running };
            place.insert(one.arn.clone(), one);
        }
        Ok(arns.iter().filter_map(|arn| self.ended.get(arn).or_else(|| running.get(arn)).cloned()).collect())
    }

    fn is_wanted(&self, execution: &Execution) -> bool {
        (self.args.all || execution.clean_up_of.is_none())
            && self.args.outcome.as_deref().is_none_or(|outcome| outcome == execution.outcome.name())
    }
}

/// The status of all executions with this outcome, if they have one in common.
fn status_of(outcome: &str) -> Option<ExecutionStatus> {
    match outcome {
        "seeded" | "dry-run" => Some(ExecutionStatus::Succeeded),
        "rejected" => Some(ExecutionStatus::Failed),
        "running" => Some(ExecutionStatus::Running),
        "stopped" => Some(ExecutionStatus::Aborted),
        _ => None,
    }
}

fn print(args: &ExecutionsArgs, listed: &Listed) -> Result<()> {
    if args.json {
        return Ok(print_text(&format!("{}\n", json(listed)))?);
    }
    // To the top left corner, and clears the screen.
    let begin = if args.watch && std::io::stdout().is_terminal() { "\x1b[H\x1b[J" } else { "" };
    Ok(print_text(&format!("{begin}{}", text(listed, Timestamp::now())))?)
}

/// A table with a line for each execution.
fn text(listed: &Listed, now: Timestamp) -> String {
    let mut columns =
        Columns::new(["execution", "outcome", "started", "took", "cluster", "first finding"]).of_text();
    for one in &listed.executions {
        let about = match one.cleans_up_for() {
            Some(name) => format!("clean-up of {name}"),
            None if one.state.as_deref() == Some(AWAITS_APPROVAL) => "waits for approval".to_owned(),
            None => one.first_finding().unwrap_or_default().to_owned(),
        };
        columns.line([
            one.name.clone(),
            one.outcome.name().to_owned(),
            clock(one.started_ms),
            elapsed(Duration::from_millis(one.duration_ms(now))),
            one.cluster.clone().unwrap_or_default(),
            about,
        ]);
    }
    let table = columns.render();
    let count = listed.executions.len();
    let total = match (count, listed.complete) {
        (0, true) => "no executions\n".to_owned(),
        (_, true) => format!("\n{count} in all\n"),
        (_, false) => format!("\n{count} shown; there are older ones: --limit N\n"),
    };
    format!("{}{total}", table.trim_start_matches('\n'))
}

fn json(listed: &Listed) -> Value {
    let now = Timestamp::now();
    let executions: Vec<_> = listed.executions.iter().map(|one| row(one, now)).collect();
    json!({"executions": executions, "complete": listed.complete})
}

/// The members of an execution that `executions` and `status` share.
pub(crate) fn row(one: &Execution, now: Timestamp) -> Value {
    json!({
        "name": one.name,
        "arn": one.arn,
        "outcome": one.outcome,
        "cleanUpOf": one.clean_up_of,
        "started": clock(one.started_ms),
        "ended": one.ended_ms.map(clock),
        "durationMs": one.duration_ms(now),
        "state": one.state,
        "cluster": one.cluster,
        "finding": one.first_finding(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::Outcome;

    #[test]
    fn a_table_shows_whole_names_and_marks_clean_ups() {
        let one = |name: &str, outcome| Execution {
            name: name.to_owned(),
            arn: format!("arn:aws:states:us-east-1:1:execution:m:{name}"),
            outcome,
            clean_up_of: None,
            state: None,
            started_ms: 1_795_836_477_000,
            ended_ms: Some(1_795_836_489_300),
            cluster: Some("orders".into()),
            error: None,
            result: Value::Null,
        };
        let long = "x".repeat(80);
        let stopped = one(&long, Outcome::Stopped);
        let clean_up = Execution {
            clean_up_of: Some(stopped.arn.clone()),
            cluster: None,
            ..one("c", Outcome::CleanedUp)
        };
        let failed = Execution { error: Some("SeedingFailed".into()), ..one("f", Outcome::Failed) };
        let waiting = Execution { state: Some(AWAITS_APPROVAL.into()), ..one("w", Outcome::Running) };
        let listed = Listed { executions: vec![stopped, clean_up, failed, waiting], complete: false };
        let text = text(&listed, Timestamp::UNIX_EPOCH);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("  execution") && lines[0].ends_with("  first finding"), "{text}");
        assert!(
            lines[1].contains(&format!("{long}  stopped     2026-11-28T03:27:57Z  12.3s  orders")),
            "{text}"
        );
        assert!(lines[2].ends_with(&format!("clean-up of {long}")), "{text}");
        assert!(lines[3].ends_with("orders   SeedingFailed"), "{text}");
        assert!(lines[4].ends_with("orders   waits for approval"), "{text}");
        assert!(text.ends_with("4 shown; there are older ones: --limit N\n"), "{text}");
    }
}
