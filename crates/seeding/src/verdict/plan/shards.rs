//! Findings about planned shards.

use super::{DEFAULT_NODE_QUOTA, Need, ShardPlan};
use crate::{
    finding::{Code, Finding, Severity},
    record::seeding::Target,
    request::kind::ClusterKind,
};

/// A shard with more than this multiple of the mean is worth a warning.
const SKEW: u64 = 2;

/// Adds findings about these shards on nodes with this `maxmemory`.
pub(super) fn judge_shards(
    target: &Target,
    need: &Need,
    shards: &[ShardPlan],
    maxmemory_bytes: u64,
    findings: &mut Vec<Finding>,
) {
    let mean_bytes =
        shards.iter().map(|shard| shard.used_memory_bytes).sum::<u64>() / (shards.len().max(1) as u64);
    let is_one_node = target.cluster.kind == ClusterKind::CacheCluster;
    let larger = if is_one_node { "a larger node type" } else { "a larger node type or more shards" };
    for (number, shard) in (1..).zip(shards) {
        let used = shard.used_memory_bytes;
        let finding = |code, remedy: &str| {
            Finding::new(code, remedy)
                .in_shard(number)
                .with("neededBytes", used)
                .with("reserveBytes", need.reserve.bytes())
                .with("maxmemoryBytes", maxmemory_bytes)
                .with("usableBytes", shard.usable_bytes)
        };
        if used > maxmemory_bytes {
            findings.push(finding(Code::DoesNotFit, &format!("use {larger}, or nodeType auto")));
        } else if used.saturating_add(need.reserve.bytes()) > shard.usable_bytes {
            let remedy = format!("use {larger}, or allow tight-fit to use the reserve");
            findings.push(finding(Code::TightFit, &remedy));
        } else if need.with_headroom(used, target.options.headroom_percent) > shard.usable_bytes {
            let percent = target.options.headroom_percent;
            let remedy = format!("use {larger} if the data is going to grow");
            findings.push(finding(Code::HeadroomMissing, &remedy).with("headroomPercent", percent));
        }
        if shards.len() > 1 && used > SKEW * mean_bytes && mean_bytes > 0 {
            let remedy = "set slots to balanced, so that the shards hold nearly the same";
            findings.push(
                Finding::new(Code::ShardSkew, remedy)
                    .severity(Severity::Warn)
                    .in_shard(number)
                    .with("usedMemoryBytes", used)
                    .with("meanBytes", mean_bytes),
            );
        }
    }
    let nodes = (shards.len() as u64) * u64::from(target.cluster.replicas_per_shard + 1);
    findings.extend(too_many_nodes(target, nodes));
    if nodes > u64::from(DEFAULT_NODE_QUOTA) {
        let remedy = "ask AWS for more nodes per cluster (quota L-AF354865), or use fewer shards or replicas";
        findings.push(
            Finding::new(Code::QuotaMayBeExceeded, remedy)
                .with("nodes", nodes)
                .with("quota", DEFAULT_NODE_QUOTA),
        );
    }
}

/// Returns a finding if this is more nodes than the stack allows.
pub fn too_many_nodes(target: &Target, nodes: u64) -> Option<Finding> {
    let most = target.max_nodes.filter(|most| nodes > u64::from(*most))?;
    let remedy =
        "use fewer shards or replicas, or a larger node type; or raise the stack's parameter MaxNodes";
    Some(Finding::new(Code::TooManyNodes, remedy).with("nodes", nodes).with("maxNodes", most))
}
