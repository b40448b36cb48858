//! The function that a schedule calls. It deletes and revokes nothing itself.

use jiff::Timestamp;
use lambda::{Handler, Invocation, required};
use seeder_aws::{Clients, sweep::Sweep};
use seeding::{StepError, steps::NoInput, sweep::Decision};
use serde::Serialize;

/// Needs to list the reports bucket, `states:DescribeExecution` on the machine's executions and
/// `states:StartExecution` on the machine.
pub(crate) struct SweepHandler {
    sweep: Sweep,
}

/// The outcome of a sweep.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Output {
    /// The clean-ups that were started, now or earlier on this day.
    started: Vec<Started>,
    /// The other executions with open journals.
    left: Vec<Left>,
    /// Whether these are all.
    complete: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    execution: String,
    clean_up: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    execution: String,
    decision: Decision,
}

impl SweepHandler {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        let sweep = Sweep::new(clients, required("REPORTS_BUCKET")?, required("STATE_MACHINE_ARN")?);
        Ok(Self { sweep })
    }
}

impl Handler for SweepHandler {
    type Input = NoInput;
    type Output = Output;

    async fn handle(&self, NoInput {}: NoInput, _: Invocation) -> Result<Output, StepError> {
        let swept = self.sweep.run(Timestamp::now(), false).await?;
        let (mut started, mut left) = (Vec::new(), Vec::new());
        let mut failed = None;
        for one in swept.executions {
            let execution = one.name;
            match (one.decision, one.clean_up) {
                (Ok(Decision::CleanUp), Some(clean_up)) => started.push(Started { execution, clean_up }),
                (Ok(decision), _) => left.push(Left { execution, decision }),
                // Only the first error is returned; the log has each.
                (Err(error), _) => drop(failed.get_or_insert(error)),
            }
        }
        // An error of one is an error of the function, so that an alarm reports it.
        failed.map_or(Ok(Output { started, left, complete: swept.complete }), Err)
    }
}

#[cfg(test)]
mod tests;
