//! The input and output of each function, as the state machine passes them.
//!
//! Every step also gets the execution's ARN, and reads the rest from the record ([`crate::record::seeding::Seeding`]).
//! The state machine's payload stays small that way, whatever is being seeded.

use rdb_scan::{Position, RangeInspection};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    finding::{Finding, Verdict},
    flow::status::ClusterPhase,
    record::file_key::FileKey,
    request::options::OnRestoreFailed,
    verdict::plan::Plan,
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
#[serde(rename_all = "camelCase")]
pub struct PrepareOutput {
    /// Whether to read the backups.
    pub verdict: Verdict,
    /// The findings so far.
    pub findings: Vec<Finding>,
    /// The chunks to read.
    pub ranges: Vec<Chunk>,
    /// The ID of the cluster to create.
    pub cluster_id: String,
    /// The polling interval in seconds.
    pub poll_seconds: u32,
    /// The number of polls of a cluster that is being deleted, before it is reported as left behind.
    pub max_deletion_polls: u32,
    /// Whether to stop after the verdict.
    pub dry_run: bool,
    /// Whether to count the keys at the end.
    pub verify: bool,
    /// What to do if the restore fails.
    pub on_restore_failed: OnRestoreFailed,
    /// The most times that a failed restore is started over.
    pub max_start_overs: u32,
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
    /// The chunk.
    pub range: Chunk,
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
    /// Every chunk read so far, in any order.
    pub pieces: Vec<InspectedChunk>,
    /// The findings of `prepare-seeding`.
    pub findings: Vec<Finding>,
    /// The number of rounds of reading so far, from 1.
    pub round: u32,
}

/// The output of `assess-backup`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssessOutput {
    /// The chunks to read before a decision; the other members count only if it is empty.
    pub redo: Vec<Chunk>,
    /// The verdict.
    pub verdict: Verdict,
    /// The first findings, most severe first; the report has all of them.
    pub findings: Vec<Finding>,
    /// The cluster to create; absent if there can be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The location of the report, as `s3://bucket/key`.
    pub report: String,
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
    /// The replication group's ID.
    pub cluster_id: String,
    /// The time of the create, in milliseconds since the Unix epoch; the deadline counts from it.
    pub created_at_ms: i64,
    /// The status right after the call.
    pub status: String,
}

/// The journal of a create. It is written right before `CreateReplicationGroup` is called, and again once the call is
/// answered.
///
/// An execution can be stopped while its create is in flight. Its clean-up then sees no cluster yet, and must not
/// finish until one exists or none can appear any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateJournal {
    /// The time of the call, in milliseconds since the Unix epoch.
    pub asked_at_ms: i64,
    /// Whether the service created the cluster or refused to. If it did neither, a cluster may still appear.
    pub answered: bool,
}

impl CreateJournal {
    /// The time for which an unanswered create may still take effect, in milliseconds: the SDK's four attempts of 20 s
    /// each, and a margin.
    pub const PENDING_MS: i64 = 90_000;

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
    /// The group's status, verbatim.
    pub status: String,
    /// Whether the deadline has passed.
    pub deadline_passed: bool,
    /// The last events, latest last, verbatim.
    pub events: Vec<String>,
    /// What to do about a failed cluster, as far as the events state a reason; empty for any other.
    pub hint: String,
    /// The cluster, if it is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterInfo>,
    /// Warnings about the cluster.
    pub findings: Vec<Finding>,
}

/// A cluster that became available.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterInfo {
    /// The cluster's ID.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The host to connect to: the configuration endpoint with cluster mode on, the primary endpoint otherwise.
    pub endpoint: String,
    /// The port.
    pub port: u16,
    /// The node type.
    pub node_type: String,
    /// The number of shards.
    pub shards: u32,
}

/// Returns the number of polls of a cluster that is being deleted, before it is reported as left behind: half an hour
/// of them, at least ten. The interval must be at least a second.
pub fn max_deletion_polls(poll_seconds: u32) -> u32 {
    const DELETION_SECONDS: u32 = 30 * 60;
    (DELETION_SECONDS / poll_seconds).max(10)
}

/// The progress of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionPhase {
    /// Requested, or not possible yet: poll again.
    Deleting,
    /// No cluster of this execution exists.
    Gone,
    /// It has become available meanwhile and is kept.
    Available,
    /// It failed and is kept, as the request asks.
    Kept,
}

/// The output of `delete-cluster`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteOutput {
    /// What the flow does next.
    pub phase: DeletionPhase,
    /// The cluster's ID; empty if the execution never chose one.
    pub cluster_id: String,
    /// The cluster, if it is kept because it is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterInfo>,
    /// Seconds until the next poll.
    pub poll_seconds: u32,
    /// The number of polls before it is reported as left behind.
    pub max_deletion_polls: u32,
    /// Whether the request asks to count its keys once available.
    pub verify: bool,
}

/// The output of `verify-cluster`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyOutput {
    /// Keys on all primaries, except the one that ElastiCache adds.
    pub keys: u64,
    /// Keys in the backups.
    pub expected_keys: u64,
    /// Findings about differences.
    pub findings: Vec<Finding>,
}

/// The output of `revoke-access`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeOutput {
    /// The buckets on which this execution's grant is revoked.
    pub revoked: Vec<String>,
}
