//! Seedings on AWS's bad days: each ends well, or says what to do, and leaves nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use local_stack::{
    ElastiCacheSwitches, LambdaSwitches, NotReady, NotReadyError, S3Switches, Stack, StackOptions, TakenFault,
};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    source::Source,
    user::{self, Outcome},
};

/// The state machine's pauses are for minutes of AWS.
const PAUSE_DIVISOR: u32 = 20;

fn options() -> StackOptions {
    StackOptions { pause_divisor: PAUSE_DIVISOR, ..StackOptions::default() }
}

/// Seeds a cluster from a small backup, and stops the stack.
async fn seed(options: StackOptions, cluster: Value) -> Result<(Outcome, usize)> {
    let source = Source::start().await?;
    fill_mixed(&source, 300, "k:").await?;
    seed_from(&source, options, json!({"cluster": cluster})).await
}

/// The outcome, and the number of calls of ElastiCache.
async fn seed_from(source: &Source, options: StackOptions, mut request: Value) -> Result<(Outcome, usize)> {
    let stack = Stack::start(options).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    request["backups"] = json!(["backups/redis.rdb"]);
    request["cluster"]["id"] = json!("orders");
    let outcome = user::seed(&stack, &request).await?;
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    let expected = usize::from(outcome.error.is_none());
    let mut clusters = user::clusters(&stack).await?;
    clusters.retain(|group| group.replication_group_id() == Some("orders"));
    ensure!(clusters.len() == expected, "expected {expected} clusters, found {clusters:?}");
    let calls = stack.gateway().take_calls();
    let calls = calls.iter().filter(|call| call.action.starts_with("elasticache:")).count();
    stack.stop().await?;
    Ok((outcome, calls))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_ten_concurrent_invocations_reads_with_as_many() -> Result<()> {
    let mut options = StackOptions { lambda_concurrency: 10, ..options() };
    options.function_env.push(("prepare-seeding".into(), "LEAST_CHUNK_BYTES".into(), "500".into()));
    let (outcome, _) = seed(options, json!({})).await?;
    outcome.expect_seeded()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_calls_of_elasticache_a_second_are_enough() -> Result<()> {
    let (outcome, _) =
        seed(StackOptions { elasticache_calls_per_second: Some(5), ..options() }, json!({})).await?;
    outcome.expect_seeded()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_cluster_a_late_grant_and_a_function_that_slept_for_weeks() -> Result<()> {
    let (outcome, _) = seed(
        StackOptions {
            s3: S3Switches { policy_delay: Duration::from_secs(2), ..S3Switches::default() },
            elasticache: ElastiCacheSwitches {
                lacks_service_linked_role: true,
                checks_backups_at_create: true,
                page_records: Some(2),
                other_members: 30,
                ..ElastiCacheSwitches::default()
            },
            lambda: LambdaSwitches {
                not_ready: [NotReadyError::ResourceNotReady, NotReadyError::EniNotReady]
                    .map(|error| NotReady { function: "verify-cluster".into(), times: 2, error })
                    .into(),
            },
            ..options()
        },
        json!({}),
    )
    .await?;
    outcome.expect_seeded()?;
    ensure!(outcome.codes().is_empty(), "{:#}", outcome.value);
    Ok(())
}

/// The names of the failed cluster's members are taken for a while.
#[tokio::test(flavor = "multi_thread")]
async fn members_that_outlive_their_group_delay_a_start_over() -> Result<()> {
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    for taken_fault in [TakenFault::CacheClusterAlreadyExists, TakenFault::InvalidCacheClusterState] {
        let elasticache = ElastiCacheSwitches {
            members_outlive: Duration::from_secs(3),
            taken_fault,
            ..ElastiCacheSwitches::default()
        };
        let request = json!({
            "cluster": {"nodeType": "cache.local.16mb"},
            "allow": ["does-not-fit", "tight-fit"],
            "onRestoreFailed": "startOver",
        });
        let (outcome, _) = seed_from(&source, StackOptions { elasticache, ..options() }, request).await?;
        outcome.expect_seeded()?;
        ensure!(outcome.value["cluster"]["nodeType"] == "cache.local.64mb", "{:#}", outcome.value);
    }
    Ok(())
}

/// Whether ElastiCache's requests carry the time is not documented. `GrantExpiry: disabled` is for the case that they
/// do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ends_by_itself_and_is_not_honoured_fails_clearly_and_can_be_turned_off() -> Result<()> {
    let s3 = S3Switches { ignores_current_time: true, ..S3Switches::default() };
    let (outcome, _) = seed(StackOptions { s3, ..options() }, json!({})).await?;
    outcome.expect(Some("SeedingFailed"))?;
    let first = &outcome.value["findings"][0];
    ensure!(first["code"] == "restore-failed", "{:#}", outcome.value);
    ensure!(first["remedy"].as_str().unwrap_or_default().contains("GrantExpiry"), "{:#}", outcome.value);
    ensure!(outcome.value["leftBehind"] == json!([]), "{:#}", outcome.value);
    let mut options = StackOptions { s3, ..options() };
    options.parameters.push(("GrantExpiry".to_owned(), "disabled".to_owned()));
    seed(options, json!({})).await?.0.expect_seeded()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_nodes_take_no_more_calls_than_two() -> Result<()> {
    let simulated = |nodes: &str| {
        let elasticache = ElastiCacheSwitches { simulates_nodes: true, ..ElastiCacheSwitches::default() };
        let mut options = StackOptions { elasticache, ..options() };
        options.seeding_defaults["verify"] = json!(false);
        options.parameters.push(("MaxNodes".to_owned(), nodes.to_owned()));
        options
    };
    let cluster = |shards: u32| json!({"clusterMode": "enabled", "shards": shards, "replicasPerShard": 1});
    let (few, calls_for_two) = seed(simulated("90"), cluster(1)).await?;
    few.expect_seeded()?;
    let (many, calls_for_many) = seed(simulated("500"), cluster(250)).await?;
    many.expect_seeded()?;
    ensure!(many.value["cluster"]["shards"] == 250, "{:#}", many.value);
    // A page has a hundred nodes.
    ensure!(
        calls_for_many < 2 * calls_for_two + 40,
        "{calls_for_two} calls for 2 nodes, {calls_for_many} for 500"
    );
    let (refused, _) = seed(simulated("90"), cluster(250)).await?;
    refused.expect(Some("BackupRejected"))?;
    ensure!(refused.codes() == ["too-many-nodes"], "{:#}", refused.value);
    Ok(())
}

/// The statements of other seedings fill the policy. One that ends makes room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_policy_is_waited_for() -> Result<()> {
    let source = Source::start().await?;
    fill_mixed(&source, 100, "k:").await?;
    let stack = Stack::start(options()).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    let others: Vec<_> = (0..60)
        .map(|number| {
            json!({"Sid": format!("ElasticacheSeederW{number:016x}"), "Effect": "Allow",
                   "Principal": {"Service": "us-east-1.elasticache-snapshot.amazonaws.com"},
                   "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl"],
                   "Resource": ["arn:aws:s3:::backups", format!("arn:aws:s3:::backups/{}/redis.rdb", "x".repeat(100))]})
        })
        .collect();
    let policy = |others: &[Value]| json!({"Version": "2012-10-17", "Statement": others}).to_string();
    let fitting =
        (1..others.len()).take_while(|count| policy(&others[..*count]).len() < 20 * 1024).last().unwrap_or(1);
    stack.s3().put_bucket_policy().bucket("backups").policy(policy(&others[..fitting])).send().await?;
    let execution =
        user::start(&stack, &json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "orders"}})).await?;
    user::until_state(&stack, &execution, "GrantAccess").await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let states = user::states(&stack, &execution).await?;
    ensure!(states.last().is_some_and(|state| state == "GrantAccess"), "it does not wait: {states:?}");
    let left = policy(&others[..fitting - 2]);
    stack.s3().put_bucket_policy().bucket("backups").policy(&left).send().await?;
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    ensure!(user::policy(&stack, "backups").await.as_deref() == Some(&left), "another policy");
    stack.stop().await
}
