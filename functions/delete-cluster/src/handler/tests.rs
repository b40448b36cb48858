use lambda::test_util::{
    Answer, DESCRIBE_CACHE, DESCRIBE_CACHE_CLUSTER, DESCRIBE_EXACT, DESCRIBE_GROUP, DESCRIBE_NODES,
    EXECUTION_ARN, OURS, RECORD, Wire, cache, cache_cluster, group, json as json_file, json_error, member,
    no_cache, no_cache_cluster, no_group, nothing, ok, query, query_error, read_record, run, s3_error,
    script, seeding, understands,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use super::DeleteCluster;

const SEE_CREATE: &str = "GET reports.s3/executions/orders-1/create.json";
const REPORT: &str = "GET reports.s3/executions/orders-1/report.json";
const CLOSE: &str = "DELETE reports.s3/executions/orders-1/create.json";
const DELETE: &str = "elasticache Action=DeleteReplicationGroup&ReplicationGroupId=orders";

fn orders(on_restore_failed: &str) -> Seeding {
    seeding(&json!({
        "backups": ["backups/in/orders.rdb"], "cluster": {"id": "orders"}, "onRestoreFailed": on_restore_failed,
        "verify": true,
    }))
}

async fn delete(wire: &Wire) -> Result<Value, StepError> {
    delete_after(wire, 0).await
}

/// The step after it was called this often before.
async fn delete_after(wire: &Wire, polls: u32) -> Result<Value, StepError> {
    delete_with(wire, json!({"execution": EXECUTION_ARN, "polls": polls, "cleanUp": false, "runningExecution": EXECUTION_ARN})).await
}

async fn clean_up(wire: &Wire) -> Result<Value, StepError> {
    clean_up_of(wire, EXECUTION_ARN).await
}

async fn clean_up_of(wire: &Wire, execution: &str) -> Result<Value, StepError> {
    let own = EXECUTION_ARN.replace("orders-1", "clean-up-1");
    let input = json!({"execution": execution, "polls": 0, "cleanUp": true, "runningExecution": own});
    delete_with(wire, input).await
}

async fn delete_with(wire: &Wire, input: Value) -> Result<Value, StepError> {
    let clients = wire.clients();
    let step = DeleteCluster {
        elasticache: clients.elasticache(),
        step_functions: clients.step_functions(),
        reports: ReportStore::new(clients.s3(), "reports".into()),
        pause: std::time::Duration::ZERO,
    };
    run(&step, input).await
}

/// The step's check of the group with one member, before it does anything.
fn look(on_restore_failed: &str, of_group: &str, of_member: &str) -> Wire {
    script()
        .on(RECORD, read_record(&orders(on_restore_failed)))
        .on(DESCRIBE_GROUP, group(of_group, OURS, &["orders-001"], ""))
        .on(DESCRIBE_NODES, member("orders-001", of_member))
}

fn deleting() -> Answer {
    query("DeleteReplicationGroup", "<ReplicationGroup><Status>deleting</Status></ReplicationGroup>")
}

#[tokio::test]
async fn ours_that_failed_is_deleted() {
    for (of_group, of_member) in
        [("create-failed", "restore-failed"), ("creating", "restore-failed"), ("create-failed", "creating")]
    {
        let wire = look("delete", of_group, of_member).on(DELETE, deleting());
        let output = delete(&wire).await.unwrap();
        wire.done();
        let expected = json!({
            "phase": "deleting", "clusterId": "orders", "waitSeconds": 30, "verify": true,
        });
        assert_eq!(output, expected);
    }
}

#[tokio::test]
async fn ours_that_is_still_being_created_may_become_available_and_is_not_deleted() {
    for status in ["creating", "brand-new-status"] {
        let wire = look("delete", status, "creating");
        assert_eq!(delete(&wire).await.unwrap()["phase"], "creating");
        wire.done();
    }
    // Its member has failed: as soon as it can be.
    for code in ["InvalidReplicationGroupState", "InvalidReplicationGroupStateFault"] {
        let refused = query_error(400, code, "Replication group orders is in state creating");
        let wire = look("delete", "creating", "restore-failed").on(DELETE, refused);
        assert_eq!(delete(&wire).await.unwrap()["phase"], "creating");
        wire.done();
    }
}

/// A deletion takes minutes; a cluster that is still being created may take much longer until it can be deleted.
#[tokio::test]
async fn a_deletion_is_given_up_after_half_an_hour_and_a_creation_after_days() {
    let wire = look("delete", "deleting", "deleting");
    assert_eq!(delete_after(&wire, 100).await.unwrap()["phase"], "left-behind");
    for (polls, phase) in [(100, "creating"), (2000, "left-behind")] {
        let wire = look("delete", "creating", "creating");
        assert_eq!(delete_after(&wire, polls).await.unwrap()["phase"], phase);
    }
}

#[tokio::test]
async fn what_has_come_up_is_the_users_and_no_delete_is_sent() {
    for (of_group, of_member) in
        [("available", "available"), ("modifying", "modifying"), ("snapshotting", "snapshotting")]
    {
        let report = json_file(json!({"counts": {"keys": 3, "expires": 0, "alreadyExpired": 0}}));
        let wire = look("delete", of_group, of_member).on(CLOSE, nothing()).on(REPORT, report);
        let output = delete(&wire).await.unwrap();
        wire.done();
        assert_eq!(output["phase"], "available");
        assert_eq!(output["verification"]["counts"]["keys"], 3);
        assert_eq!(output["cluster"]["id"], "orders");
    }
}

#[tokio::test]
async fn what_is_not_ours_is_never_touched() {
    for description in ["production", "elasticache-seeder orders-12", ""] {
        let wire = script()
            .on(RECORD, read_record(&orders("delete")))
            .on(DESCRIBE_GROUP, group("create-failed", description, &["orders-001"], ""))
            .on(SEE_CREATE, s3_error(404, "NoSuchKey"));
        assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
        wire.done();
    }
}

#[tokio::test]
async fn a_failed_restore_is_kept_where_the_request_says_so() {
    let wire = look("keep", "create-failed", "restore-failed").on(CLOSE, nothing());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "kept");
    wire.done();
    // One that is not finished is waited for.
    let wire = look("keep", "creating", "creating");
    assert_eq!(delete(&wire).await.unwrap()["phase"], "creating");
    wire.done();
}

