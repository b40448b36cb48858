//! The scenarios.

use seeding::Identity;
use serde_json::{Value, json};

use super::backups::Content;

/// The bucket with a policy of somebody else.
pub(crate) const BUCKET: &str = "backups";
/// The bucket without a policy.
pub(crate) const BARE_BUCKET: &str = "bare";

/// What happens to an execution besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    None,
    /// Somebody stops it while its cluster is being created.
    Stopped,
    /// Its deadline passes while its cluster is being created.
    Late,
    /// It waits for a person, who approves.
    Approved,
}

/// One way through the state machine.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name in reports and options.
    pub name: &'static str,
    /// The callers whose calls meet faults. What an earlier scenario has in the same way is not repeated. With
    /// `seed-cluster`, the invocations of these functions.
    pub(crate) callers: &'static [&'static str],
    pub(crate) content: Content,
    pub(crate) bucket: &'static str,
    pub(crate) disturbance: Disturbance,
    /// How it ends without a fault.
    pub(crate) end: &'static str,
    node_type: &'static str,
    shards: u32,
    starts_over: bool,
    kind: Kind,
}

/// What is seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ReplicationGroup,
    /// A cache cluster with the execution's hash in its ID.
    CacheCluster,
    /// One with the ID as it is given.
    ExactCacheCluster,
    Serverless,
}

/// Callers of a seeding that succeeds.
const ALL: &[&str] = &[
    "prepare-seeding",
    "inspect-chunk",
    "assess-backup",
    "grant-access",
    "create-cluster",
    "check-cluster",
    "verify-cluster",
    "revoke-access",
    "record-outcome",
    "seed-cluster",
];

/// The usual scenario, from which the others differ.
const HAPPY: Scenario = Scenario {
    name: "two-shards",
    callers: ALL,
    content: Content::Small,
    bucket: BUCKET,
    disturbance: Disturbance::None,
    end: "SUCCEEDED seeded",
    node_type: "cache.local.64mb",
    shards: 2,
    starts_over: false,
    kind: Kind::ReplicationGroup,
};

/// One whose restore fails.
const HOPELESS: Scenario = Scenario {
    name: "restore-failed",
    callers: &["check-cluster", "delete-cluster", "seed-cluster"],
    content: Content::Large,
    end: "FAILED SeedingFailed restore-failed, then SUCCEEDED cleaned-up",
    node_type: "cache.local.16mb",
    shards: 0,
    ..HAPPY
};

/// Callers that ElastiCache answers in other words if the cluster is of another kind.
const OTHER_KIND: &[&str] = &["prepare-seeding", "create-cluster", "check-cluster"];

