//! What a person asks for.

pub(crate) mod auth;
pub(crate) mod cluster;
pub(crate) mod convert;
pub(crate) mod id;
pub(crate) mod kind;
pub(crate) mod options;
pub(crate) mod resolve;
pub(crate) mod serverless;
pub(crate) mod tags;
pub(crate) mod user_group;

use std::collections::BTreeMap;

use rdb_convert::{Databases, OnConflict, Policy};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

use crate::{
    facts::json_type,
    facts::{
        engine::{Engine, EngineVersion},
        location::BackupLocation,
        slots::SlotRange,
    },
    request::{
        convert::When,
        kind::ClusterKind,
        options::{Access, Approval, OnRestoreFailed},
    },
};

/// The backups that one seeding takes at most. ElastiCache documents no bound; this one keeps the record small.
pub(crate) const MAX_BACKUPS: usize = 100;

/// A request as a person writes it: in a `seed.json`, in the console's input box, in the stack's defaults.
///
/// Every field may be absent; an unknown field is an error that names it. The table in docs/REQUEST.md is written from
/// this struct, [`ClusterRequest`] and [`ConvertRequest`] (`make docs`): the first paragraph of a comment is the
/// meaning, `Values:` lists what is accepted, and `Default:` the default where resolving an empty request does not show
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Request {
    /// The backups, 1 to 100 objects: `bucket/key` as in the ElastiCache console, `arn:aws:s3:::bucket/key`,
    /// `s3://bucket/key`, or [the object's address](docs/REQUEST.md#backups). Required.
    ///
    /// Values: a list, or one string with commas
    #[serde(deserialize_with = "backups")]
    pub backups: Option<Vec<BackupLocation>>,
    /// The cluster to create, with the fields below.
    ///
    /// Values: object
    pub cluster: ClusterRequest,
    /// How ElastiCache gets access to the bucket: through the bucket's policy or the objects' ACLs. `auto` chooses;
    /// `existing` changes nothing.
    ///
    /// Values: `auto`, `policy`, `acl`, `existing`
    pub access: Option<Access>,
    /// Reaction to a failed restore. `delete` deletes the cluster, `keep` leaves it for inspection, `startOver` tries
    /// the next larger node type.
    ///
    /// Values: `delete`, `keep`, `startOver`
    pub on_restore_failed: Option<OnRestoreFailed>,
    /// How often `startOver` tries a larger node type.
    ///
    /// Values: 0-5
    pub max_start_overs: Option<u32>,
    /// Stop after the verdict: nothing is created.
    ///
    /// Values: `true`, `false`
    pub dry_run: Option<bool>,
    /// Count the cluster's keys at the end. This requires a route into its network.
    ///
    /// Values: `true`, `false`
    pub verify: Option<bool>,
    /// Room to grow, in percent of the memory of a shard's data.
    ///
    /// Values: 0-1000
    pub headroom_percent: Option<u32>,
    /// The node families that `nodeType: auto` chooses from.
    ///
    /// Values: a list
    /// Default: `r7g`, `m7g` and `t4g`; with Valkey also `r8g`, `m8g` and `c8gn`
    pub node_families: Option<Vec<String>>,
    /// Polling interval in seconds.
    ///
    /// Values: 1-3600
    pub poll_seconds: Option<u32>,
    /// Minutes after which a cluster that is not available is deleted.
    ///
    /// Values: 1-1380
    /// Default: 240, or more for large backups
    pub deadline_minutes: Option<u32>,
    /// Conversion of a backup that the engine does not read, with the fields below.
    ///
    /// Values: object
    pub convert: ConvertRequest,
    /// Whether a person has to approve, after the verdict and before anything is created:
    /// [`seeder approve`](docs/OPERATING.md#approving).
    ///
    /// Values: `none`, `required`
    pub approval: Option<Approval>,
    /// Hours after which a seeding without an answer is rejected.
    ///
    /// Values: 1-168
    pub approval_hours: Option<u32>,
    /// Omit key names from reports.
    ///
    /// Values: `true`, `false`
    pub hide_keys: Option<bool>,
    /// Findings that do not forbid the seeding.
    ///
    /// Values: a list of [finding codes](docs/FINDINGS.md)
    pub allow: Option<Vec<String>>,
}

