//! The cluster that will be created: node type and slots per shard.

use serde::{Deserialize, Serialize};

use crate::{Code, Finding, NodeTypes, Seeding, Severity, SlotRange, SlotsRequest, slots::SLOTS};

/// A cluster that the data fits into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The node type.
    pub node_type: String,
    /// The shards, in the order of their slots.
    pub shards: Vec<ShardPlan>,
    /// The next smaller type that `auto` looked at, and why it was not taken.
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
    /// Its keys.
    pub keys: u64,
    /// The memory that they take.
    pub used_memory_bytes: u64,
    /// The memory that a node of the type has for data.
    pub usable_bytes: u64,
}

/// A smaller choice that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextSmaller {
    /// The type.
    pub node_type: String,
    /// Why not.
    pub reason: String,
}

/// What the data needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The memory for everything together.
    pub used_memory_bytes: u64,
    /// Keys by slot, one entry a slot.
    pub slot_keys: Vec<u64>,
    /// Bytes in the backup by slot, one entry a slot: the shares of the memory go by them.
    pub slot_bytes: Vec<u64>,
}

impl Need {
    /// The shards with these slots, before anything is known of nodes.
    fn shards(&self, ranges: &[SlotRange]) -> Vec<ShardPlan> {
        let all_bytes: u64 = self.slot_bytes.iter().sum();
        ranges
            .iter()
            .map(|&slots| {
                let sum = |of: &[u64]| of.get(slots.indices()).unwrap_or_default().iter().sum::<u64>();
                let bytes = sum(&self.slot_bytes);
                // Without any bytes there is nothing to go by but the slots themselves.
                let (part, whole) = if all_bytes == 0 {
                    (u64::from(slots.last - slots.first) + 1, u64::from(SLOTS))
                } else {
                    (bytes, all_bytes)
                };
                let used = u128::from(self.used_memory_bytes) * u128::from(part) / u128::from(whole);
                let used_memory_bytes = u64::try_from(used).unwrap_or(u64::MAX);
                ShardPlan { slots, keys: sum(&self.slot_keys), used_memory_bytes, usable_bytes: 0 }
            })
            .collect()
    }
}

impl Plan {
    /// Plans the cluster of this seeding, and says what speaks against it.
    ///
    /// `maxmemory` is the hard limit (`does-not-fit`); what is left of it after the reserve is the one that AWS asks to
    /// keep to (`tight-fit`). Where exactly a restore fails between the two is not documented.
    pub fn make(seeding: &Seeding, need: &Need, findings: &mut Vec<Finding>) -> Option<Self> {
        let cluster = &seeding.cluster;
        let ranges = match &cluster.slots {
            _ if !cluster.cluster_mode => vec![SlotRange::ALL],
            SlotsRequest::Even => SlotRange::even(cluster.shards),
            SlotsRequest::Balanced => SlotRange::balanced(cluster.shards, &need.slot_bytes),
            SlotsRequest::Ranges(ranges) => ranges.clone(),
        };
        let mut shards = need.shards(&ranges);
        let largest_bytes = shards.iter().map(|shard| shard.used_memory_bytes).max().unwrap_or(0);
        let (node_type, next_smaller) = if cluster.node_type == "auto" {
            choose_node_type(seeding, largest_bytes, findings)?
        } else {
            (cluster.node_type.clone(), None)
        };
        let Some(maxmemory_bytes) = seeding.node_types.maxmemory_bytes(&node_type) else {
            findings.push(unknown_node_type(&seeding.node_types, &node_type));
            return None;
        };
        let usable_bytes = usable(maxmemory_bytes, seeding.reserved_memory_percent);
        for shard in &mut shards {
            shard.usable_bytes = usable_bytes;
        }
        judge_shards(seeding, &shards, maxmemory_bytes, findings);
        let start_over_node_types = seeding.node_types.larger_than(&node_type);
        Some(Self { node_type, shards, next_smaller, start_over_node_types })
    }
}

/// The memory left for data after the reserve.
fn usable(maxmemory_bytes: u64, reserved_percent: u32) -> u64 {
    let share = u128::from(100 - reserved_percent.min(100));
    u64::try_from(u128::from(maxmemory_bytes) * share / 100).unwrap_or(u64::MAX)
}

fn with_headroom(bytes: u64, percent: u32) -> u64 {
    let grown = u128::from(bytes) * u128::from(100 + percent) / 100;
    u64::try_from(grown).unwrap_or(u64::MAX)
}

/// The smallest type of the allowed families whose usable memory takes the largest shard with its headroom.
fn choose_node_type(
    seeding: &Seeding,
    largest_bytes: u64,
    findings: &mut Vec<Finding>,
) -> Option<(String, Option<NextSmaller>)> {
    let needed = with_headroom(largest_bytes, seeding.options.headroom_percent);
    let mut smaller = None;
    for (name, maxmemory_bytes) in seeding.node_types.of_families(&seeding.options.node_families) {
        let usable_bytes = usable(maxmemory_bytes, seeding.reserved_memory_percent);
        if usable_bytes >= needed {
            return Some((name.to_owned(), smaller));
        }
        let reason =
            format!("the largest shard needs {needed} bytes with headroom, a node has {usable_bytes}");
        smaller = Some(NextSmaller { node_type: name.to_owned(), reason });
    }
    findings.push(
        Finding::new(Code::NothingFits, "take more shards, or allow larger node families (nodeFamilies)")
            .with("neededBytes", needed)
            .with("families", seeding.options.node_families.clone())
            .with("largest", smaller.map(|smaller| smaller.node_type)),
    );
    None
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

fn judge_shards(seeding: &Seeding, shards: &[ShardPlan], maxmemory_bytes: u64, findings: &mut Vec<Finding>) {
    let mean_bytes =
        shards.iter().map(|shard| shard.used_memory_bytes).sum::<u64>() / (shards.len().max(1) as u64);
    for (number, shard) in (1..).zip(shards) {
        let used = shard.used_memory_bytes;
        let finding = |code, remedy: &str| {
            Finding::new(code, remedy)
                .in_shard(number)
                .with("neededBytes", used)
                .with("maxmemoryBytes", maxmemory_bytes)
                .with("usableBytes", shard.usable_bytes)
        };
        if used > maxmemory_bytes {
            findings
                .push(finding(Code::DoesNotFit, "take a larger node type or more shards, or nodeType auto"));
        } else if used > shard.usable_bytes {
            let remedy = "take a larger node type or more shards, or allow tight-fit to use the reserve";
            findings.push(finding(Code::TightFit, remedy));
        } else if with_headroom(used, seeding.options.headroom_percent) > shard.usable_bytes {
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
}
