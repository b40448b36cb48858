//! Findings about the bucket policy.

use super::*;

const SERVICE: &str = "us-east-1.elasticache-snapshot.amazonaws.com";

fn policy(statement: &Value) -> Answer {
    json(json!({"Version": "2012-10-17", "Statement": [statement]}))
}

fn deny(principal: &Value, action: &str) -> Value {
    json!({"Sid": "Mine", "Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*"})
}

fn backup_with(answer: Answer) -> Wire {
    script().on(HEAD_BUCKET, bucket_is_there()).on(GET_POLICY, answer).on(HEAD, object()).on(GET, beginning())
}

#[tokio::test]
async fn a_deny_stops_the_seeding_and_is_named_also_in_a_dry_run() {
    for (statement, denies, to) in [
        (deny(&json!({"Service": SERVICE}), "s3:GetObject"), "s3:GetObject", SERVICE),
        (deny(&json!({"AWS": ROLE}), "s3:PutBucketPolicy"), "s3:PutBucketPolicy", ROLE),
    ] {
        let mut request = orders();
        request["dryRun"] = true.into();
        let output = prepare(&fine_target(backup_with(policy(&statement))), request).await;
        assert_eq!(
            (&output["outcome"], codes(&output)),
            (&json!("rejected"), vec!["access-denied-by-policy"])
        );
        let evidence = &output["findings"][0]["evidence"];
        assert_eq!(evidence["statement"], "Mine");
        assert_eq!((&evidence["denies"], &evidence["to"]), (&json!([denies]), &json!([to])));
    }
}

#[tokio::test]
async fn a_deny_that_is_allowed_by_name_or_perhaps_does_not_hold_is_a_warning() {
    let statement = deny(&json!({"Service": SERVICE}), "s3:GetObject");
    let wire = fine_target(backup_with(policy(&statement)))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let mut request = orders();
    request["allow"] = json!(["access-denied-by-policy"]);
    assert_eq!(prepare(&wire, request).await["verdict"], "warn");
    let mut conditioned = statement;
    conditioned["Condition"] = json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}});
    let wire = fine_target(backup_with(policy(&conditioned)))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, orders()).await;
    assert_eq!((&output["verdict"], codes(&output)), (&json!("warn"), vec!["grant-not-checked"]));
}

#[tokio::test]
async fn the_statement_is_named_where_it_closes_the_object_or_the_bucket_to_this_step_too() {
    let closed = policy(&deny(&json!("*"), "s3:*"));
    let wire =
        script().on(HEAD_BUCKET, bucket_is_there()).on(GET_POLICY, closed.clone()).on(HEAD, status(403));
    let output = prepare(&fine_target(wire), orders()).await;
    assert_eq!(codes(&output), ["access-denied-by-policy", "backup-not-readable"]);
    let wire = script().on(HEAD_BUCKET, status(403)).on(GET_POLICY, closed);
    let output = prepare(&fine_target(wire), orders()).await;
    assert_eq!(codes(&output), ["bucket-not-accessible", "access-denied-by-policy"]);
}

#[tokio::test]
async fn a_policy_that_may_not_be_read_is_a_warning() {
    for answer in [s3_error(403, "AccessDenied"), s3_error(405, "MethodNotAllowed")] {
        let wire = fine_target(backup_with(answer))
            .on(KNOWN, not_known())
            .on(PRICES, not_known())
            .on(PUT_RECORD, ok())
            .on(ACCOUNT, quota(1000));
        let output = prepare(&wire, orders()).await;
        assert_eq!((&output["verdict"], codes(&output)), (&json!("warn"), vec!["grant-not-checked"]));
    }
}

#[tokio::test]
async fn existing_access_has_to_be_there() {
    let allow = |condition: Value| {
        json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "s3:GetObject",
               "Resource": "arn:aws:s3:::backups/*", "Condition": condition})
    };
    let account = json!({"StringEquals": {"aws:SourceAccount": "123456789012"}});
    let other = json!({"ArnLike": {"aws:SourceArn": "*"}});
    for (condition, asks_acl, expected) in [
        (json!({}), None, vec![]),
        (account, None, vec!["grant-not-checked"]),
        (other.clone(), Some(acl("somebody")), vec!["access-denied-by-policy"]),
        (other.clone(), Some(s3_error(403, "AccessDenied")), vec!["grant-not-checked"]),
        (other, Some(acl(ELASTICACHE)), vec![]),
    ] {
        let wire = script()
            .on("HEAD backups.s3/", bucket_is_there())
            .on("GET backups.s3/?policy", policy(&allow(condition)));
        let wire = match asks_acl {
            Some(answer) => wire.on("GET backups.s3/in/orders.rdb?acl", answer),
            None => wire,
        };
        let wire = wire.on("HEAD backups.s3/in/orders.rdb", object()).on(GET, beginning());
        let wire = fine_target(wire);
        let rejected = expected == ["access-denied-by-policy"];
        let wire = if rejected {
            wire
        } else {
            wire.on(KNOWN, not_known()).on(PRICES, not_known()).on(PUT_RECORD, ok()).on(ACCOUNT, quota(1000))
        };
        let mut request = orders();
        request["access"] = "existing".into();
        request["dryRun"] = true.into();
        assert_eq!(codes(&prepare(&wire, request).await), expected);
    }
}
