//! Finds executions: by name, by page, and those that clean up for another.

use std::collections::HashSet;

use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionError,
    types::{ExecutionListItem, ExecutionStatus},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use seeder_aws::service_error;
use seeding::{StepError, near_names, sweep::execution_arn};

use super::{Execution, Outcome, millis};

/// The executions of a page.
const PAGE: i32 = 100;
/// The most executions whose names are compared with one that is not known.
const MOST_COMPARED: usize = 1_000;
/// The most executions that are described to find the clean-ups of one.
const MOST_CLEAN_UPS: usize = 200;
/// The events at the end of a history among which is the last entry into a state, unless the state is a map.
const LAST_EVENTS: i32 = 10;
/// The executions that are described at once. Step Functions allows 10 a second, after a burst of 100 to 300. Source:
/// Step Functions developer guide, "Service quotas".
const AT_ONCE: usize = 8;

/// The executions of a state machine, newest first, page by page.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    step_functions: &'a Client,
    machine: &'a str,
    status: Option<ExecutionStatus>,
    token: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    /// All executions, or those of one status.
    pub(crate) const fn new(
        step_functions: &'a Client,
        machine: &'a str,
        status: Option<ExecutionStatus>,
    ) -> Self {
        Self { step_functions, machine, status, token: None, ended: false }
    }

    /// The next page; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<ExecutionListItem>>, StepError> {
        if self.ended {
            return Ok(None);
        }
        let request = self.step_functions.list_executions().state_machine_arn(self.machine);
        let request = request.max_results(PAGE).set_status_filter(self.status.clone());
        let page = request.set_next_token(self.token.take()).send().await;
        let page =
            page.map_err(|error| service_error(&format!("list the executions of {}", self.machine), &error))?;
        self.token = page.next_token;
        self.ended = self.token.is_none();
        Ok(Some(page.executions))
    }
}

/// Describes an execution; `None` if Step Functions does not know it.
pub(crate) async fn describe(step_functions: &Client, arn: &str) -> Result<Option<Execution>, StepError> {
    match step_functions.describe_execution().execution_arn(arn).send().await {
        Ok(described) => Ok(Some(Execution::of(&described))),
        Err(error)
            if error.as_service_error().is_some_and(|error| {
                error.is_execution_does_not_exist() || matches!(error, DescribeExecutionError::InvalidArn(_))
            }) =>
        {
            Ok(None)
        }
        Err(error) => Err(service_error(&format!("describe the execution {arn}"), &error)),
    }
}

/// Describes several executions in their order. One that is gone meanwhile is left out.
pub(crate) async fn describe_all(
    step_functions: &Client,
    arns: Vec<String>,
) -> Result<Vec<Execution>, StepError> {
    let described = stream::iter(arns).map(async |arn| describe(step_functions, &arn).await);
    let described: Vec<_> = described.buffered(AT_ONCE).try_collect().await?;
    Ok(described.into_iter().flatten().collect())
}

/// Adds the states that running executions are in. Who may not read histories sees only that they run.
pub(crate) async fn with_states(step_functions: &Client, executions: Vec<Execution>) -> Vec<Execution> {
    let with_state = async |mut one: Execution| {
        if one.outcome == Outcome::Running {
            one.state = last_state(step_functions, &one.arn).await.unwrap_or_default();
        }
        one
    };
    stream::iter(executions).map(with_state).buffered(AT_ONCE).collect().await
}

/// The state that an execution has entered last, by the end of its history.
async fn last_state(step_functions: &Client, arn: &str) -> Result<Option<String>, StepError> {
    let history = step_functions.get_execution_history().execution_arn(arn);
    let history = history.reverse_order(true).max_results(LAST_EVENTS).include_execution_data(false);
    let events = match history.send().await {
        Ok(history) => history.events,
        Err(error) => return Err(service_error(&format!("read the history of {arn}"), &error)),
    };
    let entered = events.iter().filter(|event| event.state_entered_event_details.is_some());
    let last = entered.max_by_key(|event| event.id);
    Ok(last.and_then(|event| event.state_entered_event_details.as_ref()).map(|details| details.name.clone()))
}

/// The execution with this name or ARN; otherwise up to three names that are near.
pub(crate) async fn by_name(
    step_functions: &Client,
    machine: &str,
    name: &str,
) -> Result<Result<Execution, Vec<String>>, StepError> {
    let arn = if name.starts_with("arn:") { Some(name.to_owned()) } else { execution_arn(machine, name) };
    if let Some(arn) = arn
        && let Some(execution) = describe(step_functions, &arn).await?
    {
        return Ok(Ok(execution));
    }
    let mut pages = Pages::new(step_functions, machine, None);
    let mut names = Vec::new();
    while names.len() < MOST_COMPARED
        && let Some(page) = pages.next().await?
    {
        names.extend(page.iter().map(|one| one.name().to_owned()));
    }
    let short = name.rsplit(':').next().unwrap_or(name);
    // Whoever remembers the beginning of a name has forgotten its hash.
    let begun = names.iter().filter(|known| known.starts_with(short)).take(3).cloned();
    let mut near: Vec<_> = begun.collect();
    if near.is_empty() {
        near = near_names(short, names.iter().map(String::as_str));
    }
    Ok(Err(near))
}

/// Prints that an execution is not known.
pub(crate) fn report_unknown(name: &str, machine: &str, near: &[String]) {
    let hint = match near {
        [] => "list the executions: seeder executions --all".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    eprintln!("error: {machine} has no execution {name}\nhint: {hint}");
}

/// The clean-ups of an execution that were started since a time, newest first. `seen` has those that are known to be
/// others.
pub(crate) async fn clean_ups(
    step_functions: &Client,
    machine: &str,
    of: &str,
    since_ms: i64,
    seen: &mut HashSet<String>,
) -> Result<Vec<Execution>, StepError> {
    let mut pages = Pages::new(step_functions, machine, None);
    let mut young = Vec::new();
    while young.len() < MOST_CLEAN_UPS
        && let Some(page) = pages.next().await?
    {
        let before = page.len();
        let is_young =
            |one: &ExecutionListItem| millis(Some(one.start_date())).is_some_and(|start| start >= since_ms);
        let arns: Vec<_> =
            page.iter().filter(|one| is_young(one)).map(|one| one.execution_arn().to_owned()).collect();
        let all = arns.len() == before;
        young.extend(arns);
        if !all {
            break;
        }
    }
    // The oldest come first: a clean-up starts right after the end of its execution.
    young.retain(|arn| arn != of && !seen.contains(arn));
    let skipped = young.len().saturating_sub(MOST_CLEAN_UPS);
    let found = describe_all(step_functions, young.split_off(skipped)).await?;
    let (found, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| one.clean_up_of.as_deref() == Some(of));
    seen.extend(others.into_iter().map(|other| other.arn));
    Ok(found)
}
