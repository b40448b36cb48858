//! The cluster of an execution, as ElastiCache describes it, whatever its kind.

mod cache_cluster;
mod replication_group;
mod serverless;

use aws_sdk_elasticache::{Client, primitives::DateTime, types::SourceType};
use seeding::{
    ClusterKind, ClusterSpec, ClusterView, ExecutionFiles, Identity, Mark, MemberView, Ownership, Seeding,
    StepError,
    report::Counts,
    steps::{ClusterInfo, DeletionPhase, Verification},
};

use crate::{ReportStore, error_code, service_error};

/// The most events that are shown.
const SHOWN_EVENTS: usize = 10;
/// The records of a page, the maximum of the API (`MaxRecords`).
const PAGE_RECORDS: i32 = 100;
/// The most pages of one listing: those of 5,000 nodes or events.
const MAX_PAGES: usize = 50;
/// The age of the oldest event requested, in minutes: a day, which covers a seeding.
const EVENT_MINUTES: i32 = 24 * 60;

/// A cluster as ElastiCache describes it.
#[derive(Debug, Clone)]
pub struct Described {
    /// What users need to connect to it, once it is available.
    pub info: ClusterInfo,
    /// Its status, verbatim.
    pub status: String,
    /// What it shows of who created it.
    pub mark: Mark,
    /// Whether connections use TLS.
    pub tls: bool,
    /// The IDs of its member clusters. Only a replication group has some.
    members: Vec<String>,
}

/// Describes the cluster of this kind and ID; `None` if it does not exist.
pub async fn describe(
    elasticache: &Client,
    kind: ClusterKind,
    id: &str,
) -> Result<Option<Described>, StepError> {
    match kind {
        ClusterKind::ReplicationGroup => replication_group::describe(elasticache, id).await,
        ClusterKind::CacheCluster => cache_cluster::describe(elasticache, id).await,
        ClusterKind::Serverless => serverless::describe(elasticache, id).await,
    }
}

/// Deletes a cluster. Returns what comes of it: a deletion, another try later, or nothing to delete.
pub async fn delete(elasticache: &Client, kind: ClusterKind, id: &str) -> Result<DeletionPhase, StepError> {
    match kind {
        ClusterKind::ReplicationGroup => replication_group::delete(elasticache, id).await,
        ClusterKind::CacheCluster => cache_cluster::delete(elasticache, id).await,
        ClusterKind::Serverless => serverless::delete(elasticache, id).await,
    }
}

impl Described {
    /// Whose the cluster is, with the evidence in the execution's files if the cluster shows nothing itself.
    pub async fn ownership(
        &self,
        spec: &ClusterSpec,
        execution: &Identity,
        reports: &ReportStore,
    ) -> Result<Ownership, StepError> {
        let evidence = if spec.exact_id {
            reports.read(&ExecutionFiles::of(execution.name()).evidence()).await?
        } else {
            None
        };
        Ok(Ownership::of(&self.mark, &self.status, spec, execution, evidence))
    }

    /// The description, of a cluster that has one.
    pub fn description(&self) -> Option<&str> {
        match &self.mark {
            Mark::Description(text) => Some(text),
            Mark::Id | Mark::MemberOf(_) => None,
        }
    }

    /// What verify-cluster needs to count the keys, once the cluster is available.
    pub fn verification(&self, seeding: &Seeding, counts: Option<Counts>) -> Verification {
        let cluster = &seeding.target.cluster;
        Verification {
            host: self.info.endpoint.clone(),
            port: self.info.port,
            tls: self.tls,
            cluster_mode: cluster.cluster_mode,
            auth_token_secret_arn: cluster.auth_token_secret_arn.clone(),
            counts,
        }
    }
}

/// Describes the status of the cluster and its members. A member that does not exist yet, or no longer exists, is left
/// out.
///
/// The members come from the account's list of nodes, 100 per call: one call for each of 500 members would exceed the
/// function's timeout.
pub async fn view(elasticache: &Client, cluster: &Described) -> Result<ClusterView, StepError> {
    let id = &cluster.info.id;
    if cluster.info.kind == ClusterKind::CacheCluster {
        let itself = MemberView { id: id.clone(), status: cluster.status.clone() };
        return Ok(ClusterView { status: cluster.status.clone(), members: vec![itself] });
    }
    let listed = elasticache.describe_cache_clusters().max_records(PAGE_RECORDS);
    let mut pages = listed.into_paginator().send();
    let mut members = Vec::new();
    for _ in 0..MAX_PAGES {
        if members.len() >= cluster.members.len() {
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
    Ok(ClusterView { status: cluster.status.clone(), members })
}

/// The last events of the cluster and its members, oldest first, verbatim.
///
/// Events explain statuses, and nothing depends on them: if they cannot be read, a warning is logged instead.
pub async fn events(elasticache: &Client, cluster: &Described) -> Vec<String> {
    let id = &cluster.info.id;
    let of_cluster = |kind| elasticache.describe_events().source_type(kind).source_identifier(id);
    let asked = match cluster.info.kind {
        ClusterKind::ReplicationGroup => vec![
            of_cluster(SourceType::ReplicationGroup),
            // Of all nodes in the account, so that the number of calls does not grow with the number of members.
            elasticache.describe_events().source_type(SourceType::CacheCluster),
        ],
        ClusterKind::CacheCluster => vec![of_cluster(SourceType::CacheCluster)],
        ClusterKind::Serverless => vec![of_cluster(SourceType::ServerlessCache)],
    };
    let is_ours = |source: &str| source == id || cluster.members.iter().any(|member| member == source);
    let mut events = Vec::new();
    for asked in asked {
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
