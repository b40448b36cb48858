//! Findings about bucket policies, keys, secrets, user groups and tags: reported before anything is created, also by
//! dry runs.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::{primitives::ByteStream, types::ServerSideEncryption};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{data::fill_mixed, source::Source, user};

const SERVICE: &str = "us-east-1.elasticache-snapshot.amazonaws.com";

/// Starts a stack with the backup `backups/redis.rdb`. Returns the backup's bytes too.
async fn stack_with_backup(options: StackOptions) -> Result<(Stack, Vec<u8>)> {
    let stack = Stack::start(options).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 200, "k:").await?;
    let bytes = std::fs::read(source.save().await?)?;
    put(&stack, "redis.rdb", &bytes).await?;
    Ok((stack, bytes))
}

async fn put(stack: &Stack, key: &str, bytes: &[u8]) -> Result<()> {
    let body = ByteStream::from(bytes.to_vec());
    stack.s3().put_object().bucket("backups").key(key).body(body).send().await?;
    Ok(())
}

fn dry_run(cluster: &Value) -> Value {
    json!({"backups": ["backups/redis.rdb"], "cluster": cluster, "dryRun": true})
}

/// Expects a rejection with this code before anything is read or created.
async fn refused(stack: &Stack, input: &Value, code: &str) -> Result<Value> {
    let outcome = user::seed(stack, input).await?;
    outcome.expect(Some("BackupRejected")).with_context(|| format!("{input}"))?;
    ensure!(!outcome.states.iter().any(|state| state == "GrantAccess"), "{:?}", outcome.states);
    let finding = outcome.finding(code).with_context(|| format!("{input}"))?.clone();
    ensure!(finding["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "no remedy: {finding:#}");
    Ok(finding)
}

/// Expects that a dry run succeeds. Returns the codes of its findings.
async fn passes(stack: &Stack, input: &Value) -> Result<Vec<String>> {
    let outcome = user::seed(stack, input).await?;
    outcome.expect(None).with_context(|| format!("{input}"))?;
    Ok(outcome.codes().into_iter().map(str::to_owned).collect())
}

async fn put_policy(stack: &Stack, statement: Value) -> Result<()> {
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    stack.s3().put_bucket_policy().bucket("backups").policy(policy).send().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_policy_is_asked_before_anything_is_created() -> Result<()> {
    let (stack, _) = stack_with_backup(StackOptions::default()).await?;
    let deny = |principal: Value, action: &str, resource: &str| json!({"Sid": "Mine", "Effect": "Deny", "Principal": principal, "Action": action, "Resource": resource});
    let service = json!({"Service": SERVICE});
    put_policy(&stack, deny(service.clone(), "s3:Get*", "arn:aws:s3:::backups/*")).await?;
    let finding = refused(&stack, &dry_run(&json!({})), "access-denied-by-policy").await?;
    ensure!(finding["evidence"]["statement"] == "Mine", "{finding:#}");
    ensure!(finding["evidence"]["to"] == json!([SERVICE]), "{finding:#}");
    // A condition that may or may not hold is only a warning.
    let mut conditioned = deny(service, "s3:GetObject", "arn:aws:s3:::backups/*");
    conditioned["Condition"] = json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}});
    put_policy(&stack, conditioned).await?;
    ensure!(passes(&stack, &dry_run(&json!({}))).await? == ["grant-not-checked"]);
    // The usual statement against plain HTTP blocks no one.
    let mut tls_only = deny(json!("*"), "s3:*", "arn:aws:s3:::backups/*");
    tls_only["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}});
    put_policy(&stack, tls_only).await?;
    ensure!(passes(&stack, &dry_run(&json!({}))).await?.is_empty());
    // A statement that prevents the grant. It also denies any further change of the policy, so this case is the last
    // one.
    put_policy(&stack, deny(json!("*"), "s3:PutBucketPolicy", "arn:aws:s3:::backups")).await?;
    let finding = refused(&stack, &dry_run(&json!({})), "access-denied-by-policy").await?;
    ensure!(finding["evidence"]["denies"] == json!(["s3:PutBucketPolicy"]), "{finding:#}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_whether_existing_access_counts() -> Result<()> {
    let (stack, _) = stack_with_backup(StackOptions::default()).await?;
    let mut input = dry_run(&json!({"id": "existing"}));
    input["access"] = "existing".into();
    refused(&stack, &input, "access-denied-by-policy").await?;
    let allow = |condition: Value| {
        json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"Service": SERVICE},
               "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl"],
               "Resource": ["arn:aws:s3:::backups", "arn:aws:s3:::backups/*"], "Condition": condition})
    };
    put_policy(&stack, allow(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))).await?;
    refused(&stack, &input, "access-denied-by-policy").await?;
    put_policy(&stack, allow(json!({"StringEquals": {"aws:SourceAccount": local_stack::ACCOUNT}}))).await?;
    ensure!(passes(&stack, &input).await? == ["grant-not-checked"]);
    // The cluster becomes available with it.
    input["dryRun"] = false.into();
    user::seed(&stack, &input).await?.expect_seeded()?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_backup_has_to_let_elasticache_decrypt() -> Result<()> {
    let (stack, bytes) = stack_with_backup(StackOptions::default()).await?;
    let encrypted = async |key: &str| -> Result<Value> {
        let object = stack.s3().put_object().bucket("backups").key("encrypted.rdb");
        let object = object.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key);
        object.body(ByteStream::from(bytes.clone())).send().await?;
        Ok(json!({"backups": ["backups/encrypted.rdb"], "dryRun": true}))
    };
    // S3 returns the ARN of the AWS managed key, never its alias.
    let of_aws = stack.kms().describe_key().key_id("alias/aws/s3").send().await?;
    let arn = of_aws.key_metadata().and_then(|key| key.arn()).context("no key")?.to_owned();
    ensure!(!arn.contains("alias"), "{arn}");
    let finding = refused(&stack, &encrypted(&arn).await?, "encrypted-with-unusable-key").await?;
    ensure!(finding["evidence"]["key"] == arn, "{finding:#}");
    // A customer managed key: as KMS creates it, then with the statement that the finding names.
    let own = stack.kms().create_key().send().await?;
    let arn = own.key_metadata().and_then(|key| key.arn()).context("no key")?.to_owned();
    let input = encrypted(&arn).await?;
    let finding = refused(&stack, &input, "kms-key-needs-grant").await?;
    let remedy = finding["remedy"].as_str().context("no remedy")?;
    let statement = remedy.split_once(": ").context("no statement")?.1;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", local_stack::ACCOUNT)}, "Action": "kms:*", "Resource": "*"},
        serde_json::from_str::<Value>(statement)?,
    ]});
    stack
        .kms()
        .put_key_policy()
        .key_id(&arn)
        .policy_name("default")
        .policy(policy.to_string())
        .send()
        .await?;
    ensure!(passes(&stack, &input).await?.is_empty());
    // A key that does not exist is only a warning.
    let unknown = format!("arn:aws:kms:us-east-1:{}:key/0", local_stack::ACCOUNT);
    ensure!(passes(&stack, &encrypted(&unknown).await?).await? == ["kms-key-needs-grant"]);
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_user_groups_are_looked_at() -> Result<()> {
    let (stack, _) = stack_with_backup(StackOptions::default()).await?;
    let secret = async |name: &str, text: &str| -> Result<String> {
        let made = stack.secrets().create_secret().name(name).secret_string(text).send().await?;
        Ok(made.arn().context("a secret without ARN")?.to_owned())
    };
    let with = |arn: &str| dry_run(&json!({"transitEncryption": true, "authTokenSecretArn": arn}));
    let short = secret("short", "hunter2-hunter").await?;
    let finding = refused(&stack, &with(&short), "auth-token-unusable").await?;
    let reason = finding["evidence"]["reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("14 characters"), "{finding:#}");
    ensure!(!finding.to_string().contains("hunter2"), "{finding:#}");
    let good = secret("good", r#"{"username": "app", "password": "Correct-Horse-42"}"#).await?;
    ensure!(passes(&stack, &with(&good)).await?.is_empty());
    let missing = format!("arn:aws:secretsmanager:us-east-1:{}:secret:none-AbCdEf", local_stack::ACCOUNT);
    refused(&stack, &with(&missing), "auth-token-unusable").await?;

    let group = |id: &str| dry_run(&json!({"transitEncryption": true, "userGroupId": id}));
    refused(&stack, &group("nobodys"), "user-group-unusable").await?;
    for engine in ["redis", "valkey"] {
        let create = stack.elasticache().create_user_group().user_group_id(engine).engine(engine);
        create.user_ids("default").send().await?;
    }
    // Which verify-cluster cannot log in to.
    ensure!(passes(&stack, &group("redis")).await? == ["verify-not-possible"]);
    let finding = refused(&stack, &group("valkey"), "user-group-unusable").await?;
    ensure!(finding["evidence"]["reason"].as_str().unwrap_or_default().contains("valkey"), "{finding:#}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_checked_and_those_of_the_stack_come_first() -> Result<()> {
    let mut options = StackOptions::default();
    options.seeding_defaults["cluster"]["tags"] =
        json!({"team": "platform", "stage": "test", "owner": "ops"});
    let (stack, _) = stack_with_backup(options).await?;
    let finding = refused(&stack, &dry_run(&json!({"tags": {"aws:team": "x"}})), "invalid-tag").await?;
    ensure!(finding["evidence"]["tag"] == "aws:team", "{finding:#}");
    refused(&stack, &dry_run(&json!({"tags": {"team": "orders;1"}})), "invalid-tag").await?;
    let tags = json!({"team": "orders", "owner": null});
    let input = json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "tagged", "tags": tags}});
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect_seeded()?;
    let arn = outcome.value["cluster"]["arn"].as_str().context("no ARN")?;
    let listed = stack.elasticache().list_tags_for_resource().resource_name(arn).send().await?;
    let mut found: Vec<_> = listed
        .tag_list()
        .iter()
        .map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()))
        .filter(|(key, _)| !key.starts_with("elasticache-seeder"))
        .collect();
    found.sort_unstable();
    ensure!(found == [("stage", "test"), ("team", "orders")], "{found:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_read_as_people_write_them() -> Result<()> {
    let (stack, bytes) = stack_with_backup(StackOptions::default()).await?;
    // A version with a patch level or as a number, and an object by its URL.
    let codes = passes(&stack, &dry_run(&json!({"engine": "redis", "engineVersion": "7.1.0"}))).await?;
    ensure!(codes == ["engine-version-unknown"], "{codes:?}");
    let address = "https://s3.us-east-1.amazonaws.com/backups/redis.rdb";
    let input =
        json!({"backups": [address], "cluster": {"engine": "redis", "engineVersion": 7.1}, "dryRun": true});
    ensure!(passes(&stack, &input).await?.is_empty());
    let presigned = json!({"backups": [format!("{address}?X-Amz-Signature=c0ffee")]});
    let finding = refused(&stack, &presigned, "invalid-request").await?;
    ensure!(!finding.to_string().contains("c0ffee"), "{finding:#}");
    // An unknown version gives one finding, although other checks depend on it.
    let unknown =
        dry_run(&json!({"engine": "redis", "engineVersion": "9.9", "nodeType": "cache.none.large"}));
    let outcome = user::seed(&stack, &unknown).await?;
    ensure!(outcome.codes() == ["engine-version-unknown"], "{:?}", outcome.codes());
    // The parameter group determines cluster mode.
    let group = dry_run(&json!({"parameterGroup": "default.redis7.cluster.on"}));
    let outcome = user::seed(&stack, &group).await?;
    outcome.expect(None)?;
    // The same keys in two backups of one cluster.
    put(&stack, "replica.rdb", &bytes).await?;
    let two = json!({"backups": ["backups/redis.rdb", "backups/replica.rdb"], "dryRun": true});
    let finding = refused(&stack, &two, "shared-slots").await?;
    ensure!(finding["backup"] == "backups/redis.rdb", "{finding:#}");
    ensure!(finding["evidence"]["other"] == "backups/replica.rdb", "{finding:#}");
    ensure!(finding["evidence"]["sharedSlots"].as_u64() > Some(100), "{finding:#}");
    stack.stop().await
}
