//! The cluster to create.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    facts::{
        engine::{Engine, EngineVersion},
        identity::Identity,
        location::BackupLocation,
        slots::SlotRange,
    },
    finding::{Code, Finding, Severity},
    request::{
        ClusterMode, ClusterRequest, Request, SlotsRequest,
        id::{self, ClusterIdError},
        kind::ClusterKind,
        serverless::{ServerlessSpec, version_findings},
    },
};

/// The most shards of one cluster, with the quotas at their maximum. Source: user guide, "Quotas".
const MAX_SHARDS: u32 = 500;
/// The most nodes of one cluster. Source: user guide, "Quotas".
const MAX_NODES: u32 = 500;

/// Whether the parameter group decides about cluster mode, as far as the request leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenClusterMode {
    /// The request decides, directly or by other fields.
    Settled,
    /// It is open, and the request has one shard.
    Open,
    /// It is open, and so is the number of shards.
    OpenWithShards,
}

impl OpenClusterMode {
    /// Returns what this request leaves open.
    pub fn of(request: &Request) -> Self {
        let cluster = &request.cluster;
        let backups = request.backups.as_ref().map_or(0, Vec::len);
        let shards = cluster.shards.unwrap_or(1);
        let has_choice = cluster.kind.unwrap_or_default() == ClusterKind::ReplicationGroup;
        let is_said = cluster.cluster_mode.is_some() || cluster.slots.is_some();
        if !has_choice || is_said || shards != 1 || backups > 1 {
            Self::Settled
        } else if cluster.shards.is_some() {
            Self::Open
        } else {
            Self::OpenWithShards
        }
    }
}

