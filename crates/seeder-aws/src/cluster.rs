//! The cluster of an execution, as ElastiCache describes it.

use aws_sdk_elasticache::{
    Client,
    primitives::DateTime,
    types::{Endpoint, ReplicationGroup, SourceType},
};
use seeding::{
    ClusterView, Identity, MemberView, Seeding, StepError,
    report::Counts,
    steps::{ClusterInfo, Verification},
};

use crate::{error_code, service_error};

/// The most events that are shown.
const SHOWN_EVENTS: usize = 10;
/// The records of a page, the maximum of the API (`MaxRecords`).
const PAGE_RECORDS: i32 = 100;
/// The most pages of one listing: those of 5,000 nodes or events.
const MAX_PAGES: usize = 50;
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
pub fn is_ours(group: &ReplicationGroup, execution: &Identity) -> bool {
    group.description() == Some(execution.owner_text().as_str())
}

/// Describes the status of the group and its members. A member that does not exist yet, or no longer exists, is left
/// out.
///
/// The members come from the account's list of nodes, 100 per call: one call for each of 500 members would exceed the
/// function's timeout.
pub async fn view(elasticache: &Client, group: &ReplicationGroup) -> Result<ClusterView, StepError> {
    let id = group.replication_group_id().unwrap_or_default();
    let listed = elasticache.describe_cache_clusters().max_records(PAGE_RECORDS);
    let mut pages = listed.into_paginator().send();
    let mut members = Vec::new();
    for _ in 0..MAX_PAGES {
        if members.len() >= group.member_clusters().len() {
            break;
        }
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|error| service_error(&format!("describe the members of {id}"), &error))?;
        let of_group = page.cache_clusters().iter().filter(|node| node.replication_group_id() == Some(id));
        members.extend(of_group.map(|node| MemberView {
            id: node.cache_cluster_id().unwrap_or_default().to_owned(),
            status: node.cache_cluster_status().unwrap_or_default().to_owned(),
        }));
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

/// What verify-cluster needs to count the keys of an available cluster.
pub fn verification(seeding: &Seeding, group: &ReplicationGroup, counts: Option<Counts>) -> Verification {
    let ClusterInfo { endpoint, port, .. } = info(group);
    let cluster = &seeding.target.cluster;
    Verification {
        host: endpoint,
        port,
        tls: group.transit_encryption_enabled().unwrap_or(false),
        cluster_mode: cluster.cluster_mode,
        auth_token_secret_arn: cluster.auth_token_secret_arn.clone(),
        counts,
    }
}

/// The last events of the group and its members, oldest first, verbatim.
///
/// Events explain statuses, and nothing depends on them: if they cannot be read, a warning is logged instead.
pub async fn events(elasticache: &Client, group: &ReplicationGroup) -> Vec<String> {
    let id = group.replication_group_id().unwrap_or_default();
    let of_group =
        elasticache.describe_events().source_type(SourceType::ReplicationGroup).source_identifier(id);
    // Of all nodes in the account, so that the number of calls does not grow with the number of members.
    let of_nodes = elasticache.describe_events().source_type(SourceType::CacheCluster);
    let is_ours =
        |source: &str| source == id || group.member_clusters().iter().any(|member| member == source);
    let mut events = Vec::new();
    for asked in [of_group, of_nodes] {
        let mut pages = asked.duration(EVENT_MINUTES).max_records(PAGE_RECORDS).into_paginator().send();
        for _ in 0..MAX_PAGES {
            match pages.next().await {
                Some(Ok(page)) => events.extend(page.events().iter().filter_map(|event| {
                    let source = event.source_identifier().filter(|source| is_ours(source))?;
                    Some((
                        event.date().copied(),
                        source.to_owned(),
                        event.message().unwrap_or_default().to_owned(),
                    ))
                })),
                Some(Err(error)) => {
                    tracing::warn!(error = ?error_code(&error), "events could not be read");
                    break;
                }
                None => break,
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
