//! The options that describe a cluster, the same for every command.

use clap::builder::PossibleValue;
use serde_json::{Map, Value, json};

use super::{changes::ChangeArgs, convert::POLICY};

/// Options that describe the new cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Target cluster")]
pub(crate) struct ClusterArgs {
    /// What is created: a replication group, a cache cluster or a serverless cache. [default: replicationGroup]
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Option<String>,
    /// Most data of a serverless cache in GB.
    #[arg(long, value_name = "N")]
    max_gb: Option<u32>,
    /// Engine; a cache cluster has redis only. [default: valkey]
    #[arg(long, value_name = "NAME", value_parser = ["valkey", "redis"])]
    engine: Option<String>,
    /// Engine version, such as `8.1`. [default: 8.1 for valkey, 7.1 for redis]
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<String>,
    /// Node type, such as `cache.r7g.large`. `auto` chooses the smallest that fits, or the cheapest if
    /// prices are known. [default: auto]
    #[arg(long, value_name = "TYPE")]
    node_type: Option<String>,
    /// Number of shards. [default: with cluster mode on as few as the data fits into, otherwise 1]
    #[arg(long, value_name = "N")]
    shards: Option<u32>,
    /// Replicas per shard. [default: 0]
    #[arg(long, value_name = "N")]
    replicas: Option<u32>,
    /// Cluster mode. [default: on for several shards or backups]
    #[arg(long, value_name = "MODE", value_parser = ["on", "off"])]
    cluster_mode: Option<String>,
    /// Slot distribution: ranges of equal length, or ranges that make the heaviest shard as small as possible.
    /// [default: even]
    #[arg(long, value_name = "HOW", value_parser = ["even", "balanced"])]
    slots: Option<String>,
    /// Room to grow, in percent of a shard's data. [default: 10]
    #[arg(long, value_name = "N")]
    headroom_percent: Option<u32>,
    /// Node families that `auto` chooses from; without the last three for redis. [default: r7g,m7g,t4g,r8g,m8g,c8gn]
    #[arg(long, value_name = "FAMILIES", value_delimiter = ',')]
    node_families: Option<Vec<String>>,
    /// Finding code to allow (docs/FINDINGS.md); repeatable.
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
    /// Conversion of a backup that the engine does not read. [default: needed]
    #[arg(long, value_name = "WHEN", value_parser = ["needed", "never"])]
    convert: Option<String>,
    /// Reaction of a conversion to expiries of hash fields, before Valkey 9. Dropped, fields stay without an expiry.
    /// [default: refuse]
    #[arg(long, value_name = "POLICY", value_parser = POLICY)]
    field_expiries: Option<String>,
    /// Reaction of a conversion to deduplication and given-back entries of streams. Dropped, the streams stay.
    /// [default: refuse]
    #[arg(long, value_name = "POLICY", value_parser = POLICY)]
    stream_state: Option<String>,
    /// Reaction of a conversion to data of modules, vector sets among them. Dropped, their keys go. [default: refuse]
    #[arg(long, value_name = "POLICY", value_parser = POLICY)]
    modules: Option<String>,
    /// Reaction of a conversion to values of types that the engine does not have. Dropped, their keys go.
    /// [default: refuse]
    #[arg(long, value_name = "POLICY", value_parser = POLICY)]
    unsupported_types: Option<String>,
    /// Reaction of a conversion to functions, before Redis 7.0. [default: refuse]
    #[arg(long, value_name = "POLICY", value_parser = POLICY)]
    functions: Option<String>,
    #[command(flatten)]
    changes: ChangeArgs,
}

impl ClusterArgs {
    /// The options as a request. Whatever is not given is absent.
    pub(crate) fn request(&self) -> Map<String, Value> {
        let mode = self.cluster_mode.as_deref().map(|mode| if mode == "on" { "enabled" } else { "disabled" });
        let cluster = given([
            ("kind", json!(self.kind.as_deref().map(in_request))),
            ("serverless", self.max_gb.map_or(Value::Null, |max_gb| json!({"maxGb": max_gb}))),
            ("engine", json!(self.engine)),
            ("engineVersion", json!(self.engine_version)),
            ("nodeType", json!(self.node_type)),
            ("shards", json!(self.shards)),
            ("replicasPerShard", json!(self.replicas)),
            ("clusterMode", json!(mode)),
            ("slots", json!(self.slots)),
        ]);
        let list = |values: &[String]| if values.is_empty() { Value::Null } else { json!(values) };
        let flag = |is_set: bool| if is_set { json!(true) } else { Value::Null };
        let changes = &self.changes;
        let convert = given([
            ("when", json!(self.convert)),
            ("fieldExpiries", json!(self.field_expiries)),
            ("streamState", json!(self.stream_state)),
            ("modules", json!(self.modules)),
            ("unsupportedTypes", json!(self.unsupported_types)),
            ("functions", json!(self.functions)),
            ("databases", json!(changes.databases)),
            ("onConflict", json!(changes.on_conflict)),
            ("include", list(&changes.include)),
            ("exclude", list(&changes.exclude)),
            ("dropExpired", flag(changes.drop_expired)),
            ("only", list(&changes.only)),
            ("repair", flag(changes.repair)),
            ("salvage", flag(changes.salvage)),
        ]);
        let object = |members: Map<String, Value>| {
            if members.is_empty() { Value::Null } else { Value::Object(members) }
        };
        given([
            ("cluster", object(cluster)),
            ("convert", object(convert)),
            ("headroomPercent", json!(self.headroom_percent)),
            ("nodeFamilies", json!(self.node_families)),
            ("allow", list(&self.allow)),
        ])
    }
}

/// The kinds, as requests name them. In words with hyphens, as options are, they are known too.
fn kinds() -> [PossibleValue; 3] {
    let kind = |name, alias| PossibleValue::new(name).alias(alias);
    [
        kind("replicationGroup", "replication-group"),
        kind("cacheCluster", "cache-cluster"),
        PossibleValue::new("serverless"),
    ]
}

/// The name of a kind in a request.
fn in_request(kind: &str) -> &str {
    match kind {
        "replication-group" => "replicationGroup",
        "cache-cluster" => "cacheCluster",
        other => other,
    }
}

/// The members that have a value.
pub(crate) fn given<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_owned(), value)).collect()
}
