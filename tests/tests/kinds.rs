//! Clusters of other kinds than replication groups, through the same states.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use local_stack::{Fault, Plan, Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_database, fill_mixed},
    source::Source,
    user,
};

const KEYS: u64 = 300;

/// A stack with a backup of 300 keys, and one that no engine of ElastiCache reads.
async fn stack() -> Result<Stack> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, KEYS, "k:").await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    let newer = Source::start_redis("8.2").await?;
    fill_mixed(&newer, KEYS, "k:").await?;
    user::drop_file(&stack, "backups", "newer.rdb", &newer.save().await?).await?;
    fill_database(&source, 3, &[("other", "1")]).await?;
    user::drop_file(&stack, "backups", "databases.rdb", &source.save().await?).await?;
    Ok(stack)
}

/// A request for a serverless cache. Nodes on loopback speak no TLS, which it always does.
fn serverless(backup: &str, id: &str) -> Value {
    json!({"backups": [format!("backups/{backup}.rdb")], "cluster": {"id": id, "kind": "serverless"}, "verify": false})
}

/// The same for a backup that is too new, and is seeded nevertheless.
fn unreadable(id: &str) -> Value {
    let mut request = serverless("newer", id);
    request["convert"] = json!({"when": "never"});
    request["allow"] = json!(["rdb-newer-than-engine"]);
    request
}

async fn nothing_is_left(stack: &Stack) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..150 {
        left = user::left_behind(stack, &["backups"]).await?;
        if left.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("left behind: {left:#?}")
}