/// A cluster request with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterSpec {
    /// What is created.
    #[serde(default)]
    pub kind: ClusterKind,
    /// The cluster's ID, lower case.
    pub id: String,
    /// Whether a cache cluster has the ID of the request, without the execution's hash.
    #[serde(default)]
    pub exact_id: bool,
    /// Valkey or Redis.
    pub engine: Engine,
    /// Its version.
    pub engine_version: EngineVersion,
    /// Whether cluster mode is on.
    pub cluster_mode: bool,
    /// `auto` or a node type; of no meaning for a serverless cache.
    pub node_type: String,
    /// The number of shards, 1 with cluster mode off. If it is automatic, 1 until the plan sets it.
    pub shards: u32,
    /// Whether the plan chooses the number of shards: as few as the data fits into.
    #[serde(default)]
    pub automatic_shards: bool,
    /// Replicas of each shard, 0 to 5.
    pub replicas_per_shard: u32,
    /// The distribution of the slots.
    pub slots: SlotsRequest,
    /// The cache subnet group; `None` uses the account's default.
    pub subnet_group: Option<String>,
    /// VPC security groups; empty uses the VPC's default.
    pub security_group_ids: Vec<String>,
    /// The cache parameter group; `None` uses the engine's default.
    pub parameter_group: Option<String>,
    /// The port that the nodes listen on.
    pub port: u16,
    /// TLS.
    pub transit_encryption: bool,
    /// Encryption at rest.
    pub at_rest_encryption: bool,
    /// The KMS key for encryption at rest.
    pub kms_key_id: Option<String>,
    /// The secret that holds the AUTH token.
    pub auth_token_secret_arn: Option<String>,
    /// The user group.
    pub user_group_id: Option<String>,
    /// Spread over availability zones with automatic failover.
    pub multi_az: bool,
    /// The retention of automatic backups, in days.
    pub snapshot_retention_days: u32,
    /// Limits and subnets, of a serverless cache only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serverless: Option<ServerlessSpec>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl ClusterSpec {
    /// Fills in the defaults and checks what can be checked without AWS; every violation is a finding.
    ///
    /// If the request does not set cluster mode, it is on for several shards, several backups or given slots.
    pub fn resolve(request: &Request, execution: &Identity, findings: &mut Vec<Finding>) -> Self {
        let mut cluster = request.cluster.clone();
        let kind = cluster.kind.unwrap_or_default();
        findings.extend(kind.own(&mut cluster));
        let engine = cluster.engine();
        let given_ranges = match &cluster.slots {
            Some(SlotsRequest::Ranges(ranges)) => u32::try_from(ranges.len()).ok(),
            _ => None,
        };
        let given_shards = cluster.shards.or(given_ranges);
        let shards = given_shards.unwrap_or(1);
        let backups = request.backups.as_deref().unwrap_or_default();
        let cluster_mode = match (kind, cluster.cluster_mode) {
            (ClusterKind::Serverless, _) => true,
            (ClusterKind::CacheCluster, _) => false,
            (ClusterKind::ReplicationGroup, Some(mode)) => mode == ClusterMode::Enabled,
            (ClusterKind::ReplicationGroup, None) => {
                shards > 1 || backups.len() > 1 || cluster.slots.is_some()
            }
        };
        // ElastiCache encrypts no cache cluster of Redis.
        let encrypts = kind != ClusterKind::CacheCluster;
        let tags = cluster.tags.iter().flatten();
        let engine_version = engine_version(engine, &cluster, findings);
        let serverless = (kind == ClusterKind::Serverless)
            .then(|| ServerlessSpec::resolve(&cluster.serverless.clone().unwrap_or_default(), findings));
        let spec = Self {
            kind,
            id: cluster.id_for(backups.first().map_or("backup", BackupLocation::stem), execution),
            exact_id: cluster.exact_id.unwrap_or(false),
            engine,
            engine_version,
            cluster_mode,
            automatic_shards: cluster_mode && given_shards.is_none() && serverless.is_none(),
            node_type: cluster.node_type.clone().unwrap_or_else(|| "auto".to_owned()),
            shards,
            replicas_per_shard: cluster.replicas_per_shard.unwrap_or(0),
            slots: cluster.slots.clone().unwrap_or_default(),
            subnet_group: cluster.subnet_group.clone(),
            security_group_ids: cluster.security_group_ids.clone().unwrap_or_default(),
            parameter_group: cluster.parameter_group.clone(),
            port: cluster.port.unwrap_or(6379),
            transit_encryption: cluster.transit_encryption.unwrap_or(encrypts),
            at_rest_encryption: cluster.at_rest_encryption.unwrap_or(encrypts),
            kms_key_id: cluster.kms_key_id.clone(),
            auth_token_secret_arn: cluster.auth_token_secret_arn.clone(),
            user_group_id: cluster.user_group_id.clone(),
            multi_az: cluster.multi_az.unwrap_or(false),
            snapshot_retention_days: cluster.snapshot_retention_days.unwrap_or(0),
            serverless,
            tags: tags.filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect(),
        };
        if spec.exact_id && cluster.id.is_none() {
            let remedy = "set cluster.id, or remove exactId: without an ID there is none to take exactly";
            findings.push(Finding::new(Code::InvalidRequest, remedy).with("field", "cluster.exactId"));
        }
        spec.check(backups.len(), findings);
        spec
    }

    /// Sets cluster mode as in the parameter group, if the request leaves it open.
    pub fn follow_parameter_group(&mut self, open: OpenClusterMode, enabled: bool) {
        if open == OpenClusterMode::Settled || !enabled {
            return;
        }
        self.cluster_mode = true;
        self.automatic_shards = open == OpenClusterMode::OpenWithShards;
    }

    /// Returns the name of the cluster's parameter group.
    pub fn parameter_group_name(&self) -> String {
        self.parameter_group
            .clone()
            .unwrap_or_else(|| self.engine.default_parameter_group(self.engine_version, self.cluster_mode))
    }

    /// Checks the ID.
    ///
    /// # Errors
    /// The rule of ElastiCache that it breaks.
    pub fn check_id(&self) -> Result<(), ClusterIdError> {
        id::check(self.kind, self.exact_id, &self.id).map_err(|(_, fault)| fault)
    }

    /// Whether keys can be in database 0 only.
    pub fn has_one_database(&self) -> bool {
        let one = self.engine.one_database_in_cluster_mode(self.engine_version);
        self.kind == ClusterKind::Serverless || (self.cluster_mode && one)
    }

    /// Returns the number of nodes, which ElastiCache calls member clusters. A serverless cache shows none.
    pub fn nodes(&self) -> u32 {
        if self.kind == ClusterKind::Serverless {
            return 0;
        }
        self.shards.saturating_mul(self.replicas_per_shard.saturating_add(1))
    }

    fn check(&self, backups: usize, findings: &mut Vec<Finding>) {
        let mut invalid = |field: &str, found: serde_json::Value, remedy: String| {
            let field = format!("cluster.{field}");
            findings
                .push(Finding::new(Code::InvalidRequest, remedy).with("field", field).with("found", found));
        };
        if !(1..=MAX_SHARDS).contains(&self.shards) {
            invalid("shards", self.shards.into(), format!("set the number of shards to 1-{MAX_SHARDS}"));
        }
        if self.port == 0 {
            invalid("port", 0.into(), "set a port from 1 to 65535".into());
        }
        if self.replicas_per_shard > 5 {
            invalid(
                "replicasPerShard",
                self.replicas_per_shard.into(),
                "set 0 to 5 replicas per shard".into(),
            );
        }
        if self.shards.saturating_mul(self.replicas_per_shard.saturating_add(1)) > MAX_NODES {
            invalid(
                "shards",
                self.shards.into(),
                format!("use fewer shards or replicas: at most {MAX_NODES} nodes"),
            );
        }
        if !self.cluster_mode && self.shards != 1 {
            let remedy = "turn cluster mode on, or use one shard".to_owned();
            invalid("clusterMode", "disabled".into(), remedy);
        }
        if self.kind == ClusterKind::CacheCluster && backups > 1 {
            let remedy = "name one backup: several can seed only a replicationGroup with cluster mode on";
            invalid("kind", "cacheCluster".into(), remedy.to_owned());
        } else if !self.cluster_mode && backups > 1 {
            let remedy = "turn cluster mode on: several backups can seed only such a cluster".to_owned();
            invalid("clusterMode", "disabled".into(), remedy);
        }
        if self.multi_az && self.replicas_per_shard == 0 {
            invalid("multiAz", true.into(), "set at least one replica per shard".into());
        }
        if self.auth_token_secret_arn.is_some() && !self.transit_encryption {
            invalid("authTokenSecretArn", "set".into(), "turn transitEncryption on: AUTH needs it".into());
        }
        if self.user_group_id.is_some() && !self.transit_encryption {
            invalid("userGroupId", "set".into(), "turn transitEncryption on: user groups need it".into());
        }
        if self.user_group_id.is_some() && self.auth_token_secret_arn.is_some() {
            invalid("userGroupId", "set".into(), "name a user group or an AUTH secret, not both".into());
        }
        if self.node_type != "auto" && !self.node_type.starts_with("cache.") {
            invalid(
                "nodeType",
                self.node_type.clone().into(),
                "name a type such as cache.r7g.large, or auto".into(),
            );
        }
        if self.kms_key_id.is_some() && !self.at_rest_encryption {
            invalid("kmsKeyId", "set".into(), "turn atRestEncryption on: the key requires it".into());
        }
        if self.snapshot_retention_days > 35 {
            invalid("snapshotRetentionDays", self.snapshot_retention_days.into(), "set 0 to 35 days".into());
        }
        findings.extend(crate::request::tags::tag_findings(&self.tags));
        if let SlotsRequest::Ranges(ranges) = &self.slots {
            let count = crate::facts::slots::SlotsError::Count { ranges: ranges.len(), shards: self.shards };
            let fault = if u32::try_from(ranges.len()) == Ok(self.shards) {
                SlotRange::check_cover(ranges).err()
            } else {
                Some(count)
            };
            if let Some(fault) = fault {
                findings.push(
                    Finding::new(
                        Code::InvalidSlots,
                        "give one range per shard, covering 0-16383 exactly once",
                    )
                    .with("reason", fault.to_string()),
                );
            }
        }
        if let Err((chosen, fault)) = id::check(self.kind, self.exact_id, &self.id) {
            findings.push(Finding::new(Code::InvalidClusterId, fault.to_string()).with("id", chosen));
        }
    }
}