/// A serverless cache whose restore fails: it has no limit that the backups here would exceed.
const UNREADABLE: Scenario = Scenario { content: Content::Newer, kind: Kind::Serverless, shards: 0, ..HAPPY };

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 18] = [
        HAPPY,
        Self {
            name: "one-node",
            callers: &["create-cluster", "verify-cluster", "revoke-access"],
            bucket: BARE_BUCKET,
            shards: 0,
            ..HAPPY
        },
        Self {
            name: "rejected",
            callers: &["inspect-chunk", "assess-backup", "record-outcome"],
            content: Content::Truncated,
            end: "FAILED BackupRejected backup-truncated, then SUCCEEDED cleaned-up",
            ..HAPPY
        },
        Self {
            name: "converted",
            callers: &[
                "assess-backup",
                "convert-chunk",
                "finish-conversion",
                "revoke-access",
                "seed-cluster",
            ],
            content: Content::Newer,
            shards: 0,
            ..HAPPY
        },
        HOPELESS,
        Self {
            name: "start-over",
            callers: &["create-cluster", "delete-cluster", "verify-cluster"],
            starts_over: true,
            end: "SUCCEEDED seeded",
            ..HOPELESS
        },
        Self {
            name: "stopped",
            callers: &["clean-up", "delete-cluster", "verify-cluster", "revoke-access", "record-outcome"],
            disturbance: Disturbance::Stopped,
            end: "ABORTED, then SUCCEEDED seeded",
            ..HAPPY
        },
        Self {
            name: "deadline",
            callers: &["delete-cluster", "revoke-access"],
            disturbance: Disturbance::Late,
            end: "FAILED SeedingFailed deadline-passed, then SUCCEEDED cleaned-up",
            ..HOPELESS
        },
        Self {
            name: "clean-up",
            callers: &["clean-up", "delete-cluster", "revoke-access", "record-outcome"],
            disturbance: Disturbance::Stopped,
            end: "ABORTED, then SUCCEEDED cleaned-up",
            ..HOPELESS
        },
        Self { name: "serverless", callers: OTHER_KIND, shards: 0, kind: Kind::Serverless, ..HAPPY },
        Self {
            name: "serverless-failed",
            callers: &["check-cluster", "delete-cluster"],
            end: "FAILED SeedingFailed create-failed, then SUCCEEDED cleaned-up",
            ..UNREADABLE
        },
        Self {
            name: "serverless-clean-up",
            callers: &["delete-cluster", "revoke-access"],
            disturbance: Disturbance::Stopped,
            end: "ABORTED, then SUCCEEDED cleaned-up",
            ..UNREADABLE
        },
        Self { name: "cache-cluster", callers: OTHER_KIND, shards: 0, kind: Kind::CacheCluster, ..HAPPY },
        Self {
            name: "cache-cluster-failed",
            callers: &["check-cluster", "delete-cluster"],
            kind: Kind::CacheCluster,
            ..HOPELESS
        },
        Self {
            name: "cache-cluster-clean-up",
            callers: &["delete-cluster", "revoke-access"],
            disturbance: Disturbance::Stopped,
            end: "ABORTED, then SUCCEEDED cleaned-up",
            kind: Kind::CacheCluster,
            ..HOPELESS
        },
        Self {
            name: "exact-id",
            callers: &["create-cluster", "check-cluster"],
            shards: 0,
            kind: Kind::ExactCacheCluster,
            ..HAPPY
        },
        Self {
            name: "exact-id-failed",
            callers: &["create-cluster", "check-cluster", "delete-cluster"],
            kind: Kind::ExactCacheCluster,
            ..HOPELESS
        },
        Self {
            name: "approved",
            callers: &["ask-approval", "record-outcome", "seed-cluster"],
            disturbance: Disturbance::Approved,
            ..HAPPY
        },
    ];

    /// Whether the restore fails without a fault.
    pub(crate) const fn is_hopeless(&self) -> bool {
        matches!((self.content, self.kind), (Content::Large, _) | (Content::Newer, Kind::Serverless))
    }

    /// Whether nothing but the answer to a create says whose the cluster is: once it is lost, it is in doubt.
    pub(crate) const fn may_be_in_doubt(&self) -> bool {
        matches!(self.kind, Kind::ExactCacheCluster)
    }

    /// The ID of the cluster that an execution creates, of which the request has this one.
    pub(crate) fn cluster_id(&self, id: &str, execution: &str) -> String {
        match self.kind {
            Kind::CacheCluster => format!("{id}-{}", Identity::new(execution, "").hash()),
            Kind::ReplicationGroup | Kind::ExactCacheCluster | Kind::Serverless => id.to_owned(),
        }
    }

    /// The input of the execution.
    pub(crate) fn request(&self, id: &str, key: &str) -> Value {
        let mut cluster = match self.kind {
            Kind::ReplicationGroup => json!({"id": id, "nodeType": self.node_type}),
            Kind::CacheCluster => json!({"id": id, "kind": "cacheCluster", "nodeType": self.node_type}),
            Kind::ExactCacheCluster => {
                json!({"id": id, "kind": "cacheCluster", "exactId": true, "nodeType": self.node_type})
            }
            Kind::Serverless => json!({"id": id, "kind": "serverless"}),
        };
        if self.shards > 0 {
            cluster["clusterMode"] = json!("enabled");
            cluster["shards"] = json!(self.shards);
        }
        let mut request =
            json!({"backups": [format!("{}/{key}", self.bucket)], "cluster": cluster, "deadlineMinutes": 1});
        if self.content == Content::Large {
            request["allow"] = json!(["does-not-fit", "tight-fit"]);
        }
        if self.kind == Kind::Serverless {
            // Nodes on loopback speak no TLS, which a serverless cache always does.
            request["verify"] = json!(false);
        }
        if self.content == Content::Newer && self.kind == Kind::Serverless {
            request["convert"] = json!({"when": "never"});
            request["allow"] = json!(["rdb-newer-than-engine", "multiple-databases-in-cluster-mode"]);
        } else if self.content == Content::Newer {
            // So that a conversion has every phase.
            request["convert"] = json!({"databases": "merge"});
        }
        if self.disturbance == Disturbance::Approved {
            request["approval"] = json!("required");
        }
        if self.starts_over {
            request["onRestoreFailed"] = json!("startOver");
        }
        request
    }
}
