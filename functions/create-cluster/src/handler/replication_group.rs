//! The create of a replication group.

use aws_sdk_elasticache::{
    Client,
    operation::create_replication_group::CreateReplicationGroupOutput,
    types::{ClusterMode, NodeGroupConfiguration},
};
use seeding::StepError;

use super::{Answer, Create};

pub(super) async fn send(create: Create<'_>, elasticache: &Client) -> Result<Answer, StepError> {
    let spec = &create.seeding.target.cluster;
    let count = |number: u32| i32::try_from(number).map_err(StepError::internal);
    let mut request = elasticache
        .create_replication_group()
        .replication_group_id(&spec.id)
        .replication_group_description(create.execution.owner_text())
        .engine(spec.engine.as_str())
        .engine_version(spec.engine_version.to_string())
        .cache_node_type(&create.input.node_type)
        .cache_parameter_group_name(spec.parameter_group_name())
        .port(i32::from(spec.port))
        .transit_encryption_enabled(spec.transit_encryption)
        .at_rest_encryption_enabled(spec.at_rest_encryption)
        .snapshot_retention_limit(count(spec.snapshot_retention_days)?)
        .set_cache_subnet_group_name(spec.subnet_group.clone())
        .set_kms_key_id(spec.kms_key_id.clone())
        .set_security_group_ids(create.security_group_ids())
        .set_user_group_ids(spec.user_group_id.clone().map(|id| vec![id]))
        .set_snapshot_arns(create.snapshot_arns())
        .set_tags(create.tags());
    // Automatic failover is required with cluster mode on; otherwise it needs a replica to fail over to.
    let failover = spec.cluster_mode || spec.replicas_per_shard > 0;
    request = request.automatic_failover_enabled(failover).multi_az_enabled(spec.multi_az);
    if spec.cluster_mode {
        request = request.cluster_mode(ClusterMode::Enabled).num_node_groups(count(spec.shards)?);
        for (number, shard) in (1..).zip(&create.input.plan.shards) {
            request = request.node_group_configuration(
                NodeGroupConfiguration::builder()
                    .node_group_id(format!("{number:04}"))
                    .slots(shard.slots.to_string())
                    .replica_count(count(spec.replicas_per_shard)?)
                    .build(),
            );
        }
    } else {
        let nodes = count(1 + spec.replicas_per_shard)?;
        request = request.cluster_mode(ClusterMode::Disabled).num_cache_clusters(nodes);
    }
    let doing = format!("create the replication group {}", spec.id);
    let answer = request.set_auth_token(create.token).send().await;
    let status = |answer: &CreateReplicationGroupOutput| answer.replication_group()?.status.clone();
    Ok(Answer::of(answer, status, "ReplicationGroupAlreadyExists", &doing))
}
