//! `seeder status`: one execution, its states with their times, its report, and what is left of it.

mod report;
mod text;

use std::{collections::HashSet, process::ExitCode};

use anyhow::Result;
use aws_sdk_s3::Client;
use jiff::Timestamp;
use seeder_aws::service_error;
use seeding::{ExecutionFiles, StepError};
use serde_json::{Value, json};

use self::report::Report;
use crate::{
    args::{AwsArgs, ExecutionArgs},
    execution::{Execution, Outcome, clock, find, history::Story, stack::Machine},
    executions::row,
    seed::follow::new_events,
    term::print_text,
};

/// Runs the command.
pub(crate) async fn run(args: &ExecutionArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let machine = Machine::of(&args.stack, aws, args.reports_bucket.as_deref(), Some(&args.execution)).await;
    let machine = match machine {
        Ok(machine) => machine,
        Err(error) => return Ok(error.report()),
    };
    let step_functions = &machine.step_functions;
    let execution = match find::by_name(step_functions, &machine.arn, &args.execution).await? {
        Ok(execution) => execution,
        Err(near) => {
            find::report_unknown(&args.execution, &machine.arn, &near);
            return Ok(ExitCode::FAILURE);
        }
    };
    let status = Status::of(&machine, execution, Timestamp::now()).await?;
    print_text(&if args.json { format!("{}\n", status.json()) } else { status.text() })?;
    Ok(ExitCode::SUCCESS)
}

/// All that is known of an execution.
#[derive(Debug)]
struct Status {
    execution: Execution,
    story: Story,
    report: Option<Report>,
    /// The file for Terraform, if there is one.
    handover: Option<String>,
    left: Left,
    clean_ups: Vec<Execution>,
    now: Timestamp,
}

/// What is left of an execution that has ended.
#[derive(Debug, Default)]
struct Left {
    /// By its outcome, or that of its last clean-up.
    reported: Vec<String>,
    /// The journals that are still in the reports bucket.
    journals: Vec<&'static str>,
    /// The reason why the journals are not known.
    unknown: Option<String>,
}

impl Status {
    async fn of(machine: &Machine, execution: Execution, now: Timestamp) -> Result<Self, StepError> {
        let Machine { step_functions, s3, arn, .. } = machine;
        let events = new_events(step_functions, &execution.arn, 0).await?;
        let story = Story::of(&events, execution.ended_ms.unwrap_or_else(|| now.as_millisecond()));
        let clean_ups = match execution.ended_ms.filter(|_| needs_clean_up(&execution)) {
            Some(ended_ms) => {
                let since_ms = ended_ms - 1_000;
                find::clean_ups(step_functions, arn, &execution.arn, since_ms, &mut HashSet::new()).await?
            }
            None => Vec::new(),
        };
        let uri = execution.result["report"].as_str().filter(|uri| !uri.is_empty());
        let report = match uri.map(str::to_owned).or_else(|| story.report.clone()) {
            Some(uri) => Some(Report::read(s3, uri).await),
            None => None,
        };
        let left = Left::of(machine, &execution, &clean_ups).await;
        let handover = handover(machine, &execution).await;
        Ok(Self { execution, story, report, handover, left, clean_ups, now })
    }

    fn json(&self) -> Value {
        let mut members = row(&self.execution, self.now);
        let story = &self.story;
        let states: Vec<_> = story
            .states
            .iter()
            .map(|one| {
                json!({
                    "state": one.state, "entered": clock(one.first_ms), "visits": one.visits,
                    "durationMs": one.total_ms, "open": one.is_open,
                })
            })
            .collect();
        let statuses: Vec<_> =
            story.statuses.iter().map(|(at, status)| json!({"at": clock(*at), "status": status})).collect();
        members["state"] = json!(story.last_state);
        members["states"] = json!(states);
        members["clusterStatuses"] = json!(statuses);
        members["events"] = json!(self.events());
        members["error"] = json!(self.execution.error);
        members["result"] = self.execution.result.clone();
        members["report"] = self.report.as_ref().map_or(Value::Null, Report::json);
        members["handover"] = json!(self.handover);
        members["leftBehind"] = json!(self.left.reported);
        members["openJournals"] = json!(self.left.journals);
        let clean_ups: Vec<_> = self.clean_ups.iter().map(|one| row(one, self.now)).collect();
        members["cleanUps"] = json!(clean_ups);
        members
    }

    /// ElastiCache's events: those of the outcome, or the last that were seen.
    fn events(&self) -> Vec<&str> {
        match self.execution.result["events"].as_array().filter(|events| !events.is_empty()) {
            Some(events) => events.iter().filter_map(Value::as_str).collect(),
            None => self.story.events.iter().map(String::as_str).collect(),
        }
    }
}

/// Whether the stack starts a clean-up after it.
fn needs_clean_up(execution: &Execution) -> bool {
    let seeded = execution.outcome == Outcome::Seeded && execution.result["leftBehind"][0].is_null();
    execution.clean_up_of.is_none() && !seeded && execution.outcome != Outcome::DryRun
}

impl Left {
    async fn of(machine: &Machine, execution: &Execution, clean_ups: &[Execution]) -> Self {
        if execution.outcome == Outcome::Running {
            return Self::default();
        }
        let last = clean_ups.iter().find(|one| one.ended_ms.is_some()).unwrap_or(execution);
        let reported = last.result["leftBehind"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let reported = reported.map(str::to_owned).collect();
        let name = execution.cleans_up_for().unwrap_or(&execution.name);
        let found = match &machine.reports_bucket {
            Ok(bucket) => journals(&machine.s3, bucket, name).await.map_err(|error| error.message),
            Err(error) => Err(error.to_string().lines().next().unwrap_or_default().to_owned()),
        };
        let (journals, unknown) = match found {
            Ok(journals) => (journals, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Self { reported, journals, unknown }
    }
}

/// The file for Terraform, as `s3://bucket/key`. A cluster that became available while its execution was stopped has
/// one too.
async fn handover(machine: &Machine, execution: &Execution) -> Option<String> {
    if execution.outcome == Outcome::Running {
        return None;
    }
    let bucket = machine.reports_bucket.as_ref().ok()?;
    let name = execution.cleans_up_for().unwrap_or(&execution.name);
    let key = ExecutionFiles::of(name).handover();
    exists(&machine.s3, bucket, key.as_str())
        .await
        .is_ok_and(|exists| exists)
        .then(|| format!("s3://{bucket}/{key}"))
}

/// Whether an object exists. The answer to a HEAD does not say whether the object or the bucket is missing.
async fn exists(s3: &Client, bucket: &str, key: &str) -> Result<bool, StepError> {
    let listed = s3.list_objects_v2().bucket(bucket).prefix(key).max_keys(1).send().await;
    let listed = listed.map_err(|error| service_error(&format!("list {bucket}"), &error))?;
    Ok(listed.contents().iter().any(|object| object.key() == Some(key)))
}

/// The open journals of an execution.
async fn journals(s3: &Client, bucket: &str, name: &str) -> Result<Vec<&'static str>, StepError> {
    let files = ExecutionFiles::of(name);
    let mut open = Vec::new();
    for (journal, key) in [
        ("grant", files.grant().to_string()),
        ("create", files.create().to_string()),
        ("converting", files.converting().to_string()),
    ] {
        if exists(s3, bucket, &key).await? {
            open.push(journal);
        }
    }
    Ok(open)
}
