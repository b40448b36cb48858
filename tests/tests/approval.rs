//! A seeding that needs a person's approval waits for it, before anything is written.

use std::{path::Path, process::Output};

use anyhow::{Context, Result, ensure};
use local_stack::{Roles, Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::fill_mixed,
    listener::{Heard, Listener, TOPIC_ARN},
    source::Source,
    user,
};
use tokio::process::Command;

async fn stack(mut options: StackOptions) -> Result<(Stack, Source)> {
    options.parameters.push(("OutcomeTopicArn".to_owned(), TOPIC_ARN.to_owned()));
    options.seeding_defaults["approval"] = json!("required");
    let stack = Stack::start(options).await?;
    // Its backups have to be converted.
    let source = Source::start_redis("8.2").await?;
    fill_mixed(&source, 200, "secret-key:").await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    Ok((stack, source))
}

fn request(id: &str) -> Value {
    json!({"backups": ["backups/redis.rdb"], "cluster": {"id": id}})
}

/// Runs the command as somebody whose calls the gateway decides on.
async fn seeder_as(stack: &Stack, who: &str, words: &[&str]) -> Result<Output> {
    let endpoint = stack.gateway().endpoint();
    let mut command = command(stack, words)?;
    command.env("AWS_ACCESS_KEY_ID", who);
    command.env("AWS_ENDPOINT_URL_S3", endpoint).env("AWS_ENDPOINT_URL_SFN", endpoint);
    Ok(command.output().await?)
}

async fn seeder(stack: &Stack, words: &[&str]) -> Result<Output> {
    Ok(command(stack, words)?.output().await?)
}

fn command(stack: &Stack, words: &[&str]) -> Result<Command> {
    let folder = std::env::current_exe()?;
    let program = folder.ancestors().nth(2).unwrap_or(Path::new(".")).join("seeder");
    let mut command = Command::new(program);
    command.args(words).envs(stack.env());
    command.env("SEEDER_STATE_MACHINE_ARN", stack.state_machine_arn());
    command.env("SEEDER_REPORTS_BUCKET", stack.reports_bucket());
    Ok(command)
}

