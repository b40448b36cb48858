//! Kinds of clusters, and which fields of a request each of them has.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    finding::{Code, Finding},
    request::{ClusterMode, ClusterRequest},
};

/// What ElastiCache creates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterKind {
    /// A replication group: nodes in one or more shards, each with replicas or without.
    #[default]
    ReplicationGroup,
    /// A cache cluster: one node of Redis, without replicas and without encryption.
    CacheCluster,
    /// A serverless cache: ElastiCache chooses nodes and shards, and changes them with the load.
    Serverless,
}

impl ClusterKind {
    /// The kind in words, with its article.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "a replication group",
            Self::CacheCluster => "a cache cluster",
            Self::Serverless => "a serverless cache",
        }
    }

    /// The fields of `cluster` that a cluster of this kind does not have. Beside it, each is refused.
    const fn lacks(self) -> &'static [&'static str] {
        match self {
            Self::ReplicationGroup => &["exactId", "serverless"],
            Self::CacheCluster => &["slots", "kmsKeyId", "authTokenSecretArn", "userGroupId", "serverless"],
            Self::Serverless => &[
                "exactId",
                "nodeType",
                "shards",
                "replicasPerShard",
                "slots",
                "subnetGroup",
                "parameterGroup",
                "port",
                "authTokenSecretArn",
            ],
        }
    }

    /// The fields that have one possible value for a cluster of this kind, with that value.
    ///
    /// Sources for a cache cluster: ElastiCache API, `CreateCacheCluster`: `Engine`, `NumCacheNodes`,
    /// `CacheParameterGroupName`. It has `TransitEncryptionEnabled`, and answers to it: "Encryption feature is not
    /// supported for engine REDIS" (hashicorp/terraform-provider-aws, issue 49066).
    const fn fixes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ReplicationGroup => &[],
            Self::CacheCluster => &[
                ("engine", "redis"),
                ("clusterMode", "disabled"),
                ("shards", "1"),
                ("replicasPerShard", "0"),
                ("transitEncryption", "false"),
                ("atRestEncryption", "false"),
                ("multiAz", "false"),
            ],
            Self::Serverless => &[
                ("clusterMode", "enabled"),
                ("transitEncryption", "true"),
                ("atRestEncryption", "true"),
                ("multiAz", "true"),
            ],
        }
    }

    /// Removes from weaker layers of a request what a cluster of the kind in a stronger one does not have: the stack's
    /// defaults describe nodes, whatever a request asks for.
    pub(super) fn drop_foreign(weaker: &mut Value, stronger: &Value) {
        let Some(Ok(kind)) = stronger.pointer("/cluster/kind").map(Self::deserialize) else { return };
        let Some(cluster) = weaker.get_mut("cluster").and_then(Value::as_object_mut) else { return };
        let only = kind.fixes().iter().find(|(name, _)| *name == "engine").map(|(_, engine)| *engine);
        if only.is_some_and(|engine| cluster.get("engine").is_none_or(|given| given != engine)) {
            // They are those of the other engine.
            cluster.remove("engineVersion");
            cluster.remove("parameterGroup");
        }
        for name in kind.lacks().iter().chain(kind.fixes().iter().map(|(name, _)| name)) {
            cluster.remove(*name);
        }
    }

    /// Removes from a request what a cluster of this kind does not have, and returns a finding for each field.
    pub(super) fn own(self, cluster: &mut ClusterRequest) -> Vec<Finding> {
        let lacked = self.lacks().iter().filter(|field| take(cluster, field)).map(|field| {
            let remedy = format!("remove {field}: {} has none", self.in_words());
            (*field, remedy + self.other_kind(field))
        });
        let mut refused: Vec<_> = lacked.collect();
        for (field, value) in self.fixes() {
            if take_other(cluster, field, value) {
                let remedy = format!("remove {field}: {} always has {value}", self.in_words());
                refused.push((field, remedy + self.other_kind(field)));
            }
        }
        let finding = |(field, remedy)| {
            Finding::new(Code::InvalidRequest, remedy).with("field", format!("cluster.{field}"))
        };
        refused.into_iter().map(finding).collect()
    }

    /// The end of a remedy: another kind that has a field.
    fn other_kind(self, field: &str) -> &'static str {
        match (self, field) {
            (_, "serverless") => "; or set kind to serverless",
            (_, "exactId") => " to choose, since its ID is exact",
            (Self::CacheCluster, _) => "; or set kind to replicationGroup",
            _ => "",
        }
    }
}

/// Removes a field that the kind does not have. Returns whether it was given.
fn take(cluster: &mut ClusterRequest, field: &str) -> bool {
    match field {
        "exactId" => cluster.exact_id.take().is_some(),
        "serverless" => cluster.serverless.take().is_some(),
        "nodeType" => cluster.node_type.take().is_some(),
        "shards" => cluster.shards.take().is_some(),
        "replicasPerShard" => cluster.replicas_per_shard.take().is_some(),
        "slots" => cluster.slots.take().is_some(),
        "subnetGroup" => cluster.subnet_group.take().is_some(),
        "parameterGroup" => cluster.parameter_group.take().is_some(),
        "port" => cluster.port.take().is_some(),
        "kmsKeyId" => cluster.kms_key_id.take().is_some(),
        "authTokenSecretArn" => cluster.auth_token_secret_arn.take().is_some(),
        "userGroupId" => cluster.user_group_id.take().is_some(),
        _ => false,
    }
}

