//! The scenarios: together, their calls need every permission that the local stack shows.

use serde_json::{Value, json};

/// How a scenario begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An execution is started with a request.
    Start,
    /// The backup is dropped.
    Drop,
}

/// One way through the product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) entry: Entry,
    /// Where the backup is.
    pub(crate) bucket: &'static str,
    /// Whether it needs more memory than a small node has.
    pub(crate) large: bool,
    /// Whether it is encrypted with a customer managed key.
    pub(crate) encrypted: bool,
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
    large: false,
    encrypted: false,
    request: |_| json!({"cluster": {}}),
};

impl Scenario {
    /// All of them, the shortest first.
    pub(crate) const ALL: [Self; 8] = [
        Self {
            name: "user-group",
            request: |things| {
                json!({"cluster": {"transitEncryption": true, "userGroupId": things.user_group}, "dryRun": true})
            },
            ..PLAIN
        },
        Self {
            name: "encrypted",
            encrypted: true,
            request: |_| json!({"cluster": {}, "dryRun": true}),
            ..PLAIN
        },
        Self {
            name: "plain",
            request: |_| json!({"cluster": {"clusterMode": "enabled", "shards": 2}}),
            ..PLAIN
        },
        Self { name: "acl", bucket: ACLS, request: |_| json!({"cluster": {}, "access": "acl"}), ..PLAIN },
        Self { name: "existing", bucket: OPEN, request: |_| json!({"cluster": {}, "access": "existing"}), ..PLAIN },
        Self {
            name: "restore-failed",
            large: true,
            request: |_| json!({"cluster": {"nodeType": "cache.local.16mb"}, "allow": ["does-not-fit", "tight-fit"]}),
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
    ];

    /// The input of the execution.
    pub(crate) fn request(&self, things: &Things, key: &str) -> Value {
        let mut request = (self.request)(things);
        request["backups"] = json!([format!("{}/{key}", self.bucket)]);
        request["cluster"]["id"] = json!(things.id);
        request
    }
}
