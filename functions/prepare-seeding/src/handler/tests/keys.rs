//! Backups encrypted with a KMS key.

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/k";
const DESCRIBE: &str = r#"TrentService.DescribeKey {"KeyId":"arn:aws:kms:us-east-1:123456789012:key/k"}"#;
const GET_KEY_POLICY: &str = r#"TrentService.GetKeyPolicy {"KeyId":"arn:aws:kms:us-east-1:123456789012:key/k","PolicyName":"default"}"#;

fn encrypted() -> Wire {
    let object = object()
        .header("x-amz-server-side-encryption", "aws:kms")
        .header("x-amz-server-side-encryption-aws-kms-key-id", KEY);
    script().on(HEAD_BUCKET, bucket_is_there()).on(GET_POLICY, no_policy()).on(HEAD, object)
}

fn key(manager: &str, state: &str) -> Answer {
    json(json!({"KeyMetadata": {"KeyId": "k", "Arn": KEY, "KeyManager": manager, "KeyState": state}}))
}

fn key_policy(statements: &Value) -> Answer {
    json(json!({"Policy": json!({"Statement": statements}).to_string()}))
}

fn ours() -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": "us-east-1.elasticache-snapshot.amazonaws.com"},
           "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*"})
}

#[tokio::test]
async fn the_key_of_aws_and_a_key_that_is_off_are_refused_for_good() {
    for answer in [key("AWS", "Enabled"), key("CUSTOMER", "PendingDeletion")] {
        let wire = fine_target(encrypted().on(DESCRIBE, answer));
        let mut request = orders();
        request["allow"] = json!(["kms-key-needs-grant"]);
        let output = prepare(&wire, request).await;
        assert_eq!(
            (&output["outcome"], codes(&output)),
            (&json!("rejected"), vec!["encrypted-with-unusable-key"])
        );
        assert_eq!(output["findings"][0]["evidence"]["key"], KEY);
    }
}

#[tokio::test]
async fn the_policy_of_a_key_of_ones_own_decides() {
    let wire =
        encrypted().on(DESCRIBE, key("CUSTOMER", "Enabled")).on(GET_KEY_POLICY, key_policy(&json!([ours()])));
    let wire = fine_target(wire.on(GET, beginning()))
        .on(KNOWN, not_known())
        .on(PRICES, not_known())
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    let output = prepare(&wire, orders()).await;
    assert_eq!((&output["verdict"], codes(&output)), (&json!("ok"), vec![]));
    assert_eq!(wire.json(PUT_RECORD)["backups"][0]["kmsKeyId"], KEY);
    let wire =
        encrypted().on(DESCRIBE, key("CUSTOMER", "Enabled")).on(GET_KEY_POLICY, key_policy(&json!([])));
    let output = prepare(&fine_target(wire), orders()).await;
    assert_eq!((&output["outcome"], codes(&output)), (&json!("rejected"), vec!["kms-key-needs-grant"]));
    assert!(output["findings"][0]["remedy"].as_str().unwrap().contains("kms:Decrypt"));
}

#[tokio::test]
async fn a_key_that_may_not_be_looked_at_is_a_warning_with_the_statement() {
    let denied = || json_error(400, "AccessDeniedException", "not authorized");
    for wire in [
        encrypted().on(DESCRIBE, denied()),
        encrypted().on(DESCRIBE, json_error(400, "NotFoundException", "no such key")),
        encrypted().on(DESCRIBE, key("CUSTOMER", "Enabled")).on(GET_KEY_POLICY, denied()),
    ] {
        let wire = fine_target(wire.on(GET, beginning()))
            .on(KNOWN, not_known())
            .on(PRICES, not_known())
            .on(PUT_RECORD, ok())
            .on(ACCOUNT, quota(1000));
        let output = prepare(&wire, orders()).await;
        assert_eq!((&output["verdict"], codes(&output)), (&json!("warn"), vec!["kms-key-needs-grant"]));
        assert!(output["findings"][0]["remedy"].as_str().unwrap().contains("kms:Decrypt"));
    }
    let wire = encrypted().on(DESCRIBE, json_error(400, "ThrottlingException", "slower"));
    assert_eq!(prepare_with(&wire, json!({}), orders()).await.unwrap_err().name, ErrorName::ServiceBusy);
}
