//! The step: write the journal of grants, then grant.

use jiff::Timestamp;
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, bucket_access::BucketAccess};
use seeding::{
    BackupLocation, Code, ErrorName, Finding, Seeding, StepError,
    grant::{BucketGrant, GrantJournal, RENEWAL_MS, Way, choose_way, grant_term_ms, objects_by_bucket},
    steps::{GrantOutput, NoInput},
};

/// The renewal time of a grant without an end, in milliseconds since 1970: later than any execution, and exact as a
/// JSON number.
const NEVER_MS: i64 = 1 << 51;

/// Needs to read and change the policies and ACLs of the backup buckets, and to read and write the reports bucket.
pub(crate) struct GrantAccess {
    s3: aws_sdk_s3::Client,
    reports: ReportStore,
    conversion_bucket: String,
    /// Whether statements expire.
    expires: bool,
}

impl GrantAccess {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        let expires = match required("GRANT_EXPIRY")?.as_str() {
            "enabled" => true,
            "disabled" => false,
            other => return Err(StepError::internal(format!("GRANT_EXPIRY is {other}"))),
        };
        let reports = ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?);
        Ok(Self { s3: clients.s3(), reports, conversion_bucket: required("CONVERSION_BUCKET")?, expires })
    }
}

impl Step for GrantAccess {
    type Input = NoInput;
    type Output = GrantOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, NoInput {}: NoInput, execution: Execution<'_>) -> Result<GrantOutput, StepError> {
        let seeding = execution.seeding().await?;
        let mut grants = Vec::new();
        for (bucket, objects) in objects_by_bucket(&seeding) {
            let way = self.way(&execution, &seeding, bucket).await?;
            let keys = objects.into_iter().map(|object| object.key).collect();
            grants.push(BucketGrant { bucket: bucket.to_owned(), way, keys });
        }
        // The journal comes first, so that whatever happens next, revoke-access knows what to revoke.
        let journal = GrantJournal { partition: seeding.partition.clone(), grants: grants.clone() };
        self.reports.write(&execution.files().grant(), &journal).await?;
        let now_ms = Timestamp::now().as_millisecond();
        let term_ms = grant_term_ms(seeding.target.options.deadline_minutes);
        let expires_at_ms = self.expires.then_some(now_ms + term_ms);
        let mut findings = Vec::new();
        for grant in &grants {
            findings.extend(self.grant(&execution, grant, expires_at_ms).await?);
            tracing::info!(bucket = grant.bucket, way = ?grant.way, objects = grant.keys.len(), "access granted");
        }
        let ends = grants.iter().any(|grant| grant.way == Way::Policy) && self.expires;
        let renew_at_ms = if ends { now_ms + term_ms - RENEWAL_MS } else { NEVER_MS };
        Ok(GrantOutput { grants, findings, renew_at_ms })
    }
}

impl GrantAccess {
    fn bucket<'a>(&'a self, execution: &'a Execution<'_>, bucket: &'a str) -> BucketAccess<'a> {
        let (execution, partition) = (&execution.identity, &execution.partition);
        BucketAccess { s3: &self.s3, reports: &self.reports, bucket, execution, partition }
    }

    async fn way(
        &self,
        execution: &Execution<'_>,
        seeding: &Seeding,
        bucket: &str,
    ) -> Result<Way, StepError> {
        // The conversion bucket is the stack's own: what a person has granted is about other buckets.
        let is_ours = self.conversion_bucket == bucket;
        let access = if is_ours { seeding::Access::Auto } else { seeding.target.options.access };
        // The ownership controls matter only if the request and the partition leave the choice open.
        let open = access == seeding::Access::Auto && seeding.partition.partition != "aws";
        let acls_enabled = open && self.bucket(execution, bucket).acls_enabled().await?;
        Ok(choose_way(access, &seeding.partition, acls_enabled))
    }

    async fn grant(
        &self,
        execution: &Execution<'_>,
        grant: &BucketGrant,
        expires_at_ms: Option<i64>,
    ) -> Result<Option<Finding>, StepError> {
        let bucket = self.bucket(execution, &grant.bucket);
        let objects: Vec<_> = grant
            .keys
            .iter()
            .map(|key| BackupLocation { bucket: grant.bucket.clone(), key: key.clone() })
            .collect();
        match grant.way {
            Way::Policy => bucket.grant_by_policy(&objects, expires_at_ms).await.map(|()| None),
            Way::Acl => {
                for object in &objects {
                    bucket.grant_by_acl(object).await?;
                }
                Ok(None)
            }
            Way::Existing => self.check_existing(&bucket, &objects).await,
        }
    }

    async fn check_existing(
        &self,
        bucket: &BucketAccess<'_>,
        objects: &[BackupLocation],
    ) -> Result<Option<Finding>, StepError> {
        let mut unseen = None;
        for object in objects {
            let by_policy = bucket.policy_lets_read(object).await?;
            if by_policy == Some(true) {
                continue;
            }
            let by_acl = bucket.acl_lets_read(object).await?;
            if by_acl == Some(true) {
                continue;
            }
            if by_policy.is_none() || by_acl.is_none() {
                let remedy = "make sure that the bucket's owner has granted ElastiCache access to the object";
                unseen.get_or_insert_with(|| Finding::new(Code::GrantNotChecked, remedy).about(object));
                continue;
            }
            let principal = bucket.partition.service_principal();
            return Err(StepError::new(
                ErrorName::GrantMissing,
                format!("no policy and no ACL allows {principal} to read {object}"),
                "add the statement of the ElastiCache user guide to the bucket policy, or use access: auto",
            ));
        }
        Ok(unseen)
    }
}

#[cfg(test)]
mod tests;
