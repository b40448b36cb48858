//! Findings with their remedies.

use seeding::{Finding, Severity};
use serde_json::Value;

use crate::text::{count, cut, name};

/// At most this many are shown.
const MAX_FINDINGS: usize = 60;
/// At most this much evidence of each.
const MAX_EVIDENCE: usize = 8;
/// Longer texts are cut.
const MAX_VALUE: usize = 160;

pub(crate) struct Findings {
    pub(crate) shown: Vec<Shown>,
    /// The number of those that are not shown; empty if there are none.
    pub(crate) others: String,
}

pub(crate) struct Shown {
    pub(crate) severity: &'static str,
    pub(crate) code: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) about: String,
    pub(crate) evidence: Vec<(String, String)>,
    pub(crate) remedy: String,
}

impl Findings {
    pub(crate) fn of(findings: &[Finding]) -> Self {
        let others = findings.len().saturating_sub(MAX_FINDINGS);
        Self {
            shown: findings.iter().take(MAX_FINDINGS).map(Shown::of).collect(),
            others: if others == 0 { String::new() } else { count(others as u64) },
        }
    }
}

impl Shown {
    fn of(finding: &Finding) -> Self {
        let shard = finding.shard.map(|shard| format!("shard {shard}"));
        let about: Vec<_> = finding.backup.iter().map(|backup| name(backup)).chain(shard).collect();
        let evidence = finding.evidence.iter().take(MAX_EVIDENCE);
        Self {
            severity: match finding.severity {
                Severity::Fail => "fail",
                Severity::Warn => "warn",
                Severity::Note => "note",
            },
            code: finding.code.as_str(),
            meaning: finding.code.meaning(),
            about: about.join(", "),
            evidence: evidence
                .map(|(what, value)| (name(what), cut(&value_text(value), MAX_VALUE)))
                .collect(),
            remedy: name(&finding.remedy),
        }
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => name(text),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), count),
        other => name(&other.to_string()),
    }
}
