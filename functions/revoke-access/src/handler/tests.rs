use lambda::test_util::{
    Answer, EXECUTION_ARN, Wire, echo, json, nothing, ok, run, s3_error, script, understands, xml,
};
use seeder_aws::ReportStore;
use seeding::{BackupLocation, ErrorName, StepError, policy::Statement};
use serde_json::{Value, json};

use super::RevokeAccess;

const JOURNAL: &str = "GET reports.s3/executions/orders-1/grant.json";
const MARK: &str = "PUT reports.s3/executions/orders-1/revoked.json";
const END_JOURNAL: &str = "DELETE reports.s3/executions/orders-1/grant.json";
const CONVERTING: &str = "GET reports.s3/executions/orders-1/converting.json";
const TAKE_LEASE: &str = "PUT reports.s3/grants/backups/lease.json if-none-match: *";
const GIVE_LEASE_BACK: &str = "DELETE reports.s3/grants/backups/lease.json";
const GET_POLICY: &str = "GET backups.s3/?policy x-amz-expected-bucket-owner: 123456789012";
const PUT_POLICY: &str = "PUT backups.s3/?policy x-amz-expected-bucket-owner: 123456789012";
const DELETE_POLICY: &str = "DELETE backups.s3/?policy x-amz-expected-bucket-owner: 123456789012";
const GET_ACL: &str = "GET backups.s3/in/orders.rdb?acl x-amz-expected-bucket-owner: 123456789012";
const PUT_ACL: &str = "PUT backups.s3/in/orders.rdb?acl x-amz-expected-bucket-owner: 123456789012";
const HOLDERS: &str = "reports.s3/grants/backups/acl-c9f02d5fdd13472aef6a412d7a5db9b1.json";
const ELASTICACHE: &str = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353";

async fn revoke(wire: &Wire) -> Result<Value, StepError> {
    let s3 = wire.clients().s3();
    let step = RevokeAccess { reports: ReportStore::new(s3.clone(), "reports".into()), s3 };
    run(&step, json!({"execution": EXECUTION_ARN})).await
}

fn journal(way: &str) -> Answer {
    json(json!({
        "partition": {"partition": "aws", "region": "us-east-1", "account": "123456789012"},
        "grants": [{"bucket": "backups", "way": way, "keys": ["in/orders.rdb"]}],
    }))
}

/// A policy with the statement of an execution.
fn granted(policy: Option<&str>, execution: &str) -> String {
    let backups = [BackupLocation { bucket: "backups".into(), key: "in/orders.rdb".into() }];
    let service_principal = "us-east-1.elasticache-snapshot.amazonaws.com";
    let execution = &seeding::Identity::new(&EXECUTION_ARN.replace("orders-1", execution), execution);
    Statement { execution, service_principal, partition: "aws", backups: &backups, expires_at_ms: None }
        .add_to(policy)
        .unwrap()
}

fn acl(permissions: &[&str]) -> Answer {
    let theirs = permissions
        .iter()
        .map(|permission| {
            format!(
                "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">\
                 <ID>{ELASTICACHE}</ID></Grantee><Permission>{permission}</Permission></Grant>"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    xml(&format!(
        "<AccessControlPolicy><Owner><ID>owner-id</ID></Owner><AccessControlList>{theirs}</AccessControlList>\
         </AccessControlPolicy>"
    ))
}

#[tokio::test]
async fn a_policy_that_was_made_for_us_is_deleted() {
    let wire = script()
        .on(MARK, ok())
        .on(JOURNAL, journal("policy"))
        .on(TAKE_LEASE, ok())
        .on(GET_POLICY, ok().body(granted(None, "orders-1")))
        .on(DELETE_POLICY, nothing())
        .on(GET_POLICY, s3_error(404, "NoSuchBucketPolicy"))
        .on(GIVE_LEASE_BACK, nothing())
        .on(END_JOURNAL, nothing())
        .on(CONVERTING, s3_error(404, "NoSuchKey"));
    assert_eq!(revoke(&wire).await.unwrap(), json!({"revoked": ["backups"]}));
    wire.done();
}

#[tokio::test]
async fn a_policy_that_was_there_is_what_it_was_to_the_byte() {
    for before in [
        "{ \"Version\":\"2012-10-17\",\n  \"Statement\": [ {\"Sid\":\"theirs\"} ] }\n",
        r#"{"Statement": {"Sid":"the only one"} , "Id":"x"}"#,
    ] {
        let wire = script()
            .on(MARK, ok())
            .on(JOURNAL, journal("policy"))
            .on(TAKE_LEASE, ok())
            .on(GET_POLICY, ok().body(granted(Some(before), "orders-1")))
            .on(PUT_POLICY, nothing())
            .on(GET_POLICY, echo())
            .on(GIVE_LEASE_BACK, nothing())
            .on(END_JOURNAL, nothing())
            .on(CONVERTING, s3_error(404, "NoSuchKey"));
        revoke(&wire).await.unwrap();
        wire.done();
        assert_eq!(wire.text(PUT_POLICY), before);
    }
}

#[tokio::test]
async fn the_statement_of_another_seeding_stays() {
    let other = granted(None, "orders-0");
    let wire = script()
        .on(MARK, ok())
        .on(JOURNAL, journal("policy"))
        .on(TAKE_LEASE, ok())
        .on(GET_POLICY, ok().body(granted(Some(&other), "orders-1")))
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing())
        .on(GET_POLICY, ok().body(other.as_str()))
        .on(END_JOURNAL, nothing())
        .on(CONVERTING, s3_error(404, "NoSuchKey"));
    revoke(&wire).await.unwrap();
    wire.done();
    assert_eq!(wire.text(PUT_POLICY), other);
}

