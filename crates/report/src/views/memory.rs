//! Where the memory goes.

use seeding::{MemoryMap, Plan, PrefixMemory, SLOTS, SlotRange};

use crate::{
    Sources,
    draw::{Map, Node, length, unit},
    text::{bytes, count, name, percent},
};

/// At most this many prefixes are listed.
const MAX_LISTED: usize = 60;

pub(crate) struct Memory {
    pub(crate) engine: String,
    pub(crate) total: String,
    pub(crate) maps: Vec<Map>,
    pub(crate) prefixes: Vec<PrefixRow>,
    pub(crate) other_prefixes: usize,
    /// Whether errors are estimated.
    pub(crate) is_sample: bool,
    /// What prefixes may lack; empty if nothing.
    pub(crate) merged: String,
    pub(crate) without_expiry: Vec<Row>,
    pub(crate) types: Vec<Row>,
    pub(crate) databases: Vec<Row>,
    pub(crate) slots: Vec<SlotBar>,
    pub(crate) cuts: Vec<String>,
    /// The largest shard by the plan, and with other cuts; empty if there is one shard.
    pub(crate) balance: String,
}

pub(crate) struct PrefixRow {
    pub(crate) prefix: String,
    /// The number of prefixes that it belongs to.
    pub(crate) depth: usize,
    pub(crate) keys: String,
    pub(crate) without_expiry: String,
    pub(crate) bytes: String,
    pub(crate) error: String,
    pub(crate) alone: String,
    pub(crate) share: String,
    pub(crate) length: String,
}

/// A row with a bar.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) keys: String,
    pub(crate) size: String,
    pub(crate) share: String,
    pub(crate) length: String,
}

/// A bar of the strip of slots.
pub(crate) struct SlotBar {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
}

/// Width and height of the strip of slots.
const STRIP: (f64, f64) = (1024.0, 80.0);

impl Memory {
    pub(crate) fn of(map: &MemoryMap, sources: &Sources<'_>) -> Self {
        let total = map.data_bytes.saturating_add(map.tables_bytes);
        let tree = tree(&map.prefixes);
        let mut nodes = tree.nodes;
        let named = sum(nodes.iter().map(|node| node.bytes));
        nodes.push(other("other keys", map.data_bytes.saturating_sub(named)));
        nodes.push(other("tables of keys", map.tables_bytes));
        nodes.sort_by_key(|node| std::cmp::Reverse(node.bytes));
        // Estimates may add up to more than the whole.
        let whole = sum(nodes.iter().map(|node| node.bytes)).max(1);
        let engine = sources.footprint;
        let listed = map.prefixes.iter().zip(&tree.depths).take(MAX_LISTED);
        let cuts = sources.plan.iter().flat_map(|plan| plan.shards.iter().skip(1));
        Self {
            engine: engine.map_or_else(String::new, |one| format!("{} {}", one.engine, one.engine_version)),
            total: bytes(total),
            maps: vec![Map::of(&nodes, whole, "wide", 1000, 460), Map::of(&nodes, whole, "narrow", 360, 520)],
            prefixes: listed.map(|(prefix, depth)| PrefixRow::of(prefix, *depth, map.data_bytes)).collect(),
            other_prefixes: map.prefixes.len().saturating_sub(MAX_LISTED),
            is_sample: map.prefixes.iter().any(|prefix| prefix.error_bytes > 0),
            merged: if map.merged_bytes == 0 { String::new() } else { bytes(map.merged_bytes) },
            without_expiry: without_expiry(&map.prefixes),
            types: rows(
                map.types.iter().map(|one| (format!("{} ({})", one.kind, one.encoding), one.keys, one.bytes)),
            ),
            databases: rows(map.databases.iter().map(|one| {
                let name = one.index.map_or_else(|| "others".to_owned(), |index| index.to_string());
                (name, one.keys, one.bytes)
            })),
            slots: slots(&map.slots),
            balance: sources.plan.map(|plan| balance(&map.slots, plan)).unwrap_or_default(),
            cuts: cuts.map(|shard| unit(f64::from(shard.slots.first) * STRIP.0 / 16384.0)).collect(),
        }
    }
}