#[tokio::test]
async fn a_deletion_under_way_is_not_asked_for_again_and_ends_when_the_group_is_gone() {
    let wire = look("delete", "deleting", "deleting");
    assert_eq!(delete(&wire).await.unwrap()["phase"], "deleting");
    wire.done();
    let answered = json!({"askedAtMs": i64::MAX / 2, "answered": true});
    let wire = script()
        .on(RECORD, read_record(&orders("delete")))
        .on(DESCRIBE_GROUP, no_group())
        .on(SEE_CREATE, json_file(answered))
        .on(CLOSE, nothing());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
    wire.done();
    let wire = look("delete", "create-failed", "restore-failed").on(DELETE, no_group()).on(CLOSE, nothing());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
}

#[tokio::test]
async fn a_create_without_an_answer_is_waited_for_as_long_as_it_may_take_effect() {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for (asked_at_ms, phase) in [(now_ms - 10_000, "creating"), (now_ms - 600_000, "gone")] {
        let wire = script()
            .on(RECORD, read_record(&orders("delete")))
            .on(DESCRIBE_GROUP, no_group())
            .on(SEE_CREATE, json_file(json!({"askedAtMs": asked_at_ms, "answered": false})));
        let wire = if phase == "gone" { wire.on(CLOSE, nothing()) } else { wire };
        assert_eq!(delete(&wire).await.unwrap()["phase"], phase);
        wire.done();
    }
}

#[tokio::test]
async fn an_execution_without_a_record_never_had_a_cluster() {
    let wire = script().on(RECORD, s3_error(404, "NoSuchKey"));
    let output = delete(&wire).await.unwrap();
    wire.done();
    assert_eq!((&output["phase"], &output["clusterId"]), (&json!("gone"), &json!("")));
}