/// The cluster part of a [`Request`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClusterRequest {
    /// What is created: [a replication group, a cache cluster or a serverless
    /// cache](docs/REQUEST.md#kinds-of-clusters). Beside a kind, fields that it does not have are refused.
    ///
    /// Values: `replicationGroup`, `cacheCluster`, `serverless`
    pub kind: Option<ClusterKind>,
    /// ID of the cluster. To that of a cache cluster, the hash of the execution is added, after a hyphen.
    ///
    /// Values: 1 to 40 letters, digits and single hyphens; 1 to 33 for a cache cluster
    /// Default: from the file's name
    pub id: Option<String>,
    /// Whether a cache cluster has [the ID as it is given](docs/REQUEST.md#kinds-of-clusters), without a hash, of up to
    /// 50 characters. If the answer to its create is lost, it may be left behind.
    ///
    /// Values: `true`, `false`
    pub exact_id: Option<bool>,
    /// Engine.
    ///
    /// Values: `valkey`, `redis`
    /// Default: `valkey`, or `redis` for a cache cluster
    pub engine: Option<Engine>,
    /// Engine version, with or without quotes. The patch level of `6.2.6` is ignored, with a note: ElastiCache chooses
    /// it, from Redis 6 on and for every Valkey version.
    ///
    /// Values: such as `8.1`
    /// Default: `8.1`, or `7.1` for Redis
    pub engine_version: Option<EngineVersion>,
    /// Cluster mode. If the field is absent, it is on for several shards, several backups or given slots. If none of
    /// these is set, the value of `cluster-enabled` in the parameter group decides.
    ///
    /// Values: `enabled`, `disabled`
    /// Default: follows from the rest
    pub cluster_mode: Option<ClusterMode>,
    /// Node type. `auto` chooses the smallest type of `nodeFamilies` that fits with headroom, or the cheapest if
    /// [prices](docs/RUNNING.md#seeder-prices) are known.
    ///
    /// Values: `auto`, or a type such as `cache.r7g.large`
    pub node_type: Option<String>,
    /// Number of shards. If the field is absent: the number of given slot ranges; otherwise, with cluster mode on, as
    /// few as the data fits into; otherwise 1.
    ///
    /// Values: 1-500
    /// Default: follows from the rest
    pub shards: Option<u32>,
    /// Replicas of each shard. The stack's parameter `ReplicasPerShard` sets 1 unless you change it.
    ///
    /// Values: 0-5
    pub replicas_per_shard: Option<u32>,
    /// Distribution of the slots: ranges of equal length, ranges that make the heaviest shard as small as possible, or
    /// given ranges, one per shard, that cover 0-16383 exactly once.
    ///
    /// Values: `even`, `balanced`, or a list such as `["0-8191", "8192-16383"]`
    pub slots: Option<SlotsRequest>,
    /// Cache subnet group.
    ///
    /// Values: name
    /// Default: the account's default
    pub subnet_group: Option<String>,
    /// VPC security groups.
    ///
    /// Values: a list of IDs
    /// Default: the default group of the VPC
    pub security_group_ids: Option<Vec<String>>,
    /// Cache parameter group.
    ///
    /// Values: name
    /// Default: the default of engine and version
    pub parameter_group: Option<String>,
    /// Port of the nodes.
    ///
    /// Values: 1-65535
    pub port: Option<u16>,
    /// TLS between clients and nodes.
    ///
    /// Values: `true`, `false`
    pub transit_encryption: Option<bool>,
    /// Encryption on disk.
    ///
    /// Values: `true`, `false`
    pub at_rest_encryption: Option<bool>,
    /// KMS key for encryption at rest.
    ///
    /// Values: ARN
    pub kms_key_id: Option<String>,
    /// Secret that holds the [AUTH token](docs/REQUEST.md#secrets-user-groups-and-tags), as its text or in its field
    /// `authToken` or `password`.
    ///
    /// Values: ARN
    pub auth_token_secret_arn: Option<String>,
    /// User group for role-based access instead of a token. It must be active and of
    /// [the same engine](docs/REQUEST.md#secrets-user-groups-and-tags).
    ///
    /// Values: ID
    pub user_group_id: Option<String>,
    /// Spread nodes over availability zones, with automatic failover. This requires a replica.
    ///
    /// Values: `true`, `false`
    pub multi_az: Option<bool>,
    /// Days to keep automatic backups of the new cluster; 0 makes none.
    ///
    /// Values: 0-35
    pub snapshot_retention_days: Option<u32>,
    /// Limits and subnets of a serverless cache, with the fields below.
    ///
    /// Values: object
    pub serverless: Option<ServerlessRequest>,
    /// Tags of the new cluster, at most 49, [by AWS's rules](docs/REQUEST.md#secrets-user-groups-and-tags). `null`
    /// removes one of the stack's tags.
    ///
    /// Values: object
    /// Default: the stack's `Tags`
    pub tags: Option<BTreeMap<String, Option<String>>>,
}

