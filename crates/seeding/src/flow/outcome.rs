//! How a seeding ended, as everybody is told.

mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::words::words;
pub use super::announced::AnnouncedFinding;
use crate::{
    facts::partition::Partition,
    finding::Code,
    flow::steps::{ClusterInfo, DataMemory, RecordInput},
};

/// What is told about the end of a seeding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The cluster is available.
    Succeeded,
    /// Nothing was created, because a finding forbids it.
    Rejected,
    /// The cluster did not become available.
    Failed,
    /// Nothing was created, as the request asks.
    DryRun,
    /// A clean-up could not finish.
    LeftBehind,
    /// None yet: a person is asked to approve.
    Awaiting,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Rejected, Self::Failed, Self::DryRun, Self::LeftBehind, Self::Awaiting];

    /// The type of the event.
    pub const fn detail_type(self) -> &'static str {
        match self {
            Self::Succeeded => "Seeding Succeeded",
            Self::Rejected => "Seeding Rejected",
            Self::Failed => "Seeding Failed",
            Self::DryRun => "Seeding Dry Run Complete",
            Self::LeftBehind => "Seeding Left Something Behind",
            Self::Awaiting => "Seeding Awaiting Approval",
        }
    }

    /// The name of the metric that counts it.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Succeeded => "Seeded",
            Self::Rejected => "Rejected",
            Self::Failed => "Failed",
            Self::DryRun => "DryRuns",
            Self::LeftBehind => "LeftBehind",
            Self::Awaiting => "AwaitingApproval",
        }
    }
}

/// How a seeding ended, `outcome.json` in the reports bucket and the detail of the event about it. It names no key of a
/// backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Version of this JSON, 1.
    pub schema: u32,
    /// Name of the execution.
    pub execution: String,
    /// Name of the execution that announces it: the same, or its clean-up.
    #[serde(default)]
    pub announced_by: String,
    /// `seeded`, `dry-run`, `rejected` or `failed`; `awaiting-approval` while a person is asked.
    pub outcome: String,
    /// Verdict on the backups.
    pub verdict: String,
    /// The cluster, if it is available.
    pub cluster: Option<ClusterInfo>,
    /// First findings, most severe first, without the evidence that may name keys.
    pub findings: Vec<AnnouncedFinding>,
    /// Report, as `s3://bucket/key`; empty if there is none.
    pub report: String,
    /// What a clean-up could not remove.
    pub left_behind: Vec<String>,
    /// Memory of the cluster's data, predicted and measured; absent if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<DataMemory>,
    /// The cluster to approve, `{nodeType, shards}`; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
}

impl Outcome {
    /// How an execution ended, and what is told; none if it was told already. `earlier`: what was recorded before, if a
    /// clean-up asks. What the same clean-up has recorded may not be told yet: its answer can be lost.
    pub fn of(input: &RecordInput, execution: &str, earlier: Option<Self>) -> Option<(Self, Ending)> {
        // What still runs tells its own end.
        let refused = |finding: &AnnouncedFinding| finding.code == CLEAN_UP_REFUSED;
        if input.clean_up && input.findings.first().is_some_and(refused) {
            return None;
        }
        let left_behind = input.left_behind.clone();
        // A clean-up that leaves a cluster and ends well was asked to keep it.
        let is_left = match input.ending.as_str() {
            "failed" => true,
            "cleaned-up" => false,
            _ => !left_behind.is_empty(),
        };
        let announcer = input.announcer.as_str();
        let announced_by = Partition::of_execution(announcer).map_or(announcer, |(_, name)| name).to_owned();
        if let Some(earlier) = earlier {
            if is_left {
                return Some((Self { announced_by, left_behind, ..earlier }, Ending::LeftBehind));
            }
            if earlier.announced_by != announced_by {
                return None;
            }
        }
        let (outcome, ending) = match input.ending.as_str() {
            "seeded" => ("seeded", Ending::Succeeded),
            "dry-run" => ("dry-run", Ending::DryRun),
            "rejected" => ("rejected", Ending::Rejected),
            "awaiting-approval" => ("awaiting-approval", Ending::Awaiting),
            _ if input.clean_up && is_left => ("failed", Ending::LeftBehind),
            _ => ("failed", Ending::Failed),
        };
        let mut findings: Vec<_> =
            input.findings.iter().cloned().map(AnnouncedFinding::without_keys).collect();
        if input.clean_up && findings.is_empty() && ending != Ending::Succeeded {
            findings.push(interrupted());
        }
        let verdict = if ending == Ending::Succeeded && input.clean_up { "ok" } else { &input.verdict };
        let outcome = Self {
            schema: 1,
            execution: execution.to_owned(),
            announced_by,
            outcome: outcome.to_owned(),
            verdict: verdict.to_owned(),
            cluster: input.cluster.clone().and_then(|cluster| serde_json::from_value(cluster).ok()),
            findings,
            report: input.report.clone(),
            left_behind,
            memory: input.measured_memory(),
            plan: input.plan.as_ref().filter(|_| ending == Ending::Awaiting).map(in_short),
        };
        Some((outcome, ending))
    }
}

