use proptest::prelude::*;
use rdb_footprint::{Generation, Settings};
use serde_json::{Value, json};

use super::*;
use crate::{
    facts::{
        identity::Identity,
        memory::MemoryParameters,
        node_types::NodeTypes,
        prices::{Currency, Money, NodePrices},
        slots::SLOTS,
    },
    request::{Request, resolve::resolve},
};

const MIB: u64 = 1024 * 1024;

fn target(request: &Value) -> Target {
    Request::from_layers(&[("request", request)]).unwrap();
    let (resolved, findings) = resolve(&[("request", request)], &Identity::new("test-1", "test-1"));
    assert_eq!(findings, []);
    let resolved = resolved.unwrap();
    let types = [("cache.a.small", 100 * MIB), ("cache.a.large", 1000 * MIB), ("cache.b.medium", 400 * MIB)];
    Target {
        cluster: resolved.cluster,
        options: resolved.options,
        node_types: types.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect::<NodeTypes>(),
        reserved_memory_percent: 25,
        databases: 16,
        memory: MemoryParameters::default(),
        looked_at_ms: 0,
        max_nodes: None,
        prices: None,
    }
}

/// Data whose bytes are distributed over the slots by `weight`.
fn need(used_memory_bytes: u64, weight: impl Fn(u16) -> u64) -> Need {
    let weights: Vec<_> = (0..SLOTS).map(weight).collect();
    let sum = u128::from(weights.iter().sum::<u64>().max(1));
    let mut slot_bytes: Vec<_> = weights
        .iter()
        .map(|weight| u64::try_from(u128::from(used_memory_bytes) * u128::from(*weight) / sum).unwrap())
        .collect();
    // The remainder of the rounding.
    slot_bytes[0] += used_memory_bytes - slot_bytes.iter().sum::<u64>();
    let footprint = Footprint::of_slots(Settings::new(Generation::Redis7), false, &slot_bytes);
    Need { footprint, reserve: Reserve::default() }
}

