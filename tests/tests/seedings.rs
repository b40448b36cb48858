//! Seedings that succeed, from every entry point and into every layout.

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    digest::{Digest, differences, digest},
    source::Source,
    user,
};

/// A source with some keys and its backup in the bucket `backups`, where uploads start nothing.
async fn source_with_backup(stack: &Stack, keys: u64, prefix: &str, key: &str) -> Result<Source> {
    let source = Source::start().await?;
    fill_mixed(&source, keys, prefix).await?;
    user::drop_file(stack, "backups", key, &source.save().await?).await?;
    Ok(source)
}

async fn expect_same(stack: &Stack, id: &str, primaries: usize, expected: &Digest) -> Result<()> {
    let found = user::primaries(stack, id).await?;
    ensure!(found.len() == primaries, "expected {primaries} primaries, found {found:?}");
    let differences = differences(expected, &digest(&found, 0).await?);
    ensure!(differences.is_empty(), "the cluster differs from the source: {differences:#?}");
    Ok(())
}

async fn seeded(stack: &Stack, input: &Value, id: &str, primaries: usize, expected: &Digest) -> Result<()> {
    let outcome = user::seed(stack, input).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.value["cluster"]["id"] == id, "another cluster: {:#}", outcome.value);
    ensure!(!outcome.codes().contains(&"verify-failed"), "not verified: {:#}", outcome.value);
    ensure!(!outcome.codes().contains(&"key-count-differs"), "keys are missing: {:#}", outcome.value);
    expect_same(stack, id, primaries, expected).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_node_gets_every_key_and_the_report_is_written() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = source_with_backup(&stack, 3_000, "k:", "one/redis.rdb").await?;
    let expected = digest(&[source.address()], 0).await?;
    let input = json!({"backups": ["backups/one/redis.rdb"], "cluster": {"id": "single"}});
    seeded(&stack, &input, "single", 1, &expected).await?;
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_databases_stay_apart_on_a_single_node() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 200, "zero:").await?;
    source.command(&["COPY", "zero:1", "seven", "DB", "7"]).await?;
    user::drop_file(&stack, "backups", "two.rdb", &source.save().await?).await?;
    let outcome =
        user::seed(&stack, &json!({"backups": ["backups/two.rdb"], "cluster": {"id": "two"}})).await?;
    outcome.expect_seeded()?;
    let primaries = user::primaries(&stack, "two").await?;
    for database in [0, 7] {
        let before = digest(&[source.address()], database).await?;
        let differences = differences(&before, &digest(&primaries, database).await?);
        ensure!(differences.is_empty(), "database {database}: {differences:#?}");
    }
    let refused =
        user::seed(&stack, &json!({"backups": ["backups/two.rdb"], "cluster": {"id": "three", "shards": 3}}))
            .await?;
    refused.expect(Some("BackupRejected"))?;
    refused.finding("multiple-databases-in-cluster-mode")?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_mode_with_one_three_and_six_shards_and_replicas() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = source_with_backup(&stack, 5_000, "k:", "redis.rdb").await?;
    let expected = digest(&[source.address()], 0).await?;
    for (shards, replicas) in [(1, 0), (3, 1), (6, 0)] {
        let id = format!("shards-{shards}");
        let cluster =
            json!({"id": id, "clusterMode": "enabled", "shards": shards, "replicasPerShard": replicas});
        seeded(
            &stack,
            &json!({"backups": ["backups/redis.rdb"], "cluster": cluster}),
            &id,
            shards,
            &expected,
        )
        .await?;
        let described =
            stack.elasticache().describe_replication_groups().replication_group_id(&id).send().await?;
        let group = described.replication_groups().first().context("gone")?;
        ensure!(
            group.member_clusters().len() == shards * (1 + replicas),
            "members: {:?}",
            group.member_clusters()
        );
    }
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn given_slots_and_balanced_slots_are_what_the_shards_get() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = source_with_backup(&stack, 1_000, "k:", "redis.rdb").await?;
    let expected = digest(&[source.address()], 0).await?;
    let given = json!({"id": "given", "slots": ["0-99", "100-16383"]});
    seeded(&stack, &json!({"backups": ["backups/redis.rdb"], "cluster": given}), "given", 2, &expected)
        .await?;
    let balanced = json!({"id": "balanced", "shards": 2, "slots": "balanced"});
    seeded(&stack, &json!({"backups": ["backups/redis.rdb"], "cluster": balanced}), "balanced", 2, &expected)
        .await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn several_backups_become_one_valkey_cluster() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let one = source_with_backup(&stack, 800, "one:", "set/1.rdb").await?;
    let two = source_with_backup(&stack, 900, "two:", "set/2.rdb").await?;
    let expected = digest(&[one.address(), two.address()], 0).await?;
    let cluster = json!({"id": "both", "engine": "valkey", "engineVersion": "8.1", "shards": 2});
    let input =
        json!({"backups": "s3://backups/set/1.rdb, arn:aws:s3:::backups/set/2.rdb", "cluster": cluster});
    seeded(&stack, &input, "both", 2, &expected).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_file_takes_the_settings_of_its_folder_and_an_awkward_name() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 500, "k:").await?;
    let bucket = stack.drop_bucket();
    let settings = json!({"cluster": {"id": "from-folder", "shards": 2}});
    user::drop_text(&stack, bucket, "my folder/seed.json", &settings.to_string()).await?;
    user::drop_text(&stack, bucket, "my folder/notes.txt", "not a backup").await?;
    user::drop_file(&stack, bucket, "my folder/größe + 1.rdb", &source.save().await?).await?;
    let outcome = user::outcome(&stack, &user::started_by(&stack, "größe + 1.rdb").await?).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.value["cluster"]["id"] == "from-folder", "{:#}", outcome.value);
    expect_same(&stack, "from-folder", 2, &digest(&[source.address()], 0).await?).await?;
    ensure!(user::executions_about(&stack, "notes.txt").await?.is_empty(), "a text file started a seeding");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_starts_with_its_list_and_not_before() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let bucket = stack.drop_bucket();
    let one = Source::start().await?;
    let two = Source::start().await?;
    fill_mixed(&one, 300, "one:").await?;
    fill_mixed(&two, 300, "two:").await?;
    user::drop_file(&stack, bucket, "sets/1.rdb", &one.save().await?).await?;
    user::drop_file(&stack, bucket, "sets/2.rdb", &two.save().await?).await?;
    let list = json!({
        "backups": [format!("{bucket}/sets/1.rdb"), format!("{bucket}/sets/2.rdb")],
        "cluster": {"id": "from-set", "shards": 2}
    });
    user::drop_text(&stack, bucket, "sets/all.seed.json", &list.to_string()).await?;
    let outcome = user::outcome(&stack, &user::started_by(&stack, "all.seed.json").await?).await?;
    outcome.expect_seeded()?;
    ensure!(
        user::executions_about(&stack, "sets/1.rdb").await?.is_empty(),
        "a backup of the set started by itself"
    );
    expect_same(&stack, "from-set", 2, &digest(&[one.address(), two.address()], 0).await?).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_dropped_twice_on_purpose_gives_two_clusters() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 100, "k:").await?;
    let backup = source.save().await?;
    for expected in 1..=2 {
        user::drop_file(&stack, stack.drop_bucket(), "twice.rdb", &backup).await?;
        let mut found = Vec::new();
        for _ in 0..100 {
            found = user::executions_about(&stack, "twice.rdb").await?;
            if found.len() == expected {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        ensure!(found.len() == expected, "expected {expected} executions, found {found:?}");
        for execution in &found {
            user::outcome(&stack, execution).await?.expect_seeded()?;
        }
    }
    ensure!(user::clusters(&stack).await?.len() == 2, "expected two clusters");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_delivered_three_times_starts_one_seeding() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let _source = source_with_backup(&stack, 100, "k:", "again.rdb").await?;
    let event = json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": "backups"}, "object": {"key": "again.rdb", "sequencer": "0055AED6DCD90281E5"}
    }}]});
    let url = format!("{}/2015-03-31/functions/start-seeding/invocations", stack.lambda().endpoint());
    for delivery in 1..=3 {
        let answer = reqwest::Client::new().post(&url).body(event.to_string()).send().await?;
        let error = answer.headers().contains_key("x-amz-function-error");
        ensure!(!error, "delivery {delivery}: {}", answer.text().await?);
        // The last delivery follows the end of the execution.
        if delivery == 2 {
            user::outcome(&stack, &user::started_by(&stack, "again.rdb").await?).await?.expect_seeded()?;
        }
    }
    user::started_by(&stack, "again.rdb").await?;
    ensure!(user::clusters(&stack).await?.len() == 1, "expected one cluster");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_plans_and_creates_nothing() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let _source = source_with_backup(&stack, 300, "k:", "redis.rdb").await?;
    let input = json!({"backups": ["backups/redis.rdb"], "cluster": {"shards": 3, "nodeType": "auto"}, "dryRun": true});
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.value["outcome"] == "dry-run", "{:#}", outcome.value);
    ensure!(outcome.value["plan"]["nodeType"] == "cache.local.16mb", "{:#}", outcome.value);
    ensure!(outcome.value["plan"]["shards"].as_array().map(Vec::len) == Some(3), "{:#}", outcome.value);
    ensure!(user::left_behind(&stack, &["backups"]).await?.is_empty(), "a dry run left something");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_restore_is_started_over_on_the_next_larger_node() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    user::drop_file(&stack, "backups", "large.rdb", &source.save().await?).await?;
    let input = json!({
        "backups": ["backups/large.rdb"], "cluster": {"id": "over", "nodeType": "cache.local.16mb"},
        "onRestoreFailed": "startOver", "allow": ["does-not-fit", "tight-fit"]
    });
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.value["cluster"]["nodeType"] == "cache.local.64mb", "{:#}", outcome.value);
    ensure!(
        outcome.states.iter().filter(|state| *state == "CreateCluster").count() == 2,
        "{:?}",
        outcome.states
    );
    ensure!(
        outcome.states.iter().filter(|state| *state == "GrantAccess").count() == 1,
        "{:?}",
        outcome.states
    );
    expect_same(&stack, "over", 1, &digest(&[source.address()], 0).await?).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_seedings_at_once_share_a_bucket_whose_policy_is_the_same_afterwards() -> Result<()> {
    const POLICY: &str = "{ \"Version\":\"2012-10-17\",\n  \"Statement\": {\"Sid\":\"Own\", \"Effect\":\"Deny\", \"Principal\":\"*\", \
                          \"Action\":\"s3:DeleteBucket\", \"Resource\":\"arn:aws:s3:::backups\"} }";
    let stack = Stack::start(StackOptions::default()).await?;
    let _source = source_with_backup(&stack, 200, "k:", "redis.rdb").await?;
    stack.s3().put_bucket_policy().bucket("backups").policy(POLICY).send().await?;
    let mut executions = Vec::new();
    for number in 0..20 {
        let cluster = json!({"id": format!("at-once-{number}"), "nodeType": "cache.local.16mb"});
        executions
            .push(user::start(&stack, &json!({"backups": ["backups/redis.rdb"], "cluster": cluster})).await?);
    }
    for execution in executions {
        user::outcome(&stack, &execution).await?.expect_seeded()?;
    }
    ensure!(user::clusters(&stack).await?.len() == 20, "expected 20 clusters");
    let found = user::policy(&stack, "backups").await;
    ensure!(found.as_deref() == Some(POLICY), "the policy is another one now: {found:?}");
    stack.stop().await
}
