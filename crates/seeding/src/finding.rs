//! Findings about a seeding, and the verdict that follows from them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know; it changes nothing.
    Note,
    /// The seeding continues, but a person should check.
    Warn,
    /// The seeding is refused, unless its code is in `allow`.
    Fail,
}

/// The sum of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing blocks the seeding.
    Ok,
    /// There are warnings, or failures that are allowed.
    Warn,
    /// The seeding is refused: nothing is created.
    Reject,
}

macro_rules! codes {
    ($($variant:ident $text:literal $allowable:ident $severity:ident $doc:literal,)*) => {
        /// The stable code of a finding: scripts match it, and `allow` names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $doc] #[serde(rename = $text)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it occurs in JSON and in `allow`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether `allow` may overrule it.
            pub const fn can_be_allowed(self) -> bool {
                match self { $(Self::$variant => codes!(@allow $allowable),)* }
            }

            /// The default severity; the check that finds it may set another.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// Its meaning, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
    (@allow allowable) => { true };
    (@allow final) => { false };
}

codes! {
    InvalidRequest "invalid-request" final Fail "The request has a field that is unknown, malformed or contradicts another.",
    BucketNotAllowed "bucket-not-allowed" final Fail "The bucket is not one that this stack may read backups from.",
    BucketNameNotDns "bucket-name-not-dns" final Fail "ElastiCache reads only from buckets with a DNS-compliant name.",
    BucketInOtherRegion "bucket-in-other-region" final Fail "The bucket must be in the region of the new cluster.",
    BucketNotAccessible "bucket-not-accessible" final Fail "The bucket does not exist, or the stack's roles have no access to it.",
    CommaInKey "comma-in-key" final Fail "ElastiCache separates objects by commas, so a key must not contain one.",
    BackupMissing "backup-missing" final Fail "The object does not exist.",
    BackupNotReadable "backup-not-readable" final Fail "The object exists, but S3 denies reading it.",
    EncryptedWithUnusableKey "encrypted-with-unusable-key" final Fail "The object is encrypted in a way that ElastiCache cannot read.",
    KmsKeyNeedsGrant "kms-key-needs-grant" allowable Warn "The object is encrypted with a KMS key. Its policy must allow ElastiCache to decrypt.",
    BucketKeyEnabled "bucket-key-enabled" final Fail "ElastiCache does not read objects that were encrypted with an S3 Bucket Key.",
    ArchivedObject "archived-object" final Fail "The object is archived and must be restored first.",
    EmptyBackup "empty-backup" final Fail "The object has no bytes.",
    BackupCorrupt "backup-corrupt" final Fail "The backup is damaged; no server would load it.",
    BackupTruncated "backup-truncated" final Fail "The backup ends before its end marker.",
    NotAnRdb "not-an-rdb" final Fail "The object is not an RDB file.",
    CompressedBackup "compressed-backup" final Fail "The backup is compressed; ElastiCache reads plain RDB files only.",
    AnotherRdbFollows "another-rdb-follows" allowable Fail "Another RDB file follows the end marker: servers load the first one only.",
    InspectionTooLong "inspection-too-long" final Fail "The backup was not read completely within the maximum number of rounds.",
    RefusedByEngine "refused-by-engine" allowable Fail "The file contradicts itself in a way that some engines refuse and others load.",
    RdbNewerThanEngine "rdb-newer-than-engine" allowable Fail "The RDB version is newer than the engine reads.",
    ModuleData "module-data" allowable Fail "The backup holds data of a module that ElastiCache does not have.",
    FunctionsUnsupported "functions-unsupported" allowable Fail "The backup holds functions, which the engine version does not know.",
    MultipleDatabasesInClusterMode "multiple-databases-in-cluster-mode" allowable Fail "The backup has keys in databases that the cluster will not have: before Valkey 9, cluster mode has database 0 only, as serverless caches have.",
    DatabaseNumberTooHigh "database-number-too-high" allowable Fail "The backup uses a database number that the target does not have.",
    ClusterBackupIntoSingleNode "cluster-backup-into-single-node" allowable Fail "A backup of a cluster cannot seed a cluster with cluster mode off.",
    DuplicateData "duplicate-data" allowable Fail "A key or member occurs twice; a server aborts loading there.",
    ForeignRecord "foreign-record" allowable Fail "The backup holds a record that no released Redis or Valkey reads: of Redis Enterprise, or of a release candidate.",
    HugeResizeDb "huge-resizedb" allowable Fail "The file asks the server to reserve a table far larger than its keys need.",
    DoesNotFit "does-not-fit" allowable Fail "The data needs more memory than a node has, or than a serverless cache or one of its slots may hold.",
    TightFit "tight-fit" allowable Fail "The data fits only into memory that is reserved for backups and failover.",
    HeadroomMissing "headroom-missing" allowable Warn "The data fits, with less headroom than requested.",
    MemoryIsLowerBound "memory-is-lower-bound" allowable Warn "The memory of module data is not predicted, so the need is a lower bound.",
    MemoryModelUncalibrated "memory-model-uncalibrated" allowable Warn "The memory model of this engine version was never compared with a real server.",
    DataTieringUnsupported "data-tiering-unsupported" final Fail "Nodes with data tiering (r6gd) cannot be seeded from a file.",
    TooManyNodes "too-many-nodes" final Fail "The cluster has more nodes than the stack's parameter `MaxNodes` allows.",
    QuotaMayBeExceeded "quota-may-be-exceeded" allowable Warn "The cluster has more nodes than an account may have without a raised quota.",
    PricesAreOld "prices-are-old" allowable Note "The price of the cluster is by a price list that is more than 90 days old.",
    NothingFits "nothing-fits" final Fail "No node type of the allowed families is large enough.",
    WritesAfterBackup "writes-after-backup" allowable Warn "Writes after the backup are in an append-only log, after the backup or in another file. ElastiCache ignores them.",
    TrailingBytes "trailing-bytes" allowable Warn "Bytes follow the end marker; servers ignore them.",
    ChecksumAbsent "checksum-absent" allowable Note "The file has no checksum, so damage inside values cannot be detected.",
    BackupIsOld "backup-is-old" allowable Warn "The backup is more than a day old. Later writes are not in it.",
    KeysAlreadyExpired "keys-already-expired" allowable Note "Expired keys are dropped while loading.",
    Converted "converted" allowable Note "The backup is converted into one that the engine reads, and loses nothing.",
    ConvertedWithLoss "converted-with-loss" allowable Warn "The backup is converted into one that the engine reads, and loses what the request names.",
    ConversionRefused "conversion-refused" final Fail "The backup cannot be converted as the request asks.",
    NoKeys "no-keys" allowable Warn "The backup holds no key.",
    ShardSkew "shard-skew" allowable Warn "One shard holds much more than its share.",
    SharedSlots "shared-slots" allowable Fail "Two backups hold keys in the same slots, as dumps of a master and of its replica do.",
    BigKey "big-key" allowable Warn "A single key is a large part of a node's memory: it cannot be split, and moves slowly.",
    UnusualContent "unusual-content" allowable Note "The file has content that most servers load and some do not.",
    IdTaken "id-taken" final Fail "A cluster with this id exists and was not created by this execution.",
    InvalidClusterId "invalid-cluster-id" final Fail "The cluster id breaks ElastiCache's rules for ids.",
    InvalidSlots "invalid-slots" final Fail "The slot ranges do not cover 0-16383 exactly once.",
    NodeTypeUnknown "node-type-unknown" allowable Fail "There is no such node type for this engine and version.",
    NodeTypeNotInRegion "node-type-not-in-region" allowable Warn "The region sells no reservations of this node type, so it may not have the type.",
    EngineVersionUnknown "engine-version-unknown" allowable Fail "ElastiCache does not offer this engine version.",
    ParameterGroupUnusable "parameter-group-unusable" final Fail "The parameter group does not exist or is of another family or cluster mode.",
    SubnetGroupMissing "subnet-group-missing" final Fail "The subnet group does not exist.",
    AuthTokenUnusable "auth-token-unusable" final Fail "The secret holds no AUTH token that ElastiCache accepts.",
    UserGroupUnusable "user-group-unusable" final Fail "The user group does not exist, is not active or is of another engine.",
    InvalidTag "invalid-tag" final Fail "A tag breaks AWS's rules for tags.",
    TargetNotChecked "target-not-checked" allowable Warn "Something about the target could not be checked beforehand.",
    DeadlineShort "deadline-short" allowable Warn "A restore of this size may take longer than `deadlineMinutes`.",
    ChangedDuringSeeding "changed-during-seeding" allowable Warn "The object was overwritten while it was being seeded.",
    GrantNotChecked "grant-not-checked" allowable Warn "Whether ElastiCache may read the object could not be checked.",
    AccessDeniedByPolicy "access-denied-by-policy" allowable Fail "A statement of the bucket policy denies an action that the seeding needs.",
    KeyCountDiffers "key-count-differs" allowable Warn "The number of keys in the cluster differs from the backup.",
    VerifyNotPossible "verify-not-possible" allowable Warn "The keys of the cluster cannot be counted at the end, so they are not.",
    VerifyFailed "verify-failed" allowable Warn "The cluster is available, but its keys could not be counted.",
    NotApproved "not-approved" final Fail "The seeding needed a person's approval, and was rejected or got no answer in time.",
    Interrupted "interrupted" final Fail "The execution was stopped, took too long or broke off, and was cleaned up.",
    RevokeFailed "revoke-failed" allowable Warn "ElastiCache's access could not be revoked.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One result of a check, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// [Code](docs/FINDINGS.md), for programs.
    pub code: Code,
    /// Severity.
    pub severity: Severity,
    /// The backup that the finding is about, as `bucket/key` or the name of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// The shard that the finding is about, counted from 1 as in node group IDs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// The numbers and names that decided, by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, Value>,
    /// What to do, in one sentence.
    pub remedy: String,
}

impl Finding {
    /// Creates a finding of the code's default severity.
    pub fn new(code: Code, remedy: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            backup: None,
            shard: None,
            evidence: BTreeMap::new(),
            remedy: remedy.into(),
        }
    }

    /// Sets the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets the backup that it concerns (`bucket/key`).
    #[must_use]
    pub fn about(mut self, backup: impl fmt::Display) -> Self {
        self.backup = Some(backup.to_string());
        self
    }

    /// Sets the shard that it concerns (from 1).
    #[must_use]
    pub fn in_shard(mut self, shard: u32) -> Self {
        self.shard = Some(shard);
        self
    }

    /// Adds a piece of evidence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    /// Sorts findings, the most severe first. Those of one severity keep their order.
    pub fn most_severe_first(findings: &mut [Self]) {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }

    /// Whether it blocks the seeding, given the codes that the request allows.
    pub fn forbids(&self, allow: &[Code]) -> bool {
        self.severity == Severity::Fail && !(self.code.can_be_allowed() && allow.contains(&self.code))
    }
}

impl Verdict {
    /// Sums up findings, given the codes that the request allows.
    pub fn of(findings: &[Finding], allow: &[Code]) -> Self {
        if findings.iter().any(|finding| finding.forbids(allow)) {
            Self::Reject
        } else if findings.iter().any(|finding| finding.severity > Severity::Note) {
            Self::Warn
        } else {
            Self::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_failure_is_a_warning_and_a_final_one_stays_a_rejection() {
        let tight = Finding::new(Code::DoesNotFit, "take a larger node");
        let corrupt = Finding::new(Code::BackupCorrupt, "make a new backup");
        assert_eq!(Verdict::of(&[], &[]), Verdict::Ok);
        assert_eq!(Verdict::of(std::slice::from_ref(&tight), &[]), Verdict::Reject);
        assert_eq!(Verdict::of(&[tight], &[Code::DoesNotFit]), Verdict::Warn);
        assert_eq!(Verdict::of(&[corrupt], &[Code::BackupCorrupt]), Verdict::Reject);
    }

    #[test]
    fn a_code_reads_in_json_as_it_is_named_in_allow() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
