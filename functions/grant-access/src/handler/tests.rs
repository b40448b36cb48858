use lambda::test_util::{
    Answer, EXECUTION_ARN, RECORD, Wire, echo, identity, json, nothing, ok, read_record, run, s3_error,
    script, seeding, understands, xml,
};
use seeder_aws::ReportStore;
use seeding::{BackupLocation, ErrorName, Seeding, StepError};
use serde_json::{Value, json};

use super::GrantAccess;

const JOURNAL: &str = "PUT reports.s3/executions/orders-1/grant.json";
const TAKE_LEASE: &str = "PUT reports.s3/grants/backups/lease.json if-none-match: *";
const SEE_MARK: &str = "GET reports.s3/executions/orders-1/revoked.json";
const SEE_LEASE: &str = "GET reports.s3/grants/backups/lease.json";
const GIVE_LEASE_BACK: &str = "DELETE reports.s3/grants/backups/lease.json";
const GET_POLICY: &str = "GET backups.s3/?policy x-amz-expected-bucket-owner: 123456789012";
const PUT_POLICY: &str = "PUT backups.s3/?policy x-amz-expected-bucket-owner: 123456789012";
const GET_ACL: &str = "GET backups.s3/in/orders.rdb?acl x-amz-expected-bucket-owner: 123456789012";
const PUT_ACL: &str = "PUT backups.s3/in/orders.rdb?acl x-amz-expected-bucket-owner: 123456789012";
const HOLDERS: &str = "reports.s3/grants/backups/acl-c9f02d5fdd13472aef6a412d7a5db9b1.json";
const ELASTICACHE: &str = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353";

fn orders(access: &str) -> Seeding {
    seeding(&json!({"backups": ["backups/in/orders.rdb"], "access": access}))
}

async fn grant(wire: &Wire) -> Result<Value, StepError> {
    let s3 = wire.clients().s3();
    let step = GrantAccess {
        reports: ReportStore::new(s3.clone(), "reports".into()),
        s3,
        conversion_bucket: "converted".into(),
        expires: true,
    };
    run(&step, json!({"execution": EXECUTION_ARN})).await
}

fn no_policy() -> Answer {
    s3_error(404, "NoSuchBucketPolicy")
}

fn lease_of(holder: &str, expires_ms: i64) -> Answer {
    json(json!({"holder": holder, "expiresMs": expires_ms})).header("etag", "\"lease\"")
}

/// An ACL in S3's format: the owner's grant, and these permissions of ElastiCache.
fn acl(permissions: &[&str]) -> Answer {
    let grant = |id: &str, permission: &str| {
        format!(
            "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">\
             <ID>{id}</ID></Grantee><Permission>{permission}</Permission></Grant>"
        )
    };
    let theirs: String = permissions.iter().map(|permission| grant(ELASTICACHE, permission)).collect();
    let owners = grant("owner-id", "FULL_CONTROL");
    xml(&format!(
        "<AccessControlPolicy><Owner><ID>owner-id</ID></Owner>\
         <AccessControlList>{owners}{theirs}</AccessControlList></AccessControlPolicy>"
    ))
}

/// ElastiCache's permissions in a written ACL.
fn elasticache_permissions(acl: &str) -> Vec<&str> {
    acl.split("<Grant>")
        .filter(|grant| grant.contains(ELASTICACHE))
        .filter_map(|grant| grant.split_once("<Permission>")?.1.split('<').next())
        .collect()
}

/// The step until it reads the permissions of the bucket `backups`: the journal is written, the lease is held, and
/// the grant is still wanted.
fn up_to_permissions(seeding: &Seeding) -> Wire {
    script()
        .on(RECORD, read_record(seeding))
        .on(JOURNAL, ok())
        .on(TAKE_LEASE, ok())
        .on(SEE_MARK, s3_error(404, "NoSuchKey"))
}