impl ClusterRequest {
    /// The engine: the given one, or the default of the cluster's kind.
    pub(crate) fn engine(&self) -> Engine {
        self.engine.unwrap_or(match self.kind.unwrap_or_default() {
            ClusterKind::CacheCluster => Engine::Redis,
            ClusterKind::ReplicationGroup | ClusterKind::Serverless => Engine::Valkey,
        })
    }
}

/// The part of a [`ClusterRequest`] that only a serverless cache has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServerlessRequest {
    /// Data in GB that is billed even if there is less.
    ///
    /// Values: 1-5000
    pub min_gb: Option<u32>,
    /// Data in GB that the cache holds at most. Without a limit, it is 5,000.
    ///
    /// Values: 1-5000
    pub max_gb: Option<u32>,
    /// ElastiCache Processing Units per second that are billed even if fewer are used.
    ///
    /// Values: 1000-15000000
    pub min_ecpu: Option<u32>,
    /// ElastiCache Processing Units per second above which requests are throttled.
    ///
    /// Values: 1000-15000000
    pub max_ecpu: Option<u32>,
    /// Subnets of the cache's endpoint, all of one VPC.
    ///
    /// Values: a list of IDs
    /// Default: those of the default VPC
    pub subnet_ids: Option<Vec<String>>,
}

/// The conversion part of a [`Request`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ConvertRequest {
    /// Whether a backup that the engine does not read is [converted](docs/CONVERT.md#in-a-seeding) into one that it
    /// reads, or refused. Nothing is lost unless one of the following fields says `drop`.
    ///
    /// Values: `needed`, `never`
    pub when: Option<When>,
    /// Expiries of hash fields, for engines before Valkey 9. `drop` keeps the fields without them, except those that
    /// have expired.
    ///
    /// Values: `refuse`, `drop`
    pub field_expiries: Option<Policy>,
    /// Deduplication (Redis 8.6) and given-back entries (Redis 8.8) of streams. `drop` keeps the streams.
    ///
    /// Values: `refuse`, `drop`
    pub stream_state: Option<Policy>,
    /// Values and data of modules, vector sets among them. `drop` leaves out their keys.
    ///
    /// Values: `refuse`, `drop`
    pub modules: Option<Policy>,
    /// Values of types that the engine does not have: arrays (Redis 8.8). `drop` leaves out their keys.
    ///
    /// Values: `refuse`, `drop`
    pub unsupported_types: Option<Policy>,
    /// Functions, for engines before Redis 7.0. `drop` leaves them out.
    ///
    /// Values: `refuse`, `drop`
    pub functions: Option<Policy>,
    /// Where the keys of each database go. `merge` brings all to database 0. An object names databases, each with
    /// `drop`, a new number, or a new number with a prefix for its keys; those that it does not name stay.
    ///
    /// Values: `keep`, `merge`, or an object such as `{"1": "drop", "2": 3, "4": {"to": 0, "prefix": "db4:"}}`
    pub databases: Option<Databases>,
    /// Reaction to a key that two databases bring to one: `first` and `last` keep that one in the file.
    ///
    /// Values: `refuse`, `first`, `last`
    pub on_conflict: Option<OnConflict>,
    /// Keep only keys that match one of these patterns, which are those of the command `KEYS`.
    ///
    /// Values: a list of patterns
    pub include: Option<Vec<String>>,
    /// Leave out keys that match one of these patterns.
    ///
    /// Values: a list of patterns
    pub exclude: Option<Vec<String>>,
    /// Leave out keys that have expired.
    ///
    /// Values: `true`, `false`
    pub drop_expired: Option<bool>,
    /// Keep only keys of these types.
    ///
    /// Values: a list of string, list, set, zset, hash, stream, module, array
    pub only: Option<Vec<String>>,
    /// Mend [what ends a load](docs/CONVERT.md#repair), such as keys that occur twice.
    ///
    /// Values: `true`, `false`
    pub repair: Option<bool>,
    /// Seed from [what is intact](docs/CONVERT.md#salvage) in a damaged or truncated backup.
    ///
    /// Values: `true`, `false`
    pub salvage: Option<bool>,
}

