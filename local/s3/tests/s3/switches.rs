//! The behavior of S3 on bad days, and roles in bucket policies.

use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use serde_json::{Value, json};

use crate::harness::{BUCKET, Stack, client, fault, refused};

const SERVICE: &str = "us-east-1.elasticache-snapshot.amazonaws.com";
const ROLE: &str = "arn:aws:iam::123456789012:role/InspectChunkRole";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/InspectChunkRole/inspect-chunk";

fn statement(effect: &str, principal: &Value, condition: &Value) -> Value {
    let mut statement = json!({
        "Effect": effect, "Principal": principal, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*"),
    });
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    statement
}

async fn put_policy(stack: &Stack, statement: &Value) {
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    stack.owner.put_bucket_policy().bucket(BUCKET).policy(policy).send().await.unwrap();
}

async fn reads(client: &Client) -> bool {
    let answer = client.get_object().bucket(BUCKET).key("a").send().await;
    if answer.is_err() {
        assert_eq!(refused(answer), fault(403, "AccessDenied"));
        return false;
    }
    true
}

async fn until_it_reads(client: &Client, expected: bool) {
    while reads(client).await != expected {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_policy_is_shown_at_once_and_decides_later() {
    let delay = Duration::from_millis(700);
    let stack = Stack::start_with(|config| config.switches.policy_delay = delay).await;
    stack.put("a", "x").await;
    let shown = || stack.owner.get_bucket_policy().bucket(BUCKET).send();

    let begin = Instant::now();
    put_policy(&stack, &statement("Allow", &json!({"Service": SERVICE}), &json!(null))).await;
    assert!(shown().await.unwrap().policy.unwrap().contains(SERVICE));
    until_it_reads(&stack.service, true).await;
    assert!(begin.elapsed() >= delay, "{:?}", begin.elapsed());

    let begin = Instant::now();
    stack.owner.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    assert_eq!(refused(shown().await), fault(404, "NoSuchBucketPolicy"));
    until_it_reads(&stack.service, false).await;
    assert!(begin.elapsed() >= delay, "{:?}", begin.elapsed());
    stack.server.stop().await;
}

#[tokio::test]
async fn several_changes_within_the_delay_take_effect_in_their_order() {
    let delay = Duration::from_millis(600);
    let stack = Stack::start_with(|config| config.switches.policy_delay = delay).await;
    stack.put("a", "x").await;
    let allow = statement("Allow", &json!({"Service": SERVICE}), &json!(null));
    put_policy(&stack, &allow).await;
    stack.owner.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    put_policy(&stack, &allow).await;
    until_it_reads(&stack.service, true).await;
    tokio::time::sleep(delay).await;
    assert!(reads(&stack.service).await);
    stack.server.stop().await;
}

#[tokio::test]
async fn elasticache_may_ignore_the_time_and_nobody_else() {
    let later = json!({"DateLessThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}});
    let earlier = json!({"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}});
    for ignores in [false, true] {
        let stack = Stack::start_with(|config| config.switches.ignores_current_time = ignores).await;
        stack.put("a", "x").await;
        let service = json!({"Service": SERVICE});
        put_policy(&stack, &statement("Allow", &service, &later)).await;
        assert_eq!(reads(&stack.service).await, !ignores);
        put_policy(&stack, &statement("Allow", &service, &earlier)).await;
        assert!(!reads(&stack.service).await);
        put_policy(&stack, &statement("Deny", &json!("*"), &later)).await;
        assert!(!reads(&stack.owner).await);
        stack.server.stop().await;
    }
}

#[tokio::test]
async fn a_policy_names_roles_in_each_of_the_ways_to_do_so() {
    let stack = Stack::start_with(|config| {
        config.roles = [("inspect-chunk".to_owned(), ROLE.to_owned())].into();
    })
    .await;
    stack.put("a", "x").await;
    let role = client(stack.server.endpoint(), "inspect-chunk", "us-east-1");
    let arn = |operator: &str, value: &str| json!({operator: {"aws:PrincipalArn": value}});
    let root = "arn:aws:iam::123456789012:root";
    for (principal, condition, role_reads, root_reads) in [
        (json!({"AWS": ROLE}), json!(null), false, true),
        (json!({"AWS": SESSION}), json!(null), false, true),
        (json!({"AWS": [ROLE.replace("Inspect", "Other"), ROLE.to_owned()]}), json!(null), false, true),
        (json!({"AWS": ROLE.replace("Inspect", "Other")}), json!(null), true, true),
        (json!({"AWS": root}), json!(null), false, false),
        (json!({"AWS": "123456789012"}), json!(null), false, false),
        (json!("*"), arn("ArnEquals", ROLE), false, true),
        (json!("*"), arn("ArnLike", "arn:aws:iam::*:role/Inspect*"), false, true),
        (json!("*"), arn("ArnNotLike", "arn:aws:iam::*:role/Inspect*"), true, false),
        (json!("*"), arn("StringNotEquals", root), false, true),
        (json!({"AWS": ROLE}), arn("StringEquals", root), true, true),
    ] {
        put_policy(&stack, &statement("Deny", &principal, &condition)).await;
        assert_eq!(reads(&role).await, role_reads, "{principal} {condition}");
        assert_eq!(reads(&stack.owner).await, root_reads, "{principal} {condition}");
    }
    // A NotPrincipal excepts a role only together with its session and its account.
    for (names, role_reads) in [
        (json!([ROLE]), false),
        (json!([ROLE, root]), false),
        (json!([ROLE, SESSION, root]), true),
        (json!(["*"]), true),
    ] {
        let mut deny = statement("Deny", &json!(null), &json!(null));
        deny.as_object_mut().unwrap().remove("Principal");
        deny["NotPrincipal"] = json!({"AWS": names});
        put_policy(&stack, &deny).await;
        assert_eq!(reads(&role).await, role_reads, "{names}");
    }
    stack.server.stop().await;
}
