//! The stack's own limits, and what verify-cluster cannot do.

use super::*;

const LIST: &str = "AWSStepFunctions.ListExecutions …";

/// The running executions, with the seconds of their starts.
fn running(executions: &[(&str, f64)]) -> Answer {
    let (machine, _) = EXECUTION_ARN.rsplit_once(':').unwrap();
    let item = |(name, start): &(&str, f64)| {
        json!({
            "executionArn": format!("{machine}:{name}"), "stateMachineArn": "arn:m", "name": name,
            "status": "RUNNING", "startDate": start,
        })
    };
    json(json!({"executions": executions.iter().map(item).collect::<Vec<_>>()}))
}

async fn at_most(seedings: u32, wire: &Wire) -> Result<Value, StepError> {
    let step = PrepareSeeding { max_seedings: Some(seedings), ..step(wire, json!({})) };
    let output = run_step(&step, orders()).await;
    wire.done();
    output
}

#[tokio::test]
async fn a_seeding_waits_for_as_many_as_began_before_it() {
    let busy = running(&[("late", 9.0), ("orders-1", 5.0), ("early", 4.5), ("first", 1.0)]);
    let error = at_most(2, &script().on(LIST, busy.clone())).await.unwrap_err();
    assert_eq!(error.name, ErrorName::TooManySeedings);
    let told = "2 seedings that began earlier are running, MaxSeedingsAtOnce is 2";
    assert_eq!(error.message, told);
    // With one more, it is its turn: later executions do not count.
    let wire = fine_target(fine_backup(script().on(LIST, busy)));
    let wire =
        wire.on(KNOWN, not_known()).on(PRICES, not_known()).on(PUT_RECORD, ok()).on(ACCOUNT, quota(1000));
    assert_eq!(at_most(3, &wire).await.unwrap()["outcome"], "prepared");
}

/// The list is not up to date.
#[tokio::test]
async fn a_seeding_that_is_not_listed_yet_is_the_last() {
    let error = at_most(1, &script().on(LIST, running(&[("first", 1.0)]))).await.unwrap_err();
    assert_eq!(error.name, ErrorName::TooManySeedings);
}

#[tokio::test]
async fn a_cluster_of_more_nodes_than_the_stack_allows_is_rejected_before_anything_is_read() {
    let mut request = orders();
    request["cluster"] =
        json!({"id": "orders", "clusterMode": "enabled", "shards": 3, "replicasPerShard": 1});
    let wire = fine_target(fine_backup(script()));
    let step = PrepareSeeding { max_nodes: Some(5), ..step(&wire, json!({})) };
    let output = run_step(&step, request).await.unwrap();
    wire.done();
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["too-many-nodes"]));
    assert_eq!(output["findings"][0]["evidence"], json!({"nodes": 6, "maxNodes": 5}));
}

#[tokio::test]
async fn keys_that_cannot_be_counted_are_a_warning_and_no_wait() {
    let mut request = orders();
    request["verify"] = json!(true);
    let wire = fine_target(fine_backup(script()));
    let wire =
        wire.on(KNOWN, not_known()).on(PRICES, not_known()).on(PUT_RECORD, ok()).on(ACCOUNT, quota(1000));
    let step = PrepareSeeding { verify_in_vpc: false, ..step(&wire, json!({})) };
    let output = run_step(&step, request).await.unwrap();
    wire.done();
    assert_eq!((&output["verify"], codes(&output)), (&json!(false), vec!["verify-not-possible"]));
    assert_eq!(wire.json(PUT_RECORD)["options"]["verify"], false);
}
