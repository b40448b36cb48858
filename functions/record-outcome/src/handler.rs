//! The step: store how a seeding ended, and say what the state machine tells about it.

mod metrics;

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use report::{End, Sources, page};
use seeder_aws::{Clients, ReportStore};
use seeding::{
    ClusterKind, ExecutionFiles, Seeding, StepError,
    handover::HandOver,
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
        if let Some(seeding) = seeding.as_ref().filter(|_| kind == Ending::Succeeded) {
            self.hand_over(seeding, &outcome, &execution).await;
        }
        let now_ms = Timestamp::now().as_millisecond();
        if let Err(error) = self.complete_page(&execution, seeding.as_ref(), &input, &outcome, now_ms).await {
            tracing::warn!(message = error.message, "the page does not show how it ended");
        }
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

impl RecordOutcome {
    /// Writes the cluster for Terraform. Without it, the seeding is as good.
    async fn hand_over(&self, seeding: &Seeding, outcome: &Outcome, execution: &Execution<'_>) {
        // Terraform reads cache clusters and serverless caches as other resources, which this file is not about.
        let of = outcome.cluster.as_ref().filter(|cluster| cluster.kind == ClusterKind::ReplicationGroup);
        let Some(cluster) = of else { return };
        let file = HandOver::of(seeding, &execution.identity, cluster);
        if let Err(error) = self.reports.write_handover(&execution.files().handover(), &file).await {
            tracing::warn!(message = error.message, "no file for Terraform");
        }
    }

    /// Adds to the page how the seeding ended, if there is a page. The outcome does not depend on it.
    async fn complete_page(
        &self,
        execution: &Execution<'_>,
        seeding: Option<&Seeding>,
        input: &RecordInput,
        outcome: &Outcome,
        now_ms: i64,
    ) -> Result<(), StepError> {
        let files = ExecutionFiles::of(execution.name);
        if outcome.report.is_empty() {
            return Ok(());
        }
        let Some(assessment) = self.reports.read(&files.report()).await? else { return Ok(()) };
        let read_at_ms = seeding.map_or(0, |seeding| seeding.target.looked_at_ms.cast_signed());
        let end = End {
            outcome,
            started_at_ms: input.started_at_ms,
            decided_at_ms: input.decided_at_ms,
            created_at_ms: input.created_at_ms,
            ended_at_ms: now_ms,
            events: &input.events,
        };
        let sources = Sources { end: Some(end), ..Sources::of(execution.name, read_at_ms, &assessment) };
        self.reports.write_page(&files.page(), page(&sources).map_err(StepError::internal)?).await
    }
}

#[cfg(test)]
mod tests {
    use lambda::test_util::understands;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_sample_event_is_understood() {
        understands::<RecordOutcome>(include_str!("../../../events/record-outcome.json"));
    }

    /// What a subscriber builds on: the samples have every member that the code announces, and no other.
    #[test]
    fn every_ending_has_a_sample_of_its_event() {
        for kind in Ending::ALL {
            let name = kind.detail_type().to_lowercase().replace(' ', "-");
            let path = format!("{}/../../events/{name}-event.json", env!("CARGO_MANIFEST_DIR"));
            let sample: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let detail: Outcome = serde_json::from_value(sample["detail"].clone()).unwrap();
            assert_eq!(serde_json::to_value(&detail).unwrap(), sample["detail"], "{path}");
            assert_eq!(detail.plan.is_some(), kind.names_plan(), "{path}");
        }
    }
}
