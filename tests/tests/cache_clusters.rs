//! Cache clusters through the same states: known by the hash in their ID, or by the answer to their create. Those of
//! others are never touched.

use std::{process::Output, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use local_stack::{Fault, Plan, Stack, StackOptions};
use seeding::Identity;
use serde_json::{Value, json};
use system_tests::{
    data::{fill_database, fill_mixed},
    source::Source,
    user,
};
use tokio::process::Command;

const KEYS: u64 = 300;

/// A stack whose defaults describe replication groups of Valkey. It has a backup of two databases, and one that is too
/// new.
async fn stack() -> Result<Stack> {
    let mut options = StackOptions::default();
    options.seeding_defaults["cluster"] = json!({
        "engine": "valkey", "engineVersion": "8.1", "nodeType": "cache.local.64mb", "replicasPerShard": 1,
        "transitEncryption": true, "atRestEncryption": true, "multiAz": false,
    });
    let stack = Stack::start(options).await?;
    let source = Source::start().await?;
    fill_mixed(&source, KEYS, "k:").await?;
    fill_database(&source, 3, &[("other", "1")]).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    let newer = Source::start_redis("8.2").await?;
    fill_mixed(&newer, KEYS, "k:").await?;
    user::drop_file(&stack, "backups", "newer.rdb", &newer.save().await?).await?;
    Ok(stack)
}

fn request(id: &str, exact_id: bool) -> Value {
    let mut request =
        json!({"backups": ["backups/redis.rdb"], "cluster": {"id": id, "kind": "cacheCluster"}});
    if exact_id {
        request["cluster"]["exactId"] = true.into();
    }
    request
}

/// The same for a backup that Redis 7.1 does not load, and that is seeded nevertheless.
fn unreadable(id: &str, exact_id: bool) -> Value {
    let mut request = request(id, exact_id);
    request["backups"] = json!(["backups/newer.rdb"]);
    request["convert"] = json!({"when": "never"});
    request["allow"] = json!(["rdb-newer-than-engine"]);
    request
}

/// The ID with the hash of an execution.
fn marked(id: &str, execution: &str) -> String {
    format!("{id}-{}", Identity::new(execution, "").hash())
}

/// Creates somebody else's cache cluster.
async fn make_theirs(stack: &Stack, id: &str) -> Result<()> {
    let create = stack.elasticache().create_cache_cluster().cache_cluster_id(id).engine("redis");
    let create = create.engine_version("7.1").cache_node_type("cache.local.16mb").num_cache_nodes(1);
    create.send().await.context("failed to create somebody else's cluster")?;
    Ok(())
}

/// Waits until exactly these clusters are there, all of them available.
async fn until_only(stack: &Stack, ids: &[&str]) -> Result<()> {
    let expected: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), "available".to_owned())).collect();
    let mut found = Vec::new();
    for _ in 0..200 {
        found = user::statuses(stack).await?;
        found.sort();
        if found == expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("expected {expected:?}, found {found:?}")
}

/// The end of the clean-up that an execution's end starts.
async fn clean_up_of(stack: &Stack, execution: &str) -> Result<user::Outcome> {
    let cleaning = user::started_by(stack, &format!("\"cleanUp\":\"{execution}\"")).await?;
    user::outcome(stack, &cleaning).await
}

fn lose_answer(stack: &Stack) {
    stack.gateway().faults().plan(Plan {
        caller: "create-cluster".to_owned(),
        action: "elasticache:CreateCacheCluster".to_owned(),
        after: 0,
        times: 1,
        fault: Fault::AnswerLost,
    });
}

async fn keys(stack: &Stack, id: &str, database: u8) -> Result<u64> {
    let [address] = &user::primaries(stack, id).await?[..] else { bail!("not one primary") };
    let client = redis::Client::open(format!("redis://{address}/{database}"))?;
    let mut node = client.get_multiplexed_async_connection().await?;
    Ok(redis::cmd("DBSIZE").query_async(&mut node).await?)
}