/// Cluster mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterMode {
    /// Slots over one or more shards.
    Enabled,
    /// One shard, no slots.
    Disabled,
}

/// The distribution of the slots over the shards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SlotsRequest {
    /// Ranges of equal length.
    #[default]
    Even,
    /// Ranges that hold nearly equal amounts of data.
    Balanced,
    /// These ranges, one per shard.
    Ranges(Vec<SlotRange>),
}

/// The reason why a text is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {path}{message}")]
pub struct RequestError {
    /// The origin of the text: `request`, `seed.json`, `the stack's defaults`.
    pub origin: String,
    /// The field, as `cluster.shards: `; empty for the whole text.
    pub path: String,
    /// The fault.
    pub message: String,
}

impl Request {
    /// Reads the request from its layers, weakest first. Each is checked separately, so that an error names its origin;
    /// then a later layer overrides an earlier one, field by field.
    pub fn from_layers(layers: &[(&str, &Value)]) -> Result<Self, RequestError> {
        let mut merged = Value::Object(serde_json::Map::new());
        for (origin, layer) in layers {
            if !layer.is_object() {
                let message = format!("expected a JSON object, found {}", json_type(layer));
                return Err(RequestError { origin: (*origin).to_owned(), path: String::new(), message });
            }
            read(origin, layer)?;
            ClusterKind::drop_foreign(&mut merged, layer);
            overlay(&mut merged, layer);
        }
        read("request", &merged)
    }
}

fn read(origin: &str, layer: &Value) -> Result<Request, RequestError> {
    serde_path_to_error::deserialize(layer).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => String::new(),
            path => format!("{path}: "),
        };
        RequestError { origin: origin.to_owned(), path, message: error.into_inner().to_string() }
    })
}

/// Overlays `lower` with `upper`: objects field by field, everything else as a whole. A `null` removes the lower value.
fn overlay(lower: &mut Value, upper: &Value) {
    match (lower, upper) {
        (Value::Object(lower), Value::Object(upper)) => {
            for (name, value) in upper {
                if value.is_null() {
                    lower.remove(name);
                } else {
                    overlay(lower.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (lower, upper) => *lower = upper.clone(),
    }
}

fn backups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<BackupLocation>>, D::Error> {
    let texts = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) => split_list(&text),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                other => Err(D::Error::custom(format!(
                    "expected strings in the array, found {}",
                    json_type(&other)
                ))),
            })
            .collect::<Result<_, _>>()?,
        other => {
            return Err(D::Error::custom(format!(
                "expected a string or an array of strings, found {}",
                json_type(&other)
            )));
        }
    };
    if texts.len() > MAX_BACKUPS {
        return Err(D::Error::custom(format!("{} backups, at most {MAX_BACKUPS} are taken", texts.len())));
    }
    let locations: Vec<_> = texts
        .iter()
        .map(|text| BackupLocation::parse(text))
        .collect::<Result<_, _>>()
        .map_err(D::Error::custom)?;
    if let Some((place, twice)) =
        locations.iter().enumerate().find(|(place, location)| locations[..*place].contains(location))
    {
        return Err(D::Error::custom(format!("backup {} is named twice: {twice}", place + 1)));
    }
    Ok(Some(locations))
}

