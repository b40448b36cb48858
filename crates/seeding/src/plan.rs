//! The cluster that will be created: node type and slots per shard.

use rdb_footprint::Footprint;
use serde::{Deserialize, Serialize};

use crate::{Code, Finding, NodeTypes, Seeding, Severity, SlotRange, SlotsRequest};

/// A cluster that the data fits into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The node type.
    pub node_type: String,
    /// The shards, in the order of their slots.
    pub shards: Vec<ShardPlan>,
    /// What each primary needs beside the data.
    #[serde(default)]
    pub reserve: Reserve,
    /// The next smaller choice that was looked at, and why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_smaller: Option<NextSmaller>,
    /// The types to start over with if the restore fails, smallest first.
    #[serde(default)]
    pub start_over_node_types: Vec<String>,
}

/// One shard of a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardPlan {
    /// Its slots.
    pub slots: SlotRange,
    /// Its keys, without those that have expired.
    pub keys: u64,
    /// The memory that they take.
    pub used_memory_bytes: u64,
    /// The memory that a node of the type has for data and [`Reserve`].
    pub usable_bytes: u64,
}

/// A smaller choice that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextSmaller {
    /// The type.
    pub node_type: String,
    /// The number of shards, where that is what would be smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Why not.
    pub reason: String,
}

/// Memory of a primary that counts against `maxmemory` and is not data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reserve {
    /// An empty server (`make calibrate`).
    pub empty_server_bytes: u64,
    /// What replicas catch up from: `repl-backlog-size`, 1 MiB by default.
    pub replication_backlog_bytes: u64,
    /// Buffers of some fifty clients.
    pub client_buffers_bytes: u64,
}

impl Reserve {
    /// The reserve of one primary of a cluster like this.
    fn of(seeding: &Seeding) -> Self {
        const MIB: u64 = 1 << 20;
        let cluster = &seeding.cluster;
        Self {
            // Empty servers take 0.9 to 1.0 MB, those of a cluster 1.6 to 2.8 MB.
            empty_server_bytes: if cluster.cluster_mode { 3 * MIB } else { MIB },
            replication_backlog_bytes: if cluster.replicas_per_shard > 0 { MIB } else { 0 },
            client_buffers_bytes: MIB,
        }
    }

    fn bytes(self) -> u64 {
        self.empty_server_bytes + self.replication_backlog_bytes + self.client_buffers_bytes
    }
}

/// What the data needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// What the data takes once loaded, by slot.
    pub footprint: Footprint,
    /// What is needed beside it.
    pub reserve: Reserve,
}

impl Need {
    /// What data of this footprint needs in a cluster like the one asked for.
    pub fn new(seeding: &Seeding, footprint: Footprint) -> Self {
        Self { footprint, reserve: Reserve::of(seeding) }
    }

    /// The shards with these slots, before anything is known of nodes.
    fn shards(&self, ranges: &[SlotRange]) -> Vec<ShardPlan> {
        let shard = |&slots: &SlotRange| ShardPlan {
            slots,
            keys: self.footprint.shard_keys(slots.indices()),
            used_memory_bytes: self.footprint.shard_bytes(slots.indices()),
            usable_bytes: 0,
        };
        ranges.iter().map(shard).collect()
    }

    /// What a node must have for a shard of so many bytes to come up with room to grow.
    fn with_headroom(&self, bytes: u64, percent: u32) -> u64 {
        let grown = u128::from(bytes) * u128::from(100 + percent) / 100;
        u64::try_from(grown).unwrap_or(u64::MAX).saturating_add(self.reserve.bytes())
    }
}

/// As many nodes as a cluster may have without a raised quota. Source: user guide, "Quotas".
pub(crate) const DEFAULT_NODE_QUOTA: u32 = 90;
/// A family that ElastiCache seeds only from its own backups. Source: user guide, "Data tiering".
const TIERED_FAMILY: &str = "cache.r6gd.";

