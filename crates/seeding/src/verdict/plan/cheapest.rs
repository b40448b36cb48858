//! The cheapest cluster that fits, if prices are known.

use std::collections::BTreeMap;

use super::{
    Alternative, Need, NextSmaller, ShardPlan,
    choice::{choose, fitting, ranges},
    price, shard_counts,
};
use crate::{facts::prices::Price, record::seeding::Target};

/// The number of alternatives that a plan shows.
const SHOWN_ALTERNATIVES: usize = 2;

/// The cheapest cluster.
pub(super) struct Cheapest {
    pub(super) node_type: String,
    pub(super) shards: Vec<ShardPlan>,
    /// The largest type that is too small for these shards.
    pub(super) next_smaller: Option<NextSmaller>,
    /// The next clusters by price, of other node types.
    pub(super) alternatives: Vec<Alternative>,
}

/// A node type in the number of shards in which it is cheapest.
struct Candidate {
    price: Price,
    count: u32,
    /// The position of the type, smallest first.
    position: usize,
}

/// The cheapest of all node types of the families, in each number of shards that the plan may choose; none if the node
/// type is given, or no fitting type has a price. Of clusters at the same price, the one with the fewest shards, then
/// with the smallest nodes.
pub(super) fn cheapest(target: &Target, need: &Need) -> Option<Cheapest> {
    if target.cluster.node_type != "auto" || target.prices.is_none() {
        return None;
    }
    let (fewest, most) = shard_counts(target);
    // More nodes than the stack allows would be refused.
    let nodes_per_shard = target.cluster.replicas_per_shard.saturating_add(1);
    let allowed = target.max_nodes.map_or(most, |most_nodes| most.min(most_nodes / nodes_per_shard));
    let mut candidates = BTreeMap::<String, Candidate>::new();
    for count in fewest..=allowed.max(fewest) {
        let shards = need.shards(&ranges(target, need, count));
        for (position, node_type) in fitting(target, need, &shards) {
            let Some(price) = price(target, node_type, count) else { continue };
            // One more shard of the same type never costs less, so the first number in which it fits is its cheapest.
            candidates.entry(node_type.to_owned()).or_insert(Candidate { price, count, position });
        }
    }
    let mut candidates: Vec<_> = candidates.into_iter().collect();
    let cost = |one: &Candidate| one.price.per_node_hour.times(one.count.into());
    candidates.sort_by_key(|(_, one)| (cost(one), one.count, one.position));
    let mut candidates = candidates.into_iter();
    let (node_type, Candidate { count, .. }) = candidates.next()?;
    let shards = need.shards(&ranges(target, need, count));
    let alternative =
        |(node_type, Candidate { price, count, .. })| Alternative { node_type, shards: count, price };
    Some(Cheapest {
        node_type,
        next_smaller: choose(target, need, &shards).too_small(),
        shards,
        alternatives: candidates.take(SHOWN_ALTERNATIVES).map(alternative).collect(),
    })
}
