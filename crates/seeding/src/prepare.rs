//! What can be known before the backups are read: the request, the objects' attributes, the target.

use serde_json::Value;

use crate::{
    Backup, BackupLocation, ClusterSpec, Code, Finding, OpenClusterMode, Options, Request,
    contents::{fault_finding, version_finding},
    default_cluster_id, dns_compliant_bucket_name,
    request::MAX_BACKUPS,
    steps::Range,
};

/// A request with its defaults filled in.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What is to come up.
    pub cluster: ClusterSpec,
    /// How.
    pub options: Options,
    /// From what.
    pub backups: Vec<BackupLocation>,
    /// Whether the parameter group decides about cluster mode.
    pub open_cluster_mode: OpenClusterMode,
}

/// Reads and checks a request. `layers` are the texts it is made of, weakest first, each with its origin.
///
/// Returns what could be made of it together with everything that is wrong: nothing at all only where a layer cannot
/// be read.
pub fn resolve(layers: &[(&str, &Value)], execution: &str) -> (Option<Resolved>, Vec<Finding>) {
    let request = match Request::from_layers(layers) {
        Ok(request) => request,
        Err(fault) => {
            let remedy = "correct the request; docs/REQUEST.md has every field";
            let finding = Finding::new(Code::InvalidRequest, remedy).with("reason", fault.to_string());
            return (None, vec![finding]);
        }
    };
    let mut findings = Vec::new();
    let backups = request.backups.clone().unwrap_or_default();
    if backups.is_empty() {
        let remedy =
            format!("name 1 to {MAX_BACKUPS} backups, such as \"backups\": [\"my-bucket/redis.rdb\"]");
        findings.push(Finding::new(Code::InvalidRequest, remedy).with("field", "backups"));
    }
    let default_id = default_cluster_id(backups.first().map_or("backup", BackupLocation::stem), execution);
    let cluster = ClusterSpec::resolve(&request, &default_id, &mut findings);
    let options = Options::resolve(&request, &mut findings);
    let open_cluster_mode = OpenClusterMode::of(&request);
    (Some(Resolved { cluster, options, backups, open_cluster_mode }), findings)
}

/// What S3 says of an object without giving its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectView {
    /// Its length.
    pub size_bytes: u64,
    /// Its ETag, with the quotes.
    pub etag: String,
    /// `AES256`, `aws:kms`, `aws:kms:dsse` or nothing.
    pub encryption: Option<String>,
    /// The KMS key.
    pub kms_key_id: Option<String>,
    /// Whether it was encrypted with an S3 Bucket Key.
    pub bucket_key: bool,
    /// Its storage class; nothing means `STANDARD`.
    pub storage_class: Option<String>,
    /// The archive tier of intelligent tiering, where it has sunk to one.
    pub archive_status: Option<String>,
    /// Whether a restored copy of an archived object is there now.
    pub restored: bool,
}

/// What a look at an object brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectLook {
    /// It is there.
    Found(ObjectView),
    /// There is none.
    Missing,
    /// S3 refuses to say.
    Forbidden,
    /// It is encrypted with a key that only its owner has (SSE-C).
    CustomerKey,
}

/// What a look at a bucket brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketLook {
    /// It is there, in this region.
    Region(String),
    /// There is none of this name, or it belongs to another account.
    Missing,
    /// S3 refuses to say.
    Forbidden,
}

/// What speaks against a bucket. `existing_access` is the one way in which another account's bucket may be named.
pub fn bucket_findings(
    bucket: &str,
    allowed: &[String],
    look: Option<&BucketLook>,
    region: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !allowed.iter().any(|name| name == bucket) {
        let remedy = "put the backup into one of the stack's buckets, or add this one to BackupBuckets";
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
            let remedy = "let the stack's functions read the bucket: check its policy for a Deny";
            findings.push(
                Finding::new(Code::BucketNotAccessible, remedy).about(bucket).with("reason", "access denied"),
            );
        }
        Some(BucketLook::Region(_)) | None => {}
    }
    findings
}