/// Removes a field that has one possible value. Returns whether it was given another one.
fn take_other(cluster: &mut ClusterRequest, field: &str, only: &str) -> bool {
    let mode = |mode| if mode == ClusterMode::Enabled { "enabled" } else { "disabled" }.to_owned();
    let given = match field {
        "engine" => cluster.engine.take().map(|engine| engine.to_string()),
        "clusterMode" => cluster.cluster_mode.take().map(mode),
        "shards" => cluster.shards.take().map(|shards| shards.to_string()),
        "replicasPerShard" => cluster.replicas_per_shard.take().map(|replicas| replicas.to_string()),
        "transitEncryption" => cluster.transit_encryption.take().map(|on| on.to_string()),
        "atRestEncryption" => cluster.at_rest_encryption.take().map(|on| on.to_string()),
        "multiAz" => cluster.multi_az.take().map(|on| on.to_string()),
        _ => None,
    };
    given.is_some_and(|given| given != only)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Request;

    const KINDS: [ClusterKind; 3] =
        [ClusterKind::ReplicationGroup, ClusterKind::CacheCluster, ClusterKind::Serverless];

    /// A value that a kind does not have.
    fn example(kind: ClusterKind, field: &str) -> Value {
        let of_serverless = kind == ClusterKind::Serverless;
        match field {
            "engine" => "valkey".into(),
            "shards" => 2.into(),
            "replicasPerShard" => 1.into(),
            "port" => 6379.into(),
            "slots" => "even".into(),
            "exactId" => false.into(),
            "serverless" => json!({"maxGb": 10}),
            "clusterMode" => if of_serverless { "disabled" } else { "enabled" }.into(),
            "transitEncryption" | "atRestEncryption" | "multiAz" => (!of_serverless).into(),
            _ => "x".into(),
        }
    }

    fn read(cluster: &Value) -> ClusterRequest {
        Request::from_layers(&[("request", &json!({"cluster": cluster}))]).unwrap().cluster
    }

    #[test]
    fn each_field_that_a_kind_does_not_have_is_refused_beside_it_by_name() {
        for kind in KINDS {
            for field in kind.lacks().iter().chain(kind.fixes().iter().map(|(name, _)| name)) {
                let mut cluster = read(&json!({*field: example(kind, field)}));
                let findings = kind.own(&mut cluster);
                let [finding] = findings.as_slice() else { panic!("{field}: {findings:?}") };
                assert_eq!(finding.code, Code::InvalidRequest);
                assert_eq!(finding.evidence["field"], format!("cluster.{field}"));
                assert_eq!(cluster, ClusterRequest::default(), "{field} stays");
            }
        }
    }

    #[test]
    fn what_a_kind_always_has_may_be_said() {
        let mut cluster = read(&json!({
            "clusterMode": "enabled", "transitEncryption": true, "atRestEncryption": true, "multiAz": true,
        }));
        assert_eq!(ClusterKind::Serverless.own(&mut cluster), []);
        let mut cluster = read(&json!({
            "engine": "redis", "clusterMode": "disabled", "shards": 1, "replicasPerShard": 0,
            "transitEncryption": false, "atRestEncryption": false, "multiAz": false, "exactId": true,
        }));
        assert_eq!(ClusterKind::CacheCluster.own(&mut cluster), []);
    }

    #[test]
    fn a_cache_cluster_of_valkey_is_a_replication_group() {
        let [finding] = &ClusterKind::CacheCluster.own(&mut read(&json!({"engine": "valkey"})))[..] else {
            panic!("one finding")
        };
        let remedy = "remove engine: a cache cluster always has redis; or set kind to replicationGroup";
        assert_eq!((finding.remedy.as_str(), &finding.evidence["field"]), (remedy, &"cluster.engine".into()));
    }

    #[test]
    fn a_kind_drops_what_weaker_layers_say_about_others() {
        let stack = json!({"cluster": {
            "engine": "valkey", "nodeType": "auto", "replicasPerShard": 1, "multiAz": false, "subnetGroup": "private",
            "engineVersion": "8.1", "parameterGroup": "default.valkey8", "transitEncryption": true,
        }});
        let own = json!({"cluster": {"kind": "serverless", "serverless": {"maxGb": 10}}});
        let request = Request::from_layers(&[("stack", &stack), ("request", &own)]).unwrap();
        assert_eq!((&request.cluster.node_type, request.cluster.multi_az), (&None, None));
        assert!(request.cluster.engine.is_some() && request.cluster.subnet_group.is_none());
        let back = json!({"cluster": {"kind": "replicationGroup"}});
        let layers = [("folder", &own), ("request", &back)];
        assert_eq!(Request::from_layers(&layers).unwrap().cluster.serverless, None);

        // Version and parameters of another engine go with it, those of the same stay.
        let own = json!({"cluster": {"kind": "cacheCluster"}});
        let ClusterRequest { engine, engine_version, parameter_group, subnet_group, .. } =
            Request::from_layers(&[("stack", &stack), ("request", &own)]).unwrap().cluster;
        assert_eq!((engine, engine_version, parameter_group), (None, None, None));
        assert_eq!(subnet_group.as_deref(), Some("private"));
        let stack = json!({"cluster": {"engine": "redis", "engineVersion": "6.2", "parameterGroup": "own"}});
        let kept = Request::from_layers(&[("stack", &stack), ("request", &own)]).unwrap().cluster;
        assert_eq!(kept.engine_version.map(|version| version.to_string()).as_deref(), Some("6.2"));
        assert_eq!(kept.parameter_group.as_deref(), Some("own"));
    }
}
