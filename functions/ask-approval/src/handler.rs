//! The step: keep the token with which a person approves. The state machine waits for it to come back.

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore};
use seeding::{
    StepError,
    steps::{ApprovalRequest, AskInput},
};

const MS_PER_HOUR: i64 = 60 * 60 * 1000;

/// Needs to write the reports bucket.
pub(crate) struct AskApproval {
    reports: ReportStore,
}

impl AskApproval {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self { reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?) })
    }
}

impl Step for AskApproval {
    type Input = AskInput;
    type Output = ();

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: AskInput, execution: Execution<'_>) -> Result<(), StepError> {
        let AskInput { token, hours } = input;
        let expires_at_ms = Timestamp::now().as_millisecond() + i64::from(hours) * MS_PER_HOUR;
        let request = ApprovalRequest { execution: execution.arn.to_owned(), token, expires_at_ms };
        self.reports.write(&execution.files().approval(), &request).await?;
        tracing::info!(hours, "waiting for approval");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use lambda::test_util::understands;

    use super::*;

    #[test]
    fn the_sample_event_is_understood() {
        understands::<AskApproval>(include_str!("../../../events/ask-approval.json"));
    }
}
