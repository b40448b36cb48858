//! The cluster of an execution, as ElastiCache describes it.

use aws_sdk_elasticache::{
    Client,
    primitives::DateTime,
    types::{Endpoint, ReplicationGroup, SourceType},
};
use seeding::{ClusterView, MemberView, StepError, owner_text, steps::ClusterInfo};

use crate::{error_code, service_error};

/// The most events that are shown.
const SHOWN_EVENTS: usize = 10;
/// The age of the oldest event requested, in minutes: a day, which covers a seeding.
const EVENT_MINUTES: i32 = 24 * 60;

/// Describes the replication group of this ID; `None` if it does not exist.
pub async fn describe(elasticache: &Client, id: &str) -> Result<Option<ReplicationGroup>, StepError> {
    match elasticache.describe_replication_groups().replication_group_id(id).send().await {
        Ok(answer) => Ok(answer.replication_groups.and_then(|groups| groups.into_iter().next())),
        Err(error) if error_code(&error) == Some("ReplicationGroupNotFoundFault") => Ok(None),
        Err(error) => Err(service_error(&format!("describe the replication group {id}"), &error)),
    }
}

/// Whether this execution created the group, by its description.
pub fn is_ours(group: &ReplicationGroup, execution: &str) -> bool {
    group.description() == Some(owner_text(execution).as_str())
}

/// Describes the status of the group and its members. A member that no longer exists is left out.
pub async fn view(elasticache: &Client, group: &ReplicationGroup) -> Result<ClusterView, StepError> {
    let mut members = Vec::new();
    for id in group.member_clusters() {
        match elasticache.describe_cache_clusters().cache_cluster_id(id).send().await {
            Ok(answer) => members.extend(answer.cache_clusters().iter().map(|cluster| MemberView {
                id: id.clone(),
                status: cluster.cache_cluster_status().unwrap_or_default().to_owned(),
            })),
            Err(error) if error_code(&error) == Some("CacheClusterNotFound") => {}
            Err(error) => return Err(service_error(&format!("describe the member {id}"), &error)),
        }
    }
    Ok(ClusterView { status: group.status().unwrap_or_default().to_owned(), members })
}

/// Extracts what users need to connect to an available cluster.
pub fn info(group: &ReplicationGroup) -> ClusterInfo {
    let endpoint = group
        .configuration_endpoint()
        .or_else(|| group.node_groups().first().and_then(|shard| shard.primary_endpoint()));
    ClusterInfo {
        id: group.replication_group_id().unwrap_or_default().to_owned(),
        arn: group.arn().unwrap_or_default().to_owned(),
        endpoint: endpoint.and_then(|endpoint| endpoint.address()).unwrap_or_default().to_owned(),
        port: endpoint.and_then(Endpoint::port).and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
        node_type: group.cache_node_type().unwrap_or_default().to_owned(),
        shards: u32::try_from(group.node_groups().len()).unwrap_or(u32::MAX),
    }
}

/// The last events of the group and its members, oldest first, verbatim.
///
/// Events explain statuses, and nothing depends on them: if they cannot be read, a warning is logged instead.
pub async fn events(elasticache: &Client, group: &ReplicationGroup) -> Vec<String> {
    let id = group.replication_group_id().unwrap_or_default();
    let sources = std::iter::once((SourceType::ReplicationGroup, id))
        .chain(group.member_clusters().iter().map(|member| (SourceType::CacheCluster, member.as_str())));
    let mut events = Vec::new();
    for (kind, source) in sources {
        let asked = elasticache
            .describe_events()
            .source_type(kind)
            .source_identifier(source)
            .duration(EVENT_MINUTES)
            .send()
            .await;
        match asked {
            Ok(answer) => events.extend(answer.events().iter().map(|event| {
                (event.date().copied(), source.to_owned(), event.message().unwrap_or_default().to_owned())
            })),
            Err(error) => {
                tracing::warn!(source, error = ?error_code(&error), "events could not be read");
            }
        }
    }
    events.sort();
    let shown = events.len().saturating_sub(SHOWN_EVENTS);
    let text = |(date, source, message): (Option<DateTime>, String, String)| {
        let date = date.map(|date| date.to_string()).unwrap_or_default();
        format!("{date} {source}: {message}")
    };
    events.into_iter().skip(shown).map(text).collect()
}
