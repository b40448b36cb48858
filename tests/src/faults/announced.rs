//! What of a run was announced, as a subscriber hears it.

use anyhow::Result;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::Value;

use super::{case::Case, ending::Ending, injection::Injection};
use crate::{listener::Listener, user::Outcome};

/// The event about something that a clean-up could not remove. It may follow an ending.
const LEFT_BEHIND: &str = "Seeding Left Something Behind";

/// The types of the events about the end of an execution, in order, and the last one's detail.
pub(crate) async fn endings(listener: &Listener, execution: &str) -> Result<(Vec<String>, Value)> {
    let name = execution.rsplit(':').next().unwrap_or_default();
    let heard = listener.heard().await?;
    let endings: Vec<_> = heard.iter().filter_map(|one| one.ending_of(name)).collect();
    let last = endings.last().map_or(Value::Null, |(_, detail)| (*detail).clone());
    Ok((endings.iter().map(|(kind, _)| (*kind).to_owned()).collect(), last))
}

/// What is wrong with them. An ending is announced once, as it is, and as it is stored.
pub(crate) fn violations(case: Option<&Case>, ending: &Ending) -> Vec<String> {
    let (kinds, last) = &ending.announced;
    let mut found = Vec::new();
    let truths: Vec<_> =
        [Some(&ending.main), ending.clean_up.as_ref()].into_iter().flatten().map(kind).collect();
    let endings: Vec<_> = kinds.iter().filter(|kind| *kind != LEFT_BEHIND).collect();
    let is_right = match endings[..] {
        [] => !kinds.is_empty() || case.is_some_and(may_be_silent),
        [one] => truths.contains(&one.as_str()),
        _ => false,
    };
    if !is_right {
        found.push(format!(
            "expected one event of {truths:?}, heard {kinds:?} at the end `{}`",
            ending.summary()
        ));
    }
    if !kinds.is_empty() && ending.stored.as_ref() != Some(last) && !case.is_some_and(may_be_silent) {
        found.push(format!("outcome.json is {:?}, announced was {last:#}", ending.stored));
    }
    found
}

/// The event that an end calls for.
fn kind(outcome: &Outcome) -> &'static str {
    match (&outcome.status, outcome.value["outcome"].as_str(), outcome.error.as_deref()) {
        (ExecutionStatus::Succeeded, Some("seeded"), _) => "Seeding Succeeded",
        (ExecutionStatus::Succeeded, Some("dry-run"), _) => "Seeding Dry Run Complete",
        (_, _, Some("BackupRejected")) => "Seeding Rejected",
        _ => "Seeding Failed",
    }
}

/// Whether the fault keeps the step from storing and announcing anything, for longer than it is repeated.
fn may_be_silent(case: &Case) -> bool {
    let denied = matches!(case.injection, Injection::Denied | Injection::DeniedForGood);
    let of_step = case.caller == "record-outcome" || case.function.as_deref() == Some("record-outcome");
    let announces = case.action.starts_with("events:");
    (denied && case.caller == "clean-up") || ((of_step || announces) && (denied || case.injection.exhausts()))
}
