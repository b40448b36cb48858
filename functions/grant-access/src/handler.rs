//! The step: write the journal of grants, then grant.

use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, bucket_access::BucketAccess};
use seeding::{
    BackupLocation, Code, ErrorName, Finding, Seeding, StepError,
    grant::{BucketGrant, GrantJournal, Way, choose_way, objects_by_bucket},
    steps::{GrantOutput, NoInput},
};

/// Needs to read and change the policies and ACLs of the backup buckets, and to read and write the reports bucket.
pub(crate) struct GrantAccess {
    s3: aws_sdk_s3::Client,
    reports: ReportStore,
}

impl GrantAccess {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self { s3: clients.s3(), reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?) })
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
            let way = self.way(&seeding, bucket).await?;
            let keys = objects.into_iter().map(|object| object.key).collect();
            grants.push(BucketGrant { bucket: bucket.to_owned(), way, keys });
        }
        // The journal comes first, so that whatever happens next, revoke-access knows what to revoke.
        let journal = GrantJournal { partition: seeding.partition.clone(), grants: grants.clone() };
        self.reports.write(&execution.files().grant(), &journal).await?;
        let mut findings = Vec::new();
        for grant in &grants {
            findings.extend(self.grant(&seeding, grant).await?);
            tracing::info!(bucket = grant.bucket, way = ?grant.way, objects = grant.keys.len(), "access granted");
        }
        Ok(GrantOutput { grants, findings })
    }
}

impl GrantAccess {
    fn bucket<'a>(&'a self, seeding: &'a Seeding, bucket: &'a str) -> BucketAccess<'a> {
        let (execution, partition) = (seeding.execution.as_str(), &seeding.partition);
        BucketAccess { s3: &self.s3, reports: &self.reports, bucket, execution, partition }
    }

    async fn way(&self, seeding: &Seeding, bucket: &str) -> Result<Way, StepError> {
        let access = seeding.target.options.access;
        // The ownership controls matter only if the request and the partition leave the choice open.
        let open = access == seeding::Access::Auto && seeding.partition.partition != "aws";
        let acls_enabled = open && self.bucket(seeding, bucket).acls_enabled().await?;
        Ok(choose_way(access, &seeding.partition, acls_enabled))
    }

    async fn grant(&self, seeding: &Seeding, grant: &BucketGrant) -> Result<Option<Finding>, StepError> {
        let bucket = self.bucket(seeding, &grant.bucket);
        let objects: Vec<_> = grant
            .keys
            .iter()
            .map(|key| BackupLocation { bucket: grant.bucket.clone(), key: key.clone() })
            .collect();
        match grant.way {
            Way::Policy => bucket.grant_by_policy(&objects).await.map(|()| None),
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