impl Plan {
    /// Plans the cluster of this seeding, and says what speaks against it.
    ///
    /// `maxmemory` is the hard limit (`does-not-fit`); what is left of it after the reserve is the one that AWS asks to
    /// keep to (`tight-fit`). Where exactly a restore fails between the two is not documented.
    pub fn make(seeding: &Seeding, need: &Need, findings: &mut Vec<Finding>) -> Option<Self> {
        let cluster = &seeding.cluster;
        if cluster.node_type.starts_with(TIERED_FAMILY) {
            let remedy = "take a type of another family, such as r7g";
            findings.push(
                Finding::new(Code::DataTieringUnsupported, remedy)
                    .with("nodeType", cluster.node_type.clone()),
            );
            return None;
        }
        if cluster.node_type != "auto" && seeding.node_types.maxmemory_bytes(&cluster.node_type).is_none() {
            findings.push(unknown_node_type(&seeding.node_types, &cluster.node_type));
            return None;
        }
        let most_shards = if cluster.automatic_shards {
            (DEFAULT_NODE_QUOTA / cluster.replicas_per_shard.saturating_add(1)).max(1)
        } else {
            cluster.shards
        };
        let mut smaller = None;
        let mut shards = Vec::new();
        for count in if cluster.automatic_shards { 1 } else { most_shards }..=most_shards {
            shards = need.shards(&ranges(seeding, need, count));
            let choice = choose(seeding, need, &shards);
            let fits = choice.node_type.is_some();
            if fits || count == most_shards {
                let (node_type, next_smaller) = choice.or_given(seeding, smaller, findings)?;
                return Some(Self::settle(seeding, need, shards, node_type, next_smaller, findings));
            }
            smaller = choice.fewer_shards(count);
        }
        // There is always a last number of shards.
        drop(shards);
        None
    }

    fn settle(
        seeding: &Seeding,
        need: &Need,
        mut shards: Vec<ShardPlan>,
        node_type: String,
        next_smaller: Option<NextSmaller>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let maxmemory_bytes = seeding.node_types.maxmemory_bytes(&node_type).unwrap_or(0);
        let usable_bytes = usable(maxmemory_bytes, seeding.reserved_memory_percent);
        for shard in &mut shards {
            shard.usable_bytes = usable_bytes;
        }
        judge_shards(seeding, need, &shards, maxmemory_bytes, findings);
        let start_over_node_types = seeding.node_types.larger_than(&node_type);
        Self { node_type, shards, reserve: need.reserve, next_smaller, start_over_node_types }
    }
}

/// The slots of so many shards.
fn ranges(seeding: &Seeding, need: &Need, shards: u32) -> Vec<SlotRange> {
    match &seeding.cluster.slots {
        _ if !seeding.cluster.cluster_mode => vec![SlotRange::ALL],
        SlotsRequest::Even => SlotRange::even(shards),
        SlotsRequest::Balanced => SlotRange::balanced(shards, &need.footprint.slot_weights()),
        SlotsRequest::Ranges(ranges) => ranges.clone(),
    }
}

/// The memory left for data after the reserve.
fn usable(maxmemory_bytes: u64, reserved_percent: u32) -> u64 {
    let share = u128::from(100 - reserved_percent.min(100));
    u64::try_from(u128::from(maxmemory_bytes) * share / 100).unwrap_or(u64::MAX)
}

/// A node type for some shards.
struct Choice {
    /// One that takes the largest of them with its headroom.
    node_type: Option<String>,
    /// The largest that does not, of those that were looked at.
    too_small: Option<NextSmaller>,
    needed_bytes: u64,
}

