//! Requests and backups that cannot work: rejected before anything is created, with all reasons at once, each with its
//! numbers.

use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{BucketLocationConstraint, CreateBucketConfiguration, ServerSideEncryption, StorageClass},
};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    source::Source,
    user,
};

/// A stack with access to two additional buckets that it has not created: one in another Region, and one with a name
/// that S3 no longer allows.
async fn stack() -> Result<Stack> {
    let allowed = ("prepare-seeding", "BACKUP_BUCKETS", "backups,elsewhere,My_Bucket");
    let allowed = (allowed.0.to_owned(), allowed.1.to_owned(), allowed.2.to_owned());
    let mut options = StackOptions { function_env: vec![allowed], ..StackOptions::default() };
    options.parameters.push(("BackupBuckets".to_owned(), "backups,elsewhere,My_Bucket".to_owned()));
    Stack::start(options).await
}

async fn backup(source: &Source) -> Result<Vec<u8>> {
    fill_mixed(source, 300, "k:").await?;
    Ok(std::fs::read(source.save().await?)?)
}

async fn put(stack: &Stack, key: &str, bytes: Vec<u8>) -> Result<()> {
    stack.s3().put_object().bucket("backups").key(key).body(ByteStream::from(bytes)).send().await?;
    Ok(())
}

