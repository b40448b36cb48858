//! The input and output of each function, as the state machine passes them.
//!
//! Every step also gets the execution's ARN, and reads the rest from the record ([`crate::record::seeding::Seeding`]).
//! The state machine's payload stays small that way, whatever is being seeded.

use rdb_scan::{Position, RangeInspection};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    finding::{Finding, Verdict},
    flow::{
        announced::AnnouncedFinding,
        conversion::{ConversionChunk, ConversionPhase},
        status::ClusterPhase,
    },
    record::file_key::FileKey,
    request::{kind::ClusterKind, options::OnRestoreFailed},
    verdict::{
        plan::Plan,
        report::{Assessment, Counts},
    },
};

/// The input of `prepare-seeding`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrepareInput {
    /// The execution's input: a request, or `{"dropped": …}`.
    pub request: Value,
}

/// The output of `prepare-seeding`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum PrepareOutput {
    /// A finding rejects the seeding. No record is written, since no later step needs one.
    #[serde(rename_all = "camelCase")]
    Rejected {
        /// All findings, including the reason, most severe first.
        findings: Vec<Finding>,
    },
    /// The backups are worth reading.
    Prepared(Preparation),
}

impl PrepareOutput {
    /// Rejects a seeding for the most severe of these findings.
    pub fn rejected(mut findings: Vec<Finding>) -> Self {
        Finding::most_severe_first(&mut findings);
        Self::Rejected { findings }
    }
}

/// A seeding that no finding rejects so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preparation {
    /// The verdict so far: [`Verdict::Ok`] or [`Verdict::Warn`].
    pub verdict: Verdict,
    /// The findings so far.
    pub findings: Vec<Finding>,
    /// The chunks to read. Empty if every backup is known from an earlier seeding.
    pub chunks: Vec<Chunk>,
    /// The ID of the cluster to create.
    pub cluster_id: String,
    /// The polling interval in seconds.
    pub poll_seconds: u32,
    /// Whether to stop after the verdict.
    pub dry_run: bool,
    /// Whether to count the keys at the end.
    pub verify: bool,
    /// What to do if the restore fails.
    pub on_restore_failed: OnRestoreFailed,
    /// The most times that a failed restore is started over.
    pub max_start_overs: u32,
    /// The deadline in minutes.
    pub deadline_minutes: u32,
    /// The number of chunks read at once: a share of the account's concurrent invocations.
    pub workers: u32,
    /// Whether a person has to approve.
    pub approval: bool,
    /// The hours after which silence is a rejection.
    pub approval_hours: u32,
}

/// A chunk: a byte range of one backup that one worker reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chunk {
    /// The backup's index, from 0.
    pub backup: usize,
    /// The offset of its first byte.
    pub start: u64,
    /// The offset after its last byte.
    pub end: u64,
    /// The file with the position to start at, for a gap between two chunks that do not meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<FileKey<Position>>,
}

/// The input of `inspect-chunk`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InspectInput {
    /// The chunk to read.
    pub chunk: Chunk,
}

/// The output of `inspect-chunk`: what it read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InspectedChunk {
    /// The backup's index, from 0.
    pub backup: usize,
    /// The offset at which the chunk starts.
    pub start: u64,
    /// The offset at which reading ended: before the chunk's end if the time ran out, after it if a record continues.
    pub end: u64,
    /// Whether the whole chunk was read in time.
    pub complete: bool,
    /// The key of the partial result in the reports bucket.
    pub partial: FileKey<RangeInspection>,
}

/// The input of `assess-backup`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssessInput {
    /// Every chunk inspected so far, in any order. A step that ran twice may list one twice.
    pub inspected: Vec<InspectedChunk>,
    /// The findings of `prepare-seeding`.
    pub findings: Vec<Finding>,
    /// The number of rounds read so far, from 1.
    pub round: u32,
}

/// The output of `assess-backup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum AssessOutput {
    /// The chunks do not cover the backups yet: another round has to read the gaps.
    #[serde(rename_all = "camelCase")]
    Incomplete {
        /// The gaps, never empty.
        chunks: Vec<Chunk>,
    },
    /// The decision.
    #[serde(rename_all = "camelCase")]
    Assessed {
        /// The decision; of backups whose conversion changes their contents, what is known so far.
        #[serde(flatten)]
        decided: Decided,
        /// The ranges of the backups to convert; empty if none is.
        conversion: Vec<ConversionChunk>,
        /// What the first round of the conversion does.
        phase: ConversionPhase,
    },
}

/// The input of `convert-chunk`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConvertInput {
    /// The range to convert.
    pub chunk: ConversionChunk,
    /// What to do with it.
    pub phase: ConversionPhase,
}

/// The output of `convert-chunk`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvertOutput {
    /// The number of bytes that the range has, or would have, after the conversion.
    pub bytes: u64,
}

/// The input of `finish-conversion`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FinishInput {
    /// What the workers of the last round have done.
    pub phase: ConversionPhase,
    /// The number of rounds so far, from 1.
    pub round: u32,
}

