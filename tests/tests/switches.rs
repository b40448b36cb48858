//! The local stack on AWS's bad days: that its switches reach its services, and that buckets know its roles.

use std::time::Duration;

use anyhow::{Result, ensure};
use aws_sdk_elasticache::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::ExecutionStatus;
use local_stack::{ACCOUNT, ElastiCacheSwitches, NotReady, NotReadyError, S3Switches, Stack, StackOptions};
use serde_json::json;
use system_tests::{data::fill_mixed, source::Source, user};

const KEY: &str = "redis.rdb";

async fn stack_with_backup(options: StackOptions) -> Result<Stack> {
    let source = Source::start().await?;
    fill_mixed(&source, 100, "k:").await?;
    let stack = Stack::start(options).await?;
    user::drop_file(&stack, "backups", KEY, &source.save().await?).await?;
    Ok(stack)
}

async fn put_policy(stack: &Stack, statement: &serde_json::Value) -> Result<()> {
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    stack.s3().put_bucket_policy().bucket("backups").policy(policy).send().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_for_one_role_stops_that_role_only() -> Result<()> {
    let stack = stack_with_backup(StackOptions::default()).await?;
    let read = |function: &str| stack.s3_as(function).get_object().bucket("backups").key(KEY).send();
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let resource = "arn:aws:s3:::backups/*";
    for (principal, condition) in [
        (json!({"AWS": role("InspectChunkRole")}), json!({})),
        (json!("*"), json!({"ArnLike": {"aws:PrincipalArn": role("Inspect*")}})),
    ] {
        let deny = json!({"Effect": "Deny", "Principal": principal, "Action": "s3:GetObject",
                          "Resource": resource, "Condition": condition});
        ensure!(read("inspect-chunk").await.is_ok(), "before the deny");
        put_policy(&stack, &deny).await?;
        let refused = read("inspect-chunk").await.err();
        ensure!(refused.is_some_and(|error| error.code() == Some("AccessDenied")), "{deny:#}");
        ensure!(read("prepare-seeding").await.is_ok(), "another role: {deny:#}");
        stack.s3().get_object().bucket("backups").key(KEY).send().await?;
        stack.s3().delete_bucket_policy().bucket("backups").send().await?;
    }
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_takes_effect_late_and_a_create_is_refused_until_then() -> Result<()> {
    let stack = stack_with_backup(StackOptions {
        s3: S3Switches { policy_delay: Duration::from_secs(2), ..S3Switches::default() },
        elasticache: ElastiCacheSwitches {
            checks_backups_at_create: true,
            page_records: Some(2),
            other_members: 30,
            ..ElastiCacheSwitches::default()
        },
        ..StackOptions::default()
    })
    .await?;
    let service = "us-east-1.elasticache-snapshot.amazonaws.com";
    let grant = json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "s3:GetObject",
                       "Resource": "arn:aws:s3:::backups/*"});
    put_policy(&stack, &grant).await?;
    let create = || {
        let create = stack.elasticache().create_replication_group().replication_group_id("late");
        let create = create.replication_group_description("d").cache_node_type("cache.local.64mb");
        create.engine("redis").snapshot_arns(format!("arn:aws:s3:::backups/{KEY}")).send()
    };
    let refused = create().await.err();
    ensure!(
        refused.as_ref().is_some_and(|error| error.code() == Some("InvalidParameterValue")),
        "{refused:?}"
    );
    while create().await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let page = stack.elasticache().describe_cache_clusters().send().await?;
    ensure!(page.cache_clusters().len() == 2 && page.marker().is_some(), "{page:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_not_ready_at_first_and_the_quota_is_what_was_asked_for() -> Result<()> {
    let not_ready =
        NotReady { function: "verify-cluster".into(), times: 1, error: NotReadyError::ResourceNotReady };
    let mut options = StackOptions { lambda_concurrency: 10, ..StackOptions::default() };
    options.lambda.not_ready = vec![not_ready];
    let stack = Stack::start(options).await?;
    let endpoint = stack.lambda().endpoint();
    let url = format!("{endpoint}/2015-03-31/functions/verify-cluster/invocations");
    let client = reqwest::Client::new();
    let answer = client.post(&url).body("{}").send().await?;
    ensure!(answer.status() == 502 && answer.headers()["x-amzn-errortype"] == "ResourceNotReadyException");
    ensure!(client.post(&url).body("{}").send().await?.status() == 200);
    let settings =
        client.get(format!("{endpoint}/2016-08-19/account-settings/")).send().await?.text().await?;
    ensure!(settings.contains("\"ConcurrentExecutions\":10,"), "{settings}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn seedings_wait_for_their_turn_and_the_count_of_keys_calls_no_aws() -> Result<()> {
    let mut options = StackOptions { pause_divisor: 20, ..StackOptions::default() };
    options.parameters.push(("MaxSeedingsAtOnce".to_owned(), "1".to_owned()));
    let stack = stack_with_backup(options).await?;
    stack.gateway().take_calls();
    let mut waiting = Vec::new();
    for id in ["one", "two", "three"] {
        let input = json!({"backups": [format!("backups/{KEY}")], "cluster": {"id": id}});
        waiting.push(user::start(&stack, &input).await?);
    }
    let seedings = waiting.clone();
    let mut waited = false;
    while !waiting.is_empty() {
        let mut begun = Vec::new();
        for execution in &waiting {
            // The interpreter cannot always answer while it writes the history.
            let states = user::states(&stack, execution).await.unwrap_or_default();
            if states.iter().any(|state| state == "Prepared") {
                begun.push(execution.clone());
            }
        }
        let mut running = Vec::new();
        for execution in begun {
            let described = stack.sfn().describe_execution().execution_arn(&execution).send().await?;
            if *described.status() == ExecutionStatus::Running {
                running.push(execution);
            } else {
                waiting.retain(|one| *one != execution);
            }
        }
        ensure!(running.len() <= 1, "at once: {running:?}");
        waited |= waiting.len() > running.len();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    ensure!(waited, "no seeding has waited");
    for execution in seedings {
        let outcome = user::outcome(&stack, &execution).await?;
        outcome.expect(None)?;
        ensure!(outcome.states.iter().any(|state| state == "VerifyCluster"), "{:?}", outcome.states);
    }
    let calls = stack.gateway().take_calls();
    ensure!(calls.iter().any(|call| call.caller == "check-cluster"), "no calls were recorded");
    let of_verify: Vec<_> = calls.iter().filter(|call| call.caller == "verify-cluster").collect();
    ensure!(of_verify.is_empty(), "verify-cluster calls AWS: {of_verify:?}");
    stack.stop().await
}
