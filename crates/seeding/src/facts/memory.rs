//! The parameters that decide how much memory data needs in the cluster.

use std::collections::BTreeMap;

use rdb_footprint::{Quantum, Thresholds};
use serde::{Deserialize, Serialize};

/// The parameters of a parameter group that affect the memory of loaded data. The defaults are ElastiCache's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryParameters {
    /// The sizes up to which collections stay packed.
    pub thresholds: Thresholds,
    /// Whether small integers are shared objects: true if `maxmemory-policy` is neither an LRU nor an LFU policy.
    pub shares_integers: bool,
    /// The allocator's quantum. AWS does not document it, so the default is the conservative one.
    pub quantum: Quantum,
}

impl MemoryParameters {
    /// Reads the values of a parameter group, by parameter name. An absent or malformed value has its default.
    pub fn of(values: &BTreeMap<String, String>) -> Self {
        let defaults = Thresholds::default();
        let mut thresholds = defaults;
        let sizes = [
            ("hash-max-listpack-entries", &mut thresholds.hash_entries),
            ("hash-max-listpack-value", &mut thresholds.hash_value),
            ("zset-max-listpack-entries", &mut thresholds.zset_entries),
            ("zset-max-listpack-value", &mut thresholds.zset_value),
            ("set-max-intset-entries", &mut thresholds.set_intset_entries),
            ("set-max-listpack-entries", &mut thresholds.set_entries),
            ("set-max-listpack-value", &mut thresholds.set_value),
        ];
        for (name, size) in sizes {
            *size = value(values, name).and_then(|text| text.parse().ok()).unwrap_or(*size);
        }
        let list_size = value(values, "list-max-listpack-size").and_then(|text| text.parse().ok());
        thresholds.list_size = list_size.unwrap_or(defaults.list_size);
        // LRU and LFU policies keep an access time in each object, so integers cannot be shared.
        let keeps_apart = |policy: &str| policy.ends_with("-lru") || policy.ends_with("-lfu");
        let shares_integers = value(values, "maxmemory-policy").is_some_and(|policy| !keeps_apart(policy));
        Self { thresholds, shares_integers, quantum: Quantum::default() }
    }
}

/// Looks a value up under the parameter's name since Redis 7.0, then under its older name.
fn value<'v>(values: &'v BTreeMap<String, String>, name: &str) -> Option<&'v str> {
    let old = || values.get(&name.replace("listpack", "ziplist"));
    values.get(name).or_else(old).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> MemoryParameters {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        MemoryParameters::of(&values.iter().map(owned).collect())
    }

    #[test]
    fn parameters_are_known_by_their_old_and_new_names() {
        assert_eq!(of(&[]), MemoryParameters::default());
        assert_eq!(of(&[("hash-max-ziplist-entries", "5")]).thresholds.hash_entries, 5);
        assert_eq!(of(&[("hash-max-listpack-entries", "6")]).thresholds.hash_entries, 6);
        assert_eq!(of(&[("list-max-ziplist-size", "-5")]).thresholds.list_size, -5);
        assert_eq!(of(&[("set-max-intset-entries", "many")]).thresholds.set_intset_entries, 512);
    }

    #[test]
    fn integers_are_shared_unless_the_policy_needs_them_apart() {
        for (policy, shares) in
            [("volatile-lru", false), ("allkeys-lfu", false), ("noeviction", true), ("volatile-ttl", true)]
        {
            assert_eq!(of(&[("maxmemory-policy", policy)]).shares_integers, shares, "{policy}");
        }
    }
}
