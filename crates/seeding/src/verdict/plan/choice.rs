//! The node type that takes a number of shards.

use super::{Need, NextSmaller, ShardPlan, TIERED_FAMILY, usable};
use crate::{
    facts::slots::SlotRange,
    finding::{Code, Finding},
    record::seeding::Target,
    request::SlotsRequest,
};

/// The slots of so many shards.
pub(super) fn ranges(target: &Target, need: &Need, shards: u32) -> Vec<SlotRange> {
    match &target.cluster.slots {
        _ if !target.cluster.cluster_mode => vec![SlotRange::ALL],
        SlotsRequest::Even => SlotRange::even(shards),
        SlotsRequest::Balanced => SlotRange::balanced(shards, &need.footprint.slot_weights()),
        SlotsRequest::Ranges(ranges) => ranges.clone(),
    }
}

/// A node type for some shards.
pub(super) struct Choice {
    /// One that takes the largest of them with its headroom.
    node_type: Option<String>,
    /// The largest that does not, of those that were looked at.
    too_small: Option<NextSmaller>,
    needed_bytes: u64,
}

/// The smallest type of the allowed families, or the given one, if it takes the largest shard.
pub(super) fn choose(target: &Target, need: &Need, shards: &[ShardPlan]) -> Choice {
    let largest_bytes = shards.iter().map(|shard| shard.used_memory_bytes).max().unwrap_or(0);
    let needed_bytes = need.with_headroom(largest_bytes, target.options.headroom_percent);
    let given = &target.cluster.node_type;
    let types = if given == "auto" {
        target.node_types.of_families(&target.options.node_families)
    } else {
        vec![(given.as_str(), target.node_types.maxmemory_bytes(given).unwrap_or(0))]
    };
    let mut too_small = None;
    for (name, maxmemory_bytes) in types.into_iter().filter(|(name, _)| !name.starts_with(TIERED_FAMILY)) {
        let usable_bytes = usable(maxmemory_bytes, target.reserved_memory_percent);
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
    /// Whether there is a type that takes the shards.
    pub(super) fn fits(&self) -> bool {
        self.node_type.is_some()
    }

    /// What fewer shards would have meant.
    pub(super) fn fewer_shards(self, shards: u32) -> Option<NextSmaller> {
        self.too_small.map(|smaller| NextSmaller { shards: Some(shards), ..smaller })
    }

    /// The type to take: a given one is taken also where it is too small, and judged. `smaller` is what fewer shards
    /// would have meant.
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
        let remedy = if target.cluster.cluster_mode {
            "use more shards, or allow larger node families (nodeFamilies)"
        } else {
            "turn cluster mode on to take several shards, or allow larger node families (nodeFamilies)"
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
