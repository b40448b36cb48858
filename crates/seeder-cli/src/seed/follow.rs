//! Following of an execution: its states with their times, the cluster's events, the outcome.

use std::{collections::HashSet, process::ExitCode, time::Duration};

use anyhow::Result;
use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, HistoryEvent},
};
use seeder_aws::service_error;
use seeding::{StepError, plan_in_words, price_in_words};
use serde_json::Value;

use crate::{
    execution::parse,
    signals::Signals,
    term::{elapsed, print_finding, print_text, thousands},
};

/// The pause before the second poll of the history.
const FIRST_PAUSE: Duration = Duration::from_millis(700);
/// The longest pause between two polls. An execution may take hours, and many may be followed at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The most pages of one poll: each has 100 events, and an execution has at most 25,000.
const MAX_PAGES: usize = 300;

/// How following an execution ended.
#[derive(Debug)]
pub(super) enum Followed {
    /// The execution has ended.
    Ended {
        succeeded: bool,
        /// The name of its error, if it failed.
        error: Option<String>,
        /// Its output, the cause of its failure, or words.
        outcome: Value,
    },
    /// A signal ended the following; the execution continues.
    Interrupted(u8),
}

impl Followed {
    /// The exit code of the command.
    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Ended { succeeded, .. } => u8::from(!succeeded),
            Self::Interrupted(status) => *status,
        })
    }

    /// Whether the backups were rejected, so that no cluster was created from them.
    pub(super) fn is_rejected(&self) -> bool {
        matches!(self, Self::Ended { error: Some(error), .. } if error == "BackupRejected")
    }

    /// Adds a member to the outcome.
    pub(super) fn add(&mut self, name: &str, value: Value) {
        if let Self::Ended { outcome: Value::Object(members), .. } = self {
            members.insert(name.to_owned(), value);
        }
    }

    /// Prints the outcome.
    pub(super) fn print(&self, as_json: bool) -> Result<()> {
        let Self::Ended { error, outcome, .. } = self else { return Ok(()) };
        if as_json {
            print_text(&format!("{outcome}\n"))?;
        }
        print_outcome(error.as_deref(), outcome);
        Ok(())
    }
}

/// Prints the progress of an execution until it ends, then its outcome.
pub async fn follow(step_functions: &Client, execution: &str, as_json: bool) -> Result<ExitCode> {
    let followed = follow_to_end(step_functions, execution).await?;
    followed.print(as_json)?;
    Ok(followed.code())
}

pub(super) async fn follow_to_end(step_functions: &Client, execution: &str) -> Result<Followed> {
    let described = match until_end(step_functions, execution).await? {
        Ok(described) => described,
        Err(Signalled(status)) => {
            let name = execution.rsplit(':').next().unwrap_or_default();
            eprintln!("the seeding continues; to stop it: seeder cancel {name}");
            return Ok(Followed::Interrupted(status));
        }
    };
    let status = described.status();
    let outcome = match status {
        ExecutionStatus::Succeeded => parse(described.output()),
        ExecutionStatus::Failed => parse(described.cause()),
        other => Value::from(format!(
            "the execution ended as {other}; its clean-up revokes its grants and deletes an unfinished cluster"
        )),
    };
    Ok(Followed::Ended {
        succeeded: *status == ExecutionStatus::Succeeded,
        error: described.error().map(str::to_owned),
        outcome,
    })
}

/// A signal came, with this exit status.
pub(crate) struct Signalled(pub(crate) u8);

/// Prints the progress of an execution until it has ended, or a signal comes.
pub(crate) async fn until_end(
    step_functions: &Client,
    execution: &str,
) -> Result<Result<DescribeExecutionOutput, Signalled>> {
    let mut signals = Signals::new()?;
    let mut printer = Printer::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let described = step_functions.describe_execution().execution_arn(execution).send().await;
        let described = described.map_err(|error| service_error("describe the execution", &error))?;
        for event in new_events(step_functions, execution, printer.last_id).await? {
            printer.print(&event);
        }
        if *described.status() != ExecutionStatus::Running {
            return Ok(Ok(described));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = longer(pause),
            status = signals.next() => return Ok(Err(Signalled(status))),
        }
    }
}

/// The pause after this one: a quarter longer, so that the output is late by at most a quarter of the time passed.
fn longer(pause: Duration) -> Duration {
    (pause * 5 / 4).min(LONGEST_PAUSE)
}

/// The events after the one with this ID, oldest first. Pages are read backwards until a known event.
pub(crate) async fn new_events(
    step_functions: &Client,
    execution: &str,
    last_id: i64,
) -> Result<Vec<HistoryEvent>, StepError> {
    let mut events = Vec::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let page = step_functions
            .get_execution_history()
            .execution_arn(execution)
            .reverse_order(true)
            .max_results(100);
        let page = page.set_next_token(token).send().await;
        let page = page.map_err(|error| service_error("read the execution's history", &error))?;
        let known = page.events().iter().any(|event| event.id() <= last_id);
        events.extend(page.events.into_iter().filter(|event| event.id() > last_id));
        token = page.next_token;
        if known || token.is_none() {
            break;
        }
    }
    events.sort_by_key(HistoryEvent::id);
    Ok(events)
}

