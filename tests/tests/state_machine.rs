//! Properties of the state machine's definition that no execution shows.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{collections::BTreeSet, fs, path::Path};

use seeding::ErrorName;
use serde_json::{Map, Value};

fn machine() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../statemachine/seed-cluster.asl.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns every state with its name, including those inside a Map.
fn states(machine: &Value) -> Vec<(String, &Map<String, Value>)> {
    let mut found = Vec::new();
    for (name, state) in machine["States"].as_object().unwrap() {
        found.push((name.clone(), state.as_object().unwrap()));
        if let Some(inner) = state.get("ItemProcessor") {
            found.extend(states(inner));
        }
    }
    found
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether a task calls a function. Others tell events and messages.
fn calls_function(task: &Map<String, Value>) -> bool {
    task["Resource"].as_str().is_some_and(|resource| resource.contains(":lambda:invoke"))
}

/// Whether Lambda, Step Functions or a person defines this error name, not the functions.
fn is_foreign(name: &str) -> bool {
    ["Lambda.", "States.", "Sandbox.", "Runtime.", seeding::steps::APPROVAL_REJECTED]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[test]
fn every_error_name_in_the_machine_is_one_that_a_function_can_give() {
    let known: BTreeSet<_> = ErrorName::ALL.iter().map(|name| name.as_str()).collect();
    for (state, fields) in states(&machine()) {
        for list in ["Retry", "Catch"] {
            for handler in fields.get(list).and_then(Value::as_array).into_iter().flatten() {
                for name in texts(&handler["ErrorEquals"]).into_iter().filter(|name| !is_foreign(name)) {
                    assert!(known.contains(name), "{state} handles {name}, which nothing gives");
                }
            }
        }
    }
}

#[test]
fn every_error_that_a_function_can_give_is_retried_if_that_helps_and_caught_in_the_end() {
    let machine = machine();
    for (state, fields) in states(&machine).into_iter().filter(|(_, fields)| fields["Type"] == "Task") {
        let retried: BTreeSet<_> =
            fields["Retry"].as_array().unwrap().iter().flat_map(|r| texts(&r["ErrorEquals"])).collect();
        for name in ErrorName::ALL.iter().filter(|_| calls_function(fields)) {
            // A create that is refused has no effect, and grants take a while to take effect everywhere.
            let propagates = state == "CreateCluster" && *name == ErrorName::ParametersRefused;
            // Only the first step waits for its turn.
            let is_over = *name == ErrorName::TooManySeedings && state != "Prepare";
            assert_eq!(
                retried.contains(name.as_str()),
                (name.is_retryable() && !is_over) || propagates,
                "{state} and {name}"
            );
        }
        // The Map catches errors of the states inside it.
        let catcher = match state.as_str() {
            "InspectChunk" => &machine["States"]["InspectChunks"]["Catch"],
            "ConvertChunk" => &machine["States"]["ConvertChunks"]["Catch"],
            _ => &fields["Catch"],
        };
        let caught = catcher.as_array().unwrap().iter().any(|c| texts(&c["ErrorEquals"]) == ["States.ALL"]);
        assert!(caught, "{state} lets an error through");
    }
}

#[test]
fn every_task_has_a_timeout_and_retries_the_transient_errors_of_lambda_with_jitter() {
    const TRANSIENT: [&str; 5] = [
        "Lambda.AWSLambdaException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.SdkClientException",
        "Lambda.ServiceException",
        "Lambda.TooManyRequestsException",
    ];
    for (state, fields) in states(&machine()).into_iter().filter(|(_, fields)| fields["Type"] == "Task") {
        // A person has as long as the request says.
        assert!(
            state == "AwaitApproval" && fields["TimeoutSeconds"].is_string()
                || fields["TimeoutSeconds"].as_u64().is_some_and(|seconds| seconds <= 900),
            "{state} has no timeout"
        );
        let retries = fields["Retry"].as_array().unwrap();
        for retry in retries {
            // Waiting for a grant to take effect is no rush of many: a jitter would only shorten the wait.
            let jitter = if texts(&retry["ErrorEquals"]) == ["ParametersRefused"] { "NONE" } else { "FULL" };
            assert_eq!(retry["JitterStrategy"], jitter, "{state}");
            assert!(
                retry["MaxDelaySeconds"].is_u64() && retry["MaxAttempts"].is_u64(),
                "{state}: an unbounded retry"
            );
        }
        if !calls_function(fields) {
            continue;
        }
        let names: BTreeSet<_> = retries.iter().flat_map(|retry| texts(&retry["ErrorEquals"])).collect();
        assert!(TRANSIENT.iter().all(|name| names.contains(name)), "{state} retries only {names:?}");
    }
}

#[test]
fn every_choice_has_a_default_and_every_state_a_comment() {
    let machine = machine();
    assert!(machine["TimeoutSeconds"].is_u64());
    for (state, fields) in states(&machine) {
        assert!(fields.contains_key("Comment"), "{state} has no comment");
        if fields["Type"] == "Choice" {
            assert!(fields.contains_key("Default"), "{state} has no default");
        }
    }
}

#[test]
fn a_good_cluster_is_never_deleted_and_a_failed_one_never_forgotten() {
    let machine = machine();
    // The last one catches whatever the others do not.
    let last = |state: &str| machine["States"][state]["Catch"].as_array().unwrap().last().unwrap().clone();
    let target = |state: &str| last(state)["Next"].as_str().unwrap().to_owned();
    for state in ["GrantAccess", "CreateCluster"] {
        assert_eq!(target(state), "DeleteCluster", "{state}");
    }
    // Only a verdict deletes: who cannot look waits, up to the deadline.
    assert_eq!(target("CheckCluster"), "ClusterState");
    assert_eq!(last("CheckCluster")["Assign"]["phase"], "unknown");
    // Who cannot delete looks again.
    assert_eq!(target("DeleteCluster"), "Deletion");
    assert_eq!(last("DeleteCluster")["Assign"]["deletion"], "unknown");
    assert_eq!(target("VerifyCluster"), "RevokeAccess");
    assert_eq!(target("RevokeAccess"), "Outcome");
}

/// What still runs keeps its cluster and its grant.
#[test]
fn a_clean_up_that_is_refused_neither_deletes_nor_revokes() {
    let machine = machine();
    let refused = &machine["States"]["DeleteCluster"]["Catch"][0];
    assert_eq!(texts(&refused["ErrorEquals"]), [ErrorName::CleanUpRefused.as_str()]);
    assert_eq!(refused["Next"], "NameFailure");
}

#[test]
fn every_transition_leads_to_a_state_and_every_state_can_be_reached() {
    let machine = machine();
    let names: BTreeSet<_> = machine["States"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut reached = BTreeSet::from([machine["StartAt"].as_str().unwrap()]);
    for (name, state) in machine["States"].as_object().unwrap() {
        let mut next: Vec<&str> =
            ["Next", "Default"].iter().filter_map(|field| state[*field].as_str()).collect();
        for list in ["Choices", "Catch"] {
            next.extend(
                state[list].as_array().into_iter().flatten().filter_map(|item| item["Next"].as_str()),
            );
        }
        for target in &next {
            assert!(names.contains(target), "{name} leads to {target}, which is no state");
        }
        reached.extend(next);
    }
    assert_eq!(names, reached);
}
