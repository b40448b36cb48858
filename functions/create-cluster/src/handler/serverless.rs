//! The create of a serverless cache.

use aws_sdk_elasticache::{
    Client,
    operation::create_serverless_cache::CreateServerlessCacheOutput,
    types::{CacheUsageLimits, DataStorage, DataStorageUnit, EcpuPerSecond},
};
use seeding::{ServerlessSpec, StepError};

use super::{Answer, Create};

pub(super) async fn send(create: &Create<'_>, elasticache: &Client) -> Result<Answer, StepError> {
    let spec = &create.seeding.target.cluster;
    let serverless = spec.serverless.clone().unwrap_or_default();
    let retention = i32::try_from(spec.snapshot_retention_days).map_err(StepError::internal)?;
    let request = elasticache
        .create_serverless_cache()
        .serverless_cache_name(&spec.id)
        .description(create.execution.owner_text())
        .engine(spec.engine.as_str())
        .major_engine_version(spec.engine_version.major.to_string())
        .snapshot_retention_limit(retention)
        .set_cache_usage_limits(limits(&serverless)?)
        .set_kms_key_id(spec.kms_key_id.clone())
        .set_security_group_ids(create.security_group_ids())
        .set_subnet_ids(Some(serverless.subnet_ids).filter(|ids| !ids.is_empty()))
        .set_user_group_id(spec.user_group_id.clone())
        .set_snapshot_arns_to_restore(create.snapshot_arns())
        .set_tags(create.tags());
    let doing = format!("create the serverless cache {}", spec.id);
    let status = |answer: &CreateServerlessCacheOutput| answer.serverless_cache()?.status.clone();
    Ok(Answer::of(request.send().await, status, "ServerlessCacheAlreadyExistsFault", &doing))
}

/// The limits of the request; `None` leaves all of them to AWS.
fn limits(spec: &ServerlessSpec) -> Result<Option<CacheUsageLimits>, StepError> {
    let number = |limit: Option<u32>| limit.map(i32::try_from).transpose().map_err(StepError::internal);
    let (min_gb, max_gb) = (number(spec.min_gb)?, number(spec.max_gb)?);
    let (min_ecpu, max_ecpu) = (number(spec.min_ecpu)?, number(spec.max_ecpu)?);
    let storage = DataStorage::builder().set_minimum(min_gb).set_maximum(max_gb).unit(DataStorageUnit::Gb);
    let ecpu = EcpuPerSecond::builder().set_minimum(min_ecpu).set_maximum(max_ecpu);
    let limits = CacheUsageLimits::builder()
        .set_data_storage(min_gb.or(max_gb).map(|_| storage.build()))
        .set_ecpu_per_second(min_ecpu.or(max_ecpu).map(|_| ecpu.build()))
        .build();
    let any = limits.data_storage().is_some() || limits.ecpu_per_second().is_some();
    Ok(any.then_some(limits))
}
