//! Edits a bucket's permissions, one edit at a time.
//!
//! S3 replaces a bucket policy as a whole and has no compare-and-set for it, so two seedings that edit the same bucket
//! at once could undo each other's edit. Each edit therefore holds a lease: an object that only one of them can create.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    types::{AccessControlPolicy, Grant, Grantee, ObjectOwnership, Permission, Type},
};
use jiff::Timestamp;
use seeding::{
    BackupLocation, ErrorName, Identity, Partition, StepError,
    grant::ACL_PERMISSIONS,
    policy::{
        Asker, Context, Document, PolicyError, Question, Statement, {self},
    },
};

use crate::{
    ReportStore, error_code,
    lease::{Lease, PATIENCE},
    objects::look_at_acl,
    service_error,
};

/// The time within which an edit that another stack has begun ends: from its reading of the policy to its writing.
const OVERLAP: Duration = Duration::from_millis(1_500);

/// A bucket of one account, with the execution for which its permissions are edited.
#[derive(Debug)]
pub struct BucketAccess<'a> {
    /// The S3 client.
    pub s3: &'a Client,
    /// The store of the lease.
    pub reports: &'a ReportStore,
    /// The bucket.
    pub bucket: &'a str,
    /// The execution.
    pub execution: &'a Identity,
    /// The partition, region and account of the execution.
    pub partition: &'a Partition,
}

