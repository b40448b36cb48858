//! Waiting for a turn: the stack may limit the number of seedings at once.

use aws_sdk_sfn::types::{ExecutionListItem, ExecutionStatus};
use lambda::Execution;
use seeder_aws::service_error;
use seeding::{ErrorName, StepError, sweep::state_machine_arn};

use super::PrepareSeeding;

/// The most executions of one page, the maximum of Step Functions.
const PAGE_EXECUTIONS: i32 = 1_000;
/// The most pages. Step Functions allows a million running executions, far more than a useful queue.
const MAX_PAGES: usize = 20;

impl PrepareSeeding {
    /// Checks that fewer earlier executions are running than the stack allows. Waiting executions count as running, so
    /// the turns are in the order of the starts. Clean-ups count too, but never wait.
    pub(super) async fn is_its_turn(&self, execution: &Execution<'_>) -> Result<(), StepError> {
        let Some(most) = self.max_seedings else { return Ok(()) };
        let machine = state_machine_arn(execution.arn)
            .ok_or_else(|| StepError::internal(format!("{} is no execution", execution.arn)))?;
        let listing = self.step_functions.list_executions().state_machine_arn(machine);
        let listing = listing.status_filter(ExecutionStatus::Running).max_results(PAGE_EXECUTIONS);
        let mut pages = listing.into_paginator().send();
        let mut running = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else { break };
            let page = page.map_err(|error| service_error("list the running executions", &error))?;
            running.extend(page.executions().iter().map(start));
        }
        // If the list does not have this execution yet, it still has the earlier ones.
        let own = running.iter().find(|(_, arn)| arn == execution.arn).cloned();
        let earlier = running.iter().filter(|one| own.as_ref().is_none_or(|own| *one < own)).count();
        if earlier < usize::try_from(most).unwrap_or(usize::MAX) {
            return Ok(());
        }
        Err(StepError::new(
            ErrorName::TooManySeedings,
            format!("{earlier} seedings that began earlier are running, MaxSeedingsAtOnce is {most}"),
            "it is retried automatically until it is this seeding's turn",
        ))
    }
}

/// The order of executions: by the time of the start, then by the ARN.
fn start(execution: &ExecutionListItem) -> (i64, String) {
    let started_at_ms = execution.start_date().to_millis().unwrap_or(i64::MAX);
    (started_at_ms, execution.execution_arn().to_owned())
}
