//! Backups whose conversion changes their contents: what would be written decides, and is what is seeded.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::types::ServerSideEncryption;
use local_stack::{Stack, StackOptions};
use rdb_scan::{Control, Inspected, Position};
use seeding::{Seeding, Target};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_database, fill_mixed},
    digest::digest,
    source::Source,
    user,
};

/// A stack that reads backups in small chunks.
async fn stack() -> Result<Stack> {
    stack_with(StackOptions::default()).await
}

async fn stack_with(mut options: StackOptions) -> Result<Stack> {
    options.function_env.push(("prepare-seeding".into(), "LEAST_CHUNK_BYTES".into(), "2000".into()));
    Stack::start(options).await
}

#[allow(clippy::needless_pass_by_value, reason = "a call reads better without a reference to a literal")]
fn request(id: &str, convert: Value) -> Value {
    json!({"backups": ["backups/it.rdb"], "cluster": {"id": id}, "convert": convert})
}

async fn get(node: &str, key: &str) -> Result<Option<String>> {
    let mut node = redis::Client::open(format!("redis://{node}"))?.get_multiplexed_async_connection().await?;
    Ok(redis::cmd("GET").arg(key).query_async(&mut node).await?)
}

/// The only node of a cluster.
async fn node(stack: &Stack, id: &str) -> Result<String> {
    user::primaries(stack, id).await?.into_iter().next().context("there is no node")
}

async fn keys(stack: &Stack, id: &str) -> Result<usize> {
    Ok(digest(&user::primaries(stack, id).await?, 0).await?.len())
}

async fn expect_nothing_left(stack: &Stack) -> Result<()> {
    let left = user::left_converted(stack).await?;
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_are_merged_and_keys_that_meet_are_refused_or_chosen() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    fill_mixed(&source, 500, "k:").await?;
    fill_database(&source, 1, &[("one", "1"), ("same", "1")]).await?;
    fill_database(&source, 7, &[("seven", "7"), ("same", "7")]).await?;
    user::drop_file(&stack, "backups", "it.rdb", &source.save().await?).await?;
    let mut sharded = request("apart", json!({}));
    sharded["cluster"]["shards"] = 2.into();
    let outcome = user::seed(&stack, &sharded).await?;
    outcome.expect(Some("BackupRejected"))?;
    outcome.finding("multiple-databases-in-cluster-mode")?;

    let mut merged = request("merged", json!({"databases": "merge"}));
    merged["cluster"]["shards"] = 2.into();
    let refused = user::seed(&stack, &merged).await?;
    refused.expect(Some("BackupRejected"))?;
    let evidence = &refused.finding("conversion-refused")?["evidence"];
    ensure!(*evidence == json!({"reason": "conflicts", "number": 1, "keys": ["same"]}), "{evidence:#}");
    expect_nothing_left(&stack).await?;

    merged["convert"]["onConflict"] = "last".into();
    let outcome = user::seed(&stack, &merged).await?;
    outcome.expect_seeded()?;
    let evidence = &outcome.finding("converted-with-loss")?["evidence"];
    ensure!(evidence["dropped"] == json!({"conflict": 1}), "{evidence:#}");
    ensure!(evidence["removes"] == json!(["multiple-databases-in-cluster-mode"]), "{evidence:#}");
    ensure!(!outcome.codes().contains(&"key-count-differs"), "{:#}", outcome.value);
    let expected = digest(&[source.address()], 0).await?.len() + 3;
    ensure!(keys(&stack, "merged").await? == expected);

    let databases = json!({"1": "drop", "7": {"to": 0, "prefix": "seven:"}});
    let outcome = user::seed(&stack, &request("named", json!({"databases": databases}))).await?;
    outcome.expect_seeded()?;
    let node = node(&stack, "named").await?;
    ensure!(get(&node, "seven:same").await?.as_deref() == Some("7"));
    ensure!(get(&node, "one").await?.is_none() && get(&node, "same").await?.is_none());
    expect_nothing_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_decides_what_is_planned_written_and_counted() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start_redis("8.2").await?;
    fill_mixed(&source, 400, "k:").await?;
    fill_database(&source, 0, &[("keep:1", "a"), ("keep:2", "b"), ("keep:not", "c")]).await?;
    source.command(&["HSET", "keep:hash", "a", "1"]).await?;
    user::drop_file(&stack, "backups", "it.rdb", &source.save().await?).await?;
    let filter = json!({"include": ["keep:*"], "exclude": ["*:not"], "only": ["string"]});
    let mut dry = request("dry", filter.clone());
    dry["dryRun"] = true.into();
    let planned = user::seed(&stack, &dry).await?;
    planned.expect(None)?;
    let evidence = &planned.finding("converted")?["evidence"];
    ensure!(evidence["keysWritten"] == 2 && evidence["dropped"]["excluded"] == 1, "{evidence:#}");
    expect_nothing_left(&stack).await?;

    let execution = user::start(&stack, &request("some", filter)).await?;
    user::until_state(&stack, &execution, "CreateCluster").await?;
    let (found, planned) =
        (inspect_new_object(&stack, &execution).await?, planned_inspection(&stack, &execution).await?);
    ensure!(found == planned, "planned was {planned:#}, the new object has {found:#}");
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect_seeded()?;
    ensure!(!outcome.codes().contains(&"key-count-differs"), "{:#}", outcome.value);
    ensure!(keys(&stack, "some").await? == 2);
    let never = request("never", json!({"when": "never", "only": ["string"]}));
    user::seed(&stack, &never).await?.finding("invalid-request")?;
    expect_nothing_left(&stack).await?;
    stack.stop().await
}

