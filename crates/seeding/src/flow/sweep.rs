//! Which executions are cleaned up for although no event said so.
//!
//! A clean-up is started by the event of an execution's end. An event can be lost, a clean-up can fail, and a revoke
//! can fail after the cluster has become available. What then remains is in the journals: `grant.json` is there until
//! the access is revoked, `create.json` until the cluster is available, kept or gone. The sweep lists both and starts
//! the same clean-up again.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{facts::identity::Identity, flow::files::ExecutionFiles};

/// How long Step Functions can describe an execution that has ended, in milliseconds: 90 days. Source: Step Functions
/// developer guide, "Service quotas", "Execution history retention time". What it does not know and is older has
/// ended; what is younger may be of a machine that was replaced, or of a wrong region.
pub const HISTORY_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// How long the clean-up that the end of an execution has started is left alone, in milliseconds: an hour. It may poll
/// a deletion for half an hour, and the event itself can be late.
pub const GRACE_MS: i64 = 60 * 60 * 1000;

/// The journals of one execution that are still there. There is at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenJournals {
    /// Whether access was granted and not revoked.
    pub grant: bool,
    /// Whether a create was asked for and its outcome is not settled.
    pub create: bool,
    /// When the younger of them was written, in milliseconds since 1970.
    pub written_at_ms: i64,
}

/// Collects journals from a listing of the reports bucket.
#[derive(Debug, Clone, Default)]
pub struct Journals {
    by_execution: BTreeMap<String, OpenJournals>,
}

impl Journals {
    /// Takes note of a key, and of when it was written, in milliseconds since 1970. Keys of other files do not matter.
    pub fn add(&mut self, key: &str, written_at_ms: i64) {
        let Some(name) = execution_of(key) else { return };
        let files = ExecutionFiles::of(name);
        let (grant, create) = (key == files.grant().as_str(), key == files.create().as_str());
        if grant || create {
            let none = OpenJournals { grant: false, create: false, written_at_ms };
            let journals = self.by_execution.entry(name.to_owned()).or_insert(none);
            journals.grant |= grant;
            journals.create |= create;
            journals.written_at_ms = journals.written_at_ms.max(written_at_ms);
        }
    }

    /// The executions with open journals, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, OpenJournals)> {
        self.by_execution.iter().map(|(name, journals)| (name.as_str(), *journals))
    }

    /// The number of these executions.
    pub fn len(&self) -> usize {
        self.by_execution.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_execution.is_empty()
    }
}

/// The execution that a key of the reports bucket belongs to.
fn execution_of(key: &str) -> Option<&str> {
    key.strip_prefix(ExecutionFiles::prefix())?.split_once('/').map(|(name, _)| name)
}

/// The key after which a listing continues: past the partial results, if it is among them. They are many, and none
/// is a journal.
pub fn continue_after(last_key: &str) -> String {
    let partials = "/partials/";
    match last_key.find(partials) {
        // '~' sorts after every letter and digit of their names.
        Some(place) if execution_of(last_key).is_some() => {
            format!("{}~", &last_key[..place + partials.len()])
        }
        _ => last_key.to_owned(),
    }
}

/// What Step Functions says of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionState {
    /// It runs, or is about to.
    Running,
    /// It has succeeded.
    Succeeded {
        /// When it ended, in milliseconds since 1970.
        ended_at_ms: i64,
    },
    /// It has failed, timed out or was stopped.
    Failed {
        /// When it ended, in milliseconds since 1970.
        ended_at_ms: i64,
    },
    /// Step Functions knows no such execution.
    Unknown,
}

/// What a sweep does about an execution with open journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// A clean-up is started.
    CleanUp,
    /// It still runs: its journals are its own.
    Running,
    /// It has ended less than an hour ago: its own clean-up comes first.
    JustEnded,
    /// It has succeeded and revoked its access: the cluster is the user's.
    Seeded,
    /// Step Functions does not know it, and it is younger than 90 days: whether it has ended is not known.
    Unknown,
}

impl Decision {
    /// Decides on an execution.
    pub const fn on(journals: OpenJournals, state: ExecutionState, now_ms: i64) -> Self {
        match state {
            ExecutionState::Running => Self::Running,
            ExecutionState::Succeeded { .. } if !journals.grant => Self::Seeded,
            ExecutionState::Succeeded { ended_at_ms } | ExecutionState::Failed { ended_at_ms } => {
                if now_ms < ended_at_ms.saturating_add(GRACE_MS) { Self::JustEnded } else { Self::CleanUp }
            }
            ExecutionState::Unknown if now_ms < journals.written_at_ms.saturating_add(HISTORY_MS) => {
                Self::Unknown
            }
            ExecutionState::Unknown => Self::CleanUp,
        }
    }

    /// One sentence for a person.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::CleanUp => "ended, and something may be left",
            Self::Running => "still runs",
            Self::JustEnded => "ended less than an hour ago; its own clean-up comes first",
            Self::Seeded => "seeded; nothing is left",
            Self::Unknown => "not known to Step Functions, and younger than 90 days",
        }
    }
}