#[tokio::test]
async fn a_delete_that_is_refused_is_an_error_of_its_name() {
    for (code, name) in [("Throttling", ErrorName::ServiceBusy), ("AccessDenied", ErrorName::AccessDenied)] {
        let wire = look("delete", "create-failed", "restore-failed").on(DELETE, query_error(400, code, "no"));
        assert_eq!(delete(&wire).await.unwrap_err().name, name);
        wire.done();
    }
}

const ASK: &str = "AWSStepFunctions.DescribeExecution …";

fn execution(status: &str) -> Answer {
    json_file(
        json!({"executionArn": EXECUTION_ARN, "stateMachineArn": "arn:m", "status": status, "startDate": 1}),
    )
}

#[tokio::test]
async fn a_clean_up_of_an_execution_that_runs_is_refused_before_anything_else() {
    let wire = (0..super::ASKS).fold(script(), |wire, _| wire.on(ASK, execution("RUNNING")));
    let error = clean_up(&wire).await.unwrap_err();
    wire.done();
    assert_eq!(
        (error.name, error.message.as_str()),
        (ErrorName::CleanUpRefused, "the execution orders-1 still runs")
    );
}

/// The event of an execution's end can be faster than its status.
#[tokio::test]
async fn an_execution_that_has_ended_just_now_may_still_be_described_as_running() {
    let wire = script()
        .on(ASK, execution("RUNNING"))
        .on(
            format!("AWSStepFunctions.DescribeExecution {}", json!({"executionArn": EXECUTION_ARN})),
            execution("FAILED"),
        )
        .on(RECORD, s3_error(404, "NoSuchKey"));
    assert_eq!(clean_up(&wire).await.unwrap()["phase"], "gone");
    wire.done();
}

#[tokio::test]
async fn a_clean_up_of_another_stacks_execution_is_refused_without_a_call() {
    let other = "arn:aws:states:us-east-1:123456789012:execution:another:orders-1";
    assert_eq!(clean_up_of(&script(), other).await.unwrap_err().name, ErrorName::CleanUpRefused);
}

/// What cannot be asked is asked again: a clean-up that gives up leaves a grant.
#[tokio::test]
async fn an_execution_that_cannot_be_asked_for_is_no_reason_to_refuse() {
    let wire = script().on(ASK, json_error(400, "AccessDeniedException", "not authorized"));
    assert_eq!(clean_up(&wire).await.unwrap_err().name, ErrorName::AccessDenied);
    wire.done();
    let wire = script().on(ASK, json_error(400, "ThrottlingException", "Rate exceeded"));
    assert_eq!(clean_up(&wire).await.unwrap_err().name, ErrorName::ServiceBusy);
}

#[tokio::test]
async fn an_execution_that_has_ended_is_cleaned_up_for() {
    let forgotten = json_error(400, "ExecutionDoesNotExist", "Execution Does Not Exist");
    for answer in [execution("FAILED"), execution("TIMED_OUT"), execution("ABORTED"), forgotten] {
        let wire = script()
            .on(ASK, answer)
            .on(RECORD, read_record(&orders("delete")))
            .on(DESCRIBE_GROUP, group("create-failed", OURS, &["orders-001"], ""))
            .on(DESCRIBE_NODES, member("orders-001", "restore-failed"))
            .on(DELETE, deleting());
        assert_eq!(clean_up(&wire).await.unwrap()["phase"], "deleting");
        wire.done();
    }
}

/// The clean-up revokes a grant that was left. The cluster may be in any status by then, and have other keys.
#[tokio::test]
async fn what_an_execution_has_seeded_is_never_deleted_nor_counted() {
    for status in ["available", "deleting", "create-failed", "brand-new-status"] {
        let wire = script()
            .on(ASK, execution("SUCCEEDED"))
            .on(RECORD, read_record(&orders("delete")))
            .on(DESCRIBE_GROUP, group(status, OURS, &["orders-001"], ""))
            .on(CLOSE, nothing());
        let output = clean_up(&wire).await.unwrap();
        wire.done();
        assert_eq!((&output["phase"], &output["verify"]), (&json!("available"), &json!(false)), "{status}");
    }
}