#[tokio::test]
async fn a_bucket_without_a_policy_gets_one_for_this_object_alone() {
    let wire = up_to_permissions(&orders("auto"))
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    let output = grant(&wire).await.unwrap();
    wire.done();
    let policy = wire.json("PUT backups.s3/?policy");
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(
        policy["Statement"][0]["Principal"]["Service"],
        "us-east-1.elasticache-snapshot.amazonaws.com"
    );
    assert_eq!(
        policy["Statement"][0]["Resource"],
        json!(["arn:aws:s3:::backups", "arn:aws:s3:::backups/in/orders.rdb"])
    );
    let grants = json!([{"bucket": "backups", "way": "policy", "keys": ["in/orders.rdb"]}]);
    assert_eq!((&output["grants"], &output["findings"]), (&grants, &json!([])));
    // The grant ends two hours after the deadline, and is renewed an hour before.
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let renew_in_minutes = (output["renewAtMs"].as_i64().unwrap() - now_ms) / 60_000;
    assert!((299..=300).contains(&renew_in_minutes), "{renew_in_minutes}");
    let end = &policy["Statement"][0]["Condition"]["DateLessThan"]["aws:CurrentTime"];
    let end: jiff::Timestamp = end.as_str().unwrap().parse().unwrap();
    assert!((358..=360).contains(&((end.as_millisecond() - now_ms) / 60_000)), "{end}");
    // The journal is written before anything is granted: the script has it before the lease.
    assert_eq!(wire.json(JOURNAL)["grants"], grants);
    assert_eq!(wire.json(TAKE_LEASE)["holder"], "orders-1");
}

#[tokio::test]
async fn a_policy_keeps_its_text_around_the_one_statement_that_is_added() {
    let before =
        "{ \"Version\":\"2012-10-17\",\n  \"Statement\": [ {\"Sid\":\"theirs\",\"Effect\":\"Deny\"} ] }\n";
    let wire = up_to_permissions(&orders("policy"))
        .on(GET_POLICY, ok().body(before))
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    wire.done();
    let after = wire.text(PUT_POLICY);
    let (head, tail) = before.split_once(" {\"Sid\"").unwrap();
    assert!(after.starts_with(head) && after.ends_with(tail), "{after}");
    assert_eq!(seeding::policy::remove(&after, &identity()), Ok(Some(before.to_owned())));
}

#[tokio::test]
async fn a_step_that_runs_twice_renews_its_one_statement() {
    let first = up_to_permissions(&orders("policy"))
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&first).await.unwrap();
    let again = up_to_permissions(&orders("policy"))
        .on(GET_POLICY, ok().body(first.text(PUT_POLICY)))
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    // The next second: the statement then ends a second later.
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    grant(&again).await.unwrap();
    again.done();
    assert_eq!(again.json(PUT_POLICY)["Statement"].as_array().unwrap().len(), 1);
}

