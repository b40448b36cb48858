//! The create of a cache cluster.

use aws_sdk_elasticache::{
    Client,
    config::{Builder, retry::RetryConfig},
    operation::create_cache_cluster::CreateCacheClusterOutput,
};
use seeding::StepError;

use super::{Answer, Create};

pub(super) async fn send(create: &Create<'_>, elasticache: &Client) -> Result<Answer, StepError> {
    let spec = &create.seeding.target.cluster;
    let retention = i32::try_from(spec.snapshot_retention_days).map_err(StepError::internal)?;
    let request = elasticache
        .create_cache_cluster()
        .cache_cluster_id(&spec.id)
        .engine(spec.engine.as_str())
        .engine_version(spec.engine_version.to_string())
        .cache_node_type(&create.input.node_type)
        .num_cache_nodes(1)
        .cache_parameter_group_name(spec.parameter_group_name())
        .port(i32::from(spec.port))
        .snapshot_retention_limit(retention)
        .set_cache_subnet_group_name(spec.subnet_group.clone())
        .set_security_group_ids(create.security_group_ids())
        .set_snapshot_arns(Some(create.snapshot_arns()))
        .set_tags(Some(create.tags()));
    // One call, one answer: after a retry here, `already exists` would not say who created it.
    let once = Builder::new().retry_config(RetryConfig::disabled());
    let answer = request.customize().config_override(once).send().await;
    let doing = format!("create the cache cluster {}", spec.id);
    let status = |answer: &CreateCacheClusterOutput| answer.cache_cluster()?.cache_cluster_status.clone();
    Ok(Answer::of(answer, status, "CacheClusterAlreadyExists", &doing))
}
