//! Node types and their memory.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::facts::engine::Engine;

/// Node types with their `maxmemory` in bytes.
///
/// The live source is `DescribeEngineDefaultParameters` / `DescribeCacheParameters`. [`NodeTypes::documented`] is the
/// table of the user guide, for use where the API cannot be called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeTypes(BTreeMap<String, u64>);

type Families = &'static [&'static str];
type Sizes = &'static [(&'static str, u64)];

/// `maxmemory` in bytes by family, sizes in ascending order. Source: ElastiCache user guide, "Redis and Valkey
/// node-type specific parameters" (2026). Families closed to new clusters are left out.
const DOCUMENTED: &[(Families, Sizes)] = &[
    (&["t4g", "t3"], &[("micro", 536_870_912), ("small", 1_471_026_299), ("medium", 3_317_862_236)]),
    (
        &["m4"],
        &[
            ("large", 6_892_593_152),
            ("xlarge", 15_328_501_760),
            ("2xlarge", 31_889_126_359),
            ("4xlarge", 65_257_290_629),
            ("10xlarge", 166_047_614_239),
        ],
    ),
    (
        &["m5"],
        &[
            ("large", 6_854_542_746),
            ("xlarge", 13_891_921_715),
            ("2xlarge", 27_966_669_210),
            ("4xlarge", 56_116_178_125),
            ("12xlarge", 168_715_971_994),
            ("24xlarge", 337_500_562_842),
        ],
    ),
    (
        &["m6g", "m7g"],
        &[
            ("large", 6_854_542_746),
            ("xlarge", 13_891_921_715),
            ("2xlarge", 27_966_669_210),
            ("4xlarge", 56_116_178_125),
            ("8xlarge", 111_325_552_312),
            ("12xlarge", 168_715_971_994),
            ("16xlarge", 225_000_375_228),
        ],
    ),
    (
        &["m8g"],
        &[
            ("large", 7_294_178_820),
            ("xlarge", 15_222_495_510),
            ("2xlarge", 31_866_224_640),
            ("4xlarge", 65_856_864_256),
            ("8xlarge", 133_838_143_488),
            ("12xlarge", 201_819_422_720),
            ("16xlarge", 269_800_701_952),
        ],
    ),
    (
        &["r5"],
        &[
            ("large", 14_037_181_030),
            ("xlarge", 28_261_849_702),
            ("2xlarge", 56_711_183_565),
            ("4xlarge", 113_609_865_216),
            ("12xlarge", 341_206_346_547),
            ("24xlarge", 682_485_973_811),
        ],
    ),
    (
        &["r6g", "r7g"],
        &[
            ("large", 14_037_181_030),
            ("xlarge", 28_261_849_702),
            ("2xlarge", 56_711_183_565),
            ("4xlarge", 113_609_865_216),
            ("8xlarge", 225_000_375_228),
            ("12xlarge", 341_206_346_547),
            ("16xlarge", 450_000_750_456),
        ],
    ),
    (
        &["r6gd"],
        &[
            ("xlarge", 28_261_849_702),
            ("2xlarge", 56_711_183_565),
            ("4xlarge", 113_609_865_216),
            ("8xlarge", 225_000_375_228),
            ("12xlarge", 341_206_346_547),
            ("16xlarge", 450_000_750_456),
        ],
    ),
    (
        &["r8g"],
        &[
            ("large", 15_222_495_510),
            ("xlarge", 31_866_224_640),
            ("2xlarge", 65_856_864_256),
            ("4xlarge", 133_838_143_488),
            ("8xlarge", 269_800_701_952),
            ("12xlarge", 405_763_260_416),
            ("16xlarge", 541_725_818_880),
        ],
    ),
    (
        &["c7gn"],
        &[
            ("large", 3_317_862_236),
            ("xlarge", 6_854_542_746),
            ("2xlarge", 13_891_921_715),
            ("4xlarge", 27_966_669_210),
            ("8xlarge", 56_116_178_125),
            ("12xlarge", 84_357_985_997),
            ("16xlarge", 113_609_865_216),
        ],
    ),
    (
        &["c8gn"],
        &[
            ("large", 3_330_020_474),
            ("xlarge", 7_294_178_820),
            ("2xlarge", 15_222_495_510),
            ("4xlarge", 31_866_224_640),
            ("8xlarge", 65_856_864_256),
            ("12xlarge", 99_847_503_872),
            ("16xlarge", 133_838_143_488),
        ],
    ),
];