/// Splits at commas, as the console does. A comma inside a key cannot be distinguished from one between two backups; a
/// JSON list has no such limit.
fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl<'de> Deserialize<'de> for SlotsRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "expected \"even\", \"balanced\" or an array of ranges such as \"0-5460\"";
        match Value::deserialize(deserializer)? {
            Value::String(text) if text == "even" => Ok(Self::Even),
            Value::String(text) if text == "balanced" => Ok(Self::Balanced),
            Value::String(text) => Err(D::Error::custom(format!("{expected}, found `{text}`"))),
            Value::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => SlotRange::parse(&text).map_err(D::Error::custom),
                    other => Err(D::Error::custom(format!("{expected}, found {} in it", json_type(&other)))),
                })
                .collect::<Result<_, _>>()
                .map(Self::Ranges),
            other => Err(D::Error::custom(format!("{expected}, found {}", json_type(&other)))),
        }
    }
}

impl Serialize for SlotsRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Even => serializer.serialize_str("even"),
            Self::Balanced => serializer.serialize_str("balanced"),
            Self::Ranges(ranges) => serializer.collect_seq(ranges),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_and_wrong_types_are_named_with_their_place_and_origin() {
        let error = |layer: Value| Request::from_layers(&[("seed.json", &layer)]).unwrap_err().to_string();
        assert!(
            error(json!({"bakups": []}))
                .starts_with("seed.json: bakups: unknown field `bakups`, expected one of")
        );
        assert!(
            error(json!({"cluster": {"nodetype": "x"}}))
                .starts_with("seed.json: cluster.nodetype: unknown field")
        );
        assert!(
            error(json!({"cluster": {"shards": "3"}}))
                .starts_with("seed.json: cluster.shards: invalid type: string")
        );
        assert!(
            error(json!({"backups": ["a/b", 3]}))
                .contains("backups: expected strings in the array, found a number")
        );
        assert!(error(json!({"cluster": {"slots": ["0-99999"]}})).contains("`0-99999` is not a slot range"));
        assert_eq!(error(json!([])), "seed.json: expected a JSON object, found an array");
    }

    #[test]
    fn later_layers_win_field_by_field() {
        let stack = json!({"cluster": {"engine": "valkey", "shards": 3, "tags": {"a": "1"}}, "verify": true});
        let folder = json!({"cluster": {"shards": 1, "tags": {"b": "2", "c": "3"}}});
        let input = json!({"cluster": {"tags": {"c": null, "d": null}}, "backups": "x/1.rdb, s3://y/2.rdb", "verify": null});
        let request =
            Request::from_layers(&[("stack", &stack), ("seed.json", &folder), ("request", &input)]).unwrap();
        assert_eq!(request.cluster.shards, Some(1));
        assert_eq!(request.cluster.engine, Some(Engine::Valkey));
        let tags = request.cluster.tags.unwrap();
        assert_eq!(tags.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(request.verify, None);
        let names: Vec<_> = request.backups.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["x/1.rdb", "y/2.rdb"]);
    }

    #[test]
    fn the_same_backup_twice_is_refused() {
        let layer = json!({"backups": ["a/b.rdb", "s3://a/b.rdb"]});
        let error = Request::from_layers(&[("request", &layer)]).unwrap_err();
        assert!(error.message.contains("backup 2 is named twice: a/b.rdb"), "{error}");
    }
}
