//! `seeder doctor`.

use anyhow::{Context, Result, ensure};
use local_stack::{Account, Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::user;

use super::{
    breakages::{NODES_QUOTA, breakages, limit, with_deny},
    command, expect, request, run, seeder,
};

/// The lines of `seeder doctor` that are no `ok`, as `LEVEL CHECK: MESSAGE`.
async fn complaints(stack: &Stack, more: &[&str], status: i32) -> Result<Vec<String>> {
    let words = [&["doctor", "--json"], more].concat();
    let (text, errors) = seeder(stack, &words, status).await?;
    let found: Value = serde_json::from_str(&text).with_context(|| errors)?;
    let lines = found["checks"].as_array().context("no checks")?.iter();
    let lines = lines.filter(|line| line["level"] != "ok");
    let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    let shown =
        |line: &Value| format!("{} {}: {}", text(line, "level"), text(line, "check"), text(line, "message"));
    ensure!(lines.clone().all(|line| line["remedy"].is_string()), "{found:#}");
    Ok(lines.map(shown).collect())
}

/// Expects one complaint, which begins and continues like this.
async fn expect_complaint(stack: &Stack, more: &[&str], begins: &str, says: &str) -> Result<()> {
    let status = i32::from(begins.starts_with("fault"));
    let found = complaints(stack, more, status).await?;
    let is_it = |line: &String| line.starts_with(begins) && line.contains(says);
    ensure!(found.len() == 1 && found.iter().all(is_it), "expected {begins} … {says}, found {found:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_what_is_broken_and_nothing_else() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let found = complaints(&stack, &["--bucket", "backups"], 0).await?;
    ensure!(found.is_empty(), "{found:#?}");
    let (text, _) = seeder(&stack, &["doctor"], 0).await?;
    ensure!(text.contains("ok       stack: elasticache-seeder is CREATE_COMPLETE"), "{text}");
    ensure!(text.ends_with(" ok, 0 warnings, 0 faults\n"), "{text}");

    // What CloudFormation, EventBridge and others know of the stack, one change at a time.
    let well = stack.account().clone();
    for (break_it, begins, says) in breakages() {
        break_it(&mut stack.account());
        expect_complaint(&stack, &[], begins, says).await?;
        *stack.account() = well.clone();
    }

    // One permission of two checks.
    stack.account().denied.insert("iam:GetRole".to_owned());
    let found = complaints(&stack, &[], 0).await?;
    let names = ["warning roles: not checked, iam:GetRole", "warning service-role: not checked, iam:GetRole"];
    let all = found.iter().zip(names).all(|(line, begins)| line.starts_with(begins));
    ensure!(found.len() == names.len() && all, "{found:#?}");
    *stack.account() = well.clone();
    no_false_alarms(&stack, &well).await?;

    // The buckets.
    let (s3, bucket) = (stack.s3(), stack.drop_bucket());
    let events = s3.get_bucket_notification_configuration().bucket(bucket).send().await?;
    let set_events = async |on: bool| -> Result<()> {
        let event_bridge = events.event_bridge_configuration.clone().filter(|_| on);
        let configuration = aws_sdk_s3::types::NotificationConfiguration::builder();
        let configuration = configuration.set_event_bridge_configuration(event_bridge).build();
        let put = s3.put_bucket_notification_configuration().bucket(bucket);
        put.notification_configuration(configuration).send().await?;
        Ok(())
    };
    set_events(false).await?;
    expect_complaint(&stack, &[], "fault buckets: elasticache-seeder-local sends no events", "").await?;
    set_events(true).await?;
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "OnlyUs", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::backups/*",
    }]});
    s3.put_bucket_policy().bucket("backups").policy(policy.to_string()).send().await?;
    let denied = "fault buckets: backups: access-denied-by-policy: the Deny statement OnlyUs";
    expect_complaint(&stack, &[], denied, "denies s3:GetObject to us-east-1.elasticache").await?;
    s3.delete_bucket_policy().bucket("backups").send().await?;
    let found = complaints(&stack, &["--bucket", "missing"], 1).await?;
    ensure!(found.len() == 2 && found[1].contains("bucket-not-accessible"), "{found:#?}");

    // A journal of an execution that no one knows.
    user::drop_text(&stack, stack.reports_bucket(), "executions/gone-1/grant.json", "{}").await?;
    let left = "warning leftovers: gone-1 has an open journal";
    expect_complaint(&stack, &[], left, "not known to Step Functions").await?;
    s3.delete_object().bucket(stack.reports_bucket()).key("executions/gone-1/grant.json").send().await?;

    // A key that is switched off.
    let kms = stack.kms();
    let key = kms.create_key().send().await?.key_metadata.context("no key")?;
    let (id, key) = (key.key_id, key.arn.context("no ARN")?);
    stack.account().parameters.insert("KmsKeyArns".to_owned(), key.clone());
    let ungranted = format!("fault keys: kms-key-needs-grant (key {key}");
    expect_complaint(&stack, &[], &ungranted, "").await?;
    kms.disable_key().key_id(id).send().await?;
    expect_complaint(&stack, &[], "fault keys: encrypted-with-unusable-key", "Disabled").await?;
    *stack.account() = well.clone();

    // An execution that has failed. Its clean-up has nothing to do.
    stack.lambda().faults().fail_next("prepare-seeding", "Internal", "made to fail\nhint: none");
    user::seed(&stack, &request("any.rdb", "any")).await?.expect(Some("SeedingFailed"))?;
    expect_complaint(&stack, &[], "warning executions: ", ": internal").await?;

    // No stack, and no network.
    let (_, errors) = seeder(&stack, &["doctor", "--stack", "other"], 3).await?;
    ensure!(errors.contains("no CloudFormation stack other"), "{errors}");
    let mut unreachable = command(&stack, &["doctor"]);
    unreachable.env("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9");
    let (_, errors) = expect(run(unreachable).await?, &["doctor"], 3)?;
    ensure!(errors.contains("the connection failed"), "{errors}");
    seeder(&stack, &["doctor", "--level", "high"], 2).await?;
    // Signatures are verified.
    let mut unsigned = command(&stack, &["doctor"]);
    unsigned.env("AWS_SECRET_ACCESS_KEY", "another");
    let (_, errors) = expect(run(unsigned).await?, &["doctor"], 3)?;
    ensure!(errors.contains("SignatureDoesNotMatch"), "{errors}");
    stack.stop().await
}

/// What is unusual, and still well.
async fn no_false_alarms(stack: &Stack, well: &Account) -> Result<()> {
    // An organization that allows one Region only, as many do, and a boundary that allows what is needed.
    stack.account().organization = Some(with_deny(&json!({
        "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}},
    })));
    limit(
        &mut stack.account(),
        &json!({
            "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }),
    );
    // IAM throttles early, and answers after a pause.
    let action = "iam:SimulatePrincipalPolicy".to_owned();
    stack.account().throttled.extend([(action, 6), ("events:DescribeRule".to_owned(), 2)]);
    stack.account().quotas.insert(NODES_QUOTA.to_owned(), 900);
    let (text, _) = seeder(stack, &["doctor"], 0).await?;
    ensure!(text.ends_with(" ok, 0 warnings, 0 faults\n"), "{text}");
    ensure!(text.contains("17 roles: no permissions boundary, organization or Deny"), "{text}");
    ensure!(text.contains("0 nodes in use in us-east-1, of a quota of 900;"), "{text}");
    ensure!(stack.account().throttled.values().all(|left| *left == 0), "not all were throttled");

    // A quota that may not be read counts as the default.
    *stack.account() = well.clone();
    stack.account().denied.insert("servicequotas:GetServiceQuota".to_owned());
    let (text, _) = seeder(stack, &["doctor"], 0).await?;
    ensure!(text.ends_with(" ok, 0 warnings, 0 faults\n"), "{text}");
    ensure!(text.contains("of 300 unless the quota was raised;"), "{text}");
    *stack.account() = well.clone();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_functions_of_another_version_and_a_small_quota() -> Result<()> {
    let mut options = StackOptions { lambda_concurrency: 10, ..StackOptions::default() };
    options.function_env.push(("sweep".into(), "SEEDER_VERSION".into(), "0.0.9".into()));
    let stack = Stack::start(options).await?;
    let group = stack.elasticache().create_cache_subnet_group().cache_subnet_group_name("full");
    let group = group.cache_subnet_group_description("full").subnet_ids("subnet-1").subnet_ids("subnet-2");
    group.send().await?;
    stack.account().parameters.insert("SubnetGroup".to_owned(), "full".to_owned());
    stack.account().free_addresses.extend([("subnet-1".to_owned(), 0), ("subnet-2".to_owned(), 0)]);
    let found = complaints(&stack, &[], 1).await?;
    let expected = [
        "fault functions: sweep of 0.0.9, the others of ",
        "warning concurrency: 10 concurrent invocations",
        "fault subnets: the subnets of full have no free address",
    ];
    let all = found.iter().zip(expected).all(|(line, expected)| line.starts_with(expected));
    ensure!(found.len() == expected.len() && all, "{found:#?}");
    stack.account().free_addresses.insert("subnet-2".to_owned(), 9);
    let found = complaints(&stack, &[], 1).await?;
    ensure!(found[2..].iter().all(|line| line.starts_with("warning subnets: the subnet ")), "{found:#?}");
    stack.stop().await
}
