//! Quotas: concurrent invocations, and nodes.

use aws_sdk_elasticache::types::CacheCluster;
use aws_sdk_lambda::types::AccountLimit;
use serde_json::json;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};
use crate::signed::{CallError, Service};

/// The chunks that one seeding reads at once at most, and the share of the concurrency that it takes, as
/// prepare-seeding has them.
const MAX_WORKERS: i32 = 40;
const SHARE: i32 = 2;
/// The nodes of all clusters of a region, unless the quota was raised. Source: `ElastiCache` user guide, "Quotas".
const DEFAULT_NODES: usize = 300;
/// The quota "Nodes per Region" in Service Quotas.
const NODES_QUOTA: &str = "L-DFE45DF3";
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
    let quota = Quota::of(subject).await;
    Ok(vec![judge(used, most, quota, &subject.partition.region)])
}

/// How many nodes a region may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quota {
    Known(usize),
    /// It cannot be read, and is the default unless it was raised.
    Unknown,
}

impl Quota {
    async fn of(subject: &Subject) -> Self {
        match value(subject, "GetServiceQuota").await {
            Ok(Some(quota)) => Self::Known(quota),
            // What was never changed has only a default.
            Err(error) if error.code == "NoSuchResourceException" => {
                let default = value(subject, "GetAWSDefaultServiceQuota").await;
                Self::Known(default.ok().flatten().unwrap_or(DEFAULT_NODES))
            }
            Ok(None) | Err(_) => Self::Unknown,
        }
    }
}

async fn value(subject: &Subject, action: &str) -> Result<Option<usize>, CallError> {
    let target = format!("ServiceQuotasV20190624.{action}");
    let body = json!({"ServiceCode": "elasticache", "QuotaCode": NODES_QUOTA});
    let answer = subject.signed.json(Service::Quotas, &target, &body).await?;
    // Quotas are floating-point numbers: 300.0.
    Ok(answer["Quota"]["Value"].as_f64().and_then(|value| format!("{value:.0}").parse().ok()))
}

fn judge(used: usize, most: usize, quota: Quota, region: &str) -> Line {
    let (known, quota, of) = match quota {
        Quota::Known(quota) => (true, quota, format!("of a quota of {quota}")),
        Quota::Unknown => (false, DEFAULT_NODES, format!("of {DEFAULT_NODES} unless the quota was raised")),
    };
    let text = format!("{used} nodes in use in {region}, {of}; MaxNodes allows {most} per cluster");
    let remedy =
        "request a higher quota \"Nodes per Region\" of ElastiCache in Service Quotas, or delete clusters";
    if used >= quota {
        let full = if known { Line::fault } else { Line::warning };
        full(text, remedy)
    } else if used + most > quota {
        let left = quota - used;
        Line::warning(text, format!("before a seeding of more than {left} nodes: {remedy}"))
    } else {
        Line::ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::line::Level, *};

    #[test]
    fn a_quota_that_is_known_decides_and_any_other_only_warns() {
        for (used, quota, expected) in [
            (0, Quota::Known(300), Level::Ok),
            (210, Quota::Known(300), Level::Ok),
            (211, Quota::Known(300), Level::Warning),
            (300, Quota::Known(300), Level::Fault),
            (300, Quota::Known(600), Level::Ok),
            (210, Quota::Unknown, Level::Ok),
            (211, Quota::Unknown, Level::Warning),
            (300, Quota::Unknown, Level::Warning),
        ] {
            let line = judge(used, 90, quota, "eu-west-1");
            assert_eq!(line.level, expected, "{used} {quota:?}");
            assert_eq!(line.message.contains("unless"), quota == Quota::Unknown, "{line:?}");
        }
    }
}