/// Expects a rejection with this code, and that nothing is created.
async fn refused(stack: &Stack, input: &Value, code: &str) -> Result<Value> {
    let outcome = user::seed(stack, input).await?;
    outcome.expect(Some("BackupRejected")).with_context(|| format!("{input}"))?;
    ensure!(!outcome.states.iter().any(|state| state == "CreateCluster"), "{:?}", outcome.states);
    let finding = outcome.finding(code).with_context(|| format!("{input}"))?.clone();
    ensure!(finding["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "no remedy: {finding:#}");
    Ok(finding)
}

fn of(key: &str) -> Value {
    json!({"backups": [format!("s3://backups/{key}")]})
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_sound_backup() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    let good = backup(&source).await?;
    let middle = good.len() / 2;

    put(&stack, "empty.rdb", Vec::new()).await?;
    refused(&stack, &of("empty.rdb"), "empty-backup").await?;

    put(&stack, "text.rdb", b"this is not a backup\n".to_vec()).await?;
    refused(&stack, &of("text.rdb"), "not-an-rdb").await?;

    let mut gzip = flate(&good)?;
    gzip.truncate(5_000);
    put(&stack, "packed.rdb", gzip).await?;
    let finding = refused(&stack, &of("packed.rdb"), "compressed-backup").await?;
    ensure!(finding["evidence"]["message"].as_str().unwrap_or_default().contains("gzip"), "{finding:#}");

    put(&stack, "short.rdb", good[..middle].to_vec()).await?;
    refused(&stack, &of("short.rdb"), "backup-truncated").await?;

    let mut flipped = good.clone();
    // Flips a bit of the checksum. Elsewhere, the bit may belong to a length, and the file would end too early.
    *flipped.last_mut().unwrap_or(&mut 0) ^= 1;
    put(&stack, "flipped.rdb", flipped).await?;
    let finding = refused(&stack, &of("flipped.rdb"), "backup-corrupt").await?;
    ensure!(finding["evidence"]["offset"].is_u64(), "{finding:#}");

    let mut newer = good.clone();
    newer[5..9].copy_from_slice(b"0099");
    put(&stack, "newer.rdb", newer).await?;
    refused(&stack, &of("newer.rdb"), "rdb-newer-than-engine").await?;

    refused(&stack, &of("missing.rdb"), "backup-missing").await?;
    ensure!(user::left_behind(&stack, &["backups"]).await?.is_empty(), "something is left");
    stack.stop().await
}

/// Compresses without another dependency: a stored block is valid gzip, and only the first bytes are checked.
fn flate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.write_all(bytes)?;
    Ok(packed)
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_buckets_that_elasticache_cannot_read() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    let good = backup(&source).await?;
    let object =
        |key: &str| stack.s3().put_object().bucket("backups").key(key).body(ByteStream::from(good.clone()));

    object("archived.rdb").storage_class(StorageClass::Glacier).send().await?;
    refused(&stack, &of("archived.rdb"), "archived-object").await?;

    let kms = object("bucket-key.rdb").server_side_encryption(ServerSideEncryption::AwsKms);
    kms.ssekms_key_id("arn:aws:kms:us-east-1:123456789012:key/1").bucket_key_enabled(true).send().await?;
    refused(&stack, &of("bucket-key.rdb"), "bucket-key-enabled").await?;

    let own_key = object("own-key.rdb").sse_customer_algorithm("AES256");
    let own_key = own_key.sse_customer_key("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    own_key.sse_customer_key_md5("hRasmdxgYDKV3nvbahU1MA==").send().await?;
    refused(&stack, &of("own-key.rdb"), "encrypted-with-unusable-key").await?;

    object("a,b.rdb").send().await?;
    refused(&stack, &of("a,b.rdb"), "comma-in-key").await?;

    refused(&stack, &json!({"backups": ["not-ours/redis.rdb"]}), "bucket-not-allowed").await?;
    refused(&stack, &json!({"backups": ["My_Bucket/redis.rdb"]}), "bucket-name-not-dns").await?;

    let location =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    stack.s3().create_bucket().bucket("elsewhere").create_bucket_configuration(location).send().await?;
    let finding =
        refused(&stack, &json!({"backups": ["elsewhere/redis.rdb"]}), "bucket-in-other-region").await?;
    ensure!(finding["evidence"]["found"] == "eu-west-1", "{finding:#}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_contradict_themselves_or_the_account() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    put(&stack, "redis.rdb", backup(&source).await?).await?;
    let with = |cluster: Value| json!({"backups": ["backups/redis.rdb"], "cluster": cluster});

    let finding = refused(&stack, &json!({"bakups": []}), "invalid-request").await?;
    ensure!(finding["evidence"]["reason"].as_str().unwrap_or_default().contains("bakups"), "{finding:#}");
    refused(&stack, &json!(["backups/redis.rdb"]), "invalid-request").await?;
    refused(&stack, &json!({}), "invalid-request").await?;
    refused(&stack, &with(json!({"id": "x".repeat(41)})), "invalid-cluster-id").await?;
    refused(&stack, &with(json!({"slots": ["0-100", "102-16383"]})), "invalid-slots").await?;
    refused(&stack, &with(json!({"slots": ["0-100", "100-16383"]})), "invalid-slots").await?;
    let finding = refused(&stack, &with(json!({"nodeType": "cache.r7g.larg"})), "node-type-unknown").await?;
    ensure!(finding["remedy"] == "did you mean cache.r7g.large?", "{finding:#}");
    refused(&stack, &with(json!({"engineVersion": "99.1"})), "engine-version-unknown").await?;
    refused(&stack, &with(json!({"parameterGroup": "no-such-group"})), "parameter-group-unusable").await?;
    refused(&stack, &with(json!({"subnetGroup": "no-such-group"})), "subnet-group-missing").await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_ours_is_never_touched() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    put(&stack, "redis.rdb", backup(&source).await?).await?;
    let create = stack.elasticache().create_replication_group().replication_group_id("orders");
    let create = create.replication_group_description("somebody's").engine("redis").engine_version("7.1");
    create.cache_node_type("cache.local.16mb").num_cache_clusters(1).send().await?;
    let input = json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "orders"}});
    refused(&stack, &input, "id-taken").await?;
    // By then, any clean-up after the rejected execution would have run.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let clusters = user::clusters(&stack).await?;
    ensure!(clusters.len() == 1 && clusters[0].description() == Some("somebody's"), "{clusters:?}");
    ensure!(clusters[0].status() != Some("deleting"), "{clusters:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_does_not_fit_is_refused_with_the_numbers_that_decide() -> Result<()> {
    let stack = stack().await?;
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    user::drop_file(&stack, "backups", "large.rdb", &source.save().await?).await?;
    let input = json!({"backups": ["backups/large.rdb"], "cluster": {"nodeType": "cache.local.16mb"}});
    let finding = refused(&stack, &input, "does-not-fit").await?;
    ensure!(finding["evidence"]["maxmemoryBytes"] == 16_777_216, "{finding:#}");
    ensure!(finding["evidence"]["neededBytes"].as_u64() > Some(24_000_000), "{finding:#}");
    stack.stop().await
}
