//! The names of what is counted: one table, so that a report can be read from JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Count, Refusal};

/// What is dropped, lost or mended.
const COUNTED: [&str; 26] = [
    "conflict",
    "consumerActiveTimes",
    "database",
    "deduplication",
    "duplicateKeys",
    "duplicateMembers",
    "emptyCollections",
    "excluded",
    "expired",
    "expiredFields",
    "fieldExpiries",
    "functions",
    "givenBackEntries",
    "groupEntriesRead",
    "keyMetadata",
    "module",
    "modules",
    "notIncluded",
    "slot",
    "slotInfo",
    "streamHistory",
    "streamLengths",
    "type",
    "uncheckedKeys",
    "unsupportedType",
    "unsupportedTypes",
];

/// What is refused, and what can be done.
const REFUSED: [(&str, &str); 8] = [
    ("conflicts", "keep the first or the last of them by onConflict, or give a database a prefix"),
    (
        "field-expiries",
        "seed Valkey 9.0 or later, which keeps them, or drop them by the policy fieldExpiries",
    ),
    ("functions", "drop them by the policy functions"),
    ("key-too-long", "use a shorter prefix: a key has at most 512 MB"),
    ("modules", "drop their keys and data by the policy modules"),
    ("slot-import", "slots were on their way into the cluster; make a backup after the migration"),
    ("stream-state", "drop it by the policy streamState; the streams stay"),
    ("unsupported-types", "drop their keys by the policy unsupportedTypes"),
];

/// What can be done about a refusal.
pub(super) fn remedy(code: &str) -> &'static str {
    REFUSED.iter().find(|(name, _)| *name == code).map_or("", |(_, remedy)| remedy)
}

/// A refusal in JSON, without its remedy.
#[derive(Deserialize)]
struct Stored {
    code: String,
    count: Count,
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { code, count } = Stored::deserialize(deserializer)?;
        let known = REFUSED.iter().find(|(name, _)| *name == code);
        let unknown = || D::Error::custom(format!("\"{code}\" is no reason to refuse"));
        let (code, remedy) = *known.ok_or_else(unknown)?;
        Ok(Self { code, count, remedy })
    }
}

pub(super) fn serialize<S: Serializer>(
    counts: &BTreeMap<&'static str, Count>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    counts.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<&'static str, Count>, D::Error> {
    let stored = BTreeMap::<String, Count>::deserialize(deserializer)?;
    let named = stored.into_iter().map(|(name, count)| {
        let known = COUNTED.iter().find(|known| **known == name);
        Ok((*known.ok_or_else(|| D::Error::custom(format!("\"{name}\" is not counted")))?, count))
    });
    named.collect()
}