/// The output of `finish-conversion`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum FinishOutput {
    /// Another round is needed.
    #[serde(rename_all = "camelCase")]
    Unfinished {
        /// What its workers do.
        phase: ConversionPhase,
        /// Their ranges, never empty.
        conversion: Vec<ConversionChunk>,
        /// The number of rounds that left some of these ranges out.
        round: u32,
        /// The decision, if it was made now.
        #[serde(flatten)]
        decided: Option<Decided>,
    },
    /// The new files cannot be seeded, or not be made.
    Rejected(Decided),
    /// A dry run has found out what a conversion would do.
    Planned {
        /// The decision, if it was made now.
        #[serde(flatten)]
        decided: Option<Decided>,
    },
    /// The backups are converted, and the record names the new objects.
    Converted {},
}

/// The decision about backups.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// The verdict.
    pub verdict: Verdict,
    /// The first findings, most severe first. The report has all of them.
    pub findings: Vec<Finding>,
    /// The cluster to create; absent if none can be planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
    /// The report, as `s3://bucket/key`.
    pub report: String,
}

/// The most findings that the state machine carries; the report has them all.
const SHOWN_FINDINGS: usize = 5;

impl Decided {
    /// Reduces an assessment to what the state machine carries.
    pub fn of(assessment: Assessment, report: String) -> Self {
        let Assessment { verdict, mut findings, plan, .. } = assessment;
        findings.truncate(SHOWN_FINDINGS);
        Self { verdict, findings, plan: plan.map(Box::new), report }
    }
}

/// The input of `ask-approval`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskInput {
    /// The token with which Step Functions is answered.
    pub token: String,
    /// The hours after which silence is a rejection.
    pub hours: u32,
}

/// The answer to a seeding that waits for a person, `approval.json` in the reports bucket. Whoever can read it and may
/// call `states:SendTaskSuccess` can approve.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The execution's ARN.
    pub execution: String,
    /// The token with which Step Functions is answered.
    pub token: String,
    /// When silence becomes a rejection, in milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// The error by which Step Functions is told that a person rejected a seeding.
pub const APPROVAL_REJECTED: &str = "Approval.Rejected";

/// The input of `record-outcome`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RecordInput {
    /// `seeded`, `dry-run`, `rejected`, `failed` or `cleaned-up`.
    pub ending: String,
    /// Whether the execution is another one, that was cleaned up for.
    pub clean_up: bool,
    /// ARN of the execution that asks, which announces it.
    pub announcer: String,
    /// Verdict on the backups.
    pub verdict: String,
    /// First findings, also those that the state machine makes.
    pub findings: Vec<AnnouncedFinding>,
    /// Report, as `s3://bucket/key`; empty if there is none.
    pub report: String,
    /// The cluster, if it is available: [`ClusterInfo`]; otherwise an empty object.
    pub cluster: Option<Value>,
    /// What a clean-up could not remove.
    pub left_behind: Vec<String>,
    /// The cluster to create: [`Plan`]; an empty object if there is none.
    pub plan: Option<Value>,
    /// When the execution started, in milliseconds since the Unix epoch.
    pub started_at_ms: i64,
    /// When the backups were judged; 0 if they were not.
    pub decided_at_ms: i64,
    /// When the cluster was created; 0 if it was not.
    pub created_at_ms: i64,
    /// What verify-cluster measured; an empty object if it did not.
    pub memory: Option<MeasuredMemory>,
    /// ElastiCache's last events about the cluster, oldest first, verbatim.
    pub events: Vec<String>,
}

impl RecordInput {
    /// Memory of the cluster's data, if it was measured.
    pub const fn measured_memory(&self) -> Option<DataMemory> {
        match self.memory {
            Some(MeasuredMemory::Known(memory)) => Some(memory),
            Some(MeasuredMemory::Unknown {}) | None => None,
        }
    }
}

/// The input of steps that need only their execution.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoInput {}

/// The output of `grant-access`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantOutput {
    /// The grant on each bucket.
    pub grants: Vec<crate::flow::grant::BucketGrant>,
    /// Findings about what could not be checked.
    pub findings: Vec<Finding>,
    /// When the grant has to be renewed if the cluster is still being created, in milliseconds since 1970.
    pub renew_at_ms: i64,
}

/// The input of `create-cluster`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateInput {
    /// The plan of `assess-backup`.
    pub plan: Plan,
    /// The node type of this attempt.
    pub node_type: String,
}

/// The output of `create-cluster`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateOutput {
    /// The cluster's ID.
    pub cluster_id: String,
    /// The time of the create, in milliseconds since the Unix epoch; the deadline counts from it.
    pub created_at_ms: i64,
    /// The status right after the call.
    pub status: String,
}