/// Families that support Valkey only. Source: the same page.
const VALKEY_ONLY: [&str; 3] = ["m8g", "r8g", "c8gn"];

impl NodeTypes {
    /// The user guide's table, limited to the node types that support an engine.
    pub fn documented(engine: Engine) -> Self {
        DOCUMENTED
            .iter()
            .flat_map(|(families, sizes)| families.iter().map(move |family| (family, sizes)))
            .filter(|(family, _)| engine == Engine::Valkey || !VALKEY_ONLY.contains(family))
            .flat_map(|(family, sizes)| {
                sizes.iter().map(move |(size, bytes)| (format!("cache.{family}.{size}"), *bytes))
            })
            .collect()
    }

    /// Whether no node type is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `maxmemory` of a node type in bytes, including the reserve.
    pub fn maxmemory_bytes(&self, node_type: &str) -> Option<u64> {
        self.0.get(node_type).copied()
    }

    /// The node types of these families (such as `r7g`): smallest memory first, then in the order of `families`.
    pub fn of_families(&self, families: &[String]) -> Vec<(&str, u64)> {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, &bytes)| {
                let position = families.iter().position(|family| family_of(name) == Some(family))?;
                Some((bytes, position, name.as_str()))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(bytes, _, name)| (name, bytes)).collect()
    }

    /// Keeps only the types with these names.
    pub fn limit_to(&mut self, names: &BTreeSet<String>) {
        self.0.retain(|name, _| names.contains(name));
    }

    /// The larger types of the same family, smallest first.
    pub fn larger_than(&self, node_type: &str) -> Vec<String> {
        let (Some(family), Some(bytes)) = (family_of(node_type), self.maxmemory_bytes(node_type)) else {
            return Vec::new();
        };
        self.of_families(&[family.to_owned()])
            .into_iter()
            .filter(|&(_, other)| other > bytes)
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Up to three known names that are most similar to this one.
    pub fn near(&self, node_type: &str) -> Vec<String> {
        near_names(node_type, self.0.keys().map(String::as_str))
    }
}

impl FromIterator<(String, u64)> for NodeTypes {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// The family of a node type: `r7g` of `cache.r7g.large`.
fn family_of(node_type: &str) -> Option<&str> {
    node_type.split('.').nth(1)
}

/// Up to three of the `known` names with the fewest edits from `name`, nearest first. A name that differs in more than
/// half of its characters is left out.
pub fn near_names<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    /// The number of characters that are compared, so that a hostile name costs nothing.
    const COMPARED_CHARS: usize = 40;
    let name: Vec<char> = name.chars().take(COMPARED_CHARS).collect();
    let mut near: Vec<_> = known
        .map(|candidate| {
            (edits(&name, &candidate.chars().take(COMPARED_CHARS).collect::<Vec<_>>()), candidate)
        })
        .filter(|(distance, candidate)| *distance <= candidate.len() / 2)
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// The Levenshtein distance of two texts.
fn edits(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_type_of_the_preferred_family_comes_first() {
        let types = NodeTypes::documented(Engine::Valkey);
        let names: Vec<_> =
            types.of_families(&["r7g".into(), "m7g".into()]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..3], ["cache.m7g.large", "cache.m7g.xlarge", "cache.r7g.large"]);
    }

    #[test]
    fn a_mistyped_node_type_is_answered_with_near_names() {
        let types = NodeTypes::documented(Engine::Valkey);
        assert_eq!(types.near("cache.r7g.larg")[0], "cache.r7g.large");
        assert_eq!(types.near("completely different thing"), Vec::<String>::new());
    }

    #[test]
    fn some_families_are_for_valkey_only() {
        let redis = NodeTypes::documented(Engine::Redis);
        assert_eq!(redis.maxmemory_bytes("cache.r8g.large"), None);
        assert_eq!(redis.maxmemory_bytes("cache.r7g.large"), Some(14_037_181_030));
    }

    #[test]
    fn a_start_over_goes_up_within_the_family() {
        assert_eq!(
            NodeTypes::documented(Engine::Valkey).larger_than("cache.t4g.micro"),
            ["cache.t4g.small", "cache.t4g.medium"]
        );
    }
}
