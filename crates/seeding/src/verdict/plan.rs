//! The cluster to create: node type and slots of each shard.

mod cheapest;
mod choice;
mod serverless;
mod shards;
#[cfg(test)]
mod tests;

use rdb_footprint::Footprint;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::serverless::MOST_SLOT_BYTES;
use self::{
    cheapest::cheapest,
    choice::{choose, ranges},
    shards::judge_shards,
};
pub use self::{
    serverless::{SERVERLESS, in_words},
    shards::too_many_nodes,
};
use crate::{
    facts::{
        node_types::NodeTypes,
        prices::{Price, PriceList},
        slots::SlotRange,
    },
    finding::{Code, Finding},
    record::seeding::Target,
    request::cluster::ClusterSpec,
};

/// A cluster that the data fits into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Node type; `serverless` for a serverless cache.
    pub node_type: String,
    /// Shards, in the order of their slots.
    pub shards: Vec<ShardPlan>,
    /// Memory that each node needs in addition to its data.
    #[serde(default)]
    pub reserve: Reserve,
    /// The next smaller choice, and why it was not chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_smaller: Option<NextSmaller>,
    /// Node types to start over with if the restore fails, smallest first.
    #[serde(default)]
    pub start_over_node_types: Vec<String>,
    /// Price of the cluster, on demand; absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// The next two node types by price, if the price decided; absent otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
}

/// A cluster that the data fits into as well, at a higher price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// Its node type.
    pub node_type: String,
    /// Its number of shards.
    pub shards: u32,
    /// Its price.
    pub price: Price,
}

/// One shard of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardPlan {
    /// Slots of the shard.
    pub slots: SlotRange,
    /// Keys of the shard, without those that have expired.
    pub keys: u64,
    /// `used_memory` of these keys.
    pub used_memory_bytes: u64,
    /// Memory of a node for data and reserve: its `maxmemory` after `reserved-memory-percent`. For a serverless cache
    /// its limit of data.
    pub usable_bytes: u64,
}

/// A smaller choice that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextSmaller {
    /// Its node type.
    pub node_type: String,
    /// Its number of shards; absent if that is not what would be smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Why it was not chosen.
    pub reason: String,
}

/// Memory of a primary that counts towards `maxmemory` but is not data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reserve {
    /// Memory of an empty server.
    pub empty_server_bytes: u64,
    /// Replication backlog: `repl-backlog-size`, 1 MiB by default.
    pub replication_backlog_bytes: u64,
    /// Buffers of about fifty clients.
    pub client_buffers_bytes: u64,
}

impl Reserve {
    /// The reserve of one primary of this cluster.
    fn of(target: &Target) -> Self {
        const MIB: u64 = 1 << 20;
        let cluster = &target.cluster;
        if cluster.serverless.is_some() {
            return Self::default();
        }
        Self {
            // An empty server uses 0.9 to 1.0 MB, in cluster mode 1.6 to 2.8 MB.
            empty_server_bytes: if cluster.cluster_mode { 3 * MIB } else { MIB },
            replication_backlog_bytes: if cluster.replicas_per_shard > 0 { MIB } else { 0 },
            client_buffers_bytes: MIB,
        }
    }

    fn bytes(self) -> u64 {
        self.empty_server_bytes + self.replication_backlog_bytes + self.client_buffers_bytes
    }
}

/// The memory that the data needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// The memory of the loaded data, by slot.
    pub footprint: Footprint,
    /// The memory needed besides it.
    pub reserve: Reserve,
}

impl Need {
    /// The need of data with this footprint in the target cluster.
    pub fn new(target: &Target, footprint: Footprint) -> Self {
        Self { footprint, reserve: Reserve::of(target) }
    }

    /// The shards with these slots; their `usable_bytes` is 0 until a node type is chosen.
    fn shards(&self, ranges: &[SlotRange]) -> Vec<ShardPlan> {
        let shard = |&slots: &SlotRange| ShardPlan {
            slots,
            keys: self.footprint.shard_keys(slots.indices()),
            used_memory_bytes: self.footprint.shard_bytes(slots.indices()),
            usable_bytes: 0,
        };
        ranges.iter().map(shard).collect()
    }

    /// The usable memory that a node must have for a shard of this size: room to grow by `percent`, plus the reserve.
    fn with_headroom(&self, bytes: u64, percent: u32) -> u64 {
        let grown = u128::from(bytes) * u128::from(100 + percent) / 100;
        u64::try_from(grown).unwrap_or(u64::MAX).saturating_add(self.reserve.bytes())
    }
}

/// The most nodes that a cluster may have without a raised quota. Source: user guide, "Quotas".
pub(crate) const DEFAULT_NODE_QUOTA: u32 = 90;
/// The family with data tiering, which ElastiCache seeds from its own backups only. Source: user guide, "Data tiering".
const TIERED_FAMILY: &str = "cache.r6gd.";

impl Plan {
    /// Gives the cluster the number of shards, if it was up to the plan: later steps need to know how many nodes to
    /// wait for. Returns whether it is another one.
    pub fn settle_shards(&self, cluster: &mut ClusterSpec) -> bool {
        // No plan has more than the 500 shards of ElastiCache.
        let planned = u32::try_from(self.shards.len()).ok().filter(|_| cluster.automatic_shards);
        let Some(shards) = planned.filter(|shards| *shards != cluster.shards) else { return false };
        cluster.shards = shards;
        true
    }