fn sum(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

fn other(name: &str, bytes: u64) -> Node {
    Node { name: name.to_owned(), bytes, plain: true, ..Node::default() }
}

struct Tree {
    nodes: Vec<Node>,
    /// Of each prefix.
    depths: Vec<usize>,
}

/// The prefixes in each other: a prefix belongs to the longest listed one that it begins with.
fn tree(prefixes: &[PrefixMemory]) -> Tree {
    // In order of names, whatever belongs to a prefix follows it.
    let mut order: Vec<_> = (0..prefixes.len()).collect();
    order.sort_by(|one, other| prefixes[*one].prefix.cmp(&prefixes[*other].prefix));
    let mut depths = vec![0; prefixes.len()];
    let mut open: Vec<(&str, Node)> = Vec::new();
    let mut nodes = Vec::new();
    let close = |open: &mut Vec<(&str, Node)>, nodes: &mut Vec<Node>| {
        let Some((_, mut node)) = open.pop() else { return };
        node.parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        match open.last_mut() {
            Some((_, into)) => into.parts.push(node),
            None => nodes.push(node),
        }
    };
    for place in order {
        let PrefixMemory { prefix, bytes, .. } = &prefixes[place];
        while open.last().is_some_and(|(outer, _)| !prefix.starts_with(outer)) {
            close(&mut open, &mut nodes);
        }
        depths[place] = open.len();
        let shown = prefix.get(open.last().map_or(0, |(outer, _)| outer.len())..).unwrap_or(prefix);
        open.push((prefix, Node { name: name(shown), bytes: *bytes, ..Node::default() }));
    }
    while !open.is_empty() {
        close(&mut open, &mut nodes);
    }
    nodes.sort_by_key(|node| std::cmp::Reverse(node.bytes));
    Tree { nodes, depths }
}

impl PrefixRow {
    fn of(prefix: &PrefixMemory, depth: usize, whole: u64) -> Self {
        Self {
            prefix: name(&prefix.prefix),
            depth,
            keys: count(prefix.keys),
            without_expiry: percent(prefix.without_expiry, prefix.keys),
            bytes: bytes(prefix.bytes),
            error: if prefix.error_bytes == 0 {
                String::new()
            } else {
                format!("± {}", percent(prefix.error_bytes, prefix.bytes))
            },
            alone: bytes(prefix.alone_bytes),
            share: percent(prefix.bytes, whole),
            length: length(prefix.bytes, whole),
        }
    }
}

/// The prefixes with most keys that never expire.
fn without_expiry(prefixes: &[PrefixMemory]) -> Vec<Row> {
    let mut all: Vec<_> = prefixes.iter().filter(|prefix| prefix.without_expiry > 0).collect();
    all.sort_by_key(|prefix| std::cmp::Reverse(prefix.without_expiry));
    let row = |prefix: &&PrefixMemory| Row {
        name: name(&prefix.prefix),
        keys: count(prefix.without_expiry),
        size: String::new(),
        share: percent(prefix.without_expiry, prefix.keys),
        length: length(prefix.without_expiry, prefix.keys),
    };
    all.iter().take(15).map(row).collect()
}

fn rows(all: impl Iterator<Item = (String, u64, u64)> + Clone) -> Vec<Row> {
    let whole = sum(all.clone().map(|(_, _, bytes)| bytes));
    all.take(64)
        .map(|(name, keys, size)| Row {
            name,
            keys: count(keys),
            size: bytes(size),
            share: percent(size, whole),
            length: length(size, whole),
        })
        .collect()
}

fn slots(ranges: &[u64]) -> Vec<SlotBar> {
    let most = ranges.iter().max().copied().unwrap_or(0);
    let width = STRIP.0 / ranges.len().max(1) as f64;
    let bars = ranges.iter().enumerate().filter(|(_, bytes)| **bytes > 0);
    bars.map(|(place, bytes)| {
        let height = (crate::text::ratio(*bytes, most) * STRIP.1).max(1.0);
        SlotBar {
            x: unit(place as f64 * width),
            y: unit(STRIP.1 - height),
            width: unit(width),
            height: unit(height),
        }
    })
    .collect()
}

/// The largest shard's share of the memory: as planned, with equal numbers of slots, and with the best cuts.
fn balance(ranges: &[u64], plan: &Plan) -> String {
    let Ok(shards) = u32::try_from(plan.shards.len()) else { return String::new() };
    if shards < 2 || ranges.is_empty() {
        return String::new();
    }
    // What a range weighs is spread evenly over its slots.
    let slots_of_one = (usize::from(SLOTS) / ranges.len()).max(1);
    let weight = |slot: usize| ranges.get(slot / slots_of_one).copied().unwrap_or(0) / slots_of_one as u64;
    let weights: Vec<u64> = (0..usize::from(SLOTS)).map(weight).collect();
    let whole = sum(weights.iter().copied());
    let largest = |cuts: &[SlotRange]| {
        let weights = |cut: &SlotRange| sum(weights.get(cut.indices()).unwrap_or_default().iter().copied());
        percent(cuts.iter().map(weights).max().unwrap_or(0), whole)
    };
    let planned: Vec<_> = plan.shards.iter().map(|shard| shard.slots).collect();
    format!(
        "The largest of {shards} shards has {} of the memory; with even slots it has {}, with balanced ones {}.",
        largest(&planned),
        largest(&SlotRange::even(shards)),
        largest(&SlotRange::balanced(shards, &weights)),
    )
}

#[cfg(test)]
mod tests {
    use seeding::{Reserve, SLOT_RANGES, ShardPlan};

    use super::*;

    fn prefix(prefix: &str, bytes: u64) -> PrefixMemory {
        let prefix = prefix.to_owned();
        PrefixMemory { prefix, keys: 1, without_expiry: 1, bytes, error_bytes: 0, alone_bytes: bytes }
    }

    #[test]
    fn even_cuts_are_held_against_balanced_ones() {
        let mut ranges = vec![1 << 20; SLOT_RANGES];
        ranges[0] = 256 << 20;
        let shard = |slots| ShardPlan { slots, keys: 1, used_memory_bytes: 1, usable_bytes: 1 };
        let plan = |cuts: Vec<SlotRange>| Plan {
            node_type: "cache.r7g.large".to_owned(),
            shards: cuts.into_iter().map(shard).collect(),
            reserve: Reserve::default(),
            next_smaller: None,
            start_over_node_types: Vec::new(),
            price: None,
            alternatives: Vec::new(),
        };
        let text = balance(&ranges, &plan(SlotRange::even(2)));
        assert!(
            text.contains("of 2 shards has 75.0 % ") && text.ends_with("balanced ones 50.1 %."),
            "{text}"
        );
        assert_eq!(balance(&ranges, &plan(vec![SlotRange::ALL])), "");
    }

    #[test]
    fn a_prefix_belongs_to_the_longest_one_that_it_begins_with() {
        let all =
            [prefix("b:", 9), prefix("a:", 8), prefix("a:x:y:", 5), prefix("a:x:", 6), prefix("ab:", 1)];
        let Tree { nodes, depths } = tree(&all);
        assert_eq!(depths, [0, 0, 2, 1, 0]);
        let names = |nodes: &[Node]| nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&nodes), ["b:", "a:", "ab:"]);
        assert_eq!(names(&nodes[1].parts), ["x:"]);
        assert_eq!(names(&nodes[1].parts[0].parts), ["y:"]);
    }
}