/// Another stack, a person or `CloudFormation` writes the policy at the same moment, without the lease.
#[tokio::test]
async fn a_statement_that_is_overwritten_at_once_is_put_again() {
    let wire = up_to_permissions(&orders("policy"))
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, ok().body(r#"{"Statement":[]}"#))
        .on(GIVE_LEASE_BACK, nothing());
    assert_eq!(grant(&wire).await.unwrap_err().name, ErrorName::GrantBusy);
    wire.done();
}

/// Some fifty statements fill a policy: a seeding that finds no room for its own waits for others to end.
#[tokio::test]
async fn a_policy_full_of_other_seedings_is_waited_for() {
    let mut policy = None;
    for number in 0.. {
        let name = format!("other-{number}");
        let other = seeding::Identity::new(&name, &name);
        let backups = [BackupLocation { bucket: "backups".into(), key: "in/some-longer-name.rdb".into() }];
        let statement = seeding::policy::Statement {
            execution: &other,
            service_principal: "us-east-1.elasticache-snapshot.amazonaws.com",
            partition: "aws",
            backups: &backups,
            expires_at_ms: Some(1_700_000_000_000),
        };
        match statement.add_to(policy.as_deref()) {
            Ok(longer) => policy = Some(longer),
            Err(_) => break,
        }
    }
    let wire = up_to_permissions(&orders("policy"))
        .on(GET_POLICY, ok().body(policy.unwrap()))
        .on(GIVE_LEASE_BACK, nothing());
    assert_eq!(grant(&wire).await.unwrap_err().name, ErrorName::PolicyCrowded);
    wire.done();
}

#[tokio::test]
async fn nothing_is_granted_once_the_access_was_taken_back_for_good() {
    let wire = script()
        .on(RECORD, read_record(&orders("policy")))
        .on(JOURNAL, ok())
        .on(TAKE_LEASE, ok())
        .on(SEE_MARK, json(json!({"atMs": 1})))
        .on(GIVE_LEASE_BACK, nothing());
    assert_eq!(grant(&wire).await.unwrap_err().name, ErrorName::SeedingEnded);
    wire.done();
}

#[tokio::test]
async fn the_backups_of_one_bucket_share_a_statement_and_each_bucket_has_its_own() {
    let two_buckets = seeding(&json!({"backups": ["backups/1.rdb", "others/2.rdb", "backups/3.rdb"]}));
    let wire = up_to_permissions(&two_buckets)
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing())
        .on("PUT reports.s3/grants/others/lease.json if-none-match: *", ok())
        .on(SEE_MARK, s3_error(404, "NoSuchKey"))
        .on("GET others.s3/?policy x-amz-expected-bucket-owner: 123456789012", no_policy())
        .on("PUT others.s3/?policy x-amz-expected-bucket-owner: 123456789012", nothing())
        .on("GET others.s3/?policy x-amz-expected-bucket-owner: 123456789012", echo())
        .on("DELETE reports.s3/grants/others/lease.json", nothing());
    grant(&wire).await.unwrap();
    wire.done();
    let resources = &wire.json(PUT_POLICY)["Statement"][0]["Resource"];
    assert_eq!(
        *resources,
        json!(["arn:aws:s3:::backups", "arn:aws:s3:::backups/1.rdb", "arn:aws:s3:::backups/3.rdb"])
    );
}

#[tokio::test]
async fn a_lease_that_is_held_is_waited_for() {
    let wire = script()
        .on(RECORD, read_record(&orders("policy")))
        .on(JOURNAL, ok())
        .on(TAKE_LEASE, s3_error(412, "PreconditionFailed"))
        .on(SEE_LEASE, lease_of("other-1", i64::MAX))
        .on(TAKE_LEASE, s3_error(409, "ConditionalRequestConflict"))
        .on(SEE_LEASE, s3_error(404, "NoSuchKey"))
        .on(TAKE_LEASE, ok())
        .on(SEE_MARK, s3_error(404, "NoSuchKey"))
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    wire.done();
}

#[tokio::test]
async fn a_lease_whose_holder_died_is_taken_over_by_one_only() {
    let wire = script()
        .on(RECORD, read_record(&orders("policy")))
        .on(JOURNAL, ok())
        .on(TAKE_LEASE, s3_error(412, "PreconditionFailed"))
        .on(SEE_LEASE, lease_of("dead-1", 1))
        .on("PUT reports.s3/grants/backups/lease.json if-match: \"lease\"", ok())
        .on(SEE_MARK, s3_error(404, "NoSuchKey"))
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    wire.done();
}

#[tokio::test]
async fn a_lease_that_was_taken_though_its_answer_got_lost_is_not_waited_for() {
    let wire = script()
        .on(RECORD, read_record(&orders("policy")))
        .on(JOURNAL, ok())
        .on(TAKE_LEASE, s3_error(412, "PreconditionFailed"))
        .on(SEE_LEASE, echo().header("etag", "\"lease\""))
        .on(SEE_MARK, s3_error(404, "NoSuchKey"))
        .on(GET_POLICY, no_policy())
        .on(PUT_POLICY, nothing())
        .on(GET_POLICY, echo())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    wire.done();
}

