//! Backups that no engine of ElastiCache reads are converted on the way, and nothing of that is left.

use anyhow::{Result, ensure};
use local_stack::{Fault, Plan, Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_blobs, fill_mixed},
    digest::{differences, digest},
    source::Source,
    user,
};

/// A Redis whose backups (RDB 12) no engine of ElastiCache reads.
async fn new_redis(keys: u64) -> Result<Source> {
    let source = Source::start_redis("8.2").await?;
    let server = user::server_of(&source.address()).await?;
    // A stand-in of an older version would prove nothing.
    ensure!(server.starts_with("redis-server 8."), "make servers installs Redis 8.2; found {server}");
    fill_mixed(&source, keys, "k:").await?;
    Ok(source)
}

fn request(id: &str, engine_version: &str) -> Value {
    json!({
        "backups": ["backups/new.rdb"],
        "cluster": {"id": id, "engine": "valkey", "engineVersion": engine_version, "nodeType": "cache.local.64mb"},
    })
}

/// Whether the cluster runs on the engine that it names, and holds what the source holds.
async fn expect_same(stack: &Stack, source: &Source, id: &str, server: &str) -> Result<()> {
    let primaries = user::primaries(stack, id).await?;
    let found = user::server_of(&primaries[0]).await?;
    ensure!(found.starts_with(server), "expected {server}, found {found}; make servers installs it");
    let expected = digest(&[source.address()], 0).await?;
    let differences = differences(&expected, &digest(&primaries, 0).await?);
    ensure!(differences.is_empty(), "the cluster differs from the source: {differences:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_8_backup_becomes_a_valkey_cluster_and_nothing_is_left() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = new_redis(3_000).await?;
    user::drop_file(&stack, "backups", "new.rdb", &source.save().await?).await?;
    let outcome = user::seed(&stack, &request("new", "8.1")).await?;
    outcome.expect_seeded()?;
    ensure!(!outcome.codes().contains(&"key-count-differs"), "{:#}", outcome.value);
    let evidence = &outcome.finding("converted")?["evidence"];
    let expected = json!({"from": "REDIS0012", "to": "REDIS0011", "removes": ["rdb-newer-than-engine"]});
    ensure!(*evidence == expected, "{evidence:#}");
    expect_same(&stack, &source, "new", "valkey-server 8.1").await?;
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);
    // The same object again: what is known of it tells where its records begin. Now as a cluster of shards.
    let mut request = request("shards", "8.1");
    request["cluster"]["shards"] = 2.into();
    let outcome = user::seed(&stack, &request).await?;
    outcome.expect_seeded()?;
    let expected = digest(&[source.address()], 0).await?;
    let found = digest(&user::primaries(&stack, "shards").await?, 0).await?;
    ensure!(differences(&expected, &found).is_empty(), "{:?}", differences(&expected, &found));
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn expiries_of_fields_are_kept_or_named_and_never_lost_without_a_word() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = new_redis(300).await?;
    source.command(&["HSET", "session", "token", "t", "name", "n"]).await?;
    source.command(&["HPEXPIREAT", "session", "4102444800123", "FIELDS", "1", "token"]).await?;
    user::drop_file(&stack, "backups", "new.rdb", &source.save().await?).await?;

    let refused = user::seed(&stack, &request("lossy", "8.1")).await?;
    refused.expect(Some("BackupRejected"))?;
    let finding = refused.finding("rdb-newer-than-engine")?;
    ensure!(finding["evidence"]["conversionWouldLose"] == json!({"fieldExpiries": 1}), "{finding:#}");
    let remedy = finding["remedy"].as_str().unwrap_or_default();
    ensure!(remedy.contains("Valkey 9.0") && remedy.contains("convert.fieldExpiries"), "{remedy}");

    let mut named = request("lossy", "8.1");
    named["convert"] = json!({"fieldExpiries": "drop"});
    let outcome = user::seed(&stack, &named).await?;
    outcome.expect_seeded()?;
    let finding = outcome.finding("converted-with-loss")?;
    ensure!(finding["evidence"]["lost"] == json!({"fieldExpiries": 1}), "{finding:#}");
    // The digest has the fields, and not their expiries.
    expect_same(&stack, &source, "lossy", "valkey-server 8.1").await?;

    let outcome = user::seed(&stack, &request("kept", "9.1")).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.finding("converted")?["evidence"]["to"] == "VALKEY080", "{:#}", outcome.value);
    expect_same(&stack, &source, "kept", "valkey-server 9.1").await?;
    let node = user::primaries(&stack, "kept").await?.remove(0);
    let mut node = redis::Client::open(format!("redis://{node}"))?.get_multiplexed_async_connection().await?;
    let mut ask = redis::cmd("HPEXPIRETIME");
    ask.arg("session").arg("FIELDS").arg(1).arg("token");
    let at: Vec<i64> = ask.query_async(&mut node).await?;
    ensure!(at == [4_102_444_800_123], "the field expires at {at:?}");

    let mut never = request("never", "8.1");
    never["convert"] = json!({"when": "never"});
    user::seed(&stack, &never).await?.finding("rdb-newer-than-engine")?;
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_a_stopped_conversion_leaves_nothing() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = new_redis(300).await?;
    // Larger than one piece, so that pieces are copied and joined.
    fill_blobs(&source, 1, 40_000).await?;
    user::drop_file(&stack, "backups", "new.rdb", &source.save().await?).await?;
    let mut dry = request("dry", "8.1");
    dry["dryRun"] = true.into();
    let outcome = user::seed(&stack, &dry).await?;
    outcome.expect(None)?;
    outcome.finding("converted")?;
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);

    // Everything is converted by then.
    let mut stopped = request("stopped", "8.1");
    stopped["cluster"]["nodeType"] = "cache.t4g.micro".into();
    let execution = user::start(&stack, &stopped).await?;
    user::until_state(&stack, &execution, "WaitForGrant").await?;
    stack.sfn().stop_execution().execution_arn(&execution).send().await?;
    let cleaning = user::started_by(&stack, "cleanUp").await?;
    user::outcome(&stack, &cleaning).await?.expect(None)?;
    let left = user::left_behind(&stack, &["backups"]).await?;
    ensure!(left.is_empty(), "{left:?}");

    let mut whole = request("whole", "8.1");
    whole["cluster"]["nodeType"] = "cache.t4g.micro".into();
    let execution = user::start(&stack, &whole).await?;
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    let share = copied_share(&stack, &execution).await?;
    ensure!(share > 0.98, "{share} of the backup was copied by S3, the rest read by functions");
    expect_same(&stack, &source, "whole", "valkey-server 8.1").await?;
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);
    stack.stop().await
}

