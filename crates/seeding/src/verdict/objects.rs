//! Checks before a backup is read: of what S3 reports about its bucket and object, and of the object's first bytes.

use crate::{
    facts::location::{BackupLocation, dns_compliant_bucket_name},
    finding::{Code, Finding},
    request::{cluster::ClusterSpec, options::Options},
    verdict::{
        backup::{fault_finding, version_finding},
        conversion::may_convert,
    },
};

/// The metadata of an object, from S3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectView {
    /// Its size.
    pub size_bytes: u64,
    /// Its ETag, with the quotes.
    pub etag: String,
    /// `AES256`, `aws:kms`, `aws:kms:dsse` or `None`.
    pub encryption: Option<String>,
    /// The KMS key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Whether it was encrypted with an S3 Bucket Key.
    pub bucket_key: bool,
    /// Its storage class; `None` means `STANDARD`.
    pub storage_class: Option<String>,
    /// The archive tier of S3 Intelligent-Tiering, if the object has moved to one.
    pub archive_status: Option<String>,
    /// Whether a restored copy of the archived object exists now.
    pub restored: bool,
}

/// The result of reading an object's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectLook {
    /// The object exists.
    Found(ObjectView),
    /// The object does not exist.
    Missing,
    /// S3 denies access.
    Forbidden,
    /// It is encrypted with a customer-provided key (SSE-C).
    CustomerKey,
}

/// The result of reading a bucket's region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketLook {
    /// The bucket exists, in this region.
    Region(String),
    /// No bucket has this name, or it belongs to another account.
    Missing,
    /// S3 denies access.
    Forbidden,
}

/// Findings about a bucket: not among the `allowed` ones, badly named, inaccessible, or not in `region`.
pub fn bucket_findings(
    bucket: &str,
    allowed: &[String],
    look: Option<&BucketLook>,
    region: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !allowed.iter().any(|name| name == bucket) {
        let remedy = "upload the backup to one of the stack's buckets, or add this one to BackupBuckets";
        findings.push(
            Finding::new(Code::BucketNotAllowed, remedy).about(bucket).with("allowed", allowed.to_vec()),
        );
    }
    if !dns_compliant_bucket_name(bucket) {
        let remedy =
            "copy the backup to a bucket whose name has only lower-case letters, digits, dots and dashes";
        findings.push(Finding::new(Code::BucketNameNotDns, remedy).about(bucket));
    }
    match look {
        Some(BucketLook::Region(found)) if found != region => {
            let remedy = format!("copy the backup to a bucket in {region}, or seed in {found}");
            findings.push(
                Finding::new(Code::BucketInOtherRegion, remedy)
                    .about(bucket)
                    .with("found", found.clone())
                    .with("expected", region),
            );
        }
        Some(BucketLook::Missing) => {
            let remedy = "check the bucket's name and account";
            findings.push(
                Finding::new(Code::BucketNotAccessible, remedy)
                    .about(bucket)
                    .with("reason", "no such bucket"),
            );
        }
        Some(BucketLook::Forbidden) => {
            let remedy = "allow the stack's functions to read the bucket: check its policy for a Deny";
            findings.push(
                Finding::new(Code::BucketNotAccessible, remedy).about(bucket).with("reason", "access denied"),
            );
        }
        Some(BucketLook::Region(_)) | None => {}
    }
    findings
}

/// Findings about an object. For its KMS key, if it has one, see [`crate::policy::key_finding`].
pub fn object_findings(location: &BackupLocation, look: &ObjectLook) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |code, remedy: String| findings.push(Finding::new(code, remedy).about(location));
    if location.key.contains(',') {
        add(Code::CommaInKey, "copy the object to a key without a comma".to_owned());
    }
    let view = match look {
        ObjectLook::Found(view) => view,
        ObjectLook::Missing => {
            add(Code::BackupMissing, "check the key, which is case-sensitive".to_owned());
            return findings;
        }
        ObjectLook::Forbidden => {
            let remedy = "allow the stack's functions to read the object: check the bucket policy for a Deny, and the KMS key";
            add(Code::BackupNotReadable, remedy.to_owned());
            return findings;
        }
        ObjectLook::CustomerKey => {
            let remedy =
                "upload it again with SSE-S3: ElastiCache does not support customer-provided keys (SSE-C)";
            add(Code::EncryptedWithUnusableKey, remedy.to_owned());
            return findings;
        }
    };
    if view.size_bytes == 0 {
        add(Code::EmptyBackup, "upload the file again: this object has 0 bytes".to_owned());
    }
    if view.bucket_key {
        let remedy = "copy the object onto itself with the Bucket Key off (BucketKeyEnabled=false): turning it off for \
                      the bucket does not change existing objects";
        add(Code::BucketKeyEnabled, remedy.to_owned());
    }
    if view.encryption.as_deref() == Some("aws:kms:dsse") {
        let remedy = "copy the object with SSE-S3 or SSE-KMS instead of DSSE-KMS";
        add(Code::EncryptedWithUnusableKey, remedy.to_owned());
    }
    let archived_class = matches!(view.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
    if (archived_class && !view.restored) || view.archive_status.is_some() {
        let class = view.archive_status.as_deref().or(view.storage_class.as_deref()).unwrap_or("archive");
        let remedy = "restore the object, then copy it to STANDARD: ElastiCache reads no archived objects";
        findings.push(Finding::new(Code::ArchivedObject, remedy).about(location).with("storageClass", class));
    }
    findings
}