#[tokio::test]
async fn the_lease_is_given_back_also_when_the_policy_is_full_or_refused() {
    let full = format!(r#"{{"Statement":[{{"Sid":"{}"}}]}}"#, "x".repeat(20 * 1024 - 100));
    let cases = [
        (ok().body(full), None, ErrorName::PolicyFull, "S3 allows 20480"),
        (ok().body("not a policy"), None, ErrorName::GrantRefused, "not one that can be edited"),
        (s3_error(403, "AccessDenied"), None, ErrorName::AccessDenied, "read the policy of backups"),
        (
            no_policy(),
            Some(s3_error(400, "MalformedPolicy")),
            ErrorName::GrantRefused,
            "S3 says MalformedPolicy",
        ),
        (
            no_policy(),
            Some(s3_error(409, "OperationAborted")),
            ErrorName::ServiceBusy,
            "change the policy of backups",
        ),
    ];
    for (policy, put, name, text) in cases {
        let mut wire = script()
            .on(RECORD, read_record(&orders("policy")))
            .on(JOURNAL, ok())
            .on(TAKE_LEASE, ok())
            .on(SEE_MARK, s3_error(404, "NoSuchKey"))
            .on(GET_POLICY, policy);
        if let Some(put) = put {
            wire = wire.on(PUT_POLICY, put);
        }
        let wire = wire.on(GIVE_LEASE_BACK, nothing());
        let error = grant(&wire).await.unwrap_err();
        wire.done();
        assert_eq!(error.name, name, "{error}");
        assert!(error.message.contains(text), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_granted_if_the_journal_cannot_be_written() {
    let wire = script().on(RECORD, read_record(&orders("policy"))).on(JOURNAL, s3_error(503, "SlowDown"));
    assert_eq!(grant(&wire).await.unwrap_err().name, ErrorName::ServiceBusy);
    wire.done();
}

fn by_acl() -> Wire {
    up_to_permissions(&orders("acl"))
}

#[tokio::test]
async fn by_acl_elasticache_may_read_the_object_and_its_acl_and_the_owner_stays() {
    let wire = by_acl()
        .on(GET_ACL, acl(&[]))
        .on(format!("GET {HOLDERS}"), s3_error(404, "NoSuchKey"))
        .on(format!("PUT {HOLDERS}"), ok())
        .on(PUT_ACL, ok())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    wire.done();
    let body = wire.text(PUT_ACL);
    assert_eq!(elasticache_permissions(&body), ["READ", "READ_ACP"]);
    assert!(body.contains("<Owner><ID>owner-id</ID></Owner>"), "{body}");
    assert!(body.contains("<ID>owner-id</ID></Grantee><Permission>FULL_CONTROL</Permission>"), "{body}");
    assert_eq!(wire.json(&format!("PUT {HOLDERS}")), json!({"executions": ["orders-1"], "had": []}));
}

#[tokio::test]
async fn by_acl_what_elasticache_had_before_is_written_down() {
    let wire = by_acl()
        .on(GET_ACL, acl(&["READ"]))
        .on(format!("GET {HOLDERS}"), s3_error(404, "NoSuchKey"))
        .on(format!("PUT {HOLDERS}"), ok())
        .on(PUT_ACL, ok())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    assert_eq!(wire.json(&format!("PUT {HOLDERS}"))["had"], json!(["READ"]));
}

#[tokio::test]
async fn by_acl_a_second_seeding_of_the_object_only_joins_the_holders() {
    let wire = by_acl()
        .on(GET_ACL, acl(&["READ", "READ_ACP"]))
        .on(format!("GET {HOLDERS}"), json(json!({"executions": ["orders-0"], "had": []})))
        .on(format!("PUT {HOLDERS}"), ok())
        .on(GIVE_LEASE_BACK, nothing());
    grant(&wire).await.unwrap();
    wire.done();
    assert_eq!(
        wire.json(&format!("PUT {HOLDERS}")),
        json!({"executions": ["orders-0", "orders-1"], "had": []})
    );
}

#[tokio::test]
async fn a_bucket_that_takes_no_acls_is_told_so() {
    let wire = by_acl()
        .on(GET_ACL, acl(&[]))
        .on(format!("GET {HOLDERS}"), s3_error(404, "NoSuchKey"))
        .on(format!("PUT {HOLDERS}"), ok())
        .on(PUT_ACL, s3_error(400, "AccessControlListNotSupported"))
        .on(GIVE_LEASE_BACK, nothing());
    let error = grant(&wire).await.unwrap_err();
    wire.done();
    assert_eq!(error.name, ErrorName::GrantRefused);
    assert!(error.message.contains("S3 says AccessControlListNotSupported"), "{error}");
    assert!(error.hint.contains("access: policy"), "{error}");
}

#[tokio::test]
async fn where_only_acls_are_documented_the_ownership_controls_decide() {
    for (controls, way) in [("BucketOwnerPreferred", "acl"), ("BucketOwnerEnforced", "policy")] {
        let mut china = orders("auto");
        china.partition.partition = "aws-cn".into();
        let answer = xml(&format!(
            "<OwnershipControls><Rule><ObjectOwnership>{controls}</ObjectOwnership></Rule></OwnershipControls>"
        ));
        let wire = script()
            .on(RECORD, read_record(&china))
            .on("GET backups.s3/?ownershipControls x-amz-expected-bucket-owner: 123456789012", answer)
            .on(JOURNAL, s3_error(503, "SlowDown"));
        grant(&wire).await.unwrap_err();
        wire.done();
        assert_eq!(wire.json(JOURNAL)["grants"][0]["way"], way);
    }
}

fn existing() -> Wire {
    script().on(RECORD, read_record(&orders("existing"))).on(JOURNAL, ok())
}

#[tokio::test]
async fn existing_access_is_looked_at_and_never_changed() {
    let policy = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"us-east-1.elasticache-snapshot.amazonaws.com"},"Action":"s3:*","Resource":"arn:aws:s3:::backups/*"}}"#;
    let by_policy = existing().on(GET_POLICY, ok().body(policy));
    assert_eq!(grant(&by_policy).await.unwrap()["findings"], json!([]));
    by_policy.done();
    let by_acl = existing().on(GET_POLICY, no_policy()).on(GET_ACL, acl(&["READ"]));
    assert_eq!(grant(&by_acl).await.unwrap()["grants"][0]["way"], "existing");
    by_acl.done();
}

#[tokio::test]
async fn existing_access_that_is_not_there_is_missing() {
    let wire = existing().on(GET_POLICY, no_policy()).on(GET_ACL, acl(&[]));
    let error = grant(&wire).await.unwrap_err();
    wire.done();
    assert_eq!(error.name, ErrorName::GrantMissing);
    assert!(
        error.message.contains("us-east-1.elasticache-snapshot.amazonaws.com to read backups/in/orders.rdb"),
        "{error}"
    );
}

#[tokio::test]
async fn existing_access_that_cannot_be_seen_is_a_warning() {
    let denied = || s3_error(403, "AccessDenied");
    for (policy, of_object) in [(denied(), denied()), (denied(), acl(&[])), (no_policy(), denied())] {
        let wire = existing().on(GET_POLICY, policy).on(GET_ACL, of_object);
        let output = grant(&wire).await.unwrap();
        wire.done();
        assert_eq!(output["findings"][0]["code"], "grant-not-checked");
        assert_eq!(output["findings"][0]["severity"], "warn");
    }
}

#[tokio::test]
async fn one_object_that_cannot_be_seen_does_not_hide_another_without_access() {
    let two = seeding(&json!({"backups": ["backups/in/orders.rdb", "backups/2.rdb"], "access": "existing"}));
    let wire = script()
        .on(RECORD, read_record(&two))
        .on(JOURNAL, ok())
        .on(GET_POLICY, no_policy())
        .on(GET_ACL, s3_error(403, "AccessDenied"))
        .on(GET_POLICY, no_policy())
        .on("GET backups.s3/2.rdb?acl x-amz-expected-bucket-owner: 123456789012", acl(&[]));
    let error = grant(&wire).await.unwrap_err();
    wire.done();
    assert_eq!(error.name, ErrorName::GrantMissing);
    assert!(error.message.ends_with("read backups/2.rdb"), "{error}");
}

#[tokio::test]
async fn an_execution_without_a_record_is_an_invalid_input() {
    let wire = script().on(RECORD, s3_error(404, "NoSuchKey"));
    assert_eq!(grant(&wire).await.unwrap_err().name, ErrorName::InvalidInput);
}

#[test]
fn the_sample_event_is_understood() {
    understands::<GrantAccess>(include_str!("../../../../events/grant-access.json"));
}