fn plan(request: &Value, need: &Need) -> (Option<Plan>, Vec<Code>) {
    let mut findings = Vec::new();
    let plan = Plan::make(&target(request), need, &mut findings);
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
    assert_eq!(even.shards.iter().map(|shard| shard.used_memory_bytes).sum::<u64>(), 80 * MIB);
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

#[test]
fn a_reserve_counts_with_the_data_but_never_makes_it_impossible() {
    let given = request(&json!({"nodeType": "cache.a.small"}));
    let with_reserve = |megabytes| Need {
        reserve: Reserve { empty_server_bytes: 5 * MIB, ..Reserve::default() },
        ..need(megabytes * MIB, |_| 1)
    };
    assert_eq!(plan(&given, &with_reserve(70)).1, []);
    assert_eq!(plan(&given, &with_reserve(71)).1, [Code::TightFit]);
    assert_eq!(plan(&given, &with_reserve(99)).1, [Code::TightFit]);
}

#[test]
fn automatic_shards_are_as_few_as_fit_and_say_what_one_less_would_mean() {
    let given = request(&json!({"clusterMode": "enabled", "nodeType": "cache.a.small"}));
    let (three, findings) = plan(&given, &need(200 * MIB, |_| 1));
    let three = three.unwrap();
    assert_eq!((three.shards.len(), findings), (3, vec![]));
    assert_eq!(three.next_smaller.unwrap().shards, Some(2));
    // Any type: the smallest one that fits everything in one shard.
    let auto = request(&json!({"clusterMode": "enabled"}));
    let one = plan(&auto, &need(200 * MIB, |_| 1)).0.unwrap();
    assert_eq!((one.shards.len(), one.node_type.as_str()), (1, "cache.b.medium"));
    let two = plan(&auto, &need(1400 * MIB, |_| 1)).0.unwrap();
    assert_eq!((two.shards.len(), two.node_type.as_str()), (2, "cache.a.large"));
    assert_eq!(two.next_smaller.unwrap().node_type, "cache.b.medium");
    // One slot that fits no node: even all shards that the quota allows do not help.
    let (none, findings) = plan(&auto, &need(2000 * MIB, |slot| u64::from(slot == 7)));
    assert_eq!((none, findings), (None, vec![Code::NothingFits]));
    let (too_small, findings) = plan(&given, &need(2000 * MIB, |slot| u64::from(slot == 7)));
    assert_eq!(too_small.unwrap().shards.len(), 90);
    assert!(findings.contains(&Code::DoesNotFit), "{findings:?}");
}

#[test]
fn nodes_with_data_tiering_are_refused_and_never_chosen() {
    let given = request(&json!({"nodeType": "cache.r6gd.xlarge"}));
    assert_eq!(plan(&given, &need(MIB, |_| 1)), (None, vec![Code::DataTieringUnsupported]));
}

#[test]
fn more_nodes_than_the_quota_are_worth_a_word() {
    let many = request(&json!({"nodeType": "cache.a.small", "shards": 50, "replicasPerShard": 1}));
    assert_eq!(plan(&many, &need(MIB, |_| 1)).1, [Code::QuotaMayBeExceeded]);
}

/// The minimal weight of the heaviest of this many contiguous ranges, by trying all cuts.
fn least_heaviest(weights: &[u64], shards: usize) -> u64 {
    // The minimum for each prefix of the weights, with one more shard each round.
    let sums: Vec<u64> = std::iter::once(0)
        .chain(weights.iter().scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        }))
        .collect();
    let mut least: Vec<u64> = sums.clone();
    for _ in 1..shards {
        let best = |end: usize| (1..end).map(|cut| least[cut].max(sums[end] - sums[cut])).min();
        least = (0..sums.len()).map(|end| best(end).unwrap_or(sums[end])).collect();
    }
    least[weights.len()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn balanced_slots_cover_all_once_and_no_cut_has_a_lighter_heaviest_shard(
        blocks in proptest::collection::vec(0_u64..10_000, 32),
        shards in 1_u32..12,
    ) {
        // Each block is 512 slots with all its weight in the first, so that few cuts have to be tried.
        let weights: Vec<u64> =
            (0..usize::from(SLOTS)).map(|slot| if slot % 512 == 0 { blocks[slot / 512] } else { 0 }).collect();
        let ranges = SlotRange::balanced(shards, &weights);
        prop_assert_eq!(ranges.len(), shards as usize);
        prop_assert_eq!(SlotRange::check_cover(&ranges), Ok(()));
        let heaviest = ranges.iter().map(|range| weights[range.indices()].iter().sum::<u64>()).max().unwrap();
        prop_assert_eq!(heaviest, least_heaviest(&blocks, shards as usize));
    }

    #[test]
    fn auto_never_picks_what_fails_the_check_nor_more_than_needed(
        megabytes in 0_u64..1500,
        headroom in 0_u32..100,
        skew in 1_u64..50,
        automatic in any::<bool>(),
        balanced in any::<bool>(),
    ) {
        let cluster = if automatic { json!({"clusterMode": "enabled"}) } else { json!({"shards": 3}) };
        let mut request = request(&cluster);
        request["headroomPercent"] = json!(headroom);
        request["cluster"]["slots"] = json!(if balanced { "balanced" } else { "even" });
        let need = need(megabytes * MIB, |slot| if slot < 3000 { skew } else { 1 });
        let (plan, findings) = plan(&request, &need);
        match plan {
            None => prop_assert_eq!(findings, vec![Code::NothingFits]),
            Some(plan) => {
                prop_assert!(findings.iter().all(|code| *code == Code::ShardSkew), "{:?}", findings);
                let ranges: Vec<_> = plan.shards.iter().map(|shard| shard.slots).collect();
                prop_assert_eq!(SlotRange::check_cover(&ranges), Ok(()));
                let largest = plan.shards.iter().map(|shard| shard.used_memory_bytes).max().unwrap();
                for (name, maxmemory) in target(&request).node_types.of_families(&["a".into(), "b".into()]) {
                    let takes = usable(maxmemory, 25) >= need.with_headroom(largest, headroom);
                    prop_assert!(!takes || maxmemory >= plan.shards[0].usable_bytes, "{} is smaller", name);
                    prop_assert!(takes || name != plan.node_type, "{} is too small", name);
                }
            }
        }
    }
}

