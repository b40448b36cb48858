//! Parameters of creates, validated as ElastiCache validates them.

mod cache_cluster;
mod serverless;
mod shards;

use crate::{
    api::query::Params,
    catalog::{
        Catalog, ParameterGroup, node_types,
        versions::{self, Engine},
    },
    error::ApiError,
    groups::{GroupSpec, Limits, backup::BackupLocation, kind::Kind},
};

pub(crate) use self::{cache_cluster::parse as parse_cache_cluster, serverless::parse as parse_serverless};

/// The longest IDs of replication groups and serverless caches, and of cache clusters.
const MAX_ID: usize = 40;
const MAX_CLUSTER_ID: usize = 50;
/// Other data sources of a replication group, not supported here.
const UNSUPPORTED: [&str; 4] =
    ["SnapshotName", "ServerlessCacheSnapshotName", "PrimaryClusterId", "GlobalReplicationGroupId"];

/// Reads the parameters of a replication group, or returns the API error.
/// `raised_quota` says that AWS has raised the quota of shards.
pub(crate) fn parse(params: &Params, catalog: &Catalog, raised_quota: bool) -> Result<GroupSpec, ApiError> {
    let id = identifier(params, "ReplicationGroupId", MAX_ID)?;
    let description = params.required("ReplicationGroupDescription")?.to_owned();
    if let Some(name) = UNSUPPORTED.into_iter().find(|name| params.text(name).is_some()) {
        return Err(ApiError::combination(format_args!(
            "{name} is not supported by the local ElastiCache; use SnapshotArns"
        )));
    }
    let (engine, version, family) = chosen_version(params)?;
    let parameters = ChosenParameters::choose(params, catalog, family)?;
    let (node_type, maxmemory) = node_type(params, (engine, version, family))?;
    // All r6gd nodes use data tiering, and no other node type does.
    if params.flag("DataTieringEnabled")?.unwrap_or(false) != node_type.contains(".r6gd.") {
        return Err(ApiError::combination(
            "DataTieringEnabled must be true with r6gd node types, and only with them.",
        ));
    }
    let backups = backups(params, "SnapshotArns")?;
    let shards = if parameters.cluster_mode {
        shards::of_cluster(params, !backups.is_empty(), raised_quota)?
    } else {
        shards::single(params)?
    };
    port(params)?;
    let spec = GroupSpec {
        kind: Kind::ReplicationGroup,
        id,
        description,
        engine,
        version,
        databases: if parameters.cluster_mode { 16 } else { parameters.databases },
        server_parameters: parameters.group.for_servers(),
        parameter_group: parameters.name,
        node_type,
        maxmemory,
        cluster_mode: parameters.cluster_mode,
        shards,
        backups,
        auth_token: params.text("AuthToken").map(str::to_owned),
        transit_encryption: params.flag("TransitEncryptionEnabled")?.unwrap_or(false),
        at_rest_encryption: params.flag("AtRestEncryptionEnabled")?.unwrap_or(engine == Engine::Valkey),
        kms_key_id: params.text("KmsKeyId").map(str::to_owned),
        automatic_failover: params.flag("AutomaticFailoverEnabled")?.unwrap_or(false),
        multi_az: params.flag("MultiAZEnabled")?.unwrap_or(false),
        snapshot_retention_limit: params.number("SnapshotRetentionLimit")?.unwrap_or(0),
        subnet_group: params.text("CacheSubnetGroupName").map(str::to_owned),
        security_group_ids: params.texts("SecurityGroupIds"),
        user_group_ids: params.texts("UserGroupIds"),
        limits: Limits::default(),
        subnet_ids: Vec::new(),
    };
    combinations(&spec, catalog)?;
    Ok(spec)
}

/// The engine, its version and the family of its parameter groups.
fn chosen_version(params: &Params) -> Result<(Engine, &'static str, &'static str), ApiError> {
    let engine = params.text("Engine").unwrap_or("redis");
    let engine =
        Engine::parse(engine).ok_or_else(|| ApiError::value(format_args!("Invalid engine {engine}")))?;
    let asked = params.text("EngineVersion");
    let (version, family) = versions::version(engine, asked).ok_or_else(|| {
        let asked = asked.unwrap_or_default();
        ApiError::combination(format_args!("Cannot find version {asked} for {engine}"))
    })?;
    Ok((engine, version, family))
}

/// The node type, and its memory limit in bytes.
fn node_type(
    params: &Params,
    (engine, version, family): (Engine, &str, &str),
) -> Result<(String, u64), ApiError> {
    let node_type = params.text("CacheNodeType").unwrap_or("cache.t4g.small").to_owned();
    let maxmemory = node_types::maxmemory(family, &node_type).ok_or_else(|| {
        ApiError::value(format_args!("Invalid Cache Node Type: {node_type} for {engine} {version}."))
    })?;
    Ok((node_type, maxmemory))
}

