//! The choice of a node type for a number of shards.

use super::{Need, NextSmaller, ShardPlan, TIERED_FAMILY, usable};
use crate::{
    facts::slots::SlotRange,
    finding::{Code, Finding},
    record::seeding::Target,
    request::{SlotsRequest, kind::ClusterKind},
};

/// The slots of this many shards.
pub(super) fn ranges(target: &Target, need: &Need, shards: u32) -> Vec<SlotRange> {
    match &target.cluster.slots {
        _ if !target.cluster.cluster_mode => vec![SlotRange::ALL],
        SlotsRequest::Even => SlotRange::even(shards),
        SlotsRequest::Balanced => SlotRange::balanced(shards, &need.footprint.slot_weights()),
        SlotsRequest::Ranges(ranges) => ranges.clone(),
    }
}

/// The node type for some shards.
pub(super) struct Choice {
    /// A type that fits the largest shard with headroom.
    node_type: Option<String>,
    /// The largest of the considered types that is too small.
    too_small: Option<NextSmaller>,
    needed_bytes: u64,
}

/// The usable memory that each node needs for the largest of these shards.
fn needed_bytes(target: &Target, need: &Need, shards: &[ShardPlan]) -> u64 {
    let largest_bytes = shards.iter().map(|shard| shard.used_memory_bytes).max().unwrap_or(0);
    need.with_headroom(largest_bytes, target.options.headroom_percent)
}

/// The considered types with their usable memory, smallest first: those of the allowed families, or the requested one.
fn considered(target: &Target) -> impl Iterator<Item = (&str, u64)> {
    let given = &target.cluster.node_type;
    let types = if given == "auto" {
        target.node_types.of_families(&target.options.node_families)
    } else {
        vec![(given.as_str(), target.node_types.maxmemory_bytes(given).unwrap_or(0))]
    };
    types
        .into_iter()
        .filter(|(name, _)| !name.starts_with(TIERED_FAMILY))
        .map(|(name, maxmemory_bytes)| (name, usable(maxmemory_bytes, target.reserved_memory_percent)))
}

/// The considered types that fit the largest of these shards with headroom, each with its position among all.
pub(super) fn fitting<'t>(
    target: &'t Target,
    need: &Need,
    shards: &[ShardPlan],
) -> impl Iterator<Item = (usize, &'t str)> {
    let needed_bytes = needed_bytes(target, need, shards);
    let fitting = considered(target).enumerate();
    fitting.filter(move |(_, (_, bytes))| *bytes >= needed_bytes).map(|(at, (name, _))| (at, name))
}

/// Chooses the smallest type of the allowed families, or the requested type, if it fits the largest shard.
pub(super) fn choose(target: &Target, need: &Need, shards: &[ShardPlan]) -> Choice {
    let needed_bytes = needed_bytes(target, need, shards);
    let mut too_small = None;
    for (name, usable_bytes) in considered(target) {
        if usable_bytes >= needed_bytes {
            return Choice { node_type: Some(name.to_owned()), too_small, needed_bytes };
        }
        let reason =
            format!("the largest shard needs {needed_bytes} bytes with headroom, a node has {usable_bytes}");
        too_small = Some(NextSmaller { node_type: name.to_owned(), shards: None, reason });
    }
    Choice { node_type: None, too_small, needed_bytes }
}

impl Choice {
    /// Whether a type fits the shards.
    pub(super) fn fits(&self) -> bool {
        self.node_type.is_some()
    }

    /// The largest of the considered types that is too small.
    pub(super) fn too_small(self) -> Option<NextSmaller> {
        self.too_small
    }

    /// The choice that this smaller number of shards would have been.
    pub(super) fn fewer_shards(self, shards: u32) -> Option<NextSmaller> {
        self.too_small.map(|smaller| NextSmaller { shards: Some(shards), ..smaller })
    }

    /// The chosen type. A requested type is chosen even if it is too small, and judged later. `smaller` is the choice
    /// that fewer shards would have been.
    pub(super) fn or_given(
        self,
        target: &Target,
        smaller: Option<NextSmaller>,
        findings: &mut Vec<Finding>,
    ) -> Option<(String, Option<NextSmaller>)> {
        let given = &target.cluster.node_type;
        if given != "auto" {
            return Some((given.clone(), smaller));
        }
        if let Some(node_type) = self.node_type {
            return Some((node_type, self.too_small.or(smaller)));
        }
        let remedy = match (target.cluster.kind, target.cluster.cluster_mode) {
            (ClusterKind::CacheCluster, _) => {
                "set kind to replicationGroup to use several shards, or allow larger node families (nodeFamilies)"
            }
            (_, true) => "use more shards, or allow larger node families (nodeFamilies)",
            (_, false) => {
                "turn cluster mode on to use several shards, or allow larger node families (nodeFamilies)"
            }
        };
        findings.push(
            Finding::new(Code::NothingFits, remedy)
                .with("neededBytes", self.needed_bytes)
                .with("families", target.options.node_families.clone())
                .with("largest", self.too_small.map(|smaller| smaller.node_type)),
        );
        None
    }
}
