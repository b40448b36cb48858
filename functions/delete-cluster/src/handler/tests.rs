use lambda::test_util::{
    Answer, DESCRIBE_GROUP, EXECUTION_ARN, OURS, RECORD, Wire, describe_member, group, json as json_file,
    member, no_group, query, query_error, read_record, run, s3_error, script, seeding, understands,
};
use seeder_aws::ReportStore;
use seeding::{ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use super::DeleteCluster;

const SEE_CREATE: &str = "GET reports.s3/executions/orders-1/create.json";
const DELETE: &str = "elasticache Action=DeleteReplicationGroup&ReplicationGroupId=orders";

fn orders(on_restore_failed: &str) -> Seeding {
    seeding(&json!({
        "backups": ["backups/in/orders.rdb"], "cluster": {"id": "orders"}, "onRestoreFailed": on_restore_failed,
        "verify": true,
    }))
}

async fn delete(wire: &Wire) -> Result<Value, StepError> {
    let clients = wire.clients();
    let step = DeleteCluster {
        elasticache: clients.elasticache(),
        reports: ReportStore::new(clients.s3(), "reports".into()),
    };
    run(&step, json!({"execution": EXECUTION_ARN})).await
}

/// The step's check of the group with one member, before it does anything.
fn look(on_restore_failed: &str, of_group: &str, of_member: &str) -> Wire {
    script()
        .on(RECORD, read_record(&orders(on_restore_failed)))
        .on(DESCRIBE_GROUP, group(of_group, OURS, &["orders-001"], ""))
        .on(describe_member("orders-001"), member("orders-001", of_member))
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
            "phase": "deleting", "clusterId": "orders", "pollSeconds": 30, "maxDeletionPolls": 60, "verify": true,
        });
        assert_eq!(output, expected);
    }
}

#[tokio::test]
async fn ours_that_is_still_being_created_is_deleted_as_soon_as_it_can_be() {
    for code in ["InvalidReplicationGroupState", "InvalidReplicationGroupStateFault"] {
        let refused = query_error(400, code, "Replication group orders is in state creating");
        let wire = look("delete", "creating", "creating").on(DELETE, refused);
        assert_eq!(delete(&wire).await.unwrap()["phase"], "deleting");
        wire.done();
    }
}

#[tokio::test]
async fn what_has_come_up_is_the_users_and_no_delete_is_sent() {
    for (of_group, of_member) in
        [("available", "available"), ("modifying", "modifying"), ("snapshotting", "snapshotting")]
    {
        let wire = look("delete", of_group, of_member);
        let output = delete(&wire).await.unwrap();
        wire.done();
        assert_eq!(output["phase"], "available");
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
    let wire = look("keep", "create-failed", "restore-failed");
    assert_eq!(delete(&wire).await.unwrap()["phase"], "kept");
    wire.done();
    // Only a failed cluster is kept for inspection; one that was not finished is cleaned up.
    let wire = look("keep", "creating", "creating").on(DELETE, deleting());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "deleting");
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
        .on(SEE_CREATE, json_file(answered));
    assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
    wire.done();
    let wire = look("delete", "create-failed", "restore-failed").on(DELETE, no_group());
    assert_eq!(delete(&wire).await.unwrap()["phase"], "gone");
}

#[tokio::test]
async fn a_create_without_an_answer_is_waited_for_as_long_as_it_may_take_effect() {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for (asked_at_ms, phase) in [(now_ms - 10_000, "deleting"), (now_ms - 600_000, "gone")] {
        let wire = script()
            .on(RECORD, read_record(&orders("delete")))
            .on(DESCRIBE_GROUP, no_group())
            .on(SEE_CREATE, json_file(json!({"askedAtMs": asked_at_ms, "answered": false})));
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

#[test]
fn the_sample_event_is_understood() {
    understands::<DeleteCluster>(include_str!("../../../../events/delete-cluster.json"));
}
