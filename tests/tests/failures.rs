//! Seedings that fail, are stopped or are disturbed: nothing is left over, and nothing good is deleted.

use std::time::Duration;

use anyhow::{Result, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use local_stack::{Fault, Plan, Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    source::Source,
    user,
};

async fn stack_with(source: &Source) -> Result<Stack> {
    stack_of(StackOptions::default(), source).await
}

async fn stack_of(options: StackOptions, source: &Source) -> Result<Stack> {
    let stack = Stack::start(options).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    Ok(stack)
}

async fn small() -> Result<Source> {
    let source = Source::start().await?;
    fill_mixed(&source, 300, "k:").await?;
    Ok(source)
}

fn request(id: &str) -> Value {
    json!({"backups": ["backups/redis.rdb"], "cluster": {"id": id}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_restore_is_deleted_and_its_events_are_told() -> Result<()> {
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    let stack = stack_with(&source).await?;
    let mut input = request("too-large");
    input["cluster"]["nodeType"] = json!("cache.local.16mb");
    input["allow"] = json!(["does-not-fit"]);
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.codes().first() == Some(&"restore-failed"), "{:#}", outcome.value);
    ensure!(!outcome.value["events"].as_array().is_none_or(Vec::is_empty), "{:#}", outcome.value);
    ensure!(outcome.value["leftBehind"] == json!([]), "{:#}", outcome.value);
    ensure!(hint(&outcome).contains("larger node type"), "{:#}", outcome.value);
    user::nothing_is_left(&stack).await?;
    stack.stop().await
}

fn hint(outcome: &user::Outcome) -> &str {
    outcome.value["findings"][0]["remedy"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hint_of_a_failed_restore_is_what_its_events_say() -> Result<()> {
    let source = small().await?;
    let stack = stack_with(&source).await?;
    // Removes the grant before ElastiCache has read anything.
    let mut input = request("no-access");
    input["pollSeconds"] = json!(5);
    let execution = user::start(&stack, &input).await?;
    user::until_state(&stack, &execution, "WaitForGrant").await?;
    stack.s3().delete_bucket_policy().bucket("backups").send().await?;
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.codes().first() == Some(&"restore-failed"), "{:#}", outcome.value);
    let told = hint(&outcome);
    ensure!(told.contains("could not read the backup") && !told.contains("memory"), "{:#}", outcome.value);

    // An RDB version that the server does not support, without a checksum that would reveal the edit.
    let file = source.save().await?;
    let mut bytes = std::fs::read(&file)?;
    bytes[5..9].copy_from_slice(b"0012");
    let end = bytes.len() - 8;
    bytes[end..].fill(0);
    std::fs::write(&file, bytes)?;
    user::drop_file(&stack, "backups", "redis.rdb", &file).await?;
    let mut input = request("too-new");
    input["allow"] = json!(["rdb-newer-than-engine"]);
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(hint(&outcome).contains("newer engine version"), "{:#}", outcome.value);
    user::nothing_is_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_restore_is_kept_if_asked_for_also_by_the_clean_up() -> Result<()> {
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    let stack = stack_with(&source).await?;
    let mut input = request("keep-me");
    input["cluster"]["nodeType"] = json!("cache.local.16mb");
    input["allow"] = json!(["does-not-fit"]);
    input["onRestoreFailed"] = json!("keep");
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.value["leftBehind"] == json!(["cluster keep-me"]), "{:#}", outcome.value);
    let cleaning = user::started_by(&stack, "cleanUp").await?;
    user::outcome(&stack, &cleaning).await?;
    ensure!(user::clusters(&stack).await?.len() == 1, "the kept cluster is gone");
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_could_not_be_deleted_is_named_and_the_clean_up_tries_again() -> Result<()> {
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    let stack = stack_of(StackOptions { pause_divisor: 60, ..StackOptions::default() }, &source).await?;
    let mut input = request("stays");
    input["cluster"]["nodeType"] = json!("cache.local.16mb");
    input["allow"] = json!(["does-not-fit"]);
    let fail =
        || stack.lambda().faults().fail_next("delete-cluster", "AccessDenied", "made to fail\nhint: none");
    for _ in 0..6 {
        fail();
    }
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.value["leftBehind"] == json!(["cluster stays: AccessDenied"]), "{:#}", outcome.value);
    user::nothing_is_left(&stack).await?;

    // One error is not the end.
    input["cluster"]["id"] = json!("goes");
    fail();
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect(Some("SeedingFailed"))?;
    ensure!(outcome.value["leftBehind"] == json!([]), "{:#}", outcome.value);
    stack.stop().await
}

/// The one that cleans up can fail as well, before it knows the cluster.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_that_fails_says_why_and_for_which_execution() -> Result<()> {
    let source = small().await?;
    let stack = stack_of(StackOptions { pause_divisor: 60, ..StackOptions::default() }, &source).await?;
    let execution = user::start(&stack, &request("stopped")).await?;
    user::until_state(&stack, &execution, "WaitForGrant").await?;
    for _ in 0..6 {
        stack.lambda().faults().fail_next("delete-cluster", "AccessDenied", "made to fail\nhint: ask");
    }
    stack.sfn().stop_execution().execution_arn(&execution).send().await?;
    let cleaning = user::outcome(&stack, &user::started_by(&stack, "cleanUp").await?).await?;
    cleaning.expect(Some("SeedingFailed"))?;
    let name = execution.rsplit(':').next().unwrap_or_default();
    let expected = json!([format!("cluster of {name}: AccessDenied")]);
    ensure!(cleaning.value["leftBehind"] == expected, "{:#}", cleaning.value);
    let first = &cleaning.value["findings"][0];
    ensure!(first["code"] == "access-denied" && first["remedy"] == "ask", "{:#}", cleaning.value);
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_stopped_in_the_middle_of_the_create_leaves_no_grant_and_no_failed_cluster()
-> Result<()> {
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    let stack = stack_with(&source).await?;
    let mut input = request("stopped");
    input["cluster"]["nodeType"] = json!("cache.local.16mb");
    input["allow"] = json!(["does-not-fit"]);
    let execution = user::start(&stack, &input).await?;
    user::until_state(&stack, &execution, "WaitForCluster").await?;
    stack.sfn().stop_execution().execution_arn(&execution).send().await?;
    let outcome = user::outcome(&stack, &execution).await?;
    ensure!(outcome.status == ExecutionStatus::Aborted, "{outcome:?}");
    let cleaning = user::outcome(&stack, &user::started_by(&stack, "cleanUp").await?).await?;
    cleaning.expect(None)?;
    ensure!(cleaning.value["outcome"] == "cleaned-up", "{:#}", cleaning.value);
    user::nothing_is_left(&stack).await?;
    stack.stop().await
}

/// Waits for the clean-up of the only execution that has ended without its own: its cluster has become available.
async fn the_clean_up_keeps_the_good_cluster(stack: &Stack) -> Result<()> {
    let cleaning = user::outcome(stack, &user::started_by(stack, "cleanUp").await?).await?;
    cleaning.expect(None)?;
    ensure!(cleaning.value["outcome"] == "seeded", "{:#}", cleaning.value);
    ensure!(user::clusters(stack).await?.len() == 1, "a good cluster was deleted");
    ensure!(user::policy(stack, "backups").await.is_none(), "a grant is left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_execution_whose_cluster_comes_up_all_the_same_keeps_it() -> Result<()> {
    let stack = stack_with(&small().await?).await?;
    let execution = user::start(&stack, &request("good")).await?;
    user::until_state(&stack, &execution, "WaitForCluster").await?;
    stack.sfn().stop_execution().execution_arn(&execution).send().await?;
    the_clean_up_keeps_the_good_cluster(&stack).await?;
    stack.stop().await
}

/// The create takes effect after its answer was lost and its execution was stopped: the clean-up waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_takes_effect_after_its_answer_was_lost_is_found_by_the_clean_up() -> Result<()> {
    let stack = stack_with(&small().await?).await?;
    stack.gateway().faults().plan(Plan {
        caller: "create-cluster".to_owned(),
        action: "elasticache:CreateReplicationGroup".to_owned(),
        after: 0,
        times: usize::MAX,
        fault: Fault::LateEffect,
    });
    let execution = user::start(&stack, &request("late")).await?;
    while !stack.gateway().take_calls().iter().any(|call| call.action == "elasticache:CreateReplicationGroup")
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stack.sfn().stop_execution().execution_arn(&execution).send().await?;
    stack.lambda().faults().fail_next("create-cluster", "Internal", "the execution was stopped");
    the_clean_up_keeps_the_good_cluster(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_may_be_killed_once_and_the_seeding_goes_on() -> Result<()> {
    let stack = stack_with(&small().await?).await?;
    let steps = [
        "prepare-seeding",
        "inspect-chunk",
        "assess-backup",
        "grant-access",
        "create-cluster",
        "check-cluster",
        "verify-cluster",
        "revoke-access",
    ];
    for step in steps {
        stack.lambda().faults().kill_next(step);
    }
    let outcome = user::seed(&stack, &request("killed")).await?;
    outcome.expect_seeded()?;
    for step in steps {
        ensure!(stack.lambda().invocations(step) >= 2, "{step} was not tried again");
    }
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    stack.stop().await
}

/// The outcome after a final error in each step.
#[tokio::test(flavor = "multi_thread")]
async fn every_catch_leads_to_a_clean_end() -> Result<()> {
    let stack = stack_with(&small().await?).await?;
    for (step, error, finding) in [
        ("prepare-seeding", Some("SeedingFailed"), "internal"),
        ("inspect-chunk", Some("SeedingFailed"), "internal"),
        ("assess-backup", Some("SeedingFailed"), "internal"),
        ("grant-access", Some("SeedingFailed"), "internal"),
        ("create-cluster", Some("SeedingFailed"), "internal"),
        // The cluster becomes available before it can be deleted, and is kept.
        ("check-cluster", None, ""),
        ("verify-cluster", None, "verify-failed"),
    ] {
        stack.lambda().faults().fail_next(step, "Internal", "made to fail\nhint: none");
        let outcome = user::seed(&stack, &request(&format!("catch-{step}"))).await?;
        outcome.expect(error)?;
        ensure!(finding.is_empty() || outcome.codes().contains(&finding), "{step}: {:#}", outcome.value);
        if let Some(text) =
            outcome.value["findings"][0]["evidence"]["message"].as_str().filter(|_| error.is_some())
        {
            ensure!(text == "made to fail", "{step}: {:#}", outcome.value);
        }
        ensure!(user::policy(&stack, "backups").await.is_none(), "{step} leaves a grant");
    }
    let clusters = user::clusters(&stack).await?;
    ensure!(clusters.len() == 2, "expected the two that came up, found {clusters:?}");
    stack.stop().await
}

/// Calls the function as its schedule does.
async fn sweep(stack: &Stack) -> Result<Value> {
    let url = format!("{}/2015-03-31/functions/sweep/invocations", stack.lambda().endpoint());
    Ok(reqwest::Client::new().post(&url).body("{}").send().await?.json().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_cannot_be_taken_back_is_a_warning_on_a_good_cluster() -> Result<()> {
    let options = StackOptions { pause_divisor: 20, ..StackOptions::default() };
    let stack = stack_of(options, &small().await?).await?;
    let fail = || {
        stack.lambda().faults().fail_next("revoke-access", "AccessDenied", "made to fail\nhint: none");
    };
    // One error is not the end.
    fail();
    let outcome = user::seed(&stack, &request("quiet")).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.codes().is_empty() && outcome.value["leftBehind"] == json!([]), "{:#}", outcome.value);
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    for _ in 0..4 {
        fail();
    }
    let outcome = user::seed(&stack, &request("warned")).await?;
    outcome.expect_seeded()?;
    outcome.finding("revoke-failed")?;
    // The rule starts a clean-up, which revokes, although the cluster is good.
    let cleaning = user::started_by(&stack, &outcome.execution).await?;
    user::outcome(&stack, &cleaning).await?.expect(None)?;
    ensure!(sweep(&stack).await? == json!({"started": [], "left": [], "complete": true}));
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    ensure!(user::clusters(&stack).await?.len() == 2, "a good cluster was deleted");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_of_a_running_execution_is_refused_and_changes_nothing() -> Result<()> {
    let source = small().await?;
    let stack = Stack::start(StackOptions { create_delay_ms: 30_000, ..StackOptions::default() }).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    let execution = user::start(&stack, &request("runs")).await?;
    user::until_state(&stack, &execution, "WaitForCluster").await?;
    let refused = user::seed(&stack, &json!({"cleanUp": execution})).await?;
    refused.expect(Some("SeedingFailed"))?;
    ensure!(refused.codes().first() == Some(&"clean-up-refused"), "{:#}", refused.value);
    ensure!(refused.value["leftBehind"] == json!([]), "{:#}", refused.value);
    ensure!(refused.states.iter().all(|state| state != "RevokeAccess"), "{:?}", refused.states);
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_overwritten_after_its_inspection_is_not_seeded() -> Result<()> {
    let source = small().await?;
    let stack = stack_with(&source).await?;
    let other = Source::start().await?;
    fill_mixed(&other, 10, "other:").await?;
    let other = other.save().await?;
    // Delays the step long enough for the object to change.
    for _ in 0..2 {
        stack.lambda().faults().fail_next("grant-access", "ServiceBusy", "made to wait\nhint: none");
    }
    let execution = user::start(&stack, &request("changed")).await?;
    user::until_state(&stack, &execution, "GrantAccess").await?;
    user::drop_file(&stack, "backups", "redis.rdb", &other).await?;
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect(Some("SeedingFailed"))?;
    outcome.finding("changed-during-seeding")?;
    user::nothing_is_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_deleted_after_its_inspection_is_told() -> Result<()> {
    let stack = stack_with(&small().await?).await?;
    stack.lambda().faults().fail_next("grant-access", "ServiceBusy", "made to wait\nhint: none");
    let execution = user::start(&stack, &request("deleted")).await?;
    user::until_state(&stack, &execution, "GrantAccess").await?;
    stack.s3().delete_object().bucket("backups").key("redis.rdb").send().await?;
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect(Some("SeedingFailed"))?;
    outcome.finding("backup-gone")?;
    user::nothing_is_left(&stack).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_comes_up_after_its_deadline_is_not_deleted() -> Result<()> {
    let source = small().await?;
    let stack = Stack::start(StackOptions { create_delay_ms: 75_000, ..StackOptions::default() }).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    let mut input = request("late");
    input["deadlineMinutes"] = json!(1);
    input["pollSeconds"] = json!(3);
    let outcome = user::seed(&stack, &input).await?;
    outcome.expect_seeded()?;
    ensure!(outcome.states.iter().any(|state| state == "DeleteCluster"), "{:?}", outcome.states);
    ensure!(user::clusters(&stack).await?.len() == 1, "a good cluster was deleted");
    stack.stop().await
}
