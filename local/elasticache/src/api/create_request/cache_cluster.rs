//! Parameters of `CreateCacheCluster`.

use super::{ChosenParameters, MAX_CLUSTER_ID, Params, backups, chosen_version, identifier, node_type, port};
use crate::{
    catalog::{Catalog, versions::Engine},
    error::ApiError,
    groups::{GroupSpec, Limits, ShardSpec, kind::Kind, slots::SlotRanges},
};

/// Reads the parameters of a cache cluster, or returns the API error.
pub(crate) fn parse(params: &Params, catalog: &Catalog) -> Result<GroupSpec, ApiError> {
    let id = identifier(params, "CacheClusterId", MAX_CLUSTER_ID)?;
    for name in ["ReplicationGroupId", "SnapshotName", "AuthToken"] {
        if params.text(name).is_some() {
            let message = format_args!("{name} is not supported by the local ElastiCache");
            return Err(ApiError::combination(message));
        }
    }
    let (engine, version, family) = chosen_version(params)?;
    if engine == Engine::Valkey {
        return Err(ApiError::value(
            "This API doesn't support Valkey engine. Please use CreateReplicationGroup API for Valkey.",
        ));
    }
    if params.number::<u32>("NumCacheNodes")? != Some(1) {
        return Err(ApiError::value("NumCacheNodes should be 1 if engine is redis"));
    }
    if params.flag("TransitEncryptionEnabled")? == Some(true) {
        return Err(ApiError::combination("Encryption feature is not supported for engine REDIS."));
    }
    let parameters = ChosenParameters::choose(params, catalog, family)?;
    if parameters.cluster_mode {
        return Err(ApiError::combination(
            "A cache cluster cannot have a parameter group with cluster-enabled yes",
        ));
    }
    let (node_type, maxmemory) = node_type(params, (engine, version, family))?;
    let backups = backups(params, "SnapshotArns")?;
    if backups.len() > 1 {
        return Err(ApiError::value("SnapshotArns of a cache cluster has one element"));
    }
    let subnet_group = params.text("CacheSubnetGroupName").map(str::to_owned);
    if let Some(name) = &subnet_group {
        catalog.subnet_group(name)?;
    }
    let snapshot_retention_limit = params.number("SnapshotRetentionLimit")?.unwrap_or(0);
    if snapshot_retention_limit > 35 {
        return Err(ApiError::value("SnapshotRetentionLimit must be 0 to 35"));
    }
    port(params)?;
    Ok(GroupSpec {
        kind: Kind::CacheCluster,
        id,
        description: String::new(),
        engine,
        version,
        databases: parameters.databases,
        server_parameters: parameters.group.for_servers(),
        parameter_group: parameters.name,
        node_type,
        maxmemory,
        cluster_mode: false,
        shards: vec![ShardSpec {
            id: "0001".to_owned(),
            slots: SlotRanges::all(),
            replicas: 0,
            zones: params.text("PreferredAvailabilityZone").map(str::to_owned).into_iter().collect(),
        }],
        backups,
        auth_token: None,
        transit_encryption: false,
        at_rest_encryption: false,
        kms_key_id: None,
        automatic_failover: false,
        multi_az: false,
        snapshot_retention_limit,
        subnet_group,
        security_group_ids: params.texts("SecurityGroupIds"),
        user_group_ids: Vec::new(),
        limits: Limits::default(),
        subnet_ids: Vec::new(),
    })
}