/// Prices of node types, of 1 June 2026.
fn prices(of: &[(&str, &str)]) -> NodePrices {
    let price = |(name, amount): &(&str, &str)| ((*name).to_owned(), Money::parse(amount).unwrap());
    NodePrices {
        currency: Currency::try_from("USD".to_owned()).unwrap(),
        as_of: jiff::civil::Date::constant(2026, 6, 1),
        per_node_hour: of.iter().map(price).collect(),
    }
}

fn priced_plan(target: &Target, need: &Need) -> (Option<Plan>, Vec<Code>) {
    let mut findings = Vec::new();
    let plan = Plan::make(target, need, &mut findings);
    (plan, findings.into_iter().map(|finding| finding.code).collect())
}

const ALL_PRICES: [(&str, &str); 3] =
    [("cache.a.small", "0.1"), ("cache.b.medium", "0.5"), ("cache.a.large", "0.4")];

#[test]
fn auto_takes_the_cheapest_type_and_shows_the_next_two() {
    let request = request(&json!({"nodeType": "auto", "replicasPerShard": 1}));
    let target = Target { prices: Some(prices(&ALL_PRICES)), ..target(&request) };
    let (plan, findings) = priced_plan(&target, &need(100 * MIB, |_| 1));
    let plan = plan.unwrap();
    assert_eq!((plan.node_type.as_str(), findings), ("cache.a.large", vec![]));
    // Two nodes, 730 hours.
    assert_eq!(plan.price.unwrap().per_month.to_string(), "584.00");
    assert_eq!(plan.next_smaller.unwrap().node_type, "cache.a.small");
    let [alternative] = &plan.alternatives[..] else { panic!("{:?}", plan.alternatives) };
    assert_eq!((alternative.node_type.as_str(), alternative.shards), ("cache.b.medium", 1));
    assert_eq!(alternative.price.per_month.to_string(), "730.00");
    let (plan, _) = priced_plan(&target, &need(10 * MIB, |_| 1));
    let plan = plan.unwrap();
    let others: Vec<_> = plan.alternatives.iter().map(|one| one.node_type.as_str()).collect();
    assert_eq!((plan.node_type.as_str(), others), ("cache.a.small", vec!["cache.a.large", "cache.b.medium"]));
}

#[test]
fn automatic_shards_are_as_many_as_are_cheapest_within_what_the_stack_allows() {
    let request = request(&json!({"clusterMode": "enabled"}));
    let target = Target { prices: Some(prices(&ALL_PRICES)), ..target(&request) };
    let (plan, _) = priced_plan(&target, &need(200 * MIB, |_| 1));
    let plan = plan.unwrap();
    assert_eq!((plan.node_type.as_str(), plan.shards.len()), ("cache.a.small", 3));
    let limited = Target { max_nodes: Some(2), ..target };
    let (plan, findings) = priced_plan(&limited, &need(200 * MIB, |_| 1));
    let plan = plan.unwrap();
    assert_eq!((plan.node_type.as_str(), plan.shards.len(), findings), ("cache.a.large", 1, vec![]));
    assert_eq!(plan.alternatives.iter().map(|one| one.shards).collect::<Vec<_>>(), [1]);
}

#[test]
fn without_a_price_of_what_fits_the_smallest_type_is_taken_and_no_price_named() {
    let request = request(&json!({"nodeType": "auto"}));
    let target = Target { prices: Some(prices(&[("cache.a.small", "0.1")])), ..target(&request) };
    let plan = priced_plan(&target, &need(100 * MIB, |_| 1)).0.unwrap();
    assert_eq!((plan.node_type.as_str(), plan.price), ("cache.b.medium", None));
}

