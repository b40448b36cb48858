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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{NodeTypes, Partition, Request, prepare::resolve};

    const MIB: u64 = 1024 * 1024;

    fn seeding(request: &Value) -> Seeding {
        Request::from_layers(&[("request", request)]).unwrap();
        let (resolved, findings) = resolve(&[("request", request)], "test-1");
        assert_eq!(findings, []);
        let resolved = resolved.unwrap();
        let types =
            [("cache.a.small", 100 * MIB), ("cache.a.large", 1000 * MIB), ("cache.b.medium", 400 * MIB)];
        Seeding {
            schema: 1,
            execution: "test-1".into(),
            partition: Partition { partition: "aws".into(), region: "us-east-1".into(), account: "1".into() },
            backups: Vec::new(),
            cluster: resolved.cluster,
            options: resolved.options,
            node_types: types
                .into_iter()
                .map(|(name, bytes)| (name.to_owned(), bytes))
                .collect::<NodeTypes>(),
            reserved_memory_percent: 25,
            databases: 16,
            looked_at_ms: 0,
        }
    }

    /// Data whose bytes lie in slots as `weight` says.
    fn need(used_memory_bytes: u64, weight: impl Fn(u16) -> u64) -> Need {
        let slot_bytes: Vec<_> = (0..SLOTS).map(weight).collect();
        Need { used_memory_bytes, slot_keys: slot_bytes.clone(), slot_bytes }
    }

    fn plan(request: &Value, need: &Need) -> (Option<Plan>, Vec<Code>) {
        let mut findings = Vec::new();
        let plan = Plan::make(&seeding(request), need, &mut findings);
        (plan, findings.into_iter().map(|finding| finding.code).collect())
    }

    fn request(cluster: &Value) -> Value {
        json!({"backups": ["b/k.rdb"], "cluster": cluster, "nodeFamilies": ["a", "b"], "headroomPercent": 0})
    }

    #[test]
    fn auto_takes_the_smallest_type_that_fits_below_the_reserve_and_says_why_not_a_smaller_one() {
        let auto = request(&json!({"nodeType": "auto"}));
        let (plan_75, findings) = plan(&auto, &need(75 * MIB, |_| 1));
        assert_eq!((plan_75.unwrap().node_type.as_str(), findings), ("cache.a.small", vec![]));
        let (plan_76, _) = plan(&auto, &need(75 * MIB + 1, |_| 1));
        let plan_76 = plan_76.unwrap();
        assert_eq!(plan_76.node_type, "cache.b.medium");
        assert_eq!(plan_76.next_smaller.unwrap().node_type, "cache.a.small");
        let (nothing, findings) = plan(&auto, &need(5000 * MIB, |_| 1));
        assert_eq!((nothing, findings), (None, vec![Code::NothingFits]));
    }

    #[test]
    fn a_given_type_is_judged_against_maxmemory_and_against_the_reserve() {
        let given = request(&json!({"nodeType": "cache.a.small"}));
        assert_eq!(plan(&given, &need(75 * MIB, |_| 1)).1, []);
        assert_eq!(plan(&given, &need(76 * MIB, |_| 1)).1, [Code::TightFit]);
        assert_eq!(plan(&given, &need(100 * MIB, |_| 1)).1, [Code::TightFit]);
        let (plan, findings) = plan(&given, &need(101 * MIB, |_| 1));
        assert_eq!(findings, [Code::DoesNotFit]);
        assert_eq!(plan.unwrap().start_over_node_types, ["cache.a.large"]);
    }

    #[test]
    fn headroom_that_is_missing_is_a_warning_for_a_given_type_and_a_larger_type_for_auto() {
        let mut given = request(&json!({"nodeType": "cache.a.small"}));
        given["headroomPercent"] = json!(50);
        assert_eq!(plan(&given, &need(60 * MIB, |_| 1)).1, [Code::HeadroomMissing]);
        let mut auto = request(&json!({"nodeType": "auto"}));
        auto["headroomPercent"] = json!(50);
        assert_eq!(plan(&auto, &need(60 * MIB, |_| 1)).0.unwrap().node_type, "cache.b.medium");
    }

    #[test]
    fn shards_carry_what_lies_in_their_slots_and_balanced_slots_even_it_out() {
        let heavy_first = need(80 * MIB, |slot| if slot < 1000 { 100 } else { 1 });
        let even = request(&json!({"nodeType": "cache.a.small", "shards": 4}));
        let (even, findings) = plan(&even, &heavy_first);
        let even = even.unwrap();
        assert_eq!(findings, [Code::ShardSkew]);
        assert_eq!(
            even.shards.iter().map(|shard| shard.keys).sum::<u64>(),
            heavy_first.slot_keys.iter().sum::<u64>()
        );
        let balanced = request(&json!({"nodeType": "cache.a.small", "shards": 4, "slots": "balanced"}));
        let (balanced, findings) = plan(&balanced, &heavy_first);
        let largest = |plan: &Plan| plan.shards.iter().map(|shard| shard.used_memory_bytes).max();
        assert_eq!(findings, []);
        assert!(largest(&balanced.unwrap()) < largest(&even));
    }

    #[test]
    fn an_empty_backup_gets_the_smallest_cluster_without_a_division_by_nothing() {
        let (plan, findings) = plan(&request(&json!({"shards": 3})), &need(0, |_| 0));
        assert_eq!((plan.unwrap().node_type.as_str(), findings), ("cache.a.small", vec![]));
    }
}
