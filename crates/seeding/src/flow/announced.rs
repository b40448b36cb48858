//! Findings in an announcement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A finding as it is announced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnnouncedFinding {
    /// [Code](docs/FINDINGS.md).
    pub code: String,
    /// Severity.
    #[serde(default)]
    pub severity: String,
    /// Backup that the finding is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Numbers that decided, and names other than those of keys.
    #[serde(default)]
    pub evidence: BTreeMap<String, Value>,
    /// What to do.
    #[serde(default)]
    pub remedy: String,
}

/// The evidence whose texts are never those of a backup.
const HARMLESS: [&str; 12] = [
    "bucket", "engine", "error", "field", "from", "id", "nodeType", "reason", "removes", "state", "to",
    "type",
];

impl AnnouncedFinding {
    /// Leaves out what may name keys: texts, unless they are known to be harmless. The message of a failed step is
    /// kept; findings about a backup lose theirs.
    pub(crate) fn without_keys(mut self) -> Self {
        let of_backup = self.backup.is_some();
        self.evidence.retain(|name, value| match value {
            Value::Number(_) | Value::Bool(_) => true,
            Value::Object(counts) => counts.values().all(Value::is_number),
            _ => HARMLESS.contains(&name.as_str()) || (name == "message" && !of_backup),
        });
        self
    }
}
