use jiff::Timestamp;
use lambda::test_util::{
    Answer, EXECUTION_ARN, Wire, identity, json, json_error, run, s3_error, script, xml,
};
use seeder_aws::sweep::Sweep;
use seeding::{ErrorName, StepError, sweep::clean_up_name};
use serde_json::{Value, json};

use super::SweepHandler;

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster";
const LIST: &str = "GET reports.s3/?list-type=2&prefix=executions%2F";
const START: &str = "AWSStepFunctions.StartExecution …";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn sweep(wire: &Wire) -> Result<Value, StepError> {
    let sweep = Sweep::new(&wire.clients(), "reports".into(), MACHINE.into());
    run(&SweepHandler { sweep }, json!({})).await
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A page of the listing: keys, and how many days ago they were written.
fn page(truncated: bool, keys: &[(&str, i64)]) -> Answer {
    let contents = keys
        .iter()
        .map(|(key, days)| {
            let at = Timestamp::from_millisecond(now_ms() - days * DAY_MS).unwrap();
            format!("<Contents><Key>{key}</Key><LastModified>{at:.3}</LastModified></Contents>")
        })
        .collect::<Vec<_>>()
        .concat();
    xml(&format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{contents}</ListBucketResult>"))
}

/// The request that asks for an execution of this stack's machine.
fn describe(name: &str) -> String {
    let arn = EXECUTION_ARN.replace("orders-1", name);
    format!("AWSStepFunctions.DescribeExecution {}", json!({ "executionArn": arn }))
}

/// An execution of this status that ended this long ago.
fn execution(status: &str, ended_ms_ago: i64) -> Answer {
    let stop = (status != "RUNNING").then(|| (now_ms() - ended_ms_ago) / 1000);
    json(json!({
        "executionArn": EXECUTION_ARN, "stateMachineArn": MACHINE, "status": status, "startDate": 1, "stopDate": stop,
    }))
}

fn unknown() -> Answer {
    json_error(400, "ExecutionDoesNotExist", "Execution Does Not Exist")
}

fn started() -> Answer {
    json(json!({"executionArn": "arn:e", "startDate": 1.0}))
}

/// The only execution with open journals, and the calls about it.
fn orders(journals: &[(&str, i64)], state: Answer) -> Wire {
    let keys: Vec<_> =
        journals.iter().map(|(file, days)| (format!("executions/orders-1/{file}"), *days)).collect();
    let keys: Vec<_> = keys.iter().map(|(key, days)| (key.as_str(), *days)).collect();
    script().on(LIST, page(false, &keys)).on(describe("orders-1"), state)
}

#[tokio::test]
async fn an_execution_that_ended_with_an_open_journal_is_cleaned_up_for() {
    for status in ["FAILED", "TIMED_OUT", "ABORTED"] {
        for journal in ["grant.json", "create.json"] {
            let wire = orders(&[(journal, 2)], execution(status, 2 * DAY_MS)).on(START, started());
            let output = sweep(&wire).await.unwrap();
            wire.done();
            let name = clean_up_name(&identity(), Timestamp::now());
            let request = wire.json("AWSStepFunctions.StartExecution");
            assert_eq!((&request["name"], &request["stateMachineArn"]), (&json!(name), &json!(MACHINE)));
            assert_eq!(request["input"], json!({ "cleanUp": EXECUTION_ARN }).to_string());
            let expected = json!({
                "started": [{"execution": "orders-1", "cleanUp": name}], "left": [], "complete": true,
            });
            assert_eq!(output, expected);
        }
    }
}

#[tokio::test]
async fn what_runs_has_just_ended_or_is_seeded_is_left_alone() {
    for (status, journal, decision) in [
        ("RUNNING", "grant.json", "running"),
        ("RUNNING", "create.json", "running"),
        // A status that does not exist yet.
        ("PENDING_REDRIVE", "grant.json", "running"),
        ("FAILED", "grant.json", "just-ended"),
        ("SUCCEEDED", "create.json", "seeded"),
    ] {
        let wire = orders(&[(journal, 1)], execution(status, 60_000));
        let output = sweep(&wire).await.unwrap();
        wire.done();
        let left = json!([{"execution": "orders-1", "decision": decision}]);
        assert_eq!((&output["started"], &output["left"]), (&json!([]), &left), "{status}");
    }
}

/// The revoke failed after the cluster had become available.
#[tokio::test]
async fn a_grant_that_outlives_a_seeding_is_cleaned_up_for() {
    let journals = [("create.json", 1), ("grant.json", 1)];
    let wire = orders(&journals, execution("SUCCEEDED", DAY_MS)).on(START, started());
    assert_eq!(sweep(&wire).await.unwrap()["started"][0]["execution"], "orders-1");
    wire.done();
}

/// delete-cluster has closed the journal of a cluster that is kept, and the access of another stack's execution is in
/// that stack's bucket: neither has a journal here, so neither is described.
#[tokio::test]
async fn without_a_journal_here_nothing_is_asked_or_started() {
    let keys = [
        ("executions/kept-1/report.json", 1),
        ("executions/kept-1/revoked.json", 1),
        ("executions/kept-1/seeding.json", 1),
        ("executions/orders-1/partials/000-0000000000000000-0000000000000100.json", 1),
    ];
    for keys in [&keys[..], &[]] {
        let wire = script().on(LIST, page(false, keys));
        assert_eq!(sweep(&wire).await.unwrap(), json!({"started": [], "left": [], "complete": true}));
        wire.done();
    }
}

#[tokio::test]
async fn an_execution_that_is_forgotten_has_ended_if_its_journal_is_older_than_the_history() {
    for days in [0, 1, 89] {
        let wire = orders(&[("grant.json", days)], unknown());
        assert_eq!(sweep(&wire).await.unwrap()["left"][0]["decision"], "unknown", "{days}");
        wire.done();
    }
    // The younger of two counts.
    let wire = orders(&[("create.json", 91), ("grant.json", 89)], unknown());
    assert_eq!(sweep(&wire).await.unwrap()["left"][0]["decision"], "unknown");
    let wire = orders(&[("grant.json", 91)], unknown()).on(START, started());
    assert_eq!(sweep(&wire).await.unwrap()["started"][0]["execution"], "orders-1");
    wire.done();
}

#[tokio::test]
async fn a_listing_of_several_pages_is_read_to_its_end_without_partial_results() {
    let partial = "executions/b/partials/000-0000000000000000-0000000000000100.json";
    let after = |key: &str| format!("{LIST}&start-after={}", key.replace('/', "%2F"));
    let wire = script()
        .on(
            LIST,
            page(true, &[("executions/a/grant.json", 1), ("executions/b/create.json", 1), (partial, 1)]),
        )
        .on(after("executions/b/partials/~"), page(true, &[("executions/b/report.json", 1)]))
        .on(after("executions/b/report.json"), page(false, &[("executions/c/grant.json", 1)]))
        .on(describe("a"), execution("RUNNING", 0))
        .on(describe("b"), execution("RUNNING", 0))
        .on(describe("c"), execution("RUNNING", 0));
    let output = sweep(&wire).await.unwrap();
    wire.done();
    let names: Vec<_> = output["left"].as_array().unwrap().iter().map(|one| &one["execution"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_clean_up_that_was_started_today_is_not_started_again_and_no_error() {
    let exists = json_error(400, "ExecutionAlreadyExists", "Execution Already Exists");
    let [first, again] = [started(), exists]
        .map(|answer| orders(&[("grant.json", 1)], execution("FAILED", DAY_MS)).on(START, answer));
    assert_eq!(sweep(&first).await.unwrap(), sweep(&again).await.unwrap());
    let request = |wire: &Wire| wire.text("AWSStepFunctions.StartExecution");
    assert_eq!(request(&first), request(&again));
}

#[tokio::test]
async fn what_cannot_be_asked_or_started_fails_at_the_end_and_does_not_stop_the_others() {
    let wire = script()
        .on(LIST, page(false, &[("executions/a/grant.json", 1), ("executions/b/grant.json", 1)]))
        .on(describe("a"), json_error(400, "AccessDeniedException", "not authorized"))
        .on(describe("b"), execution("FAILED", DAY_MS))
        .on(START, started());
    assert_eq!(sweep(&wire).await.unwrap_err().name, ErrorName::AccessDenied);
    wire.done();
    let wire = orders(&[("grant.json", 1)], execution("FAILED", DAY_MS))
        .on(START, json_error(400, "ThrottlingException", "Rate exceeded"));
    assert_eq!(sweep(&wire).await.unwrap_err().name, ErrorName::ServiceBusy);
    let wire = script().on(LIST, s3_error(403, "AccessDenied"));
    assert_eq!(sweep(&wire).await.unwrap_err().name, ErrorName::AccessDenied);
    wire.done();
}

#[tokio::test]
async fn a_dry_run_starts_nothing_and_decides_the_same() {
    let wire = orders(&[("grant.json", 1)], execution("FAILED", DAY_MS));
    let sweep = Sweep::new(&wire.clients(), "reports".into(), MACHINE.into());
    let swept = sweep.run(Timestamp::now(), true).await.unwrap();
    wire.done();
    assert_eq!(swept.executions[0].clean_up, Some(clean_up_name(&identity(), Timestamp::now())));
}

#[tokio::test]
async fn the_sample_event_is_understood() {
    let wire = script().on(LIST, page(false, &[]));
    let sweep = Sweep::new(&wire.clients(), "reports".into(), MACHINE.into());
    let event = serde_json::from_str(include_str!("../../../../events/sweep.json")).unwrap();
    run(&SweepHandler { sweep }, event).await.unwrap();
    wire.done();
}