/// S3 answers to copies and completions while it works, and an error comes in the body of a success.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_body_of_a_success_is_an_error_and_tried_again() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = new_redis(3_000).await?;
    user::drop_file(&stack, "backups", "new.rdb", &source.save().await?).await?;
    // More than a client tries, so that the step fails too.
    stack.gateway().faults().plan(Plan {
        caller: "finish-conversion".to_owned(),
        action: "s3:PutObject".to_owned(),
        after: 0,
        times: 5,
        fault: Fault::ErrorInSuccess,
    });
    user::seed(&stack, &request("new", "8.1")).await?.expect_seeded()?;
    let met = stack.gateway().faults().clear();
    ensure!(met == 5, "{met} calls met the fault");
    expect_same(&stack, &source, "new", "valkey-server 8.1").await?;
    ensure!(user::left_converted(&stack).await?.is_empty(), "{:?}", user::left_converted(&stack).await?);
    stack.stop().await
}

/// How much of the backup S3 has copied, while no function read it.
async fn copied_share(stack: &Stack, execution: &str) -> Result<f64> {
    let conversion = user::own_file(stack, execution, "conversion.json").await?;
    let ranges = conversion["backups"][0]["ranges"].as_array().into_iter().flatten();
    let copied: u64 = ranges.filter_map(|range| range["stretch"]["bytes"].as_u64()).sum();
    let report = user::own_file(stack, execution, "report.json").await?;
    let bytes = report["backups"][0]["sizeBytes"].as_u64().unwrap_or(u64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
    Ok(copied as f64 / bytes as f64)
}