#[test]
fn the_sample_event_is_understood() {
    understands::<DeleteCluster>(include_str!("../../../../events/delete-cluster.json"));
}

const DELETE_CACHE: &str = "elasticache Action=DeleteServerlessCache&ServerlessCacheName=orders";

/// The step's check of the serverless cache, before it does anything.
fn look_at_cache(status: &str, description: &str) -> Wire {
    let request =
        json!({"backups": ["backups/in/orders.rdb"], "cluster": {"id": "orders", "kind": "serverless"}});
    let wire = script().on(RECORD, read_record(&seeding(&request)));
    wire.on(DESCRIBE_CACHE, cache(status, description))
}

#[tokio::test]
async fn a_serverless_cache_is_deleted_only_if_it_is_ours_and_failed() {
    let deleting =
        || query("DeleteServerlessCache", "<ServerlessCache><Status>deleting</Status></ServerlessCache>");
    let refused = || query_error(400, "InvalidServerlessCacheStateFault", "orders is in state creating");
    for (answer, phase) in [(deleting(), "deleting"), (no_cache(), "gone"), (refused(), "creating")] {
        let wire = look_at_cache("CREATE-FAILED", OURS).on(DELETE_CACHE, answer);
        let wire = if phase == "gone" { wire.on(CLOSE, nothing()) } else { wire };
        assert_eq!(delete(&wire).await.unwrap()["phase"], phase);
        wire.done();
    }
    for (status, phase) in [("CREATING", "creating"), ("DELETING", "deleting")] {
        let wire = look_at_cache(status, OURS);
        assert_eq!(delete(&wire).await.unwrap()["phase"], phase);
        wire.done();
    }
    for status in ["AVAILABLE", "modifying"] {
        let wire = look_at_cache(status, OURS).on(CLOSE, nothing());
        assert_eq!(delete(&wire).await.unwrap()["phase"], "available");
        wire.done();
    }
    for description in ["production", ""] {
        let wire = look_at_cache("create-failed", description).on(SEE_CREATE, s3_error(404, "NoSuchKey"));
        assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
        wire.done();
    }
}

const EVIDENCE: &str = "reports.s3/executions/orders-1/evidence.json";
const ANSWERED: &str = r#"{"askedAtMs": 1, "answered": true}"#;

fn of_cache_cluster(exact_id: bool) -> Wire {
    let mut cluster = json!({"id": "orders", "kind": "cacheCluster"});
    if exact_id {
        cluster["exactId"] = true.into();
    }
    let request = json!({"backups": ["backups/in/orders.rdb"], "cluster": cluster});
    script().on(RECORD, read_record(&seeding(&request)))
}

fn cache_cluster_is_deleting() -> Answer {
    query(
        "DeleteCacheCluster",
        "<CacheCluster><CacheClusterStatus>deleting</CacheClusterStatus></CacheCluster>",
    )
}

#[tokio::test]
async fn a_cache_cluster_with_the_executions_hash_is_deleted_if_it_failed() {
    let id = "orders-8a3ff643bf7f1909";
    let delete_it = format!("elasticache Action=DeleteCacheCluster&CacheClusterId={id}");
    let refused = || query_error(400, "InvalidCacheClusterState", "not in a valid state");
    for (answer, phase) in
        [(cache_cluster_is_deleting(), "deleting"), (no_cache_cluster(), "gone"), (refused(), "creating")]
    {
        let wire =
            of_cache_cluster(false).on(DESCRIBE_CACHE_CLUSTER, cache_cluster(id, "restore-failed", ""));
        let wire = wire.on(&*delete_it, answer);
        let wire = if phase == "gone" { wire.on(CLOSE, nothing()) } else { wire };
        assert_eq!(delete(&wire).await.unwrap()["phase"], phase);
        wire.done();
    }
    for (status, phase) in [("creating", "creating"), ("deleting", "deleting"), ("deleted", "deleting")] {
        let wire = of_cache_cluster(false).on(DESCRIBE_CACHE_CLUSTER, cache_cluster(id, status, ""));
        assert_eq!(delete(&wire).await.unwrap()["phase"], phase);
        wire.done();
    }
    for status in ["available", "modifying", "rebooting cluster nodes", "snapshotting"] {
        let wire = of_cache_cluster(false).on(DESCRIBE_CACHE_CLUSTER, cache_cluster(id, status, ""));
        let wire = wire.on(CLOSE, nothing());
        assert_eq!(delete(&wire).await.unwrap()["phase"], "available");
        wire.done();
    }
}

