//! The cluster to create: whether the data fits, and the other choices.

use seeding::{Alternative, NextSmaller, Plan, ShardPlan, plan_in_words};

use crate::{
    Sources,
    draw::length,
    text::{bytes, count, name, percent},
};

/// At most this many shards are listed.
const MAX_SHARDS: usize = 100;

pub(crate) struct Cluster {
    /// The nodes; empty if no cluster is planned.
    pub(crate) nodes: String,
    pub(crate) shards: Vec<Shard>,
    pub(crate) other_shards: usize,
    pub(crate) reserve: String,
    /// How much the data can grow.
    pub(crate) growth: String,
    pub(crate) smaller: String,
    pub(crate) larger: String,
    pub(crate) price: String,
    /// Node types at a higher price, with it.
    pub(crate) dearer: Vec<String>,
    pub(crate) engines: Vec<Engine>,
}

pub(crate) struct Shard {
    pub(crate) number: usize,
    pub(crate) slots: String,
    pub(crate) keys: String,
    pub(crate) data: String,
    pub(crate) usable: String,
    pub(crate) free: String,
    pub(crate) share: String,
    pub(crate) is_over: bool,
    pub(crate) data_length: String,
    pub(crate) reserve_length: String,
}

pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) mode: &'static str,
    pub(crate) memory: String,
    pub(crate) note: String,
    pub(crate) length: String,
}

impl Cluster {
    /// None if there is neither a plan nor a comparison.
    pub(crate) fn of(sources: &Sources<'_>) -> Option<Self> {
        let engines = if sources.compared.len() > 1 { engines(sources) } else { Vec::new() };
        let Some(plan) = sources.plan else {
            return (!engines.is_empty()).then(|| Self {
                nodes: String::new(),
                shards: Vec::new(),
                other_shards: 0,
                reserve: String::new(),
                growth: String::new(),
                smaller: String::new(),
                larger: String::new(),
                price: String::new(),
                dearer: Vec::new(),
                engines,
            });
        };
        let reserve = reserve(plan);
        let shards = plan.shards.iter().enumerate().take(MAX_SHARDS).map(|(place, shard)| {
            let data = shard.used_memory_bytes;
            let usable = shard.usable_bytes;
            let needed = data.saturating_add(reserve);
            let whole = usable.max(needed);
            Shard {
                number: place + 1,
                slots: shard.slots.to_string(),
                keys: count(shard.keys),
                data: bytes(data),
                usable: bytes(usable),
                free: bytes(usable.saturating_sub(needed)),
                share: percent(needed, usable),
                is_over: needed > usable,
                data_length: length(data, whole),
                reserve_length: length(reserve, whole),
            }
        });
        Some(Self {
            nodes: name(&plan_in_words(plan.shards.len(), &plan.node_type)),
            shards: shards.collect(),
            other_shards: plan.shards.len().saturating_sub(MAX_SHARDS),
            reserve: bytes(reserve),
            growth: growth(plan, reserve),
            smaller: plan.next_smaller.as_ref().map(smaller).unwrap_or_default(),
            larger: plan.start_over_node_types.first().map(|larger| name(larger)).unwrap_or_default(),
            price: plan.price.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string),
            dearer: plan.alternatives.iter().map(dearer).collect(),
            engines,
        })
    }
}

fn reserve(plan: &Plan) -> u64 {
    let reserve = &plan.reserve;
    reserve.empty_server_bytes + reserve.replication_backlog_bytes + reserve.client_buffers_bytes
}

/// The growth of the data that fills the first node; nothing if one is too full already, or no shard has data.
fn growth(plan: &Plan, reserve: u64) -> String {
    let of = |shard: &ShardPlan| {
        let left = shard.usable_bytes.checked_sub(reserve)?.checked_sub(shard.used_memory_bytes)?;
        Some(u128::from(left) * 100 / u128::from(shard.used_memory_bytes))
    };
    let with_data = plan.shards.iter().filter(|shard| shard.used_memory_bytes > 0);
    let least = with_data.map(of).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().min());
    least.map_or_else(String::new, |percent| {
        format!("the data can grow by {percent} % before the fullest shard fills its node")
    })
}

fn smaller(NextSmaller { node_type, shards, reason }: &NextSmaller) -> String {
    let shards = shards.map(|shards| format!("{shards} x ")).unwrap_or_default();
    format!("{shards}{}: {}", name(node_type), name(reason))
}

fn dearer(Alternative { node_type, shards, price }: &Alternative) -> String {
    format!("{}, {price}", name(&plan_in_words(shards, node_type)))
}

fn engines(sources: &Sources<'_>) -> Vec<Engine> {
    let most = sources.compared.iter().map(|one| one.used_memory_bytes).max().unwrap_or(0);
    let engine = |one: &seeding::judge::FootprintReport| Engine {
        name: format!("{} {}", one.engine, one.engine_version),
        mode: if one.cluster_mode { "on" } else { "off" },
        memory: bytes(one.used_memory_bytes),
        note: match &one.compared_with {
            Some(server) => format!("compared with {server}"),
            None => "uncalibrated".to_owned(),
        },
        length: length(one.used_memory_bytes, most),
    };
    sources.compared.iter().take(64).map(engine).collect()
}