/// What speaks against an object. About its KMS key, if it has one, [`crate::policy::key_finding`] tells.
pub fn object_findings(location: &BackupLocation, look: &ObjectLook) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |code, remedy: String| findings.push(Finding::new(code, remedy).about(location));
    if location.key.contains(',') {
        add(Code::CommaInKey, "copy the object to a key without a comma".to_owned());
    }
    let view = match look {
        ObjectLook::Found(view) => view,
        ObjectLook::Missing => {
            add(Code::BackupMissing, "check the key: upper and lower case count".to_owned());
            return findings;
        }
        ObjectLook::Forbidden => {
            let remedy = "let the stack's functions read the object: check the bucket policy for a Deny, and the KMS key";
            add(Code::BackupNotReadable, remedy.to_owned());
            return findings;
        }
        ObjectLook::CustomerKey => {
            let remedy =
                "upload it again with SSE-S3: ElastiCache has no way to be given a customer's key (SSE-C)";
            add(Code::EncryptedWithUnusableKey, remedy.to_owned());
            return findings;
        }
    };
    if view.size_bytes == 0 {
        add(Code::EmptyBackup, "upload the file again: this object has 0 bytes".to_owned());
    }
    if view.bucket_key {
        let remedy = "copy the object onto itself with the Bucket Key off (BucketKeyEnabled=false): turning it off for \
                      the bucket does not change objects that are there";
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

/// How much of a backup's beginning is looked at before it is read as a whole: magic, version and AUX fields.
pub const HEADER_BYTES: u64 = 4096;

/// What the first bytes of a backup say against it.
pub fn header_findings(location: &BackupLocation, prefix: &[u8], cluster: &ClusterSpec) -> Vec<Finding> {
    match rdb_scan::read_header(prefix) {
        Ok(header) => version_finding(&location.to_string(), &header, cluster).into_iter().collect(),
        Err(fault) => vec![fault_finding(&location.to_string(), &fault)],
    }
}

/// Magic and version of a backup, if it begins like one.
pub fn header_of(prefix: &[u8]) -> Option<rdb_scan::Header> {
    let mut header = rdb_scan::read_header(prefix).ok()?;
    header.aux.clear();
    Some(header)
}

/// Ranges of all backups together: they and what each brought travel through the state (256 KiB), and every one is a
/// function that has to start.
pub const MAX_RANGES: u64 = 200;
/// No range is smaller, but the last of a backup: below this, starting a function takes longer than reading does.
pub const LEAST_RANGE_BYTES: u64 = 64 << 20;
/// Ranges begin at multiples of this, the bytes of one request.
const RANGE_STEP_BYTES: u64 = 8 << 20;

/// The ranges to read of all backups that are not known: as many of equal size as there may be.
pub fn ranges(backups: &[Backup], least_range_bytes: u64) -> Vec<Range> {
    let unknown = || backups.iter().enumerate().filter(|(_, backup)| backup.known_inspection.is_none());
    let total: u64 = unknown().map(|(_, backup)| backup.size_bytes).sum();
    // Every backup has a last range that is smaller.
    let places = MAX_RANGES.saturating_sub(backups.len() as u64).max(1);
    let step = RANGE_STEP_BYTES.min(least_range_bytes.max(1));
    let bytes = total.div_ceil(places).max(least_range_bytes).max(1).next_multiple_of(step);
    let of_backup = |(backup, object): (usize, &Backup)| {
        let size = object.size_bytes;
        // Without its magic nobody can begin in the middle of a backup.
        let bytes = if object.header.is_some() { bytes } else { size.max(1) };
        (0..size.div_ceil(bytes).max(1)).map(move |index| {
            let start = index * bytes;
            Range { backup, start, end: size.min(start + bytes), resume: None }
        })
    };
    unknown().flat_map(of_backup).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    #[test]
    fn ranges_cover_every_backup_once_and_stay_within_their_number() {
        const GIB: u64 = 1 << 30;
        let header = rdb_scan::read_header(b"REDIS0010").ok();
        let backup = |size_bytes| Backup {
            location: location("a.rdb"),
            size_bytes,
            etag: "e".into(),
            kms_key_id: None,
            known_inspection: None,
            header: header.clone(),
        };
        let sets: [&[u64]; 6] =
            [&[0], &[100], &[GIB], &[1000 * GIB], &[GIB; 90], &[500 * GIB, 1, 64 << 20, (64 << 20) + 1]];
        for sizes in sets {
            let backups: Vec<_> = sizes.iter().map(|size| backup(*size)).collect();
            let ranges = ranges(&backups, LEAST_RANGE_BYTES);
            assert!(ranges.len() as u64 <= MAX_RANGES, "{} of {sizes:?}", ranges.len());
            for (index, size) in sizes.iter().enumerate() {
                let mut at = 0;
                for range in ranges.iter().filter(|range| range.backup == index) {
                    assert_eq!(range.start, at);
                    at = range.end;
                    assert!(range.end - range.start >= LEAST_RANGE_BYTES || range.end == *size);
                }
                assert_eq!(at, *size);
            }
        }
        assert_eq!(ranges(&[backup(GIB)], LEAST_RANGE_BYTES).len(), 16);
        assert_eq!(ranges(&[Backup { header: None, ..backup(GIB) }], LEAST_RANGE_BYTES).len(), 1);
    }

    #[test]
    fn a_request_without_a_backup_says_what_is_missing() {
        let (_, findings) = resolve(&[("request", &json!({}))], "e");
        assert_eq!(findings[0].evidence["field"], "backups");
    }
}
