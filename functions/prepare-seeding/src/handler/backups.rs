//! The backups: whether ElastiCache could read them, and whether they begin like RDB files.

use std::collections::BTreeSet;

use seeder_aws::objects::{look_at_bucket, look_at_object, read_prefix};
use seeding::{
    Access, Backup, BackupLocation, Finding, Partition, StepError, dns_compliant_bucket_name,
    prepare::{
        BucketLook, HEADER_BYTES, ObjectLook, Resolved, bucket_findings, header_findings, header_of,
        object_findings,
    },
};

use super::PrepareSeeding;

impl PrepareSeeding {
    /// The backups that are there, and everything that speaks against any of them.
    pub(super) async fn look_at_backups(
        &self,
        resolved: &Resolved,
        partition: &Partition,
    ) -> Result<(Vec<Backup>, Vec<Finding>), StepError> {
        // Only the way `existing` may name a bucket of another account.
        let owner = (resolved.options.access != Access::Existing).then_some(partition.account.as_str());
        let mut findings = Vec::new();
        let mut reachable = BTreeSet::new();
        let buckets: BTreeSet<_> = resolved.backups.iter().map(|location| location.bucket.as_str()).collect();
        for bucket in buckets {
            let allowed = self.backup_buckets.iter().any(|name| name == bucket);
            // A bucket that is not allowed is not even looked at, and S3 takes no request for a name that is none.
            let look = if allowed && dns_compliant_bucket_name(bucket) {
                Some(look_at_bucket(&self.s3, bucket, owner).await?)
            } else {
                None
            };
            findings.extend(bucket_findings(bucket, &self.backup_buckets, look.as_ref(), &partition.region));
            if matches!(look, Some(BucketLook::Region(region)) if region == partition.region) {
                reachable.insert(bucket);
            }
        }
        let mut backups = Vec::new();
        for location in
            resolved.backups.iter().filter(|location| reachable.contains(location.bucket.as_str()))
        {
            let look = look_at_object(&self.s3, location, owner).await?;
            let found = object_findings(location, &look, &partition.region);
            let readable = !found.iter().any(|finding| finding.forbids(&resolved.options.allow));
            findings.extend(found);
            if let (true, ObjectLook::Found(view)) = (readable, look) {
                let mut backup = Backup {
                    location: location.clone(),
                    size_bytes: view.size_bytes,
                    etag: view.etag,
                    kms_key_id: view.kms_key_id,
                    known_inspection: None,
                    header: None,
                };
                findings.extend(self.look_at_header(&mut backup, location, resolved).await?);
                backups.push(backup);
            }
        }
        Ok((backups, findings))
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
                header_findings(location, &prefix, &resolved.cluster)
            }
            None => object_findings(location, &ObjectLook::Forbidden, ""),
        })
    }
}