/// What a person has to know of a plan.
fn in_short(plan: &Value) -> Value {
    let shards = plan["shards"].as_array().map_or(0, Vec::len);
    json!({"nodeType": plan["nodeType"], "shards": shards})
}

/// The code of [`crate::ErrorName::CleanUpRefused`].
const CLEAN_UP_REFUSED: &str = "clean-up-refused";

/// The finding about an execution that could not say itself how it ended.
fn interrupted() -> AnnouncedFinding {
    AnnouncedFinding {
        code: Code::Interrupted.as_str().to_owned(),
        severity: "fail".to_owned(),
        backup: None,
        evidence: BTreeMap::new(),
        remedy: "start it again; the execution's history says who stopped it, or where it broke off"
            .to_owned(),
    }
}

/// What the state machine tells, in an event and in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    /// Whether there is anything to announce.
    pub announce: bool,
    /// Type of the event.
    pub detail_type: &'static str,
    /// The event's detail.
    pub detail: Option<Outcome>,
    /// Subject of the message.
    pub subject: String,
    /// The message.
    pub message: String,
}

impl Announcement {
    /// Everything was told before.
    pub const fn nothing() -> Self {
        Self {
            announce: false,
            detail_type: "",
            detail: None,
            subject: String::new(),
            message: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(value: &Value) -> RecordInput {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn no_key_is_told() {
        let finding = json!({"code": "big-key", "severity": "warn", "backup": "b/k", "remedy": "split it",
            "evidence": {"key": "secret", "keys": ["secret"], "message": "secret", "firstKeys": {"module": ["secret"]},
                         "bytes": 7, "lost": {"fieldExpiries": 2}, "type": "hash", "from": "REDIS0012"}});
        let input = input(&json!({"ending": "rejected", "verdict": "reject", "findings": [finding]}));
        let (outcome, ending) = Outcome::of(&input, "e", None).unwrap();
        let text = serde_json::to_string(&outcome).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(outcome.findings[0].evidence.len(), 4, "{text}");
        assert_eq!(ending, Ending::Rejected);
    }

    #[test]
    fn a_clean_up_whose_answer_was_lost_tells_it_again() {
        let left = |left: &[&str]| {
            let ending = if left.is_empty() { "cleaned-up" } else { "failed" };
            input(&json!({"ending": ending, "cleanUp": true, "leftBehind": left,
                          "announcer": "arn:aws:states:r:1:execution:m:clean-up-e"}))
        };
        let first = Outcome::of(&left(&[]), "e", None).unwrap();
        assert_eq!(first.0.announced_by, "clean-up-e");
        assert_eq!(Outcome::of(&left(&[]), "e", Some(first.0.clone())), Some(first));
        let seeded = Outcome::of(&input(&json!({"ending": "seeded"})), "e", None).unwrap().0;
        let second = Outcome::of(&left(&["grant"]), "e", Some(seeded)).unwrap();
        assert_eq!((second.1, second.0.outcome.as_str()), (Ending::LeftBehind, "seeded"));
        assert_eq!(Outcome::of(&left(&["grant"]), "e", Some(second.0.clone())), Some(second));
    }

    #[test]
    fn a_clean_up_tells_only_what_nobody_has_told() {
        let clean_up = |ending: &str, left: &[&str]| {
            let left =
                json!({"ending": ending, "cleanUp": true, "leftBehind": left, "announcer": "m:clean-up-e"});
            input(&left)
        };
        let failed = Outcome::of(&input(&json!({"ending": "failed"})), "e", None).unwrap().0;
        assert_eq!(Outcome::of(&clean_up("cleaned-up", &[]), "e", Some(failed.clone())), None);
        // As the request asks.
        assert_eq!(Outcome::of(&clean_up("cleaned-up", &["cluster e"]), "e", Some(failed.clone())), None);
        let (left, ending) = Outcome::of(&clean_up("failed", &["grant"]), "e", Some(failed)).unwrap();
        assert_eq!((ending, &left.left_behind[..]), (Ending::LeftBehind, &["grant".to_owned()][..]));
        let (stopped, ending) = Outcome::of(&clean_up("cleaned-up", &[]), "e", None).unwrap();
        assert_eq!((ending, stopped.findings[0].code.as_str()), (Ending::Failed, "interrupted"));
        assert_eq!(Outcome::of(&clean_up("seeded", &[]), "e", None).unwrap().1, Ending::Succeeded);
    }
}
