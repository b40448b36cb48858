//! The sweep: describes every execution with an open journal, and starts the clean-ups that are due.

use aws_sdk_sfn::{
    operation::{
        describe_execution::{DescribeExecutionError, DescribeExecutionOutput},
        start_execution::StartExecutionError,
    },
    types::ExecutionStatus,
};
use jiff::Timestamp;
use seeding::{
    ErrorName, ExecutionFiles, Identity, StepError,
    sweep::{Decision, ExecutionState, Journals, clean_up_name, continue_after, execution_arn},
};
use serde_json::json;

use crate::{Clients, service_error};

/// The most pages of one listing. A page has 1,000 keys and skips partial results, so it covers a hundred executions
/// or more; this many pages cover some years.
const MAX_PAGES: usize = 2_000;
/// The most executions of one sweep; no more than this run at once.
const MAX_EXECUTIONS: usize = 1_000;

/// One stack, whose executions are swept. Needs to list the reports bucket, and to describe and start executions.
#[derive(Debug)]
pub struct Sweep {
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Step Functions.
    pub step_functions: aws_sdk_sfn::Client,
    /// The stack's reports bucket.
    pub reports_bucket: String,
    /// The stack's state machine.
    pub state_machine_arn: String,
}

/// What a sweep found.
#[derive(Debug)]
pub struct Swept {
    /// The executions with open journals, by name.
    pub executions: Vec<SweptExecution>,
    /// Whether these are all.
    pub complete: bool,
}

/// An execution with open journals.
#[derive(Debug)]
pub struct SweptExecution {
    /// Its name.
    pub name: String,
    /// The name of the clean-up, if one is due.
    pub clean_up: Option<String>,
    /// What was decided, or what prevented that.
    pub decision: Result<Decision, StepError>,
}

impl Sweep {
    /// The sweep of a stack.
    pub fn new(clients: &Clients, reports_bucket: String, state_machine_arn: String) -> Self {
        let (s3, step_functions) = (clients.s3(), clients.step_functions());
        Self { s3, step_functions, reports_bucket, state_machine_arn }
    }

    /// Starts the clean-ups that are due, or only reports them in a dry run. A call that fails is in the result, and
    /// does not stop the others.
    pub async fn run(&self, now: Timestamp, dry_run: bool) -> Result<Swept, StepError> {
        let (journals, listed_all) = self.journals().await?;
        let complete = listed_all && journals.len() <= MAX_EXECUTIONS;
        let mut executions = Vec::new();
        for (name, open) in journals.iter().take(MAX_EXECUTIONS) {
            let arn = self.arn(name)?;
            let clean_up = clean_up_name(&Identity::new(&arn, name), now);
            let state = self.state(&arn).await;
            let decision = state.map(|state| Decision::on(open, state, now.as_millisecond()));
            let due = matches!(decision, Ok(Decision::CleanUp));
            let decision = match decision {
                Ok(Decision::CleanUp) if !dry_run => {
                    start_clean_up(&self.step_functions, &self.state_machine_arn, &arn, &clean_up)
                        .await
                        .map(|()| Decision::CleanUp)
                }
                decision => decision,
            };
            match &decision {
                Ok(decision) => tracing::info!(swept = name, ?decision, clean_up, "swept"),
                Err(error) => {
                    tracing::error!(swept = name, error = %error.name, message = error.message, "not swept");
                }
            }
            let clean_up = due.then_some(clean_up);
            executions.push(SweptExecution { name: name.to_owned(), clean_up, decision });
        }
        if !complete {
            tracing::warn!(executions = executions.len(), "more executions have open journals");
        }
        Ok(Swept { executions, complete })
    }

    fn arn(&self, name: &str) -> Result<String, StepError> {
        execution_arn(&self.state_machine_arn, name).ok_or_else(|| {
            StepError::new(
                ErrorName::InvalidInput,
                format!("`{}` is not the ARN of a state machine", self.state_machine_arn),
                "expected arn:aws:states:REGION:ACCOUNT:stateMachine:NAME",
            )
        })
    }

    /// The open journals, and whether they are all.
    async fn journals(&self) -> Result<(Journals, bool), StepError> {
        let mut journals = Journals::default();
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let request =
                self.s3.list_objects_v2().bucket(&self.reports_bucket).prefix(ExecutionFiles::prefix());
            let page = request.set_start_after(after).send().await;
            let page =
                page.map_err(|error| service_error(&format!("list {}", self.reports_bucket), &error))?;
            for object in page.contents() {
                let written_at_ms =
                    object.last_modified().and_then(|at| at.to_millis().ok()).unwrap_or(i64::MAX);
                journals.add(object.key().unwrap_or_default(), written_at_ms);
            }
            let last = page.contents().last().and_then(|object| object.key());
            match last.filter(|_| page.is_truncated() == Some(true)) {
                Some(last) => after = Some(continue_after(last)),
                None => return Ok((journals, true)),
            }
        }
        Ok((journals, false))
    }

    async fn state(&self, arn: &str) -> Result<ExecutionState, StepError> {
        execution_state(&self.step_functions, arn).await
    }
}

/// Starts the clean-up of this name for an execution, unless it was started before.
pub async fn start_clean_up(
    step_functions: &aws_sdk_sfn::Client,
    state_machine_arn: &str,
    arn: &str,
    name: &str,
) -> Result<(), StepError> {
    let start = step_functions.start_execution().state_machine_arn(state_machine_arn);
    match start.name(name).input(json!({ "cleanUp": arn }).to_string()).send().await {
        Ok(_) => Ok(()),
        // An earlier sweep of this day has started it.
        Err(error)
            if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) =>
        {
            Ok(())
        }
        Err(error) => Err(service_error(&format!("start the clean-up {name}"), &error)),
    }
}

/// Returns the state of an execution in Step Functions.
pub async fn execution_state(
    step_functions: &aws_sdk_sfn::Client,
    arn: &str,
) -> Result<ExecutionState, StepError> {
    match step_functions.describe_execution().execution_arn(arn).send().await {
        Ok(described) => Ok(state_of(&described)),
        Err(error)
            if error.as_service_error().is_some_and(DescribeExecutionError::is_execution_does_not_exist) =>
        {
            Ok(ExecutionState::Unknown)
        }
        Err(error) => Err(service_error(&format!("describe the execution {arn}"), &error)),
    }
}

fn state_of(described: &DescribeExecutionOutput) -> ExecutionState {
    let ended_at_ms = described.stop_date().and_then(|at| at.to_millis().ok()).unwrap_or(i64::MIN);
    match described.status() {
        ExecutionStatus::Succeeded => ExecutionState::Succeeded { ended_at_ms },
        ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
            ExecutionState::Failed { ended_at_ms }
        }
        // Also a status that is not known yet: nothing is cleaned up for what may run.
        _ => ExecutionState::Running,
    }
}