#[derive(Default)]
struct Printer {
    last_id: i64,
    started: f64,
    status: String,
    shown: HashSet<String>,
}

impl Printer {
    fn print(&mut self, event: &HistoryEvent) {
        self.last_id = event.id();
        let now = event.timestamp().as_secs_f64();
        if self.started == 0.0 {
            self.started = now;
        }
        let at = elapsed(Duration::from_secs_f64((now - self.started).max(0.0)));
        if let Some(entered) = event.state_entered_event_details() {
            // The states of the polling loops recur; what they report is printed when it changes.
            if !matches!(
                entered.name(),
                "WaitForGrant"
                    | "WaitForCluster"
                    | "CheckCluster"
                    | "ClusterState"
                    | "WaitForDeletion"
                    | "Deletion"
            ) && !matches!(entered.name(), "Entry" | "Prepared" | "Assessed" | "Outcome")
                && (entered.name() != "DeleteCluster"
                    || self.shown.insert(format!("deleting{}", self.status)))
            {
                eprintln!("{at:>8}  {}", entered.name());
            }
        }
        if let Some(exited) = event.state_exited_event_details() {
            let output = parse(exited.output());
            let payload = if output["Payload"].is_object() { &output["Payload"] } else { &output };
            self.print_payload(&at, exited.name(), payload);
        }
        if let Some(failed) = event.task_failed_event_details() {
            let cause = parse(failed.cause());
            let message = cause["errorMessage"].as_str().or(failed.cause()).unwrap_or_default();
            let first = message.lines().next().unwrap_or_default();
            eprintln!("{at:>8}    {}: {first}", failed.error().unwrap_or_default());
        }
    }

    fn print_payload(&mut self, at: &str, state: &str, payload: &Value) {
        match state {
            "CheckCluster" => {
                let status = payload["status"].as_str().unwrap_or_default();
                if status != self.status {
                    eprintln!("{at:>8}    cluster is {status}");
                    status.clone_into(&mut self.status);
                }
                for event in payload["events"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if self.shown.insert(event.to_owned()) {
                        eprintln!("            {event}");
                    }
                }
            }
            "Assess" => {
                if let Some(verdict) = payload["verdict"].as_str().filter(|_| payload["plan"].is_object()) {
                    let shards = payload["plan"]["shards"].as_array().map_or(0, Vec::len);
                    let node_type = payload["plan"]["nodeType"].as_str().unwrap_or_default();
                    eprintln!("{at:>8}    {verdict}: {}", plan_in_words(shards, node_type));
                    eprintln!("            price {}", price_in_words(&payload["plan"]));
                }
            }
            "VerifyCluster" => {
                if let Some(keys) = payload["keys"].as_u64() {
                    eprintln!("{at:>8}    {} keys", thousands(keys));
                }
            }
            _ => {}
        }
    }
}

pub(super) fn print_outcome(error: Option<&str>, outcome: &Value) {
    match (error, outcome["outcome"].as_str()) {
        (Some(error), _) => eprintln!("{error}"),
        (None, Some(name)) => eprintln!("{name}"),
        (None, None) => eprintln!("{}", outcome.as_str().unwrap_or_default()),
    }
    if let Some(host) = outcome["cluster"]["endpoint"].as_str() {
        let cluster = &outcome["cluster"];
        eprintln!(
            "cluster {} at {host}:{} ({})",
            cluster["id"].as_str().unwrap_or_default(),
            cluster["port"],
            plan_in_words(&cluster["shards"], cluster["nodeType"].as_str().unwrap_or_default())
        );
    }
    if let (Some(shards), Some(node_type)) =
        (outcome["plan"]["shards"].as_array(), outcome["plan"]["nodeType"].as_str())
    {
        let plan = plan_in_words(shards.len(), node_type);
        eprintln!("plan {plan}\nprice {}", price_in_words(&outcome["plan"]));
        for next in outcome["plan"]["alternatives"].as_array().into_iter().flatten() {
            let node_type = next["nodeType"].as_str().unwrap_or_default();
            eprintln!("next {}, {}", plan_in_words(&next["shards"], node_type), price_in_words(next));
        }
    }
    for finding in outcome["findings"].as_array().into_iter().flatten() {
        print_finding(finding);
    }
    for event in outcome["events"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("event {event}");
    }
    for left in outcome["leftBehind"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("left behind: {left}");
    }
    if let Some(report) = outcome["report"].as_str().filter(|report| !report.is_empty()) {
        eprintln!("report {report}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_within_a_minute_and_a_half() {
        let pauses: Vec<_> =
            std::iter::successors(Some(FIRST_PAUSE), |pause| Some(longer(*pause))).take(30).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
        let growing: Duration = pauses.iter().take_while(|pause| **pause < LONGEST_PAUSE).sum();
        assert!(growing < Duration::from_secs(90), "{growing:?}");
    }
}