/// Another stack does not wait for this stack's lease.
#[tokio::test]
async fn a_statement_that_another_stack_wrote_back_is_removed_again() {
    let other = granted(None, "orders-0");
    let both = granted(Some(&other), "orders-1");
    let wire = script()
        .on(MARK, ok())
        .on(JOURNAL, journal("policy"))
        .on(TAKE_LEASE, ok())
        .on(GET_POLICY, ok().body(both.as_str()))
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing())
        .on(GET_POLICY, ok().body(both.as_str()));
    assert_eq!(revoke(&wire).await.unwrap_err().name, ErrorName::GrantBusy);
    wire.done();
}

#[tokio::test]
async fn what_is_gone_already_is_not_written_again() {
    for policy in [
        ok().body(r#"{"Statement":[{"Sid":"theirs"}]}"#),
        s3_error(404, "NoSuchBucketPolicy"),
        s3_error(404, "NoSuchBucket"),
    ] {
        let wire = script()
            .on(MARK, ok())
            .on(JOURNAL, journal("policy"))
            .on(TAKE_LEASE, ok())
            .on(GET_POLICY, policy)
            .on(GIVE_LEASE_BACK, nothing())
            .on(END_JOURNAL, nothing())
            .on(CONVERTING, s3_error(404, "NoSuchKey"));
        revoke(&wire).await.unwrap();
        wire.done();
    }
}

#[tokio::test]
async fn an_execution_that_granted_nothing_has_nothing_to_take_back() {
    let wire = script()
        .on(MARK, ok())
        .on(JOURNAL, s3_error(404, "NoSuchKey"))
        .on(CONVERTING, s3_error(404, "NoSuchKey"));
    assert_eq!(revoke(&wire).await.unwrap(), json!({"revoked": []}));
    wire.done();
}

#[tokio::test]
async fn existing_access_is_left_as_it_is() {
    let wire = script()
        .on(MARK, ok())
        .on(JOURNAL, journal("existing"))
        .on(END_JOURNAL, nothing())
        .on(CONVERTING, s3_error(404, "NoSuchKey"));
    assert_eq!(revoke(&wire).await.unwrap(), json!({"revoked": []}));
    wire.done();
}

#[tokio::test]
async fn a_revoke_that_fails_keeps_its_journal_for_another_try_and_gives_the_lease_back() {
    let wire = script()
        .on(MARK, ok())
        .on(JOURNAL, journal("policy"))
        .on(TAKE_LEASE, ok())
        .on(GET_POLICY, ok().body(granted(None, "orders-1")))
        .on(DELETE_POLICY, s3_error(503, "SlowDown"))
        .on(GIVE_LEASE_BACK, nothing());
    assert_eq!(revoke(&wire).await.unwrap_err().name, ErrorName::ServiceBusy);
    wire.done();
}

fn by_acl(holders: Value) -> Wire {
    script()
        .on(MARK, ok())
        .on(JOURNAL, journal("acl"))
        .on(TAKE_LEASE, ok())
        .on(format!("GET {HOLDERS}"), json(holders))
}

#[tokio::test]
async fn the_last_holder_takes_the_acl_grant_away_but_not_what_was_there_before() {
    for (had, left) in [(json!([]), 0), (json!(["READ"]), 1)] {
        let wire = by_acl(json!({"executions": ["orders-1"], "had": had}))
            .on(GET_ACL, acl(&["READ", "READ_ACP"]))
            .on(PUT_ACL, ok())
            .on(format!("DELETE {HOLDERS}"), nothing())
            .on(GIVE_LEASE_BACK, nothing())
            .on(END_JOURNAL, nothing())
            .on(CONVERTING, s3_error(404, "NoSuchKey"));
        revoke(&wire).await.unwrap();
        wire.done();
        let body = wire.text(PUT_ACL);
        assert_eq!(body.matches(ELASTICACHE).count(), left, "{body}");
        assert_eq!(body.matches("<Permission>READ</Permission>").count(), left, "{body}");
        assert!(body.contains("<Owner><ID>owner-id</ID></Owner>"), "{body}");
    }
}

#[tokio::test]
async fn of_two_holders_the_first_to_go_leaves_the_acl_grant_to_the_other() {
    let wire = by_acl(json!({"executions": ["orders-0", "orders-1"], "had": []}))
        .on(format!("PUT {HOLDERS}"), ok())
        .on(GIVE_LEASE_BACK, nothing())
        .on(END_JOURNAL, nothing())
        .on(CONVERTING, s3_error(404, "NoSuchKey"));
    revoke(&wire).await.unwrap();
    wire.done();
    assert_eq!(wire.json(&format!("PUT {HOLDERS}")), json!({"executions": ["orders-0"], "had": []}));
}

#[tokio::test]
async fn with_the_object_went_its_acl() {
    let wire = by_acl(json!({"executions": ["orders-1"], "had": []}))
        .on(GET_ACL, s3_error(404, "NoSuchKey"))
        .on(format!("DELETE {HOLDERS}"), nothing())
        .on(GIVE_LEASE_BACK, nothing())
        .on(END_JOURNAL, nothing())
        .on(CONVERTING, s3_error(404, "NoSuchKey"));
    revoke(&wire).await.unwrap();
    wire.done();
}

#[test]
fn the_sample_event_is_understood() {
    understands::<RevokeAccess>(include_str!("../../../../events/revoke-access.json"));
}