    /// Plans the cluster of this target, and adds findings about it.
    ///
    /// `maxmemory` is the hard limit (`does-not-fit`). What `reserved-memory-percent` leaves of it is the limit that
    /// AWS recommends (`tight-fit`). Where exactly between the two a restore fails is not documented.
    pub fn make(target: &Target, need: &Need, findings: &mut Vec<Finding>) -> Option<Self> {
        let cluster = &target.cluster;
        if let Some(serverless) = &cluster.serverless {
            return Some(Self::of_serverless(target, need, serverless.max_bytes(), findings));
        }
        if cluster.node_type.starts_with(TIERED_FAMILY) {
            let remedy = "use a type of another family, such as r7g";
            findings.push(
                Finding::new(Code::DataTieringUnsupported, remedy)
                    .with("nodeType", cluster.node_type.clone()),
            );
            return None;
        }
        if cluster.node_type != "auto" && target.node_types.maxmemory_bytes(&cluster.node_type).is_none() {
            let unknown = unknown_node_type(&target.node_types, &cluster.node_type);
            // prepare-seeding has reported it already.
            if !findings.contains(&unknown) {
                findings.push(unknown);
            }
            let is_allowed = target.options.allow.contains(&Code::NodeTypeUnknown);
            return is_allowed.then(|| Self::unweighed(target, need, findings));
        }
        if let Some(found) = cheapest(target, need) {
            let plan =
                Self::settle(target, need, found.shards, found.node_type, found.next_smaller, findings);
            return Some(Self { alternatives: found.alternatives, ..plan });
        }
        let (mut count, most_shards) = shard_counts(target);
        let mut smaller = None;
        loop {
            let shards = need.shards(&ranges(target, need, count));
            let choice = choose(target, need, &shards);
            if choice.fits() || count >= most_shards {
                let (node_type, next_smaller) = choice.or_given(target, smaller, findings)?;
                return Some(Self::settle(target, need, shards, node_type, next_smaller, findings));
            }
            smaller = choice.fewer_shards(count);
            count += 1;
        }
    }

    /// The plan for a node type of unknown memory: whether the data fits is not checked.
    fn unweighed(target: &Target, need: &Need, findings: &mut Vec<Finding>) -> Self {
        let cluster = &target.cluster;
        let shards = need.shards(&ranges(target, need, cluster.shards.max(1)));
        findings.extend(too_many_nodes(target, cluster.nodes().into()));
        Self {
            node_type: cluster.node_type.clone(),
            shards,
            reserve: need.reserve,
            next_smaller: None,
            start_over_node_types: Vec::new(),
            price: price(target, &cluster.node_type, cluster.shards.max(1)),
            alternatives: Vec::new(),
        }
    }

    fn settle(
        target: &Target,
        need: &Need,
        mut shards: Vec<ShardPlan>,
        node_type: String,
        next_smaller: Option<NextSmaller>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let maxmemory_bytes = target.node_types.maxmemory_bytes(&node_type).unwrap_or(0);
        let usable_bytes = usable(maxmemory_bytes, target.reserved_memory_percent);
        for shard in &mut shards {
            shard.usable_bytes = usable_bytes;
        }
        judge_shards(target, need, &shards, maxmemory_bytes, findings);
        let price = price(target, &node_type, u32::try_from(shards.len()).unwrap_or(u32::MAX));
        findings.extend(price.as_ref().and_then(|price| old_prices(target, price)));
        Self {
            shards,
            reserve: need.reserve,
            next_smaller,
            start_over_node_types: target.node_types.larger_than(&node_type),
            price,
            alternatives: Vec::new(),
            node_type,
        }
    }
}

/// The price of a plan as JSON, in words.
pub fn price_in_words(plan: &Value) -> String {
    Price::deserialize(&plan["price"]).map_or_else(|_| "not known".to_owned(), |price| price.to_string())
}

/// The fewest and the most shards that the plan may choose.
fn shard_counts(target: &Target) -> (u32, u32) {
    let cluster = &target.cluster;
    if !cluster.automatic_shards {
        return (cluster.shards, cluster.shards);
    }
    (1, (DEFAULT_NODE_QUOTA / cluster.replicas_per_shard.saturating_add(1)).max(1))
}

/// The price of this many shards with their replicas, if it is known.
fn price(target: &Target, node_type: &str, shards: u32) -> Option<Price> {
    let nodes = u64::from(shards) * (u64::from(target.cluster.replicas_per_shard) + 1);
    target.prices.as_ref()?.of(node_type, nodes)
}

/// The finding for prices that may have changed since.
fn old_prices(target: &Target, price: &Price) -> Option<Finding> {
    let today = PriceList::day(target.looked_at_ms).filter(|today| PriceList::is_old(price.as_of, *today))?;
    let remedy = "fetch the prices again: seeder prices --update";
    Some(
        Finding::new(Code::PricesAreOld, remedy)
            .with("asOf", price.as_of.to_string())
            .with("today", today.to_string()),
    )
}

/// The memory that `reserved-memory-percent` leaves.
fn usable(maxmemory_bytes: u64, reserved_percent: u32) -> u64 {
    let share = u128::from(100 - reserved_percent.min(100));
    u64::try_from(u128::from(maxmemory_bytes) * share / 100).unwrap_or(u64::MAX)
}

/// The finding for a node type that the engine version does not offer.
pub fn unknown_node_type(node_types: &NodeTypes, node_type: &str) -> Finding {
    let near = node_types.near(node_type);
    let remedy = match near.first() {
        Some(name) => format!("did you mean {name}?"),
        None => "use a node type that ElastiCache offers, or auto".to_owned(),
    };
    Finding::new(Code::NodeTypeUnknown, remedy).with("nodeType", node_type).with("near", near)
}
