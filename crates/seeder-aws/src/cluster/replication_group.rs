//! Replication groups.

use aws_sdk_elasticache::{
    Client,
    types::{Endpoint, ReplicationGroup},
};
use seeding::{
    ClusterKind, Mark, StepError,
    steps::{ClusterInfo, DeletionPhase},
};

use super::Described;
use crate::{error_code, service_error};

pub(super) async fn describe(elasticache: &Client, id: &str) -> Result<Option<Described>, StepError> {
    match elasticache.describe_replication_groups().replication_group_id(id).send().await {
        Ok(answer) => Ok(answer.replication_groups().first().map(described)),
        Err(error) if error_code(&error) == Some("ReplicationGroupNotFoundFault") => Ok(None),
        Err(error) => Err(service_error(&format!("describe the replication group {id}"), &error)),
    }
}

fn described(group: &ReplicationGroup) -> Described {
    let endpoint = group
        .configuration_endpoint()
        .or_else(|| group.node_groups().first().and_then(|shard| shard.primary_endpoint()));
    Described {
        info: ClusterInfo {
            kind: ClusterKind::ReplicationGroup,
            id: group.replication_group_id().unwrap_or_default().to_owned(),
            arn: group.arn().unwrap_or_default().to_owned(),
            endpoint: endpoint.and_then(|endpoint| endpoint.address()).unwrap_or_default().to_owned(),
            port: endpoint.and_then(Endpoint::port).and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
            node_type: group.cache_node_type().unwrap_or_default().to_owned(),
            shards: u32::try_from(group.node_groups().len()).unwrap_or(u32::MAX),
        },
        status: group.status().unwrap_or_default().to_owned(),
        mark: Mark::Description(group.description().unwrap_or_default().to_owned()),
        tls: group.transit_encryption_enabled().unwrap_or(false),
        members: group.member_clusters().to_vec(),
    }
}

pub(super) async fn delete(elasticache: &Client, id: &str) -> Result<DeletionPhase, StepError> {
    match elasticache.delete_replication_group().replication_group_id(id).send().await {
        Ok(_) => Ok(DeletionPhase::Deleting),
        Err(error) => match error_code(&error) {
            Some("ReplicationGroupNotFoundFault") => Ok(DeletionPhase::Gone),
            // Its members have failed, and it is still `creating`: it can be deleted later.
            Some("InvalidReplicationGroupState" | "InvalidReplicationGroupStateFault") => {
                Ok(DeletionPhase::Creating)
            }
            _ => Err(service_error(&format!("delete the replication group {id}"), &error)),
        },
    }
}