#[test]
fn a_given_type_has_its_price_and_old_prices_are_noted_with_their_day() {
    let given = request(&json!({"nodeType": "cache.b.medium", "shards": 3, "replicasPerShard": 2}));
    let day_ms =
        |text: &str| u64::try_from(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap();
    let mut target = Target {
        prices: Some(prices(&ALL_PRICES)),
        looked_at_ms: day_ms("2026-08-30T23:00:00Z"),
        ..target(&given)
    };
    let (plan, findings) = priced_plan(&target, &need(MIB, |_| 1));
    let plan = plan.unwrap();
    assert_eq!((plan.price.unwrap().per_month.to_string().as_str(), findings), ("3285.00", vec![]));
    assert_eq!(plan.alternatives, []);
    target.looked_at_ms = day_ms("2026-08-31T01:00:00Z");
    let mut findings = Vec::new();
    Plan::make(&target, &need(MIB, |_| 1), &mut findings).unwrap();
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.code, &finding.evidence["asOf"]), (Code::PricesAreOld, &json!("2026-06-01")));
    let unknown = Target { prices: None, ..target };
    assert_eq!(priced_plan(&unknown, &need(MIB, |_| 1)).1, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// By trying all node types in all numbers of shards.
    #[test]
    fn no_plan_that_fits_is_cheaper(
        megabytes in 0_u64..3000,
        headroom in 0_u32..100,
        skew in 1_u64..50,
        automatic in any::<bool>(),
        replicas in 0_u32..4,
        max_nodes in proptest::option::of(1_u32..40),
        amounts in proptest::collection::vec(proptest::option::of(1_u32..200), 3),
    ) {
        let mut cluster = if automatic { json!({"clusterMode": "enabled"}) } else { json!({"shards": 3}) };
        cluster["replicasPerShard"] = json!(replicas);
        let mut request = request(&cluster);
        request["headroomPercent"] = json!(headroom);
        let names = ["cache.a.small", "cache.a.large", "cache.b.medium"];
        let known: Vec<_> = names.into_iter().zip(&amounts).filter_map(|(name, cents)| {
            Some((name, format!("0.{:04}", (*cents)?)))
        }).collect();
        let known: Vec<_> = known.iter().map(|(name, amount)| (*name, amount.as_str())).collect();
        let prices = prices(&known);
        let target = Target { prices: Some(prices.clone()), max_nodes, ..target(&request) };
        let need = need(megabytes * MIB, |slot| if slot < 3000 { skew } else { 1 });

        let counts = if automatic { 1..=(90 / (replicas + 1)) } else { 3..=3 };
        let mut costs = Vec::new();
        for count in counts {
            let nodes = count * (replicas + 1);
            if automatic && max_nodes.is_some_and(|most| nodes > most) {
                continue;
            }
            let ranges = SlotRange::even(count);
            let largest = ranges.iter().map(|range| need.footprint.shard_bytes(range.indices())).max().unwrap();
            for name in names {
                let usable = target.node_types.maxmemory_bytes(name).unwrap() * 3 / 4;
                let fits = u128::from(largest) * u128::from(100 + headroom) / 100 <= u128::from(usable);
                if let Some(price) = prices.per_node_hour.get(name).filter(|_| fits) {
                    costs.push((price.times(nodes.into()), name, count));
                }
            }
        }
        costs.sort_unstable();

        let (plan, _) = priced_plan(&target, &need);
        let cheapest = costs.first();
        let price = plan.as_ref().and_then(|plan| plan.price.clone());
        if let Some((cost, ..)) = cheapest {
            let plan = plan.unwrap();
            let count = u32::try_from(plan.shards.len()).unwrap();
            let price = price.unwrap();
            prop_assert_eq!(price.per_node_hour.times((count * (replicas + 1)).into()), *cost);
            prop_assert!(costs.iter().any(|(_, name, shards)| *name == plan.node_type && *shards == count));
            let types: std::collections::BTreeSet<_> = costs.iter().map(|(_, name, _)| *name).collect();
            prop_assert_eq!(plan.alternatives.len(), (types.len() - 1).min(2));
            let others: Vec<_> = plan.alternatives.iter().map(|one| one.price.per_month).collect();
            prop_assert!(others.is_sorted() && others.iter().all(|other| *other >= price.per_month));
        } else {
            prop_assert!(plan.is_none_or(|plan| plan.alternatives.is_empty()));
        }
    }
}