/// The journal of a create. It is written right before the cluster's create is called, and again once the call is
/// answered.
///
/// An execution can be stopped while its create is in flight. Its clean-up then sees no cluster yet, and must not
/// finish until one exists or none can appear any more.
///
/// The journal is deleted once the cluster is available, kept or gone. Until then it shows the sweep that something may
/// be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateJournal {
    /// The time of the call, in milliseconds since the Unix epoch.
    pub asked_at_ms: i64,
    /// Whether the service created the cluster or refused to. If it did neither, a cluster may still appear.
    pub answered: bool,
}

impl CreateJournal {
    /// The time for which an unanswered create may still take effect, in milliseconds: the function that calls it is
    /// stopped after 100 s, and AWS may need some more.
    pub const PENDING_MS: i64 = 150_000;

    /// Whether a cluster may still appear.
    pub const fn is_pending(&self, now_ms: i64) -> bool {
        !self.answered && now_ms < self.asked_at_ms + Self::PENDING_MS
    }
}

/// The input of `check-cluster`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckInput {
    /// See [`CreateOutput::created_at_ms`].
    pub created_at_ms: i64,
}

/// The output of `check-cluster`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckOutput {
    /// What the flow does next.
    pub phase: ClusterPhase,
    /// The cluster's status, verbatim.
    pub status: String,
    /// Whether the deadline has passed.
    pub deadline_passed: bool,
    /// The seconds until the next call.
    pub wait_seconds: u32,
    /// The last events, the latest last, verbatim.
    pub events: Vec<String>,
    /// What to do about a failed cluster, as far as the events state a reason; empty for any other.
    pub hint: String,
    /// The cluster, if it is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterInfo>,
    /// What verify-cluster needs, if the cluster is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Warnings about the cluster.
    pub findings: Vec<Finding>,
}

/// A cluster that became available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterInfo {
    /// Kind, as in the request's `cluster.kind`.
    #[serde(default)]
    pub kind: ClusterKind,
    /// ID.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Host to connect to: with cluster mode on the configuration endpoint, otherwise the primary's.
    pub endpoint: String,
    /// Port.
    pub port: u16,
    /// Node type; `serverless` for a serverless cache.
    pub node_type: String,
    /// Number of shards; 1 for a serverless cache, which does not show them.
    pub shards: u32,
}

/// The input of `delete-cluster`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteInput {
    /// The number of earlier calls for this deletion.
    pub polls: u32,
    /// Whether the execution is another one, to clean up for.
    pub clean_up: bool,
    /// The ARN of the running execution: the same, or its clean-up.
    pub running_execution: String,
}

/// The state of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionPhase {
    /// The deletion is in progress.
    Deleting,
    /// The cluster cannot be deleted yet: it is still being created, or may still appear.
    Creating,
    /// There is no cluster of this execution.
    Gone,
    /// The cluster is available after all, and is kept.
    Available,
    /// The cluster failed and is kept, as the request asks.
    Kept,
    /// The cluster exists and may be this execution's, or a stranger's: it is not deleted.
    InDoubt,
    /// The cluster still exists, and is not polled any longer.
    LeftBehind,
}

/// The output of `delete-cluster`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteOutput {
    /// The state of the deletion.
    pub phase: DeletionPhase,
    /// The cluster's ID; empty if the execution never chose one.
    pub cluster_id: String,
    /// The cluster, if it is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterInfo>,
    /// The seconds until the next call.
    pub wait_seconds: u32,
    /// Whether the request asks to count the keys of an available cluster.
    pub verify: bool,
    /// What verify-cluster needs for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

/// The input of `verify-cluster`. It has everything, so that the function in its VPC needs no access to AWS, except to
/// read an AUTH token.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyInput {
    /// The execution's ARN.
    pub execution: String,
    /// The cluster and its expected keys.
    pub verification: Verification,
}

/// How to reach an available cluster, and the keys that it should have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// Host: see [`ClusterInfo::endpoint`].
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether connections use TLS.
    pub tls: bool,
    /// Whether cluster mode is on.
    pub cluster_mode: bool,
    /// The secret that has the AUTH token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token_secret_arn: Option<String>,
    /// The expected keys; `None` if the report is gone.
    pub counts: Option<Counts>,
}

/// The output of `verify-cluster`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyOutput {
    /// Keys on all primaries, except the one that ElastiCache adds.
    pub keys: u64,
    /// Keys in the backups.
    pub expected_keys: u64,
    /// Predicted and measured memory; an empty object if a primary does not say what it uses.
    pub memory: MeasuredMemory,
    /// Findings about differences.
    pub findings: Vec<Finding>,
}

/// What the cluster's data takes, as `verify-cluster` measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MeasuredMemory {
    /// Measured on all primaries.
    Known(DataMemory),
    /// A primary did not say.
    Unknown {},
}

/// Memory of the data on all primaries: without that of an empty server, replication and clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataMemory {
    /// As predicted from the backups.
    pub predicted_bytes: u64,
    /// As the primaries report it after the restore.
    pub measured_bytes: u64,
}

/// The output of `revoke-access`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeOutput {
    /// The buckets on which this execution's grant is revoked.
    pub revoked: Vec<String>,
}
