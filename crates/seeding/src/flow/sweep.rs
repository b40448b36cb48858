//! Decides which ended executions need a clean-up that no event has started.
//!
//! The event of an execution's end starts its clean-up. An event can be lost, a clean-up can fail, and a revoke can
//! fail after the cluster has become available. The journals show what is left: `grant.json` exists until the access is
//! revoked, `converting.json` until the converted backups are deleted, `create.json` until the cluster is available,
//! kept or gone. The sweep lists them and starts the same clean-up again.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{facts::identity::Identity, flow::files::ExecutionFiles};

/// The time for which Step Functions keeps an ended execution, in milliseconds: 90 days. Source: Step Functions
/// developer guide, "Service quotas", "Execution history retention time". An older execution that it does not know has
/// ended; a younger one may belong to a state machine that was replaced, or to another region.
pub const HISTORY_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// The time that an ended execution's own clean-up has, in milliseconds: an hour. It may poll a deletion for half an
/// hour, and the event itself can be late.
pub const GRACE_MS: i64 = 60 * 60 * 1000;

/// The journals of one execution that still exist, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenJournals {
    /// Whether access was granted and not revoked, or converted backups may be left.
    pub grant: bool,
    /// Whether a create was requested and its outcome is open.
    pub create: bool,
    /// The time at which the younger one was written, in milliseconds since 1970.
    pub written_at_ms: i64,
}

/// Collects journals from a listing of the reports bucket.
#[derive(Debug, Clone, Default)]
pub struct Journals {
    by_execution: BTreeMap<String, OpenJournals>,
}

impl Journals {
    /// Adds a key and the time at which it was written, in milliseconds since 1970. Keys of other files are ignored.
    pub fn add(&mut self, key: &str, written_at_ms: i64) {
        let Some(name) = execution_of(key) else { return };
        let files = ExecutionFiles::of(name);
        // Converted backups are deleted when the access is revoked.
        let grant = [files.grant().as_str(), files.converting().as_str()].contains(&key);
        let create = key == files.create().as_str();
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

/// Returns the execution that a key of the reports bucket belongs to.
fn execution_of(key: &str) -> Option<&str> {
    key.strip_prefix(ExecutionFiles::prefix())?.split_once('/').map(|(name, _)| name)
}

/// Returns the key after which a listing continues: past the partial results, if the last key is one of them. They are
/// many, and none is a journal.
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

/// The state of an execution in Step Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionState {
    /// It runs, or is about to.
    Running,
    /// It has succeeded.
    Succeeded {
        /// The time of its end, in milliseconds since 1970.
        ended_at_ms: i64,
    },
    /// It has failed, timed out or was stopped.
    Failed {
        /// The time of its end, in milliseconds since 1970.
        ended_at_ms: i64,
    },
    /// Step Functions knows no such execution.
    Unknown,
}

/// The decision of a sweep about an execution with open journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// A clean-up is started.
    CleanUp,
    /// It still runs and needs its journals.
    Running,
    /// It has ended less than an hour ago: its own clean-up comes first.
    JustEnded,
    /// It has succeeded and revoked its access: the cluster is the user's.
    Seeded,
    /// Step Functions does not know it, and it is younger than 90 days: it may still run.
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

/// Returns the ARN of an execution of a state machine; `None` if the machine's ARN is not valid.
pub fn execution_arn(state_machine_arn: &str, name: &str) -> Option<String> {
    let (place, machine) = state_machine_arn.split_once(":stateMachine:")?;
    Some(format!("{place}:execution:{machine}:{name}"))
}

/// Returns the ARN of an execution's state machine; `None` if the execution's ARN is not valid.
pub fn state_machine_arn(execution_arn: &str) -> Option<String> {
    let (place, names) = execution_arn.split_once(":execution:")?;
    let (machine, _) = names.split_once(':')?;
    Some(format!("{place}:stateMachine:{machine}"))
}

/// Returns the name of the clean-up for an execution. It has the UTC day: a sweep that runs twice starts a clean-up
/// once, and one that failed is started again the next day.
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