/// Returns the version for the create, without a patch level if the API accepts none.
fn engine_version(engine: Engine, cluster: &ClusterRequest, findings: &mut Vec<Finding>) -> EngineVersion {
    let asked = cluster.engine_version;
    let version = asked.unwrap_or_else(|| engine.default_version());
    if cluster.kind.unwrap_or_default() == ClusterKind::Serverless {
        findings.extend(version_findings(engine, asked, version));
        return EngineVersion { patch: None, ..version };
    }
    if version.patch.is_none() || engine.takes_patch_level(version) {
        return version;
    }
    let taken = EngineVersion { patch: None, ..version };
    let remedy = format!("use {taken}: ElastiCache chooses the patch level itself");
    findings.push(
        Finding::new(Code::EngineVersionUnknown, remedy)
            .severity(Severity::Note)
            .with("found", version.to_string())
            .with("taken", taken.to_string()),
    );
    taken
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(request: &serde_json::Value) -> (ClusterSpec, Vec<Code>) {
        let request = Request::from_layers(&[("request", request)]).unwrap();
        let mut findings = Vec::new();
        let spec = ClusterSpec::resolve(&request, &Identity::new("e", "e"), &mut findings);
        (spec, findings.into_iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn cluster_mode_follows_from_shards_slots_and_backups() {
        assert!(!resolve(&json!({"backups": "a/b"})).0.cluster_mode);
        assert!(!resolve(&json!({"backups": "a/b"})).0.automatic_shards);
        assert!(resolve(&json!({"cluster": {"clusterMode": "enabled"}})).0.automatic_shards);
        assert!(!resolve(&json!({"cluster": {"slots": ["0-16383"]}})).0.automatic_shards);
        assert!(resolve(&json!({"cluster": {"shards": 3}})).0.cluster_mode);
        assert!(resolve(&json!({"backups": "a/b,a/c"})).0.cluster_mode);
        let (spec, findings) = resolve(&json!({"cluster": {"slots": ["0-100", "101-16383"]}}));
        assert_eq!((spec.cluster_mode, spec.shards, findings), (true, 2, vec![]));
    }

    #[test]
    fn a_patch_level_is_left_to_elasticache_where_it_chooses_it() {
        for (engine, asked, taken, notes) in [
            ("redis", "6.2.6", "6.2", 1),
            ("redis", "7.0.15", "7.0", 1),
            ("valkey", "8.1.3", "8.1", 1),
            ("valkey", "8.1", "8.1", 0),
            ("redis", "5.0.6", "5.0.6", 0),
        ] {
            let layer = json!({"cluster": {"engine": engine, "engineVersion": asked}});
            let request = Request::from_layers(&[("request", &layer)]).unwrap();
            let mut findings = Vec::new();
            let spec = ClusterSpec::resolve(&request, &Identity::new("e", "e"), &mut findings);
            assert_eq!((spec.engine_version.to_string().as_str(), findings.len()), (taken, notes), "{asked}");
            assert!(findings.iter().all(|finding| finding.severity == Severity::Note), "{findings:?}");
        }
    }

    #[test]
    fn the_parameter_group_decides_where_the_request_is_silent() {
        let with_group = |layer: serde_json::Value| {
            let request = Request::from_layers(&[("request", &layer)]).unwrap();
            let mut spec = ClusterSpec::resolve(&request, &Identity::new("e", "e"), &mut Vec::new());
            spec.follow_parameter_group(OpenClusterMode::of(&request), true);
            (spec.cluster_mode, spec.automatic_shards)
        };
        assert_eq!(with_group(json!({"backups": "a/b"})), (true, true));
        assert_eq!(with_group(json!({"cluster": {"shards": 1}})), (true, false));
        assert_eq!(with_group(json!({"cluster": {"clusterMode": "disabled"}})), (false, false));
        assert_eq!(with_group(json!({"cluster": {"shards": 2}})), (true, false));
    }

    #[test]
    fn contradictions_are_all_found_at_once() {
        let (_, codes) = resolve(&json!({
            "cluster": {"id": "x".repeat(41), "shards": 2, "slots": ["0-100"], "clusterMode": "disabled", "multiAz": true}
        }));
        assert_eq!(
            codes,
            [Code::InvalidRequest, Code::InvalidRequest, Code::InvalidSlots, Code::InvalidClusterId]
        );
    }

    #[test]
    fn absurd_numbers_are_refused_without_overflow() {
        let (_, codes) = resolve(&json!({"cluster": {"shards": u32::MAX, "replicasPerShard": u32::MAX}}));
        assert!(codes.len() >= 3, "{codes:?}");
    }

    #[test]
    fn a_cache_cluster_is_one_node_of_redis_without_encryption() {
        let (spec, findings) =
            resolve(&json!({"backups": "a/b", "cluster": {"kind": "cacheCluster", "id": "Orders"}}));
        assert_eq!(findings, []);
        assert_eq!((spec.engine, spec.engine_version.to_string().as_str()), (Engine::Redis, "7.1"));
        assert_eq!((spec.shards, spec.nodes(), spec.cluster_mode), (1, 1, false));
        assert!(!spec.transit_encryption && !spec.at_rest_encryption && !spec.has_one_database());
        assert_eq!(spec.parameter_group_name(), "default.redis7");
        assert!(spec.id.starts_with("orders-") && spec.check_id().is_ok(), "{}", spec.id);
        let (spec, findings) = resolve(&json!({
            "backups": "a/b", "cluster": {"kind": "cacheCluster", "id": "orders", "exactId": true},
        }));
        assert_eq!((spec.id.as_str(), spec.exact_id, findings), ("orders", true, vec![]));
    }

    #[test]
    fn a_cache_cluster_takes_one_backup_and_an_exact_id_that_is_given() {
        let (spec, findings) = resolve(&json!({
            "backups": "a/b,a/c", "cluster": {"kind": "cacheCluster", "exactId": true, "shards": 3, "slots": "even"},
        }));
        assert_eq!(findings, [Code::InvalidRequest; 4]);
        assert!(!spec.cluster_mode && !spec.automatic_shards);
        let (_, findings) = resolve(&json!({"cluster": {"kind": "cacheCluster", "id": "a".repeat(34)}}));
        assert_eq!(findings, [Code::InvalidClusterId]);
    }
}