fn backups(params: &Params, name: &str) -> Result<Vec<BackupLocation>, ApiError> {
    let arns = params.texts(name);
    arns.iter().map(|arn| BackupLocation::from_arn(arn)).collect::<Result<_, _>>().map_err(ApiError::value)
}

/// Validates an ID: letters, digits and single hyphens, at most so many, starting with a letter. Stored in lower case.
fn identifier(params: &Params, name: &str, most: usize) -> Result<String, ApiError> {
    let id = params.required(name)?;
    let letters = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let first = id.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if letters && first && id.len() <= most && !id.ends_with('-') && !id.contains("--") {
        return Ok(id.to_ascii_lowercase());
    }
    Err(ApiError::value(format_args!(
        "The parameter {name} is not a valid identifier: {id}. Identifiers must begin with a letter; must \
         contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive \
         hyphens; at most {most} characters."
    )))
}

/// The parameter group and the values that depend on it.
struct ChosenParameters<'a> {
    name: String,
    group: &'a ParameterGroup,
    cluster_mode: bool,
    databases: u32,
}

impl<'a> ChosenParameters<'a> {
    fn choose(params: &Params, catalog: &'a Catalog, family: &str) -> Result<Self, ApiError> {
        let mode = match params.text("ClusterMode") {
            None => None,
            Some("enabled") => Some(true),
            Some("disabled") => Some(false),
            Some(other) => {
                return Err(ApiError::value(format_args!(
                    "ClusterMode {other}: the local ElastiCache has enabled and disabled"
                )));
            }
        };
        let name = params.text("CacheParameterGroupName").map_or_else(
            || format!("default.{family}{}", if mode == Some(true) { ".cluster.on" } else { "" }),
            str::to_owned,
        );
        let group = catalog.parameter_group(&name)?;
        if group.family != family {
            let message = format_args!(
                "Expected a parameter group of family {family} but found one of family {}",
                group.family
            );
            return Err(ApiError::combination(message));
        }
        let cluster_mode = group.cluster_enabled();
        if mode.is_some_and(|mode| mode != cluster_mode) {
            let message = format_args!(
                "ClusterMode does not match the parameter group {name}, whose cluster-enabled differs"
            );
            return Err(ApiError::combination(message));
        }
        let databases = group.value("databases").and_then(|text| text.parse().ok()).unwrap_or(16);
        Ok(Self { name, group, cluster_mode, databases })
    }
}

/// Validates the port as ElastiCache does, although nodes listen on free ports here.
fn port(params: &Params) -> Result<(), ApiError> {
    match params.number::<u16>("Port")? {
        Some(0) => Err(ApiError::value("Port must be 1 to 65535")),
        _ => Ok(()),
    }
}

/// Rejects the combinations of parameters that ElastiCache rejects.
fn combinations(spec: &GroupSpec, catalog: &Catalog) -> Result<(), ApiError> {
    if let Some(name) = &spec.subnet_group {
        catalog.subnet_group(name)?;
    }
    for id in &spec.user_group_ids {
        catalog.user_group(id)?;
    }
    let replicas = spec.shards.iter().map(|shard| shard.replicas).min().unwrap_or(0);
    let refused = [
        (
            spec.cluster_mode && !spec.automatic_failover,
            "AutomaticFailoverEnabled must be true with cluster mode enabled.",
        ),
        (
            !spec.cluster_mode && spec.automatic_failover && replicas == 0,
            "AutomaticFailoverEnabled needs at least two cache clusters.",
        ),
        (
            spec.multi_az && (!spec.automatic_failover || replicas == 0),
            "MultiAZEnabled needs AutomaticFailoverEnabled and at least one replica in each node group.",
        ),
        (
            spec.auth_token.is_some() && !spec.transit_encryption,
            "The AUTH token is only supported when encryption-in-transit is enabled.",
        ),
        (
            !spec.user_group_ids.is_empty() && !spec.transit_encryption,
            "User groups are only supported when encryption-in-transit is enabled.",
        ),
        (
            spec.auth_token.is_some() && !spec.user_group_ids.is_empty(),
            "AuthToken and UserGroupIds cannot be used together.",
        ),
        (spec.kms_key_id.is_some() && !spec.at_rest_encryption, "KmsKeyId needs AtRestEncryptionEnabled."),
        (spec.user_group_ids.len() > 1, "At most one user group is possible."),
    ];
    if let Some((_, message)) = refused.into_iter().find(|(refused, _)| *refused) {
        return Err(ApiError::combination(message));
    }
    if spec.snapshot_retention_limit > 35 {
        return Err(ApiError::value("SnapshotRetentionLimit must be 0 to 35"));
    }
    spec.auth_token.as_deref().map_or(Ok(()), auth_token)
}

fn auth_token(token: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!&#$^<>-".contains(&byte);
    if (16..=128).contains(&token.len()) && token.bytes().all(allowed) {
        return Ok(());
    }
    Err(ApiError::value("AuthToken must be 16 to 128 letters, digits or the characters ! & # $ ^ < > -"))
}
