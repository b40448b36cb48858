//! Checks of the backups: whether ElastiCache can read them, and whether they begin like RDB files.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seeder_aws::{
    keys::look_at_key,
    objects::{look_at_acl, look_at_bucket, look_at_object, look_at_policy, read_prefix},
};
use seeding::{
    Access, Backup, BackupLocation, Finding, Partition, Resolved, StepError, dns_compliant_bucket_name,
    objects::{
        BucketLook, HEADER_BYTES, ObjectLook, ObjectView, bucket_findings, header_findings, header_of,
        object_findings,
    },
    policy::{KeyLook, Needs, PolicyLook, key_finding, policy_findings, ungranted_finding},
};

use super::PrepareSeeding;

impl PrepareSeeding {
    /// Checks the backups. Returns those that are readable, and the findings about any of them.
    pub(super) async fn look_at_backups(
        &self,
        resolved: &Resolved,
        partition: &Partition,
    ) -> Result<(Vec<Backup>, Vec<Finding>), StepError> {
        // Only `existing` access may name a bucket of another account.
        let owner = (resolved.options.access != Access::Existing).then_some(partition.account.as_str());
        let mut findings = Vec::new();
        let mut reachable = BTreeSet::new();
        let buckets: BTreeSet<_> = resolved.backups.iter().map(|location| location.bucket.as_str()).collect();
        for bucket in buckets {
            let allowed = self.backup_buckets.iter().any(|name| name == bucket);
            // A bucket that is not allowed is not read at all, and S3 accepts no request with an invalid bucket name.
            let look = if allowed && dns_compliant_bucket_name(bucket) {
                Some(look_at_bucket(&self.s3, bucket, owner).await?)
            } else {
                None
            };
            findings.extend(bucket_findings(bucket, &self.backup_buckets, look.as_ref(), &partition.region));
            let forbidden = matches!(look, Some(BucketLook::Forbidden));
            if matches!(look, Some(BucketLook::Region(region)) if region == partition.region) {
                reachable.insert(bucket);
            } else if !forbidden {
                continue;
            }
            findings.extend(self.look_at_access(resolved, partition, bucket, forbidden).await?);
        }
        let mut backups = Vec::new();
        let mut keys = BTreeMap::new();
        for location in
            resolved.backups.iter().filter(|location| reachable.contains(location.bucket.as_str()))
        {
            let look = look_at_object(&self.s3, location, owner).await?;
            let mut found = object_findings(location, &look);
            if let ObjectLook::Found(view) = &look {
                found.extend(self.look_at_key(&mut keys, location, view, partition).await?);
            }
            let readable = !found.iter().any(|finding| finding.forbids(&resolved.options.allow));
            findings.extend(found);
            if let (true, ObjectLook::Found(view)) = (readable, look) {
                let mut backup = Backup {
                    location: location.clone(),
                    size_bytes: view.size_bytes,
                    etag: view.etag,
                    kms_key_id: view.kms_key_id,
                    known_inspection: None,
                    converted_from: None,
                    header: None,
                };
                findings.extend(self.look_at_header(&mut backup, location, resolved).await?);
                backups.push(backup);
            }
        }
        Ok((backups, findings))
    }

    /// Checks the bucket policy against the needs of the seeding. If the bucket itself is `forbidden`, the policy may
    /// explain why.
    async fn look_at_access(
        &self,
        resolved: &Resolved,
        partition: &Partition,
        bucket: &str,
        forbidden: bool,
    ) -> Result<Vec<Finding>, StepError> {
        let access = resolved.options.access;
        let owner = (access != Access::Existing).then_some(partition.account.as_str());
        let look = look_at_policy(&self.s3, bucket, owner).await?;
        if forbidden && look == PolicyLook::Forbidden {
            return Ok(Vec::new());
        }
        let backups: Vec<_> =
            resolved.backups.iter().filter(|location| location.bucket == bucket).cloned().collect();
        let (roles, backups, now_ms) = (&self.roles, &backups[..], now_ms());
        let dry_run = resolved.options.dry_run;
        let needs = Needs { partition, access, bucket, backups, dry_run, roles, now_ms };
        let (mut findings, ungranted) = policy_findings(&needs, &look);
        if !forbidden {
            for backup in ungranted {
                let acl = look_at_acl(&self.s3, backup, partition, owner).await?;
                findings.extend(ungranted_finding(&needs, backup, acl));
            }
        }
        Ok(findings)
    }

    /// Checks whether ElastiCache can use the KMS key of an object. Each key is read once.
    async fn look_at_key(
        &self,
        known: &mut BTreeMap<String, KeyLook>,
        location: &BackupLocation,
        view: &ObjectView,
        partition: &Partition,
    ) -> Result<Option<Finding>, StepError> {
        if view.encryption.as_deref() != Some("aws:kms") {
            return Ok(None);
        }
        let key = view.kms_key_id.as_deref();
        if let Some(key) = key.filter(|key| !known.contains_key(*key)) {
            known.insert(key.to_owned(), look_at_key(&self.kms, key).await?);
        }
        let look = key.and_then(|key| known.get(key)).unwrap_or(&KeyLook::Unknown);
        Ok(key_finding(location, key, look, partition, now_ms()))
    }

    async fn look_at_header(
        &self,
        backup: &mut Backup,
        location: &BackupLocation,
        resolved: &Resolved,
    ) -> Result<Vec<Finding>, StepError> {
        Ok(match read_prefix(&self.s3, location, &backup.etag, HEADER_BYTES).await? {
            Some(prefix) => {
                backup.header = header_of(&prefix);
                header_findings(location, &prefix, &resolved.cluster, &resolved.options)
            }
            None => object_findings(location, &ObjectLook::Forbidden),
        })
    }
}

fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}