fn name(execution: &str) -> &str {
    execution.rsplit(':').next().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_somebody_approves() -> Result<()> {
    let (stack, _source) = stack(StackOptions::default()).await?;
    let listener = Listener::start(&stack).await?;
    let execution = user::start(&stack, &request("approved")).await?;
    let token = user::approval_token(&stack, &execution).await?;
    let left = user::left_behind(&stack, &["backups"]).await?;
    ensure!(left.is_empty(), "{left:?}");
    let heard = listener.hear().await?;
    let told = format!("{heard:?}");
    ensure!(!told.contains(&token) && !told.contains("secret-key"), "{told}");
    let asked = heard.iter().find_map(|one| match one {
        Heard::Event(kind, detail) if kind == "Seeding Awaiting Approval" => Some(detail),
        _ => None,
    });
    let asked = asked.with_context(|| format!("nobody is asked: {heard:?}"))?;
    ensure!(asked["plan"]["shards"] == 1 && asked["verdict"] == "ok", "{asked:#}");
    ensure!(told.contains("seeder approve"), "{told}");

    let approved = seeder(&stack, &["approve", name(&execution), "--json"]).await?;
    ensure!(approved.status.success(), "{approved:?}");
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect_seeded()?;
    outcome.finding("converted")?;
    // A second answer has nothing to answer.
    let again = seeder(&stack, &["approve", name(&execution)]).await?;
    ensure!(again.status.code() == Some(1), "{again:?}");
    let unknown = seeder(&stack, &["approve", "nobody"]).await?;
    ensure!(unknown.status.code() == Some(1), "{unknown:?}");
    ensure!(
        seeder(&stack, &["reject", name(&execution)]).await?.status.code() == Some(2),
        "without a reason"
    );
    stack.stop().await
}

/// A policy in the documentation, with the names of this stack.
fn documented_policy(stack: &Stack) -> Result<Value> {
    let page = std::fs::read_to_string(StackOptions::default().project.join("docs/OPERATING.md"))?;
    let section = page.split("## Approving").nth(1).context("no section")?;
    let text =
        section.split("```json").nth(1).and_then(|rest| rest.split("```").next()).context("no policy")?;
    let text = text.replace("REPORTS-BUCKET", stack.reports_bucket());
    Ok(serde_json::from_str(&text.replace("STATE-MACHINE-ARN", stack.state_machine_arn()))?)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_the_right_can_approve() -> Result<()> {
    let (stack, _source) = stack(StackOptions::default()).await?;
    let mut roles = stack.role_documents().clone();
    roles["approver"] = json!([documented_policy(&stack)?]);
    roles["reader"] = json!([{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}]);
    roles["nobody"] = json!([{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "states:*", "Resource": "*"}]}]);
    stack.gateway().set_roles(Roles::parse(&roles).map_err(anyhow::Error::msg)?);
    let execution = user::start(&stack, &request("orders")).await?;
    user::approval_token(&stack, &execution).await?;
    for (who, denied) in [("nobody", "s3:GetObject"), ("reader", "states:SendTaskSuccess")] {
        let refused = seeder_as(&stack, who, &["approve", name(&execution)]).await?;
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        ensure!(refused.status.code() == Some(3) && error.contains(denied), "{who}: {refused:?}");
    }
    let listed = seeder(&stack, &["executions"]).await?;
    ensure!(String::from_utf8_lossy(&listed.stdout).contains("waits for approval"), "{listed:?}");
    let status = seeder(&stack, &["status", name(&execution)]).await?;
    ensure!(String::from_utf8_lossy(&status.stdout).contains("seeder approve"), "{status:?}");
    let approved = seeder_as(&stack, "approver", &["approve", name(&execution)]).await?;
    ensure!(approved.status.success(), "{approved:?}");
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_while_it_waited_is_not_seeded() -> Result<()> {
    let (stack, source) = stack(StackOptions::default()).await?;
    // One whose backup is converted, and one whose backup is seeded as it is.
    let plain = Source::start().await?;
    fill_mixed(&plain, 50, "p:").await?;
    user::drop_file(&stack, "backups", "plain.rdb", &plain.save().await?).await?;
    let converted = user::start(&stack, &request("converted")).await?;
    let as_it_is = json!({"backups": ["backups/plain.rdb"], "cluster": {"id": "plain"}});
    let as_it_is = user::start(&stack, &as_it_is).await?;
    let taken = user::start(&stack, &request("taken")).await?;
    for execution in [&converted, &as_it_is, &taken] {
        user::approval_token(&stack, execution).await?;
    }
    fill_mixed(&source, 60, "later:").await?;
    fill_mixed(&plain, 60, "later:").await?;
    let create = stack.elasticache().create_replication_group().replication_group_id("taken");
    let create = create.replication_group_description("somebody's").engine("redis").engine_version("7.1");
    create.cache_node_type("cache.local.16mb").num_cache_clusters(1).send().await?;
    let approved = seeder(&stack, &["approve", name(&taken)]).await?;
    ensure!(approved.status.success(), "{approved:?}");
    let outcome = user::outcome(&stack, &taken).await?;
    outcome.finding("id-taken")?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    user::drop_file(&stack, "backups", "plain.rdb", &plain.save().await?).await?;
    for execution in [&converted, &as_it_is] {
        let approved = seeder(&stack, &["approve", name(execution)]).await?;
        ensure!(approved.status.success(), "{approved:?}");
        let outcome = user::outcome(&stack, execution).await?;
        outcome.expect(Some("SeedingFailed"))?;
        outcome.finding("changed-during-seeding")?;
    }
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_and_a_stop_create_nothing() -> Result<()> {
    let (stack, _source) = stack(StackOptions::default()).await?;
    let execution = user::start(&stack, &request("rejected")).await?;
    user::approval_token(&stack, &execution).await?;
    let rejected = seeder(&stack, &["reject", name(&execution), "--because", "not on a Friday"]).await?;
    ensure!(rejected.status.success(), "{rejected:?}");
    let outcome = user::outcome(&stack, &execution).await?;
    outcome.expect(Some("BackupRejected"))?;
    ensure!(
        outcome.finding("not-approved")?["evidence"]["reason"] == "not on a Friday",
        "{:#}",
        outcome.value
    );

    let stopped = user::start(&stack, &request("stopped")).await?;
    user::approval_token(&stack, &stopped).await?;
    stack.sfn().stop_execution().execution_arn(&stopped).send().await?;
    let cleaning = user::started_by(&stack, &stopped).await?;
    user::outcome(&stack, &cleaning).await?.expect(None)?;
    let late = seeder(&stack, &["approve", name(&stopped)]).await?;
    ensure!(late.status.code() == Some(1), "{late:?}");

    // A dry run asks nobody.
    let mut dry = request("dry");
    dry["dryRun"] = true.into();
    let outcome = user::seed(&stack, &dry).await?;
    outcome.expect(None)?;
    let left = user::left_behind(&stack, &["backups"]).await?;
    ensure!(left.is_empty(), "{left:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_rejection() -> Result<()> {
    // An hour takes six seconds.
    let (stack, _source) = stack(StackOptions { pause_divisor: 600, ..StackOptions::default() }).await?;
    let mut silent = request("silent");
    silent["approvalHours"] = 1.into();
    let outcome = user::seed(&stack, &silent).await?;
    outcome.expect(Some("BackupRejected"))?;
    let finding = outcome.finding("not-approved")?;
    ensure!(finding["evidence"]["reason"] == "no answer in time", "{finding:#}");
    let late = seeder(&stack, &["approve", name(&outcome.execution)]).await?;
    ensure!(late.status.code() == Some(1), "{late:?}");
    let left = user::left_behind(&stack, &["backups"]).await?;
    ensure!(left.is_empty(), "{left:?}");
    stack.stop().await
}
