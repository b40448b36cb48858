//! Cache clusters of one node.

use aws_sdk_elasticache::{
    Client,
    types::{CacheCluster, Endpoint},
};
use seeding::{
    ClusterKind, Mark, StepError,
    steps::{ClusterInfo, DeletionPhase},
};

use super::Described;
use crate::{error_code, service_error};

pub(super) async fn describe(elasticache: &Client, id: &str) -> Result<Option<Described>, StepError> {
    let asked = elasticache.describe_cache_clusters().cache_cluster_id(id).show_cache_node_info(true);
    match asked.send().await {
        Ok(answer) => Ok(answer.cache_clusters().first().map(described)),
        Err(error) if error_code(&error) == Some("CacheClusterNotFound") => Ok(None),
        Err(error) => Err(service_error(&format!("describe the cache cluster {id}"), &error)),
    }
}

fn described(cluster: &CacheCluster) -> Described {
    let endpoint = cluster.cache_nodes().first().and_then(|node| node.endpoint());
    let group = cluster.replication_group_id().filter(|group| !group.is_empty());
    Described {
        info: ClusterInfo {
            kind: ClusterKind::CacheCluster,
            id: cluster.cache_cluster_id().unwrap_or_default().to_owned(),
            arn: cluster.arn().unwrap_or_default().to_owned(),
            endpoint: endpoint.and_then(|endpoint| endpoint.address()).unwrap_or_default().to_owned(),
            port: endpoint.and_then(Endpoint::port).and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
            node_type: cluster.cache_node_type().unwrap_or_default().to_owned(),
            shards: 1,
        },
        status: cluster.cache_cluster_status().unwrap_or_default().to_owned(),
        mark: group.map_or(Mark::Id, |group| Mark::MemberOf(group.to_owned())),
        tls: cluster.transit_encryption_enabled().unwrap_or(false),
        members: Vec::new(),
    }
}

pub(super) async fn delete(elasticache: &Client, id: &str) -> Result<DeletionPhase, StepError> {
    match elasticache.delete_cache_cluster().cache_cluster_id(id).send().await {
        Ok(_) => Ok(DeletionPhase::Deleting),
        Err(error) => match error_code(&error) {
            Some("CacheClusterNotFound") => Ok(DeletionPhase::Gone),
            Some("InvalidCacheClusterState") => Ok(DeletionPhase::Creating),
            _ => Err(service_error(&format!("delete the cache cluster {id}"), &error)),
        },
    }
}
