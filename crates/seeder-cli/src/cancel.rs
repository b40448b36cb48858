//! `seeder cancel`: stop an execution, and wait until it is cleaned up for.

use std::{
    collections::HashSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use jiff::Timestamp;
use seeder_aws::{service_error, sweep::start_clean_up};
use seeding::{
    Identity,
    sweep::{clean_up_name, execution_arn},
};
use serde_json::{Value, json};

use crate::{
    INTERRUPTED,
    args::{AwsArgs, CancelArgs},
    execution::{Execution, Outcome, clock, find, history::Story, stack::Machine},
    seed::follow::{new_events, until_end},
    term::{finding_text, print_text},
};

/// The pause between two calls for the clean-up.
const PAUSE: Duration = Duration::from_secs(1);
/// The number of times that a stopped execution is described until it has ended: `DescribeExecution` is eventually
/// consistent.
const ASKS: u32 = 30;
/// The difference of clocks between two executions, in milliseconds.
const SLACK_MS: i64 = 2_000;

/// Runs the command.
pub(crate) async fn run(args: &CancelArgs, aws: &AwsArgs) -> Result<ExitCode> {
    // The clean-up itself knows the reports bucket.
    let machine = match Machine::of(&args.stack, aws, Some(""), Some(&args.execution)).await {
        Ok(machine) => machine,
        Err(error) => return Ok(error.report()),
    };
    let execution = match find::by_name(&machine.step_functions, &machine.arn, &args.execution).await? {
        Ok(execution) => execution,
        Err(near) => {
            find::report_unknown(&args.execution, &machine.arn, &near);
            return Ok(ExitCode::FAILURE);
        }
    };
    let name = &execution.name;
    if let Some(of) = execution.cleans_up_for() {
        eprintln!("error: {name} is a clean-up of {of}, which ends by itself\nhint: seeder status {name}");
        return Ok(ExitCode::FAILURE);
    }
    if execution.outcome != Outcome::Running {
        eprintln!("error: {name} has ended: {}\nhint: seeder status {name}", execution.outcome.name());
        return Ok(ExitCode::FAILURE);
    }
    let stopped = stop(&machine, &execution.arn).await?;
    if stopped.outcome != Outcome::Stopped {
        eprintln!("error: {name} ended before it could be stopped: {}", stopped.outcome.name());
        return Ok(ExitCode::FAILURE);
    }
    eprintln!("{name} is stopped");
    let clean_up = tokio::select! {
        clean_up = clean_up(&machine, &stopped, args) => clean_up?,
        _ = tokio::signal::ctrl_c() => None,
    };
    let Some((clean_up, started_by)) = clean_up else {
        eprintln!("the clean-up continues without this command: seeder status {name}");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let result = Cancelled::of(&machine, stopped, clean_up, started_by).await?;
    print_text(&if args.json { format!("{}\n", result.json()) } else { result.text() })?;
    Ok(if result.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stops an execution, and waits until it has ended in one way or another.
async fn stop(machine: &Machine, arn: &str) -> Result<Execution> {
    let stop = machine.step_functions.stop_execution().execution_arn(arn);
    let stop = stop.error("Cancelled").cause("stopped by seeder cancel").send().await;
    stop.map_err(|error| service_error(&format!("stop the execution {arn}"), &error))?;
    for _ in 0..ASKS {
        let described = find::describe(&machine.step_functions, arn).await?;
        if let Some(ended) = described.filter(|one| one.outcome != Outcome::Running) {
            return Ok(ended);
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("{arn} still runs {ASKS} seconds after it was stopped; try again");
}

/// Who has started a clean-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartedBy {
    Stack,
    Command,
}

/// Waits for the clean-up, starts one if the stack does not, and follows it to its end. `None` after Ctrl-C.
async fn clean_up(
    machine: &Machine,
    stopped: &Execution,
    args: &CancelArgs,
) -> Result<Option<(Execution, StartedBy)>> {
    let Machine { step_functions, arn: machine_arn, .. } = machine;
    let limit = Duration::from_secs(args.clean_up_seconds.into());
    eprintln!("waiting for its clean-up, at most {} s", limit.as_secs());
    let since_ms = stopped.ended_ms.unwrap_or(stopped.started_ms) - SLACK_MS;
    let (mut seen, begun) = (HashSet::new(), Instant::now());
    let (arn, started_by) = loop {
        let found = find::clean_ups(step_functions, machine_arn, &stopped.arn, since_ms, &mut seen).await?;
        if let Some(clean_up) = found.into_iter().next() {
            break (clean_up.arn, StartedBy::Stack);
        }
        if begun.elapsed() >= limit {
            let name = clean_up_name(&Identity::new(&stopped.arn, &stopped.name), Timestamp::now());
            eprintln!("warning: the stack has started none (seeder doctor); starting {name}");
            start_clean_up(step_functions, machine_arn, &stopped.arn, &name).await?;
            break (execution_arn(machine_arn, &name).unwrap_or_default(), StartedBy::Command);
        }
        tokio::time::sleep(PAUSE).await;
    };
    eprintln!("clean-up {}", arn.rsplit(':').next().unwrap_or_default());
    let ended = until_end(step_functions, &arn).await?.ok();
    Ok(ended.map(|ended| (Execution::of(&ended), started_by)))
}

/// A stopped execution and its clean-up, which has ended.
#[derive(Debug)]
struct Cancelled {
    stopped: Execution,
    clean_up: Execution,
    started_by: StartedBy,
    /// Of the stopped execution.
    before: Story,
    /// Of the clean-up.
    after: Story,
}

/// What has become of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// There was none.
    None,
    Deleted,
    /// It became available, so it is the user's.
    Kept,
    /// It is left, as `leftBehind` says.
    Left,
}

impl Cancelled {
    async fn of(
        machine: &Machine,
        stopped: Execution,
        clean_up: Execution,
        started_by: StartedBy,
    ) -> Result<Self> {
        let story = async |one: &Execution| {
            let events = new_events(&machine.step_functions, &one.arn, 0).await?;
            anyhow::Ok(Story::of(&events, one.ended_ms.unwrap_or(one.started_ms)))
        };
        let (before, after) = (story(&stopped).await?, story(&clean_up).await?);
        Ok(Self { stopped, clean_up, started_by, before, after })
    }

    /// Whether the clean-up has done all that was to be done.
    fn is_clean(&self) -> bool {
        matches!(self.clean_up.outcome, Outcome::CleanedUp | Outcome::Seeded)
    }

    fn left_behind(&self) -> impl Iterator<Item = &str> {
        self.clean_up.result["leftBehind"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    fn fate(&self) -> Fate {
        if self.clean_up.outcome == Outcome::Seeded {
            Fate::Kept
        } else if self.left_behind().any(|left| left.starts_with("cluster ")) {
            Fate::Left
        } else if self.after.was_deleting {
            Fate::Deleted
        } else {
            Fate::None
        }
    }

    fn cluster_id(&self) -> Option<&str> {
        self.after.cluster.as_deref().or(self.stopped.cluster.as_deref())
    }

    fn converted(&self) -> bool {
        self.before.entered("ConvertChunks")
    }

    fn text(&self) -> String {
        let id = self.cluster_id().unwrap_or_default();
        let mut lines = Vec::new();
        match self.fate() {
            Fate::None => lines.push("there was no cluster yet".to_owned()),
            Fate::Deleted => lines.push(format!("the cluster {id} is deleted")),
            Fate::Kept => {
                let cluster = &self.clean_up.result["cluster"];
                let host = cluster["endpoint"].as_str().unwrap_or_default();
                lines.push(format!(
                    "the cluster {id} became available meanwhile and is kept: {host}:{}",
                    cluster["port"]
                ));
            }
            Fate::Left => {}
        }
        match self.after.revoked.as_slice() {
            [] if self.left_behind().any(|left| left == "grant") => {}
            [] => lines.push("no access was granted any more".to_owned()),
            buckets => lines.push(format!("the access to {} is revoked", buckets.join(" and "))),
        }
        if self.converted() && self.is_clean() {
            lines.push("converted backups are deleted".to_owned());
        }
        lines.extend(self.left_behind().map(|left| format!("left behind: {left}")));
        let mut text = lines.join("\n") + "\n";
        if !self.is_clean() {
            let findings = self.clean_up.result["findings"].as_array().into_iter().flatten();
            text.extend(findings.map(finding_text));
            text += "the clean-up failed; remove the cause, and start another one: seeder sweep\n";
        }
        text
    }

    fn json(&self) -> Value {
        let fate = match self.fate() {
            Fate::None => "none",
            Fate::Deleted => "deleted",
            Fate::Kept => "kept",
            Fate::Left => "left-behind",
        };
        let started_by = if self.started_by == StartedBy::Stack { "stack" } else { "command" };
        json!({
            "execution": self.stopped.arn,
            "stopped": self.stopped.ended_ms.map(clock),
            "cleanUp": {
                "execution": self.clean_up.arn, "startedBy": started_by, "outcome": self.clean_up.outcome,
                "findings": self.clean_up.result["findings"],
            },
            "cluster": {"id": self.cluster_id(), "fate": fate},
            "revoked": self.after.revoked,
            "convertedDeleted": self.converted() && self.is_clean(),
            "leftBehind": self.left_behind().collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(outcome: Outcome, result: Value) -> Execution {
        Execution {
            name: "e".into(),
            arn: "arn:aws:states:us-east-1:1:execution:m:e".into(),
            outcome,
            clean_up_of: None,
            state: None,
            started_ms: 0,
            ended_ms: Some(1),
            cluster: Some("orders".into()),
            error: None,
            result,
        }
    }

    fn cancelled(outcome: Outcome, result: Value, after: Story) -> Cancelled {
        Cancelled {
            stopped: execution(Outcome::Stopped, Value::Null),
            clean_up: execution(outcome, result),
            started_by: StartedBy::Stack,
            before: Story::default(),
            after,
        }
    }

    #[test]
    fn what_has_become_of_everything_is_said() {
        let revoked = || Story { revoked: vec!["a".into(), "b".into()], ..Story::default() };
        let cluster = json!({"endpoint": "host", "port": 6379});
        let kept = cancelled(Outcome::Seeded, json!({"cluster": cluster, "leftBehind": []}), revoked());
        assert_eq!((kept.fate(), kept.is_clean()), (Fate::Kept, true));
        assert_eq!(
            kept.text(),
            "the cluster orders became available meanwhile and is kept: host:6379\nthe access to a and b is revoked\n"
        );
        let deleted = Story { was_deleting: true, ..revoked() };
        let deleted = cancelled(Outcome::CleanedUp, json!({"leftBehind": []}), deleted);
        assert!(deleted.text().starts_with("the cluster orders is deleted\n"), "{}", deleted.text());
        let none = cancelled(Outcome::CleanedUp, json!({"leftBehind": []}), Story::default());
        assert_eq!(none.text(), "there was no cluster yet\nno access was granted any more\n");
    }

    #[test]
    fn a_clean_up_that_failed_shows_why_and_what_is_left() {
        let finding = json!({"code": "access-denied", "severity": "fail", "remedy": "ask"});
        let result = json!({"leftBehind": ["cluster orders: AccessDenied", "grant"], "findings": [finding]});
        let failed = cancelled(Outcome::Failed, result, Story::default());
        assert_eq!((failed.fate(), failed.is_clean()), (Fate::Left, false));
        let text = failed.text();
        assert!(
            text.starts_with("left behind: cluster orders: AccessDenied\nleft behind: grant\n"),
            "{text}"
        );
        assert!(text.contains("fail  access-denied\n") && text.contains("seeder sweep"), "{text}");
        assert_eq!(failed.json()["cluster"]["fate"], "left-behind");
    }
}
