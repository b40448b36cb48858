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
    /// A serverless cache: ElastiCache chooses nodes and shards, and changes them with the load.
    Serverless,
}

impl ClusterKind {
    /// The kind in words, with its article.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ReplicationGroup => "a replication group",
            Self::Serverless => "a serverless cache",
        }
    }

    /// The fields of `cluster` that a cluster of this kind does not have. Beside it, each is refused.
    const fn lacks(self) -> &'static [&'static str] {
        match self {
            Self::ReplicationGroup => &["serverless"],
            Self::Serverless => &[
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
    const fn fixes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ReplicationGroup => &[],
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
        for name in kind.lacks().iter().chain(kind.fixes().iter().map(|(name, _)| name)) {
            cluster.remove(*name);
        }
    }

    /// Removes from a request what a cluster of this kind does not have, and returns a finding for each field.
    pub(super) fn own(self, cluster: &mut ClusterRequest) -> Vec<Finding> {
        let lacked = self.lacks().iter().filter(|field| take(cluster, field)).map(|field| {
            let remedy = format!("remove {field}: {} has none", self.in_words());
            (*field, if *field == "serverless" { remedy + "; or set kind to serverless" } else { remedy })
        });
        let mut refused: Vec<_> = lacked.collect();
        for (field, value) in self.fixes() {
            if take_other(cluster, field) {
                refused.push((field, format!("remove {field}: {} always has {value}", self.in_words())));
            }
        }
        let finding = |(field, remedy)| {
            Finding::new(Code::InvalidRequest, remedy).with("field", format!("cluster.{field}"))
        };
        refused.into_iter().map(finding).collect()
    }
}

/// Removes a field that the kind does not have. Returns whether it was given.
fn take(cluster: &mut ClusterRequest, field: &str) -> bool {
    match field {
        "serverless" => cluster.serverless.take().is_some(),
        "nodeType" => cluster.node_type.take().is_some(),
        "shards" => cluster.shards.take().is_some(),
        "replicasPerShard" => cluster.replicas_per_shard.take().is_some(),
        "slots" => cluster.slots.take().is_some(),
        "subnetGroup" => cluster.subnet_group.take().is_some(),
        "parameterGroup" => cluster.parameter_group.take().is_some(),
        "port" => cluster.port.take().is_some(),
        "authTokenSecretArn" => cluster.auth_token_secret_arn.take().is_some(),
        _ => false,
    }
}

/// Removes a field that has one possible value. Returns whether it was given another one.
fn take_other(cluster: &mut ClusterRequest, field: &str) -> bool {
    match field {
        "clusterMode" => cluster.cluster_mode.take() == Some(ClusterMode::Disabled),
        "transitEncryption" => cluster.transit_encryption.take() == Some(false),
        "atRestEncryption" => cluster.at_rest_encryption.take() == Some(false),
        "multiAz" => cluster.multi_az.take() == Some(false),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Request;

    const KINDS: [ClusterKind; 2] = [ClusterKind::ReplicationGroup, ClusterKind::Serverless];

    fn example(field: &str) -> Value {
        match field {
            "shards" | "replicasPerShard" => 1.into(),
            "port" => 6379.into(),
            "slots" => "even".into(),
            "serverless" => json!({"maxGb": 10}),
            "clusterMode" => "disabled".into(),
            "transitEncryption" | "atRestEncryption" | "multiAz" => false.into(),
            _ => "x".into(),
        }
    }

    #[test]
    fn each_field_that_a_kind_does_not_have_is_refused_beside_it_by_name() {
        for kind in KINDS {
            for field in kind.lacks().iter().chain(kind.fixes().iter().map(|(name, _)| name)) {
                let layer = json!({"cluster": {*field: example(field)}});
                let mut cluster = Request::from_layers(&[("request", &layer)]).unwrap().cluster;
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
        let layer = json!({"cluster": {
            "clusterMode": "enabled", "transitEncryption": true, "atRestEncryption": true, "multiAz": true,
        }});
        let mut cluster = Request::from_layers(&[("request", &layer)]).unwrap().cluster;
        assert_eq!(ClusterKind::Serverless.own(&mut cluster), []);
    }

    #[test]
    fn a_kind_drops_what_weaker_layers_say_about_others() {
        let stack = json!({"cluster": {
            "engine": "valkey", "nodeType": "auto", "replicasPerShard": 1, "multiAz": false, "subnetGroup": "private",
        }});
        let own = json!({"cluster": {"kind": "serverless", "serverless": {"maxGb": 10}}});
        let request = Request::from_layers(&[("stack", &stack), ("request", &own)]).unwrap();
        assert_eq!((&request.cluster.node_type, request.cluster.multi_az), (&None, None));
        assert!(request.cluster.engine.is_some() && request.cluster.subnet_group.is_none());
        let back = json!({"cluster": {"kind": "replicationGroup"}});
        let layers = [("folder", &own), ("request", &back)];
        assert_eq!(Request::from_layers(&layers).unwrap().cluster.serverless, None);
    }
}