/// AWS may have node types that this version does not know.
#[test]
fn an_unknown_node_type_that_is_allowed_is_planned_without_a_word_about_its_memory() {
    let mut request = json!({"backups": ["b/k"], "cluster": {
        "id": "c", "nodeType": "cache.z9.large", "clusterMode": "enabled", "shards": 2, "replicasPerShard": 1,
    }});
    let mut findings = Vec::new();
    let data = need(10_000 * MIB, |_| 1);
    assert_eq!(
        Plan::make(&target(&request), &Need::new(&target(&request), data.footprint.clone()), &mut findings),
        None
    );
    request["allow"] = json!(["node-type-unknown"]);
    let allowed = Target { max_nodes: Some(3), ..target(&request) };
    let mut findings = Vec::new();
    let plan = Plan::make(&allowed, &data, &mut findings).unwrap();
    assert_eq!((plan.node_type.as_str(), plan.shards.len()), ("cache.z9.large", 2));
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::NodeTypeUnknown, Code::TooManyNodes]);
}

const GB: u64 = 1_000_000_000;

#[test]
fn a_serverless_cache_is_judged_by_its_limit_and_by_that_of_a_slot() {
    let serverless = |limits: Value| json!({"backups": ["b/k.rdb"], "cluster": {"kind": "serverless", "serverless": limits}, "headroomPercent": 10});
    let limited = serverless(json!({"maxGb": 10}));
    let (plan_9, findings) = plan(&limited, &need(9 * GB, |_| 1));
    let plan_9 = plan_9.unwrap();
    assert_eq!((plan_9.node_type.as_str(), findings), (SERVERLESS, vec![]));
    assert_eq!((plan_9.shards.len(), plan_9.shards[0].usable_bytes), (1, 10 * GB));
    assert_eq!((plan_9.reserve, plan_9.start_over_node_types), (Reserve::default(), vec![]));
    assert_eq!(plan(&limited, &need(9 * GB + GB / 2, |_| 1)).1, [Code::HeadroomMissing]);
    assert_eq!(plan(&limited, &need(10 * GB + 1, |_| 1)).1, [Code::DoesNotFit]);
    // AWS's own limit, and that of a slot.
    let all = serverless(json!({}));
    assert_eq!(plan(&all, &need(4_000 * GB, |_| 1)).1, []);
    assert_eq!(plan(&all, &need(5_001 * GB, |_| 1)).1, [Code::DoesNotFit]);
    let one = |slot| u64::from(slot == 77);
    assert_eq!(plan(&all, &need(32 * GB, one)).1, []);
    let mut findings = Vec::new();
    Plan::make(&target(&all), &need(32 * GB + 1, one), &mut findings);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.code, &finding.evidence["slot"]), (Code::DoesNotFit, &77.into()));
}

#[test]
fn a_cache_cluster_is_one_node_that_holds_everything() {
    let cache = |node_type: &str| request(&json!({"kind": "cacheCluster", "nodeType": node_type}));
    let (found, findings) = plan(&cache("auto"), &need(40 * MIB, |_| 1));
    let found = found.unwrap();
    assert_eq!((found.node_type.as_str(), findings), ("cache.a.small", vec![]));
    assert_eq!((found.shards.len(), found.shards[0].slots), (1, SlotRange::ALL));
    assert_eq!(found.start_over_node_types, ["cache.a.large"]);
    // No remedy names shards, which it does not have.
    for (node_type, size, code) in [
        ("cache.a.small", 101 * MIB, Code::DoesNotFit),
        ("cache.a.small", 80 * MIB, Code::TightFit),
        ("auto", 2000 * MIB, Code::NothingFits),
    ] {
        let mut findings = Vec::new();
        Plan::make(&target(&cache(node_type)), &need(size, |_| 1), &mut findings);
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.code, code);
        let is_kind = finding.remedy.contains("set kind to replicationGroup to use several shards");
        assert!(is_kind || !finding.remedy.contains("shards"), "{finding:?}");
    }
}