async fn planned_inspection(stack: &Stack, execution: &str) -> Result<Value> {
    let mut report = user::own_file(stack, execution, "report.json").await?;
    Ok(report["backups"][0]["convertedInspection"].take())
}

/// Reads the converted object as a seeding would.
async fn inspect_new_object(stack: &Stack, execution: &str) -> Result<Value> {
    let seeding: Seeding = serde_json::from_value(user::own_file(stack, execution, "seeding.json").await?)?;
    let location = &seeding.backups[0].location;
    let object = stack.s3().get_object().bucket(&location.bucket).key(&location.key).send().await?;
    let bytes = object.body.collect().await?.into_bytes();
    let target: &Target = &seeding.target;
    let options = target.inspect_options(bytes.len() as u64);
    let inspected =
        rdb_scan::inspect(&bytes[..], &Position::default(), &options, &mut |_| Control::Continue)?;
    let Inspected::Complete(inspection) = inspected else { anyhow::bail!("no pause was requested") };
    Ok(serde_json::to_value(inspection.report())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_modules_are_left_out_only_by_name() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start_redis("8.2").await?;
    fill_mixed(&source, 100, "k:").await?;
    source.command(&["VADD", "vectors", "VALUES", "3", "1.0", "0.5", "0.25", "element"]).await?;
    user::drop_file(&stack, "backups", "it.rdb", &source.save().await?).await?;
    let refused = user::seed(&stack, &request("modules", json!({}))).await?;
    refused.expect(Some("BackupRejected"))?;
    refused.finding("module-data")?;
    let outcome = user::seed(&stack, &request("modules", json!({"modules": "drop"}))).await?;
    outcome.expect_seeded()?;
    let evidence = &outcome.finding("converted-with-loss")?["evidence"];
    ensure!(evidence["dropped"] == json!({"module": 1}), "{evidence:#}");
    ensure!(evidence["firstKeys"]["module"] == json!(["vectors"]), "{evidence:#}");
    ensure!(!outcome.codes().contains(&"key-count-differs"), "{:#}", outcome.value);
    expect_nothing_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_seeds_what_is_intact_if_the_request_says_so() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    fill_mixed(&source, 1_000, "k:").await?;
    let file = source.save().await?;
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0xA7);
    bytes.truncate(bytes.len() - 100);
    std::fs::write(&file, &bytes)?;
    user::drop_file(&stack, "backups", "it.rdb", &file).await?;
    let refused = user::seed(&stack, &request("damaged", json!({}))).await?;
    refused.expect(Some("BackupRejected"))?;
    let outcome = user::seed(&stack, &request("damaged", json!({"salvage": true}))).await?;
    outcome.expect_seeded()?;
    let evidence = &outcome.finding("converted-with-loss")?["evidence"];
    ensure!(
        evidence["damagedPlaces"].as_u64() >= Some(2) && evidence["damagedBytes"].as_u64() > Some(0),
        "{evidence:#}"
    );
    ensure!(!outcome.codes().contains(&"key-count-differs"), "{:#}", outcome.value);
    let (all, some) = (digest(&[source.address()], 0).await?.len(), keys(&stack, "damaged").await?);
    ensure!(some < all && some * 100 > all * 95, "{some} of {all} keys");
    // A sound backup is not converted because it may be salvaged.
    user::drop_file(&stack, "backups", "it.rdb", &source.save().await?).await?;
    let outcome = user::seed(&stack, &request("sound", json!({"salvage": true}))).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.codes().is_empty(), "{:#}", outcome.value);
    expect_nothing_left(&stack).await?;
    stack.stop().await
}