async fn keys(stack: &Stack, id: &str) -> Result<u64> {
    let [address] = &user::primaries(stack, id).await?[..] else { anyhow::bail!("not one primary") };
    let client = redis::Client::open(format!("redis://{address}"))?;
    let mut node = client.get_multiplexed_async_connection().await?;
    let keys: u64 = redis::cmd("DBSIZE").query_async(&mut node).await?;
    let own: u64 =
        redis::cmd("EXISTS").arg("ElastiCacheMasterReplicationTimestamp").query_async(&mut node).await?;
    Ok(keys - own)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serverless_cache_is_seeded_and_told_as_one() -> Result<()> {
    let stack = stack().await?;
    let mut request = serverless("redis", "orders");
    request["cluster"]["serverless"] = json!({"maxGb": 1, "subnetIds": ["subnet-1"]});
    request["cluster"]["tags"] = json!({"team": "orders"});
    let outcome = user::seed(&stack, &request).await?;
    outcome.expect_seeded()?;
    let cluster = &outcome.value["cluster"];
    ensure!(cluster["kind"] == "serverless" && cluster["nodeType"] == "serverless", "{cluster:#}");
    ensure!(
        cluster["arn"].as_str().is_some_and(|arn| arn.ends_with(":serverlesscache:orders")),
        "{cluster:#}"
    );
    ensure!(keys(&stack, "orders").await? == keys_of(&outcome.value, &stack).await?, "keys differ");
    let caches = user::serverless_caches(&stack).await?;
    let storage = caches[0].cache_usage_limits().and_then(|limits| limits.data_storage());
    ensure!(storage.and_then(|storage| storage.maximum()) == Some(1), "{caches:?}");
    ensure!(caches[0].subnet_ids() == ["subnet-1"], "{caches:?}");
    ensure!(user::clusters(&stack).await?.is_empty(), "a replication group, too");
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");

    // Databases are merged on the way, since it has one.
    let mut request = serverless("databases", "merged");
    let outcome = user::seed(&stack, &request).await?;
    outcome.expect(Some("BackupRejected"))?;
    let finding = outcome.finding("multiple-databases-in-cluster-mode")?;
    ensure!(
        finding["remedy"].as_str().is_some_and(|remedy| remedy.contains("convert.databases")),
        "{finding:#}"
    );
    request["convert"] = json!({"databases": "merge"});
    user::seed(&stack, &request).await?.expect_seeded()?;
    ensure!(keys(&stack, "merged").await? == keys(&stack, "orders").await? + 1, "keys differ");
    stack.stop().await
}

/// The keys that the report of a seeding predicts.
async fn keys_of(outcome: &Value, stack: &Stack) -> Result<u64> {
    let report = outcome["report"].as_str().context("no report")?;
    let name = report.split('/').nth(4).context("no execution")?;
    let report = user::own_file(stack, name, "report.json").await?;
    report["counts"]["keys"].as_u64().with_context(|| format!("no keys in {report:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serverless_cache_that_fails_is_deleted_and_one_of_somebody_else_never() -> Result<()> {
    let stack = stack().await?;
    let create = stack.elasticache().create_serverless_cache().serverless_cache_name("orders");
    create.engine("valkey").description("somebody's").send().await?;
    let outcome = user::seed(&stack, &serverless("redis", "orders")).await?;
    outcome.expect(Some("BackupRejected"))?;
    outcome.finding("id-taken")?;

    // A replication group of this name is another cluster.
    let outcome =
        user::seed(&stack, &json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "orders"}})).await?;
    outcome.expect_seeded()?;
    stack.elasticache().delete_replication_group().replication_group_id("orders").send().await?;

    let outcome = user::seed(&stack, &unreadable("broken")).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.codes().first() == Some(&"create-failed"), "{:#}", outcome.value);
    let events = outcome.value["events"].as_array().context("no events")?;
    let told = |event: &Value| event.as_str().is_some_and(|event| event.contains("broken: Restore failed"));
    ensure!(events.iter().any(told), "{:#}", outcome.value);

    // Of one whose answer was lost, the description says that it is ours.
    stack.gateway().faults().plan(Plan {
        caller: "create-cluster".to_owned(),
        action: "elasticache:CreateServerlessCache".to_owned(),
        after: 0,
        times: 1,
        fault: Fault::AnswerLost,
    });
    user::seed(&stack, &serverless("redis", "lost")).await?.expect_seeded()?;
    user::delete(&stack, "lost").await;

    let mut kept = Vec::new();
    for _ in 0..150 {
        kept = user::statuses(&stack).await?;
        if kept.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(kept == [("orders".to_owned(), "available".to_owned())], "{kept:?}");
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    user::delete(&stack, "orders").await;
    nothing_is_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_seeding_of_a_serverless_cache_is_cleaned_up_for() -> Result<()> {
    let stack = stack().await?;
    let execution = user::start(&stack, &unreadable("stopped")).await?;
    user::until_state(&stack, &execution, "WaitForCluster").await?;
    stack.sfn().stop_execution().execution_arn(&execution).send().await?;
    let cleaning = user::started_by(&stack, "cleanUp").await?;
    let outcome = user::outcome(&stack, &cleaning).await?;
    ensure!(outcome.value["outcome"] == "cleaned-up", "{:#}", outcome.value);
    nothing_is_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kind_does_not_have_is_refused_at_once_and_a_stacks_defaults_are_not() -> Result<()> {
    let stack = stack().await?;
    let mut request = serverless("redis", "orders");
    for (field, value) in [
        ("nodeType", json!("cache.r7g.large")),
        ("shards", json!(3)),
        ("replicasPerShard", json!(1)),
        ("slots", json!("even")),
        ("parameterGroup", json!("p")),
        ("subnetGroup", json!("s")),
        ("port", json!(6379)),
        ("authTokenSecretArn", json!("arn")),
    ] {
        request["cluster"][field] = value;
    }
    let outcome = user::seed(&stack, &request).await?;
    outcome.expect(Some("BackupRejected"))?;
    let report = outcome.value["findings"].as_array().context("no findings")?;
    ensure!(report.iter().all(|finding| finding["code"] == "invalid-request"), "{:#}", outcome.value);
    // The stack's defaults have a node type, and turn TLS off.
    let mut request = serverless("redis", "orders");
    request["dryRun"] = json!(true);
    let outcome = user::seed(&stack, &request).await?;
    ensure!(outcome.value["plan"]["nodeType"] == "serverless", "{:#}", outcome.value);
    stack.stop().await
}
