//! The step: store how a seeding ended, and say what the state machine tells about it.

mod metrics;

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore};
use seeding::{
    ExecutionFiles, StepError,
    outcome::{Announcement, Ending, Outcome, words},
    steps::RecordInput,
};

/// Needs to read and write the reports bucket.
pub(crate) struct RecordOutcome {
    reports: ReportStore,
    stack: String,
}

impl RecordOutcome {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        let reports = ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?);
        Ok(Self { reports, stack: required("STACK_NAME")? })
    }
}

impl Step for RecordOutcome {
    type Input = RecordInput;
    type Output = Announcement;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: RecordInput, execution: Execution<'_>) -> Result<Announcement, StepError> {
        let key = ExecutionFiles::of(execution.name).outcome();
        let earlier = if input.clean_up { self.reports.read(&key).await? } else { None };
        let Some((outcome, kind)) = Outcome::of(&input, execution.name, earlier) else {
            tracing::info!("the outcome is announced already");
            return Ok(Announcement::nothing());
        };
        if kind != Ending::Awaiting {
            self.reports.write(&key, &outcome).await?;
        }
        let seeding = self.reports.read(&execution.files().seeding()).await?;
        let now_ms = Timestamp::now().as_millisecond();
        println!("{}", metrics::of(&self.stack, &input, kind, seeding.as_ref(), now_ms));
        tracing::info!(outcome = ?outcome.outcome, tells = kind.detail_type(), "recorded");
        let (subject, message) = words(&outcome, kind, &execution.partition, execution.arn);
        Ok(Announcement {
            announce: true,
            detail_type: kind.detail_type(),
            detail: Some(outcome),
            subject,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use lambda::test_util::understands;

    use super::*;

    #[test]
    fn the_sample_event_is_understood() {
        understands::<RecordOutcome>(include_str!("../../../events/record-outcome.json"));
    }
}