/// Who stops it sees everything cleaned up, whatever the conversion was doing.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_is_stopped_in_any_state_leaves_nothing() -> Result<()> {
    // On a busy machine a stop may come states later; a cluster that is available would stay.
    let stack = stack_with(StackOptions { create_delay_ms: 10_000, ..StackOptions::default() }).await?;
    let source = Source::start_redis("8.2").await?;
    fill_mixed(&source, 300, "k:").await?;
    fill_database(&source, 2, &[("two", "2")]).await?;
    user::drop_file(&stack, "backups", "it.rdb", &source.save().await?).await?;
    for (number, state) in ["ConvertChunks", "FinishConversion", "GrantAccess"].iter().enumerate() {
        // Conflicts and databases: every phase.
        let request = request(&format!("stopped-{number}"), json!({"databases": "merge"}));
        let execution = user::start(&stack, &request).await?;
        user::until_state(&stack, &execution, state).await?;
        stack.sfn().stop_execution().execution_arn(&execution).send().await?;
        let name = execution.rsplit(':').next().unwrap_or_default();
        let cleaning = user::started_by(&stack, name).await?;
        user::outcome(&stack, &cleaning).await?.expect(None)?;
        let left = user::left_behind(&stack, &["backups"]).await?;
        ensure!(left.is_empty(), "stopped in {state}: {left:?}");
    }
    stack.stop().await
}

/// The converted backup is encrypted with the key of its source, and the grant covers it.
#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_backup_is_converted_into_one_with_the_same_key() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let created = stack.kms().create_key().send().await?;
    let key = created.key_metadata().and_then(|key| key.arn()).context("no key")?.to_owned();
    let account = local_stack::ACCOUNT;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": "us-east-1.elasticache-snapshot.amazonaws.com"},
         "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*"},
    ]});
    let put = stack.kms().put_key_policy().key_id(&key).policy_name("default");
    put.policy(policy.to_string()).send().await?;
    let source = Source::start_redis("8.2").await?;
    fill_mixed(&source, 300, "k:").await?;
    let body = std::fs::read(source.save().await?)?.into();
    let object = stack.s3().put_object().bucket("backups").key("it.rdb").body(body);
    object.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(&key).send().await?;
    let execution = user::start(&stack, &request("encrypted", json!({}))).await?;
    user::until_state(&stack, &execution, "CreateCluster").await?;
    let seeding: Seeding = serde_json::from_value(user::own_file(&stack, &execution, "seeding.json").await?)?;
    let location = &seeding.backups[0].location;
    let head = stack.s3().head_object().bucket(&location.bucket).key(&location.key).send().await?;
    ensure!(head.ssekms_key_id() == Some(&key), "it is encrypted with {:?}", head.ssekms_key_id());
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    expect_nothing_left(&stack).await?;
    stack.stop().await
}
