//! Quotas: concurrent invocations, and nodes.

use aws_sdk_elasticache::types::CacheCluster;
use aws_sdk_lambda::types::AccountLimit;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};

/// The chunks that one seeding reads at once at most, and the share of the concurrency that it takes, as
/// prepare-seeding has them.
const MAX_WORKERS: i32 = 40;
const SHARE: i32 = 2;
/// The nodes of all clusters of a region, unless the quota was raised. Source: `ElastiCache` user guide, "Quotas".
const DEFAULT_NODES: usize = 300;
/// The most pages of nodes, with 100 nodes each.
const MAX_PAGES: usize = 50;

/// Checks how many chunks a seeding can read at once.
pub(super) async fn concurrency(subject: &Subject) -> Checked {
    let settings = subject.clients.lambda().get_account_settings().send().await;
    let settings = settings.map_err(|error| {
        Unchecked::of("lambda:GetAccountSettings", "read the quota of concurrent invocations", &error)
    })?;
    let limit = settings.account_limit();
    let unreserved = limit.and_then(AccountLimit::unreserved_concurrent_executions).unwrap_or(0);
    let remedy = "request a higher quota \"Concurrent executions\" of AWS Lambda in Service Quotas, or reduce what other \
                  functions reserve";
    let workers = (unreserved / SHARE).clamp(1, MAX_WORKERS);
    Ok(vec![if unreserved == 0 {
        Line::fault("no concurrent invocations are left for functions without a reserve", remedy)
    } else if workers < MAX_WORKERS {
        Line::warning(
            format!(
                "{unreserved} concurrent invocations: a seeding reads {workers} chunks at once instead of {MAX_WORKERS}, so large \
                 backups take longer, and {} seedings at once are throttled",
                unreserved / workers.max(1) + 1
            ),
            remedy,
        )
    } else {
        Line::ok(format!("{unreserved} concurrent invocations, {workers} workers for each seeding"))
    }])
}

/// Checks how many nodes are left.
pub(super) async fn nodes(subject: &Subject) -> Checked {
    let mut pages =
        subject.clients.elasticache().describe_cache_clusters().max_records(100).into_paginator().send();
    let mut used = 0;
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|error| {
            Unchecked::of("elasticache:DescribeCacheClusters", "count the nodes in use", &error)
        })?;
        let nodes = page.cache_clusters().iter().filter_map(CacheCluster::num_cache_nodes);
        used += nodes.filter_map(|nodes| usize::try_from(nodes).ok()).sum::<usize>();
    }
    let most = subject.setting("MAX_NODES").and_then(|text| text.parse().ok()).filter(|most| *most > 0);
    let most: usize = most.unwrap_or(500);
    let text = format!(
        "{used} nodes in use in {}, of {DEFAULT_NODES} unless the quota was raised; MaxNodes allows {most} per cluster",
        subject.partition.region
    );
    Ok(vec![if used >= DEFAULT_NODES {
        let remedy =
            "make sure that the quota \"Nodes per Region\" of ElastiCache is higher, or delete clusters";
        Line::warning(text, remedy)
    } else if used + most > DEFAULT_NODES {
        let left = DEFAULT_NODES - used;
        let remedy =
            format!("request a higher quota \"Nodes per Region\" before a seeding of more than {left} nodes");
        Line::warning(text, remedy)
    } else {
        Line::ok(text)
    }])
}