/// The step's check of a cache cluster with an exact ID, about which this is known.
fn look_exactly(status: &str, evidence: Option<&str>) -> Wire {
    let left = evidence
        .map_or_else(|| s3_error(404, "NoSuchKey"), |evidence| json_file(json!({"evidence": evidence})));
    let wire = of_cache_cluster(true).on(DESCRIBE_EXACT, cache_cluster("orders", status, ""));
    wire.on(format!("GET {EVIDENCE}"), left)
}

fn journal(text: &str) -> Answer {
    json_file(serde_json::from_str::<Value>(text).unwrap())
}

#[tokio::test]
async fn a_doubtful_cache_cluster_is_reported_and_not_deleted_by_any_clean_up() {
    for status in ["creating", "restore-failed", "available"] {
        let wire =
            look_exactly(status, Some("in-doubt")).on(SEE_CREATE, journal(ANSWERED)).on(CLOSE, nothing());
        let output = delete(&wire).await.unwrap();
        wire.done();
        assert_eq!((&output["phase"], &output["cluster"]), (&json!("in-doubt"), &Value::Null));
        // A later clean-up knows the same.
        let wire = look_exactly(status, Some("in-doubt")).on(SEE_CREATE, s3_error(404, "NoSuchKey"));
        assert_eq!(delete(&wire).await.unwrap()["phase"], "in-doubt");
        wire.done();
    }
    // The answer may still come.
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let pending = json_file(json!({"askedAtMs": now_ms - 10_000, "answered": false}));
    let wire = look_exactly("creating", Some("in-doubt")).on(SEE_CREATE, pending);
    assert_eq!(delete(&wire).await.unwrap()["phase"], "creating");
    wire.done();
}

#[tokio::test]
async fn a_cache_cluster_with_an_exact_id_is_deleted_if_its_create_was_answered() {
    let delete_it = "elasticache Action=DeleteCacheCluster&CacheClusterId=orders";
    let wire = look_exactly("restore-failed", Some("created")).on(delete_it, cache_cluster_is_deleting());
    let wire = wire.on(format!("PUT {EVIDENCE}"), ok());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "deleting");
    wire.done();
    assert_eq!(wire.json(&format!("PUT {EVIDENCE}"))["evidence"], "deleting");
    let wire = look_exactly("deleting", Some("deleting")).on(format!("PUT {EVIDENCE}"), ok());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "deleting");
    wire.done();
    let wire =
        of_cache_cluster(true).on(DESCRIBE_EXACT, no_cache_cluster()).on(SEE_CREATE, journal(ANSWERED));
    let wire = wire.on(format!("DELETE {EVIDENCE}"), nothing()).on(CLOSE, nothing());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
    wire.done();
    let wire = look_exactly("available", Some("created")).on(CLOSE, nothing());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "available");
    wire.done();
}

/// A stranger took the ID, perhaps after ours was deleted.
#[tokio::test]
async fn a_strangers_cache_cluster_with_the_exact_id_is_never_touched() {
    for evidence in [None, Some("deleting")] {
        for status in ["creating", "restore-failed", "available"] {
            let wire = look_exactly(status, evidence).on(SEE_CREATE, journal(ANSWERED));
            let wire = wire.on(format!("DELETE {EVIDENCE}"), nothing()).on(CLOSE, nothing());
            assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
            wire.done();
        }
    }
}
