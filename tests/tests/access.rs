//! How ElastiCache gets access to the bucket, and that there is no other way.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::types::{BucketCannedAcl, ObjectOwnership, OwnershipControls, OwnershipControlsRule};
use local_stack::{Stack, StackOptions};
use serde_json::json;
use system_tests::{data::fill_mixed, source::Source, user};

async fn stack_with_backup(bucket: &str) -> Result<Stack> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 100, "k:").await?;
    user::drop_file(&stack, bucket, "redis.rdb", &source.save().await?).await?;
    Ok(stack)
}

async fn enable_acls(stack: &Stack, bucket: &str) -> Result<()> {
    let rule =
        OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerPreferred).build()?;
    let controls = OwnershipControls::builder().rules(rule).build()?;
    stack.s3().put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls).send().await?;
    stack.s3().put_bucket_acl().bucket(bucket).acl(BucketCannedAcl::Private).send().await?;
    Ok(())
}

async fn grants(stack: &Stack) -> Result<Vec<String>> {
    let acl = stack.s3().get_object_acl().bucket("backups").key("redis.rdb").send().await?;
    Ok(acl
        .grants()
        .iter()
        .filter_map(|grant| Some(format!("{} {}", grant.grantee()?.id()?, grant.permission()?.as_str())))
        .collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_acls_is_opened_and_closed_by_acl() -> Result<()> {
    let stack = stack_with_backup("backups").await?;
    enable_acls(&stack, "backups").await?;
    let before = grants(&stack).await?;
    let input = json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "by-acl"}, "access": "acl"});
    let execution = user::start(&stack, &input).await?;
    user::until_state(&stack, &execution, "CreateCluster").await?;
    let during = grants(&stack).await?;
    ensure!(during.iter().any(|grant| grant.starts_with("540804") && grant.ends_with(" READ")), "{during:?}");
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    ensure!(grants(&stack).await? == before, "the ACL is another one now: {:?}", grants(&stack).await?);
    ensure!(user::policy(&stack, "backups").await.is_none(), "the policy was touched");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_owner_is_enforced_takes_no_acl_and_says_what_to_do() -> Result<()> {
    let stack = stack_with_backup("backups").await?;
    let input = json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "no-acl"}, "access": "acl"});
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect(Some("SeedingFailed"))?;
    let finding = outcome.finding("grant-refused")?;
    ensure!(finding["remedy"].as_str().unwrap_or_default().contains("access: policy"), "{finding:#}");
    ensure!(user::left_behind(&stack, &["backups"]).await?.is_empty(), "something is left");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_access_is_only_checked() -> Result<()> {
    let stack = stack_with_backup("backups").await?;
    let input =
        |id: &str| json!({"backups": ["backups/redis.rdb"], "cluster": {"id": id}, "access": "existing"});
    let refused = user::seed(&stack, &input("not-yet")).await?;
    refused.expect(Some("SeedingFailed"))?;
    refused.finding("grant-missing")?;
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Mine", "Effect": "Allow", "Principal": {"Service": "us-east-1.elasticache-snapshot.amazonaws.com"},
        "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl"],
        "Resource": ["arn:aws:s3:::backups", "arn:aws:s3:::backups/*"]
    }]})
    .to_string();
    stack.s3().put_bucket_policy().bucket("backups").policy(&policy).send().await?;
    user::seed(&stack, &input("existing")).await?.expect_seeded()?;
    ensure!(user::policy(&stack, "backups").await == Some(policy), "the policy was touched");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_room_is_refused_with_its_length() -> Result<()> {
    let stack = stack_with_backup("backups").await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Own", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket",
        "Resource": format!("arn:aws:s3:::backups/{}", "x".repeat(20_200))
    }]})
    .to_string();
    stack.s3().put_bucket_policy().bucket("backups").policy(&policy).send().await?;
    let outcome =
        user::seed(&stack, &json!({"backups": ["backups/redis.rdb"], "cluster": {"id": "full"}})).await?;
    outcome.expect(Some("SeedingFailed"))?;
    let finding = outcome.finding("policy-full")?;
    let message = finding["evidence"]["message"].as_str().context("no message")?;
    ensure!(message.contains("20480"), "{message}");
    ensure!(user::policy(&stack, "backups").await == Some(policy), "the policy was touched");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_denies_the_functions_is_told_so() -> Result<()> {
    let stack = stack_with_backup("backups").await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::backups/*"
    }]});
    stack.s3().put_bucket_policy().bucket("backups").policy(policy.to_string()).send().await?;
    let outcome = user::seed(&stack, &json!({"backups": ["backups/redis.rdb"]})).await?;
    outcome.expect(Some("BackupRejected"))?;
    outcome.finding("backup-not-readable")?;
    let finding = outcome.finding("access-denied-by-policy")?;
    ensure!(finding["evidence"]["statement"] == "number 1", "{finding:#}");
    stack.stop().await
}
