//! The plan of a serverless cache: its limits instead of a node's.

use std::fmt;

use super::{Need, Plan, Reserve, ShardPlan};
use crate::{
    facts::slots::SlotRange,
    finding::{Code, Finding},
    record::seeding::Target,
    request::kind::ClusterKind,
};

/// The node type of a plan for a serverless cache, and of the cache.
pub const SERVERLESS: &str = "serverless";
/// Shards and node type in words: `3 x cache.r7g.large`, or `a serverless cache`.
pub fn in_words(shards: impl fmt::Display, node_type: &str) -> String {
    if node_type == SERVERLESS {
        return ClusterKind::Serverless.in_words().to_owned();
    }
    format!("{shards} x {node_type}")
}

/// The most data of one slot, in bytes. Source: ElastiCache user guide, "Quotas": 32 GB per slot.
pub(crate) const MOST_SLOT_BYTES: u64 = 32_000_000_000;

impl Plan {
    /// Plans a serverless cache, and adds findings about its limits. ElastiCache chooses and changes its shards, so the
    /// plan shows all slots as one.
    pub(super) fn of_serverless(
        target: &Target,
        need: &Need,
        max_bytes: u64,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut shards = need.shards(&[SlotRange::ALL]);
        for shard in &mut shards {
            shard.usable_bytes = max_bytes;
        }
        findings.extend(shards.first().and_then(|all| whole(target, need, all)));
        findings.extend(heaviest_slot(need));
        Self {
            node_type: SERVERLESS.to_owned(),
            shards,
            reserve: Reserve::default(),
            next_smaller: None,
            start_over_node_types: Vec::new(),
        }
    }
}

fn whole(target: &Target, need: &Need, all: &ShardPlan) -> Option<Finding> {
    let ShardPlan { used_memory_bytes: used, usable_bytes: usable, .. } = *all;
    let percent = target.options.headroom_percent;
    let finding =
        |code, remedy: &str| Finding::new(code, remedy).with("neededBytes", used).with("usableBytes", usable);
    if used > usable {
        let remedy = "raise cluster.serverless.maxGb; above 5000, use a replication group with enough shards";
        return Some(finding(Code::DoesNotFit, remedy));
    }
    let remedy = "raise cluster.serverless.maxGb if the data is going to grow";
    (need.with_headroom(used, percent) > usable)
        .then(|| finding(Code::HeadroomMissing, remedy).with("headroomPercent", percent))
}

/// The finding for the slot that holds the most, if that is more than a slot may hold.
fn heaviest_slot(need: &Need) -> Option<Finding> {
    let weights = need.footprint.slot_weights();
    let (slot, used) = (0_u16..).zip(weights.iter().copied()).max_by_key(|(_, used)| *used)?;
    let remedy = "split the biggest keys of this slot, or let fewer keys share its hash tag: one slot cannot be divided";
    (used > MOST_SLOT_BYTES).then(|| {
        let finding = Finding::new(Code::DoesNotFit, remedy).with("slot", slot);
        finding.with("neededBytes", used).with("usableBytes", MOST_SLOT_BYTES)
    })
}