async fn seeder(stack: &Stack, words: &[&str]) -> Result<String> {
    let mut command = Command::new(StackOptions::default().binaries.join("seeder"));
    let Output { status, stdout, stderr } = command.args(words).envs(stack.env()).output().await?;
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{words:?}: {status}\n{text}");
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_cluster_is_seeded_beside_somebody_elses_of_its_name() -> Result<()> {
    let stack = stack().await?;
    make_theirs(&stack, "orders").await?;
    let mut request = request("Orders", false);
    request["cluster"]["tags"] = json!({"team": "orders"});
    let outcome = user::seed(&stack, &request).await?;
    outcome.expect_seeded()?;
    let cluster = &outcome.value["cluster"];
    let id = marked("orders", &outcome.execution);
    ensure!(cluster["kind"] == "cacheCluster" && cluster["id"] == id.as_str(), "{cluster:#}");
    let arn = cluster["arn"].as_str().context("no ARN")?;
    ensure!(arn.ends_with(&format!(":cluster:{id}")), "{cluster:#}");
    ensure!(outcome.states.iter().any(|state| state == "VerifyCluster"), "{:?}", outcome.states);
    ensure!(outcome.codes().is_empty(), "{:#}", outcome.value);
    ensure!(keys(&stack, &id, 0).await? >= KEYS && keys(&stack, &id, 3).await? == 1, "keys are missing");
    let tags = stack.elasticache().list_tags_for_resource().resource_name(arn).send().await?;
    ensure!(tags.tag_list().iter().any(|tag| tag.value() == Some("orders")), "{tags:?}");
    ensure!(user::own_file(&stack, &outcome.execution, "handover.tf").await.is_err(), "a file for Terraform");
    until_only(&stack, &["orders", &id]).await?;
    ensure!(keys(&stack, "orders", 0).await? <= 1, "somebody else's has our keys");
    let status = seeder(&stack, &["status", &outcome.execution]).await?;
    ensure!(status.contains(&id), "{status}");

    // As the command asks for it.
    let words = ["seed", "s3://backups/redis.rdb", "--kind", "cache-cluster", "--id", "exact", "--exact-id"];
    let text = seeder(&stack, &words).await?;
    ensure!(text.contains("cluster exact at "), "{text}");
    until_only(&stack, &["exact", "orders", &id]).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_is_cleaned_up_after_a_failed_restore_and_after_a_lost_answer_kept() -> Result<()> {
    let stack = stack().await?;
    make_theirs(&stack, "broken").await?;
    let outcome = user::seed(&stack, &unreadable("broken", false)).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.codes().first() == Some(&"restore-failed"), "{:#}", outcome.value);
    ensure!(outcome.value["leftBehind"] == json!([]), "{:#}", outcome.value);
    let events = outcome.value["events"].as_array().context("no events")?;
    let told = |event: &Value| event.as_str().is_some_and(|event| event.contains("Restore failed"));
    ensure!(events.iter().any(told), "{:#}", outcome.value);
    until_only(&stack, &["broken"]).await?;

    lose_answer(&stack);
    let outcome = user::seed(&stack, &request("lost", false)).await?;
    outcome.expect_seeded()?;
    until_only(&stack, &["broken", &marked("lost", &outcome.execution)]).await?;

    // With an exact ID, the answer to its create says that it is ours.
    let outcome = user::seed(&stack, &unreadable("exact", true)).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.value["leftBehind"] == json!([]), "{:#}", outcome.value);
    let stopped = user::start(&stack, &unreadable("stopped", true)).await?;
    user::until_state(&stack, &stopped, "WaitForCluster").await?;
    stack.sfn().stop_execution().execution_arn(&stopped).send().await?;
    let cleaned = clean_up_of(&stack, &stopped).await?;
    ensure!(cleaned.value["outcome"] == "cleaned-up", "{:#}", cleaned.value);
    ensure!(cleaned.value["leftBehind"] == json!([]), "{:#}", cleaned.value);
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_one_is_reported_and_left_whoever_created_it() -> Result<()> {
    let stack = stack().await?;
    let left = |id: &str| json!([format!("cluster {id}: may be left behind")]);
    // Ours: nothing but its tags could say so, and those only later.
    lose_answer(&stack);
    let outcome = user::seed(&stack, &unreadable("ours", true)).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.codes().first() == Some(&"id-taken"), "{:#}", outcome.value);
    ensure!(outcome.value["leftBehind"] == left("ours"), "{:#}", outcome.value);
    let cleaned = clean_up_of(&stack, &outcome.execution).await?;
    ensure!(cleaned.value["outcome"] == "cleaned-up", "{:#}", cleaned.value);
    ensure!(cleaned.value["leftBehind"] == left("ours"), "{:#}", cleaned.value);

    // Somebody else's: it appears while the calls of ours fail.
    stack.gateway().faults().plan(Plan {
        caller: "create-cluster".to_owned(),
        action: "elasticache:CreateCacheCluster".to_owned(),
        after: 0,
        times: 1_000,
        fault: Fault::ServerError,
    });
    let execution = user::start(&stack, &request("theirs", true)).await?;
    for _ in 0..300 {
        if user::own_file(&stack, &execution, "evidence.json").await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    make_theirs(&stack, "theirs").await?;
    stack.gateway().faults().clear();
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.value["leftBehind"] == left("theirs"), "{:#}", outcome.value);
    let cleaned = clean_up_of(&stack, &execution).await?;
    ensure!(cleaned.value["leftBehind"] == left("theirs"), "{:#}", cleaned.value);
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");

    let mut found = user::statuses(&stack).await?;
    found.sort();
    let expected = [("ours", "restore-failed"), ("theirs", "available")];
    let expected = expected.map(|(id, status)| (id.to_owned(), status.to_owned()));
    ensure!(found == expected, "{found:?}");
    ensure!(keys(&stack, "theirs", 0).await? <= 1, "somebody else's has our keys");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_or_no_cache_cluster_is_refused_before_anything_is_created() -> Result<()> {
    let stack = stack().await?;
    make_theirs(&stack, "orders").await?;
    let outcome = user::seed(&stack, &request("orders", true)).await?;
    outcome.expect(Some("BackupRejected"))?;
    outcome.finding("id-taken")?;
    let mut refused = request("orders", false);
    for (field, value) in [
        ("engine", json!("valkey")),
        ("shards", json!(3)),
        ("replicasPerShard", json!(1)),
        ("slots", json!("even")),
        ("clusterMode", json!("enabled")),
        ("transitEncryption", json!(true)),
        ("userGroupId", json!("app")),
    ] {
        refused["cluster"][field] = value;
    }
    let outcome = user::seed(&stack, &refused).await?;
    outcome.expect(Some("BackupRejected"))?;
    let engine = outcome.value["findings"].as_array().context("no findings")?.iter();
    let engine = engine.clone().find(|finding| finding["evidence"]["field"] == "cluster.engine");
    let remedy = engine.context("no finding about the engine")?["remedy"].as_str().unwrap_or_default();
    ensure!(remedy.contains("set kind to replicationGroup"), "{:#}", outcome.value);
    ensure!(outcome.codes() == ["invalid-request"; 5], "{:#}", outcome.value);
    until_only(&stack, &["orders"]).await?;
    stack.stop().await
}