/// The bytes of a backup that are read for a first check: magic, version and AUX fields.
pub const HEADER_BYTES: u64 = 4096;

/// Findings about the first bytes of a backup.
pub fn header_findings(
    location: &BackupLocation,
    prefix: &[u8],
    cluster: &ClusterSpec,
    options: &Options,
) -> Vec<Finding> {
    match rdb_scan::read_header(prefix) {
        // A file that may be converted is judged by its contents.
        Ok(header) if may_convert(&header, cluster, options) => Vec::new(),
        Ok(header) => version_finding(&location.to_string(), &header, cluster).into_iter().collect(),
        Err(fault) => vec![fault_finding(&location.to_string(), &fault)],
    }
}

/// The magic and version of a backup, if it begins like one. Since RDB 15, whoever reads from the middle also needs the
/// templates before the first key.
pub fn header_of(prefix: &[u8]) -> Option<rdb_scan::Header> {
    let mut header = rdb_scan::read_header(prefix).ok()?;
    header.aux.clear();
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(key: &str) -> BackupLocation {
        BackupLocation { bucket: "backups".into(), key: key.into() }
    }

    fn codes(look: &ObjectLook) -> Vec<Code> {
        object_findings(&location("a.rdb"), look).into_iter().map(|finding| finding.code).collect()
    }

    fn found(change: impl FnOnce(&mut ObjectView)) -> ObjectLook {
        let mut view = ObjectView { size_bytes: 100, etag: "\"e\"".into(), ..ObjectView::default() };
        change(&mut view);
        ObjectLook::Found(view)
    }

    #[test]
    fn objects_that_elasticache_cannot_read_are_refused_by_their_reason() {
        assert_eq!(codes(&found(|_| ())), []);
        assert_eq!(codes(&found(|view| view.encryption = Some("AES256".into()))), []);
        assert_eq!(codes(&found(|view| view.size_bytes = 0)), [Code::EmptyBackup]);
        assert_eq!(codes(&found(|view| view.bucket_key = true)), [Code::BucketKeyEnabled]);
        assert_eq!(
            codes(&found(|view| view.encryption = Some("aws:kms:dsse".into()))),
            [Code::EncryptedWithUnusableKey]
        );
        assert_eq!(codes(&found(|view| view.encryption = Some("aws:kms".into()))), []);
        assert_eq!(codes(&found(|view| view.storage_class = Some("GLACIER".into()))), [Code::ArchivedObject]);
        assert_eq!(
            codes(&found(|view| (view.storage_class, view.restored) = (Some("GLACIER".into()), true))),
            []
        );
        assert_eq!(
            codes(&found(|view| view.archive_status = Some("ARCHIVE_ACCESS".into()))),
            [Code::ArchivedObject]
        );
        assert_eq!(codes(&ObjectLook::Missing), [Code::BackupMissing]);
        assert_eq!(codes(&ObjectLook::CustomerKey), [Code::EncryptedWithUnusableKey]);
        let comma = object_findings(&location("a,b.rdb"), &ObjectLook::Missing);
        assert_eq!(comma[0].code, Code::CommaInKey);
    }

    #[test]
    fn a_bucket_is_refused_by_list_name_and_region() {
        let look = BucketLook::Region("eu-west-1".into());
        let findings = bucket_findings("My_Bucket", &["backups".to_owned()], Some(&look), "us-east-1");
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::BucketNotAllowed, Code::BucketNameNotDns, Code::BucketInOtherRegion]);
    }
}
