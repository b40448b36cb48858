//! The scenarios: together, their calls need every permission that the local stack shows.

use serde_json::{Value, json};

use crate::faults::Content;

/// How a scenario begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An execution is started with a request.
    Start,
    /// The backup is dropped.
    Drop,
}

/// What happens besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    None,
    /// The backup is deleted before this step.
    BackupGone(&'static str),
    /// The record of the execution is deleted before this step.
    RecordGone(&'static str),
    /// The answer to the create is lost.
    AnswerLost,
    /// The create of a cache cluster is refused once, for too many calls.
    Refused,
}

/// One way through the product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) entry: Entry,
    /// Where the backup is.
    pub(crate) bucket: &'static str,
    pub(crate) content: Content,
    /// Whether it is encrypted with a customer managed key.
    pub(crate) encrypted: bool,
    pub(crate) disturbance: Disturbance,
    request: fn(&Things) -> Value,
}

/// What requests name.
#[derive(Debug, Clone)]
pub(crate) struct Things {
    /// The ID of the cluster.
    pub(crate) id: String,
    /// A secret with an AUTH token.
    pub(crate) secret: String,
    /// A customer managed key.
    pub(crate) key: String,
    /// A user group.
    pub(crate) user_group: String,
}

/// The bucket without ACLs and without a policy.
pub(crate) const BACKUPS: &str = "backups";
/// The bucket with ACLs.
pub(crate) const ACLS: &str = "acls";
/// The bucket whose objects ElastiCache may read by their ACLs.
pub(crate) const OPEN: &str = "open";
/// The drop bucket of the stack.
pub(crate) const DROPS: &str = "elasticache-seeder-local";

/// A seeding by policy, whose keys are counted.
const PLAIN: Scenario = Scenario {
    name: "plain",
    entry: Entry::Start,
    bucket: BACKUPS,
    content: Content::Small,
    encrypted: false,
    disturbance: Disturbance::None,
    request: |_| json!({"cluster": {}}),
};

impl Scenario {
    /// All of them. What several need is shown with the first.
    pub(crate) const ALL: [Self; 24] = [
        Self {
            name: "plain",
            request: |_| json!({"cluster": {"clusterMode": "enabled", "shards": 2}}),
            ..PLAIN
        },
        Self {
            name: "restore-failed",
            content: Content::Large,
            request: |_| json!({"cluster": {"nodeType": "cache.local.16mb"}, "allow": ["does-not-fit", "tight-fit"]}),
            ..PLAIN
        },
        // Nodes on loopback speak no TLS, which a serverless cache always does.
        Self {
            name: "serverless",
            request: |_| json!({"cluster": {"kind": "serverless"}, "verify": false}),
            ..PLAIN
        },
        Self {
            name: "serverless-failed",
            content: Content::Newer,
            request: |_| {
                json!({
                    "cluster": {"kind": "serverless"}, "verify": false, "convert": {"when": "never"},
                    "allow": ["rdb-newer-than-engine", "multiple-databases-in-cluster-mode"],
                })
            },
            ..PLAIN
        },
        Self {
            name: "cache-cluster",
            request: |_| json!({"cluster": {"kind": "cacheCluster", "subnetGroup": "default"}}),
            ..PLAIN
        },
        Self {
            name: "cache-cluster-failed",
            content: Content::Large,
            request: |_| {
                json!({
                    "cluster": {"kind": "cacheCluster", "nodeType": "cache.local.16mb"},
                    "allow": ["does-not-fit", "tight-fit"],
                })
            },
            ..PLAIN
        },
        Self {
            name: "exact-id-failed",
            content: Content::Large,
            request: |_| {
                json!({
                    "cluster": {"kind": "cacheCluster", "exactId": true, "nodeType": "cache.local.16mb"},
                    "allow": ["does-not-fit", "tight-fit"],
                })
            },
            ..PLAIN
        },
        Self {
            name: "exact-id-refused",
            disturbance: Disturbance::Refused,
            request: |_| json!({"cluster": {"kind": "cacheCluster", "exactId": true}}),
            ..PLAIN
        },
        Self {
            name: "user-group",
            request: |things| json!({"cluster": {"transitEncryption": true, "userGroupId": things.user_group}, "dryRun": true}),
            ..PLAIN
        },
        Self {
            name: "encrypted",
            encrypted: true,
            request: |_| json!({"cluster": {}, "dryRun": true}),
            ..PLAIN
        },
        // With the key of the backup, as its conversion is. Merging databases makes it have every phase.
        Self {
            name: "converted",
            content: Content::Newer,
            encrypted: true,
            request: |_| json!({"cluster": {}, "convert": {"databases": "merge"}}),
            ..PLAIN
        },
        Self { name: "acl", bucket: ACLS, request: |_| json!({"cluster": {}, "access": "acl"}), ..PLAIN },
        Self {
            name: "existing",
            bucket: OPEN,
            request: |_| json!({"cluster": {}, "access": "existing"}),
            ..PLAIN
        },
        Self {
            name: "vpc-and-token",
            request: |things| {
                json!({"cluster": {
                    "transitEncryption": true, "authTokenSecretArn": things.secret,
                    "atRestEncryption": true, "kmsKeyId": things.key,
                    "subnetGroup": "default", "parameterGroup": "default.redis7"
                }})
            },
            ..PLAIN
        },
        Self { name: "drop", entry: Entry::Drop, bucket: DROPS, ..PLAIN },
        // Read in several rounds: the functions have less time than they leave for the end.
        Self {
            name: "long-backup",
            content: Content::Long,
            request: |_| json!({"cluster": {}, "dryRun": true}),
            ..PLAIN
        },
        Self { name: "answer-lost", disturbance: Disturbance::AnswerLost, ..PLAIN },
        Self { name: "gone-before-reading", disturbance: Disturbance::BackupGone("inspect-chunk"), ..PLAIN },
        Self { name: "gone-before-create", disturbance: Disturbance::BackupGone("create-cluster"), ..PLAIN },
        Self { name: "gone-before-check", disturbance: Disturbance::BackupGone("check-cluster"), ..PLAIN },
        Self { name: "no-record-to-read", disturbance: Disturbance::RecordGone("inspect-chunk"), ..PLAIN },
        Self { name: "no-record-to-assess", disturbance: Disturbance::RecordGone("assess-backup"), ..PLAIN },
        Self { name: "no-record-to-create", disturbance: Disturbance::RecordGone("create-cluster"), ..PLAIN },
        Self { name: "no-record-to-check", disturbance: Disturbance::RecordGone("check-cluster"), ..PLAIN },
    ];

    /// The input of the execution.
    pub(crate) fn request(&self, things: &Things, key: &str) -> Value {
        let mut request = (self.request)(things);
        request["backups"] = json!([format!("{}/{key}", self.bucket)]);
        request["cluster"]["id"] = json!(things.id);
        // Who may not check a cluster waits until the deadline.
        request["deadlineMinutes"] = json!(1);
        request
    }
}
