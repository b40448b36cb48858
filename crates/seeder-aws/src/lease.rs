//! The lease: the right to edit a bucket's permissions, an object in the reports bucket that only one execution can
//! create.

use std::time::Duration;

use jiff::Timestamp;
use seeding::{ErrorName, FileKey, StepError, grant::LeaseHolder};

use crate::ReportStore;

/// The lifetime of a lease, in milliseconds. It is longer than any edit, so a lease expires only if its holder dies.
const LEASE_MS: i64 = 40_000;
/// The time limit of an edit. It is shorter than the lease, so that every edit holds one.
const EDIT: Duration = Duration::from_secs(30);
/// The time to wait for another execution's lease before the step fails and is retried.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two attempts to acquire a lease.
const PAUSE: Duration = Duration::from_millis(150);

/// A lease on one bucket for one execution.
pub(crate) struct Lease<'a> {
    /// The store of the lease.
    pub(crate) reports: &'a ReportStore,
    /// The bucket whose permissions are edited.
    pub(crate) bucket: &'a str,
    /// The execution's name.
    pub(crate) execution: &'a str,
    /// The time to wait for another execution's lease.
    pub(crate) patience: Duration,
}

impl Lease<'_> {
    /// Runs an edit of this bucket's permissions while no other execution can.
    pub(crate) async fn hold<T>(
        &self,
        edit: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let key = seeding::ExecutionFiles::lease(self.bucket);
        self.acquire(&key).await?;
        let result = tokio::time::timeout(EDIT, edit).await.unwrap_or_else(|_| {
            let message = format!("failed to change the permissions of {} within {EDIT:?}", self.bucket);
            Err(StepError::new(ErrorName::ServiceBusy, message, "it is retried automatically"))
        });
        // A lease that cannot be released expires by itself.
        if let Err(error) = self.reports.delete(&key).await {
            tracing::warn!(message = error.message, "the lease could not be released");
        }
        result
    }

    async fn acquire(&self, key: &FileKey<LeaseHolder>) -> Result<(), StepError> {
        let started = tokio::time::Instant::now();
        loop {
            let now_ms = Timestamp::now().as_millisecond();
            let mine = LeaseHolder { holder: self.execution.to_owned(), expires_ms: now_ms + LEASE_MS };
            if self.reports.create(key, &mine).await? {
                return Ok(());
            }
            let held = self.reports.read_versioned(key).await?;
            if held.as_ref().is_some_and(|held| held.value == mine) {
                // This lease: the answer to the first request was lost, and the SDK sent it again.
                return Ok(());
            }
            let holder = held.as_ref().map(|held| held.value.holder.clone()).unwrap_or_default();
            if let Some(held) = held
                && held.value.expires_ms < now_ms
                && self.reports.replace(key, &held.etag, &mine).await?
            {
                tracing::warn!(holder, "took over an expired lease");
                return Ok(());
            }
            if started.elapsed() >= self.patience {
                return Err(StepError::new(
                    ErrorName::GrantBusy,
                    format!(
                        "{holder} has been changing the permissions of {} for {:?}",
                        self.bucket, self.patience
                    ),
                    "it is retried automatically",
                ));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(all(test, feature = "test-util"))]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_util::{json as answer, s3_error, script};

    #[tokio::test]
    async fn who_cannot_have_the_lease_says_who_holds_it_and_does_not_edit() {
        let held = answer(json!({"holder": "orders-0", "expiresMs": i64::MAX})).header("etag", "\"lease\"");
        let wire = script()
            .on(
                "PUT reports.s3/grants/backups/lease.json if-none-match: *",
                s3_error(412, "PreconditionFailed"),
            )
            .on("GET reports.s3/grants/backups/lease.json", held);
        let reports = ReportStore::new(wire.clients().s3(), "reports".into());
        let lease =
            Lease { reports: &reports, bucket: "backups", execution: "orders-1", patience: Duration::ZERO };
        let error = lease.hold::<()>(async { panic!("edits without a lease") }).await.unwrap_err();
        wire.done();
        assert_eq!(error.name, ErrorName::GrantBusy);
        assert!(
            error.message.starts_with("orders-0 has been changing the permissions of backups"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn of_two_that_take_over_a_dead_lease_only_one_edits() {
        let dead = answer(json!({"holder": "orders-0", "expiresMs": 1})).header("etag", "\"lease\"");
        let wire = script()
            .on(
                "PUT reports.s3/grants/backups/lease.json if-none-match: *",
                s3_error(412, "PreconditionFailed"),
            )
            .on("GET reports.s3/grants/backups/lease.json", dead)
            .on(
                "PUT reports.s3/grants/backups/lease.json if-match: \"lease\"",
                s3_error(412, "PreconditionFailed"),
            );
        let reports = ReportStore::new(wire.clients().s3(), "reports".into());
        let lease =
            Lease { reports: &reports, bucket: "backups", execution: "orders-1", patience: Duration::ZERO };
        let error = lease.hold::<()>(async { panic!("edits without a lease") }).await.unwrap_err();
        wire.done();
        assert_eq!(error.name, ErrorName::GrantBusy);
    }
}
