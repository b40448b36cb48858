//! The step: read the journal of grants, and revoke them. Delete what was converted.

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, bucket_access::BucketAccess, conversion::ConversionBucket};
use seeding::{
    BackupLocation, StepError, conversion,
    grant::{Revocation, Way},
    steps::{NoInput, RevokeOutput},
};

/// Needs to read and change the policies and ACLs of the backup buckets, to read and write the reports bucket, and to
/// list and delete in the conversion bucket.
pub(crate) struct RevokeAccess {
    s3: aws_sdk_s3::Client,
    reports: ReportStore,
}

impl RevokeAccess {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self { s3: clients.s3(), reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?) })
    }
}

impl Step for RevokeAccess {
    type Input = NoInput;
    type Output = RevokeOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, NoInput {}: NoInput, execution: Execution<'_>) -> Result<RevokeOutput, StepError> {
        // The mark comes first: a grant in flight is either in the journal already, or sees the mark.
        let at_ms = Timestamp::now().as_millisecond();
        self.reports.write(&execution.files().revoked(), &Revocation { at_ms }).await?;
        let revoked = self.revoke(&execution).await?;
        self.delete_converted(&execution).await?;
        Ok(RevokeOutput { revoked })
    }
}

impl RevokeAccess {
    /// Revokes what the journal has. Returns the buckets.
    async fn revoke(&self, execution: &Execution<'_>) -> Result<Vec<String>, StepError> {
        let key = execution.files().grant();
        let Some(journal) = self.reports.read(&key).await? else {
            tracing::info!("nothing was granted");
            return Ok(Vec::new());
        };
        let mut revoked = Vec::new();
        for grant in journal.grants {
            let bucket = BucketAccess {
                s3: &self.s3,
                reports: &self.reports,
                bucket: &grant.bucket,
                execution: &execution.identity,
                partition: &journal.partition,
            };
            match grant.way {
                Way::Policy => bucket.revoke_policy().await?,
                Way::Acl => {
                    for key in grant.keys {
                        bucket.revoke_acl(&BackupLocation { bucket: grant.bucket.clone(), key }).await?;
                    }
                }
                Way::Existing => continue,
            }
            tracing::info!(bucket = grant.bucket, way = ?grant.way, "access revoked");
            revoked.push(grant.bucket);
        }
        self.reports.delete(&key).await?;
        Ok(revoked)
    }

    /// Deletes the converted backups of the execution, and aborts their uploads.
    async fn delete_converted(&self, execution: &Execution<'_>) -> Result<(), StepError> {
        let key = execution.files().converting();
        let Some(journal) = self.reports.read(&key).await? else { return Ok(()) };
        let account = execution.partition.account.clone();
        let bucket = ConversionBucket::new(self.s3.clone(), journal.bucket, account);
        bucket.delete_all(&conversion::prefix(execution.identity.hash())).await?;
        tracing::info!("converted backups deleted");
        self.reports.delete(&key).await
    }
}

#[cfg(test)]
mod tests;
