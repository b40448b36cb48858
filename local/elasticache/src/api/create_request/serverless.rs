//! Parameters of `CreateServerlessCache`.

use super::{MAX_ID, Params, backups, identifier};
use crate::{
    catalog::{
        Catalog,
        versions::{self, Engine},
    },
    error::ApiError,
    groups::{GroupSpec, Limits, ShardSpec, kind::Kind, slots::SlotRanges},
};

/// Bounds of data in GB and of ECPU per second.
const GB: std::ops::RangeInclusive<u32> = 1..=5_000;
const ECPU: std::ops::RangeInclusive<u32> = 1_000..=15_000_000;
const GB_BYTES: u64 = 1_000_000_000;
const MAX_DESCRIPTION: usize = 255;

/// Reads the parameters of a serverless cache, or returns the API error.
pub(crate) fn parse(params: &Params, catalog: &Catalog) -> Result<GroupSpec, ApiError> {
    let id = identifier(params, "ServerlessCacheName", MAX_ID)?;
    let description = params.text("Description").unwrap_or_default().to_owned();
    if description.len() > MAX_DESCRIPTION {
        return Err(ApiError::value(format_args!("Description has more than {MAX_DESCRIPTION} characters")));
    }
    let engine = params.required("Engine")?;
    let engine =
        Engine::parse(engine).ok_or_else(|| ApiError::value(format_args!("Invalid engine {engine}")))?;
    let major = params.text("MajorEngineVersion");
    let (version, family) = versions::newest_of(engine, major).ok_or_else(|| {
        let major = major.unwrap_or_default();
        ApiError::combination(format_args!("Serverless caches have no major version {major} of {engine}"))
    })?;
    let parameter_group = format!("default.{family}.cluster.on");
    let limits = limits(params)?;
    let user_group_ids: Vec<_> = params.text("UserGroupId").map(str::to_owned).into_iter().collect();
    for id in &user_group_ids {
        catalog.user_group(id)?;
    }
    let snapshot_retention_limit = params.number("SnapshotRetentionLimit")?.unwrap_or(0);
    if snapshot_retention_limit > 35 {
        return Err(ApiError::value("SnapshotRetentionLimit must be 0 to 35"));
    }
    Ok(GroupSpec {
        kind: Kind::ServerlessCache,
        id,
        description,
        engine,
        version,
        databases: 16,
        server_parameters: catalog.parameter_group(&parameter_group)?.for_servers(),
        parameter_group,
        node_type: "serverless".to_owned(),
        maxmemory: u64::from(limits.max_gb.unwrap_or(*GB.end())) * GB_BYTES,
        cluster_mode: true,
        shards: vec![ShardSpec {
            id: "0001".to_owned(),
            slots: SlotRanges::all(),
            replicas: 0,
            zones: Vec::new(),
        }],
        backups: backups(params, "SnapshotArnsToRestore")?,
        auth_token: None,
        transit_encryption: true,
        at_rest_encryption: true,
        kms_key_id: params.text("KmsKeyId").map(str::to_owned),
        automatic_failover: true,
        multi_az: true,
        snapshot_retention_limit,
        subnet_group: None,
        security_group_ids: params.texts("SecurityGroupIds"),
        user_group_ids,
        limits,
        subnet_ids: params.texts("SubnetIds"),
    })
}

fn limits(params: &Params) -> Result<Limits, ApiError> {
    let part = |name: &str| params.part("CacheUsageLimits").and_then(|limits| limits.part(name));
    let limit = |of: &str, name: &str, bounds: &std::ops::RangeInclusive<u32>| {
        let value: Option<u32> = part(of).map(|part| part.number(name)).transpose()?.flatten();
        match value.filter(|value| !bounds.contains(value)) {
            Some(value) => {
                let (low, high) = (bounds.start(), bounds.end());
                Err(ApiError::value(format_args!("{of} {name} is {value}, it must be {low} to {high}")))
            }
            None => Ok(value),
        }
    };
    let limits = Limits {
        min_gb: limit("DataStorage", "Minimum", &GB)?,
        max_gb: limit("DataStorage", "Maximum", &GB)?,
        min_ecpu: limit("ECPUPerSecond", "Minimum", &ECPU)?,
        max_ecpu: limit("ECPUPerSecond", "Maximum", &ECPU)?,
    };
    if part("DataStorage").is_some_and(|part| part.text("Unit") != Some("GB")) {
        return Err(ApiError::value("DataStorage needs the Unit GB"));
    }
    let above = |min: Option<u32>, max: Option<u32>| min.zip(max).is_some_and(|(min, max)| min > max);
    if above(limits.min_gb, limits.max_gb) || above(limits.min_ecpu, limits.max_ecpu) {
        return Err(ApiError::combination("A minimum of CacheUsageLimits is above its maximum"));
    }
    Ok(limits)
}