/// The ARN of an execution of a state machine; nothing if the machine's is none.
pub fn execution_arn(state_machine_arn: &str, name: &str) -> Option<String> {
    let (place, machine) = state_machine_arn.split_once(":stateMachine:")?;
    Some(format!("{place}:execution:{machine}:{name}"))
}

/// The ARN of the state machine of an execution; `None` if the ARN is not that of one.
pub fn state_machine_arn(execution_arn: &str) -> Option<String> {
    let (place, names) = execution_arn.split_once(":execution:")?;
    let (machine, _) = names.split_once(':')?;
    Some(format!("{place}:stateMachine:{machine}"))
}

/// The name of the clean-up for an execution: one on each day, so that a sweep that runs twice starts it once, and one
/// that failed is started again on the next day. Days are those of UTC.
pub fn clean_up_name(execution: &Identity, now: Timestamp) -> String {
    let day = now.to_zoned(TimeZone::UTC).date();
    format!("clean-up-{}-{day}", execution.hash())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    const GRANT: OpenJournals = OpenJournals { grant: true, create: false, written_at_ms: 0 };
    const CREATE: OpenJournals = OpenJournals { grant: false, create: true, written_at_ms: 0 };

    #[test]
    fn what_has_ended_with_an_open_journal_is_cleaned_up_for() {
        let ended = |ended_at_ms| ExecutionState::Failed { ended_at_ms };
        for journals in [GRANT, CREATE] {
            assert_eq!(Decision::on(journals, ended(0), GRACE_MS), Decision::CleanUp);
            assert_eq!(Decision::on(journals, ended(1), GRACE_MS), Decision::JustEnded);
            assert_eq!(Decision::on(journals, ExecutionState::Running, 1000 * DAY_MS), Decision::Running);
        }
    }

    /// A revoke that failed after the cluster became available.
    #[test]
    fn of_a_seeded_execution_only_a_grant_is_left() {
        let seeded = ExecutionState::Succeeded { ended_at_ms: 0 };
        assert_eq!(Decision::on(CREATE, seeded, DAY_MS), Decision::Seeded);
        assert_eq!(Decision::on(GRANT, seeded, DAY_MS), Decision::CleanUp);
    }

    #[test]
    fn what_step_functions_does_not_know_has_ended_if_it_is_older_than_its_history() {
        for (now_ms, decision) in [
            (0, Decision::Unknown),
            (89 * DAY_MS, Decision::Unknown),
            (HISTORY_MS - 1, Decision::Unknown),
            (HISTORY_MS, Decision::CleanUp),
        ] {
            assert_eq!(Decision::on(GRANT, ExecutionState::Unknown, now_ms), decision, "{now_ms}");
        }
    }

    #[test]
    fn only_journals_count() {
        let mut journals = Journals::default();
        for (key, at_ms) in [
            ("executions/a/create.json", 1),
            ("executions/a/grant.json", 3),
            ("executions/a/seeding.json", 9),
            ("executions/b/grant.json", 2),
            ("executions/c/revoked.json", 2),
            ("executions/c/partials/grant.json", 2),
            ("executions/grant.json", 2),
            ("grants/backups/lease.json", 2),
            ("a/executions/x/grant.json", 2),
        ] {
            journals.add(key, at_ms);
        }
        let found: Vec<_> = journals.iter().collect();
        let both = OpenJournals { grant: true, create: true, written_at_ms: 3 };
        assert_eq!(found, [("a", both), ("b", OpenJournals { written_at_ms: 2, ..GRANT })]);
    }

    #[test]
    fn a_listing_skips_partial_results() {
        let key = ExecutionFiles::of("a").partial(0, 0, 9);
        let after = continue_after(key.as_str());
        assert!(after.as_str() > key.as_str());
        assert!(after.as_str() > ExecutionFiles::of("a").gap(999, u64::MAX).as_str());
        assert!(after.as_str() < ExecutionFiles::of("a").report().as_str());
        assert_eq!(continue_after("executions/a/report.json"), "executions/a/report.json");
    }

    #[test]
    fn a_clean_up_has_one_name_a_day() {
        let arn = execution_arn("arn:aws:states:us-east-1:1:stateMachine:m", "orders-1").unwrap();
        assert_eq!(arn, "arn:aws:states:us-east-1:1:execution:m:orders-1");
        assert_eq!(execution_arn("arn:aws:states:us-east-1:1:activity:m", "orders-1"), None);
        let identity = Identity::new(&arn, "orders-1");
        let at = |text: &str| clean_up_name(&identity, text.parse().unwrap());
        assert_eq!(at("2026-11-27T00:00:00Z"), format!("clean-up-{}-2026-11-27", identity.hash()));
        assert_eq!(at("2026-11-27T00:00:00Z"), at("2026-11-27T23:59:59Z"));
        assert_ne!(at("2026-11-27T23:59:59Z"), at("2026-11-28T00:00:00Z"));
        // Names of executions have at most 80 characters.
        assert!(at("2026-11-27T00:00:00Z").len() <= 80);
    }
}