/// The smallest type of the allowed families, or the given one, if it takes the largest shard.
fn choose(seeding: &Seeding, need: &Need, shards: &[ShardPlan]) -> Choice {
    let largest_bytes = shards.iter().map(|shard| shard.used_memory_bytes).max().unwrap_or(0);
    let needed_bytes = need.with_headroom(largest_bytes, seeding.options.headroom_percent);
    let given = &seeding.cluster.node_type;
    let types = if given == "auto" {
        seeding.node_types.of_families(&seeding.options.node_families)
    } else {
        vec![(given.as_str(), seeding.node_types.maxmemory_bytes(given).unwrap_or(0))]
    };
    let mut too_small = None;
    for (name, maxmemory_bytes) in types.into_iter().filter(|(name, _)| !name.starts_with(TIERED_FAMILY)) {
        let usable_bytes = usable(maxmemory_bytes, seeding.reserved_memory_percent);
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
    /// What fewer shards would have meant.
    fn fewer_shards(self, shards: u32) -> Option<NextSmaller> {
        self.too_small.map(|smaller| NextSmaller { shards: Some(shards), ..smaller })
    }

    /// The type to take: a given one is taken also where it is too small, and judged. `smaller` is what fewer shards
    /// would have meant.
    fn or_given(
        self,
        seeding: &Seeding,
        smaller: Option<NextSmaller>,
        findings: &mut Vec<Finding>,
    ) -> Option<(String, Option<NextSmaller>)> {
        let given = &seeding.cluster.node_type;
        if given != "auto" {
            return Some((given.clone(), smaller));
        }
        if let Some(node_type) = self.node_type {
            return Some((node_type, self.too_small.or(smaller)));
        }
        let remedy = if seeding.cluster.cluster_mode {
            "take more shards, or allow larger node families (nodeFamilies)"
        } else {
            "turn cluster mode on to take several shards, or allow larger node families (nodeFamilies)"
        };
        findings.push(
            Finding::new(Code::NothingFits, remedy)
                .with("neededBytes", self.needed_bytes)
                .with("families", seeding.options.node_families.clone())
                .with("largest", self.too_small.map(|smaller| smaller.node_type)),
        );
        None
    }
}

/// The finding for a node type that the engine version does not have.
pub fn unknown_node_type(node_types: &NodeTypes, node_type: &str) -> Finding {
    let near = node_types.near(node_type);
    let remedy = match near.first() {
        Some(name) => format!("did you mean {name}?"),
        None => "take a node type that ElastiCache offers, or auto".to_owned(),
    };
    Finding::new(Code::NodeTypeUnknown, remedy).with("nodeType", node_type).with("near", near)
}

/// More than this many times its share makes a shard worth a warning.
const SKEW: u64 = 2;

fn judge_shards(
    seeding: &Seeding,
    need: &Need,
    shards: &[ShardPlan],
    maxmemory_bytes: u64,
    findings: &mut Vec<Finding>,
) {
    let mean_bytes =
        shards.iter().map(|shard| shard.used_memory_bytes).sum::<u64>() / (shards.len().max(1) as u64);
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
            findings
                .push(finding(Code::DoesNotFit, "take a larger node type or more shards, or nodeType auto"));
        } else if used.saturating_add(need.reserve.bytes()) > shard.usable_bytes {
            let remedy = "take a larger node type or more shards, or allow tight-fit to use the reserve";
            findings.push(finding(Code::TightFit, remedy));
        } else if need.with_headroom(used, seeding.options.headroom_percent) > shard.usable_bytes {
            let percent = seeding.options.headroom_percent;
            let remedy = "take a larger node type or more shards if the data is going to grow";
            findings.push(finding(Code::HeadroomMissing, remedy).with("headroomPercent", percent));
        }
        if shards.len() > 1 && used > SKEW * mean_bytes && mean_bytes > 0 {
            let remedy = "set slots to balanced, so that the shards carry nearly the same";
            findings.push(
                Finding::new(Code::ShardSkew, remedy)
                    .severity(Severity::Warn)
                    .in_shard(number)
                    .with("usedMemoryBytes", used)
                    .with("meanBytes", mean_bytes),
            );
        }
    }
    let nodes = (shards.len() as u64) * u64::from(seeding.cluster.replicas_per_shard + 1);
    if nodes > u64::from(DEFAULT_NODE_QUOTA) {
        let remedy =
            "ask AWS for more nodes per cluster (quota L-AF354865), or take fewer shards or replicas";
        findings.push(
            Finding::new(Code::QuotaMayBeExceeded, remedy)
                .with("nodes", nodes)
                .with("quota", DEFAULT_NODE_QUOTA),
        );
    }
}

#[cfg(test)]
mod tests;