impl BucketAccess<'_> {
    /// Whether ACLs are in effect for this bucket's objects.
    pub async fn acls_enabled(&self) -> Result<bool, StepError> {
        let asked =
            self.s3.get_bucket_ownership_controls().bucket(self.bucket).expected_bucket_owner(self.owner());
        match asked.send().await {
            Ok(answer) => Ok(answer.ownership_controls().is_none_or(|controls| {
                controls
                    .rules()
                    .iter()
                    .all(|rule| rule.object_ownership() != &ObjectOwnership::BucketOwnerEnforced)
            })),
            // Buckets from before 2021 may have no ownership controls; their ACLs are in effect.
            Err(error) if error_code(&error) == Some("OwnershipControlsNotFoundError") => Ok(true),
            Err(error) => {
                Err(service_error(&format!("read the ownership controls of {}", self.bucket), &error))
            }
        }
    }

    /// Adds the statement for these objects to the bucket policy, or renews it. It expires at `expires_at_ms`.
    pub async fn grant_by_policy(
        &self,
        backups: &[BackupLocation],
        expires_at_ms: Option<i64>,
    ) -> Result<(), StepError> {
        let principal = self.partition.service_principal();
        let statement = Statement {
            execution: self.execution,
            service_principal: &principal,
            partition: &self.partition.partition,
            backups,
            expires_at_ms,
        };
        let policy = self
            .lease()
            .hold(async {
                self.is_still_wanted().await?;
                let before = self.policy().await?;
                let after = statement.add_to(before.as_deref()).map_err(|error| {
                    match (&error, before.as_deref()) {
                        (PolicyError::Full { .. }, Some(policy))
                            if policy::has_others(policy, self.execution) =>
                        {
                            self.crowded(&error)
                        }
                        _ => self.policy_error(&error),
                    }
                })?;
                if before.as_deref() == Some(after.as_str()) {
                    return Ok(None);
                }
                self.put_policy(Some(after)).await?;
                self.read_back(true).await.map(Some)
            })
            .await?;
        self.outlasts_other_stacks(policy, true).await
    }

    /// Removes the statement, and the policy if nothing else is in it.
    pub async fn revoke_policy(&self) -> Result<(), StepError> {
        let policy = self
            .lease()
            .hold(async {
                let before = match self.policy().await {
                    Ok(Some(before)) => before,
                    Ok(None) => return Ok(None),
                    // The policy was deleted with the bucket.
                    Err(error) if error.name == ErrorName::BackupGone => return Ok(None),
                    Err(error) => return Err(error),
                };
                let after =
                    policy::remove(&before, self.execution).map_err(|error| self.policy_error(&error))?;
                if after.as_deref() == Some(before.as_str()) {
                    return Ok(None);
                }
                self.put_policy(after).await?;
                self.read_back(false).await?;
                Ok(Some(before))
            })
            .await?;
        self.outlasts_other_stacks(policy, false).await
    }

    /// Returns the policy if the statement is there, or is not, as it was written.
    async fn read_back(&self, granted: bool) -> Result<String, StepError> {
        let now = self.policy().await?.unwrap_or_default();
        if policy::has(&now, self.execution) == granted { Ok(now) } else { Err(self.overwritten()) }
    }

    /// Reads the policy back once more if an edited policy has statements of other seedings. A seeding of another stack
    /// does not know this stack's lease: it may have read the policy before this edit and write it after.
    async fn outlasts_other_stacks(&self, edited: Option<String>, granted: bool) -> Result<(), StepError> {
        if !edited.is_some_and(|policy| policy::has_others(&policy, self.execution)) {
            return Ok(());
        }
        tokio::time::sleep(OVERLAP).await;
        self.read_back(granted).await.map(|_| ())
    }

    /// Whether the policy allows ElastiCache to read the object; `None` if the policy is not readable.
    pub async fn policy_lets_read(&self, location: &BackupLocation) -> Result<Option<bool>, StepError> {
        match self.policy().await {
            Ok(None) => Ok(Some(false)),
            Ok(Some(text)) => {
                let (arn, principal) =
                    (location.arn(&self.partition.partition), self.partition.service_principal());
                let asker = Asker::Service(&principal);
                let question = Question { asker, action: "s3:GetObject", resource: &arn };
                let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
                let context = Context { account: &self.partition.account, now_ms };
                Ok(Document::parse(&text).ok().map(|document| document.lets(&question, &context)))
            }
            Err(error) if error.name == ErrorName::AccessDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Grants ElastiCache's canonical user to read the object and its ACL.
    pub async fn grant_by_acl(&self, location: &BackupLocation) -> Result<(), StepError> {
        self.lease()
            .hold(async {
                self.is_still_wanted().await?;
                let (owner, grants) = self.acl(location).await?;
                let key = seeding::ExecutionFiles::acl_holders(location);
                let mut holders = self.reports.read(&key).await?.unwrap_or_default();
                if holders.executions.is_empty() {
                    let theirs = grants.iter().filter(|grant| self.is_elasticache(grant));
                    holders.had =
                        theirs.filter_map(|grant| Some(grant.permission()?.as_str().to_owned())).collect();
                }
                holders.executions.insert(self.execution.name().to_owned());
                self.reports.write(&key, &holders).await?;
                let wanted =
                    ACL_PERMISSIONS.iter().map(|name| (*name).to_owned()).chain(holders.had.iter().cloned());
                self.put_acl(location, owner, grants, wanted.collect()).await
            })
            .await
    }

    /// Revokes the ACL grants, unless another seeding of the object still needs them. ElastiCache keeps the permissions
    /// that it had before the first seeding.
    pub async fn revoke_acl(&self, location: &BackupLocation) -> Result<(), StepError> {
        self.lease()
            .hold(async {
                let key = seeding::ExecutionFiles::acl_holders(location);
                let Some(mut holders) = self.reports.read(&key).await? else { return Ok(()) };
                holders.executions.remove(self.execution.name());
                if !holders.executions.is_empty() {
                    return self.reports.write(&key, &holders).await.map(|_| ());
                }
                match self.acl(location).await {
                    Ok((owner, grants)) => self.put_acl(location, owner, grants, holders.had).await?,
                    // The ACL was deleted with the object.
                    Err(error) if error.name == ErrorName::BackupGone => {}
                    Err(error) => return Err(error),
                }
                self.reports.delete(&key).await
            })
            .await
    }

    /// Whether the object's ACL allows ElastiCache to read it; `None` if the ACL is not readable.
    pub async fn acl_lets_read(&self, location: &BackupLocation) -> Result<Option<bool>, StepError> {
        look_at_acl(self.s3, location, self.partition, Some(self.owner())).await
    }

    fn lease(&self) -> Lease<'_> {
        let (reports, bucket, execution) = (self.reports, self.bucket, self.execution.name());
        Lease { reports, bucket, execution, patience: PATIENCE }
    }

    /// Fails if the execution's access is revoked already: a grant made after the execution's end would stay for ever.
    /// That can happen if the execution is stopped while the granting function runs, so revoking writes a mark before
    /// it reads what was granted.
    async fn is_still_wanted(&self) -> Result<(), StepError> {
        let mark = seeding::ExecutionFiles::of(self.execution.name()).revoked();
        if self.reports.read(&mark).await?.is_none() {
            return Ok(());
        }
        let message = format!("the access for {} is revoked already", self.execution.name());
        Err(StepError::new(ErrorName::SeedingEnded, message, "start a new seeding"))
    }

    async fn policy(&self) -> Result<Option<String>, StepError> {
        let asked =
            self.s3.get_bucket_policy().bucket(self.bucket).expected_bucket_owner(self.owner()).send().await;
        match asked {
            Ok(answer) => Ok(answer.policy),
            Err(error) if error_code(&error) == Some("NoSuchBucketPolicy") => Ok(None),
            Err(error) => Err(service_error(&format!("read the policy of {}", self.bucket), &error)),
        }
    }

    async fn put_policy(&self, text: Option<String>) -> Result<(), StepError> {
        let doing = format!("change the policy of {}", self.bucket);
        let Some(text) = text else {
            let deletion =
                self.s3.delete_bucket_policy().bucket(self.bucket).expected_bucket_owner(self.owner());
            return deletion.send().await.map(|_| ()).map_err(|error| service_error(&doing, &error));
        };
        let put =
            self.s3.put_bucket_policy().bucket(self.bucket).policy(text).expected_bucket_owner(self.owner());
        put.send().await.map(|_| ()).map_err(|error| match error_code(&error) {
            Some("MalformedPolicy") => refused(&service_error(&doing, &error)),
            _ => service_error(&doing, &error),
        })
    }

    async fn acl(
        &self,
        location: &BackupLocation,
    ) -> Result<(Option<aws_sdk_s3::types::Owner>, Vec<Grant>), StepError> {
        let asked = self.s3.get_object_acl().bucket(self.bucket).key(&location.key);
        let answer = asked
            .expected_bucket_owner(self.owner())
            .send()
            .await
            .map_err(|error| service_error(&format!("read the ACL of {location}"), &error))?;
        Ok((answer.owner, answer.grants.unwrap_or_default()))
    }

    /// Writes the ACL with exactly these permissions for ElastiCache; all other grants stay.
    async fn put_acl(
        &self,
        location: &BackupLocation,
        owner: Option<aws_sdk_s3::types::Owner>,
        grants: Vec<Grant>,
        wanted: std::collections::BTreeSet<String>,
    ) -> Result<(), StepError> {
        let doing = format!("change the ACL of {location}");
        let has: std::collections::BTreeSet<_> = grants
            .iter()
            .filter(|grant| self.is_elasticache(grant))
            .filter_map(|grant| Some(grant.permission()?.as_str().to_owned()))
            .collect();
        if has == wanted {
            return Ok(());
        }
        let canonical_id = self.canonical_id()?;
        let mut grants: Vec<_> = grants.into_iter().filter(|grant| !self.is_elasticache(grant)).collect();
        for permission in &wanted {
            let grantee = Grantee::builder().r#type(Type::CanonicalUser).id(canonical_id).build();
            let grantee = grantee.map_err(StepError::internal)?;
            let permission = Permission::from(permission.as_str());
            grants.push(Grant::builder().grantee(grantee).permission(permission).build());
        }
        let acl = AccessControlPolicy::builder().set_owner(owner).set_grants(Some(grants)).build();
        let put = self.s3.put_object_acl().bucket(self.bucket).key(&location.key).access_control_policy(acl);
        match put.expected_bucket_owner(self.owner()).send().await {
            Ok(_) => Ok(()),
            Err(error) if error_code(&error) == Some("AccessControlListNotSupported") => {
                Err(refused(&service_error(&doing, &error)))
            }
            Err(error) => Err(service_error(&doing, &error)),
        }
    }

    fn is_elasticache(&self, grant: &Grant) -> bool {
        let id = grant.grantee().and_then(Grantee::id);
        id.is_some() && id == self.partition.canonical_id()
    }

    fn canonical_id(&self) -> Result<&'static str, StepError> {
        self.partition.canonical_id().ok_or_else(|| {
            StepError::new(
                ErrorName::GrantRefused,
                format!("no canonical user of ElastiCache is known for {}", self.partition.region),
                "use the bucket policy (access: policy)",
            )
        })
    }

    fn owner(&self) -> &str {
        &self.partition.account
    }

    /// The lease serializes seedings of this stack only. Other stacks and people write the policy without it.
    fn overwritten(&self) -> StepError {
        let message =
            format!("the policy of {} was overwritten by somebody else at the same moment", self.bucket);
        StepError::new(ErrorName::GrantBusy, message, "it is retried automatically")
    }

    fn crowded(&self, error: &PolicyError) -> StepError {
        let hint = "it is retried automatically; drop fewer files at once, or seed from several buckets";
        StepError::new(ErrorName::PolicyCrowded, format!("{}: {error}", self.bucket), hint)
    }

    fn policy_error(&self, error: &PolicyError) -> StepError {
        let message = format!("{}: {error}", self.bucket);
        match error {
            PolicyError::Full { .. } => {
                let hint = "shorten the bucket policy, or upload the backup to the stack's own bucket";
                StepError::new(ErrorName::PolicyFull, message, hint)
            }
            PolicyError::Malformed(_) => StepError::new(
                ErrorName::GrantRefused,
                message,
                "grant access yourself and use access: existing, or upload the backup to the stack's own bucket",
            ),
        }
    }
}

fn refused(error: &StepError) -> StepError {
    StepError::new(
        ErrorName::GrantRefused,
        error.message.clone(),
        "use access: policy for a bucket whose owner is enforced, or grant access yourself and use access: existing",
    )
}
