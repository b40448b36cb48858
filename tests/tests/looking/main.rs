//! `seeder executions`, `seeder status`, `seeder cancel` and `seeder doctor`, against a real state machine.

mod breakages;
mod doctor;

use std::{
    io::BufRead as _,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use local_stack::{Fault, Plan, Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    source::Source,
    user,
};

/// The command with the environment of `make local`.
fn command(stack: &Stack, words: &[&str]) -> Command {
    let mut command = Command::new(StackOptions::default().binaries.join("seeder"));
    command.args(words).envs(stack.env());
    command
}

async fn run(mut command: Command) -> Result<Output> {
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

/// Runs `seeder` and expects this exit status. Returns standard output and standard error.
async fn seeder(stack: &Stack, words: &[&str], status: i32) -> Result<(String, String)> {
    expect(run(command(stack, words)).await?, words, status)
}

fn expect(output: Output, words: &[&str], status: i32) -> Result<(String, String)> {
    let [text, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(output.status.code() == Some(status), "{words:?}: {:?}\n{text}{errors}", output.status);
    Ok((text, errors))
}

async fn seeder_json(stack: &Stack, words: &[&str]) -> Result<Value> {
    let (text, errors) = seeder(stack, &[words, &["--json"]].concat(), 0).await?;
    serde_json::from_str(&text).with_context(|| format!("{words:?}: {text}{errors}"))
}

fn request(key: &str, id: &str) -> Value {
    json!({"backups": [format!("backups/{key}")], "cluster": {"id": id}})
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

fn column<'a>(listed: &'a Value, member: &str) -> Vec<&'a str> {
    let rows = listed["executions"].as_array().into_iter().flatten();
    rows.map(|row| row[member].as_str().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_are_listed_and_described() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 300, "k:").await?;
    user::drop_file(&stack, "backups", "small.rdb", &source.save().await?).await?;
    let (text, _) = seeder(&stack, &["executions"], 0).await?;
    ensure!(text == "no executions\n", "{text}");

    let mut dry = request("small.rdb", "dry");
    dry["dryRun"] = json!(true);
    user::seed(&stack, &dry).await?.expect_seeded()?;
    let rejected = user::seed(&stack, &request("missing.rdb", "never")).await?;
    rejected.expect(Some("BackupRejected"))?;
    let seeded = user::seed(&stack, &request("small.rdb", "orders")).await?;
    seeded.expect_seeded()?;

    let listed = seeder_json(&stack, &["executions"]).await?;
    ensure!(column(&listed, "outcome") == ["seeded", "rejected", "dry-run"], "{listed:#}");
    ensure!(column(&listed, "cluster") == ["orders", "never", "dry"], "{listed:#}");
    ensure!(column(&listed, "finding") == ["", "backup-missing", ""], "{listed:#}");
    ensure!(listed["complete"] == true, "{listed:#}");
    let listed = seeder_json(&stack, &["executions", "--limit", "1"]).await?;
    ensure!(
        column(&listed, "arn") == [seeded.execution.as_str()] && listed["complete"] == false,
        "{listed:#}"
    );
    // The clean-up of the rejected one is hidden, unless it is wanted.
    let all = seeder_json(&stack, &["executions", "--all"]).await?;
    ensure!(column(&all, "cleanUpOf").contains(&rejected.execution.as_str()), "{all:#}");
    for outcome in ["seeded", "dry-run", "rejected", "failed", "running", "stopped"] {
        let listed = seeder_json(&stack, &["executions", "--outcome", outcome]).await?;
        let expected = usize::from(["seeded", "dry-run", "rejected"].contains(&outcome));
        ensure!(column(&listed, "outcome") == vec![outcome; expected], "{listed:#}");
    }
    let (text, _) = seeder(&stack, &["executions"], 0).await?;
    ensure!(text.contains(name(&seeded.execution)) && text.ends_with("\n3 in all\n"), "{text}");
    watched(&stack)?;

    let status = seeder_json(&stack, &["status", &seeded.execution]).await?;
    ensure!(status["outcome"] == "seeded" && status["report"]["verdict"] == "ok", "{status:#}");
    ensure!(status["clusterStatuses"][0]["status"] == "creating", "{status:#}");
    let mut visited = status["states"].as_array().context("no states")?.iter();
    let check = visited.find(|one| one["state"] == "CheckCluster").context("no CheckCluster")?;
    ensure!(check["visits"].as_u64() > Some(1) && check["open"] == false, "{status:#}");
    let (text, _) = seeder(&stack, &["status", name(&seeded.execution)], 0).await?;
    for part in
        ["outcome    seeded\n", "orders at 127.0.0.1:", "CreateCluster", "verdict ok\nnothing is left"]
    {
        ensure!(text.contains(part), "{part}: {text}");
    }
    let (text, _) = seeder(&stack, &["status", name(&rejected.execution)], 0).await?;
    ensure!(text.contains("rejected (BackupRejected)") && text.contains("fail  backup-missing"), "{text}");

    // What a revoke that failed leaves, and a bucket that is not there.
    let journal = format!("executions/{}/grant.json", name(&rejected.execution));
    user::drop_text(&stack, stack.reports_bucket(), &journal, "{}").await?;
    let (text, _) = seeder(&stack, &["status", name(&rejected.execution)], 0).await?;
    ensure!(text.contains("open journal grant: ") && !text.contains("nothing is left"), "{text}");
    let elsewhere = ["status", name(&rejected.execution), "--reports-bucket", "nowhere"];
    let (text, _) = seeder(&stack, &elsewhere, 0).await?;
    ensure!(text.contains("open journals are not known: ") && text.contains("NoSuchBucket"), "{text}");

    bad_inputs(&stack, name(&seeded.execution)).await?;
    stack.stop().await
}

/// The first list of `--watch`, and the exit status after Ctrl-C.
fn watched(stack: &Stack) -> Result<()> {
    let mut watch = command(stack, &["executions", "--watch", "--json"]).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    std::io::BufReader::new(watch.stdout.take().context("no output")?).read_line(&mut line)?;
    Command::new("kill").args(["-INT", &watch.id().to_string()]).status()?;
    let ended = watch.wait()?;
    ensure!(
        ended.code() == Some(0) && column(&serde_json::from_str(&line)?, "name").len() == 3,
        "{ended} {line}"
    );
    Ok(())
}

async fn bad_inputs(stack: &Stack, seeded: &str) -> Result<()> {
    let mistyped = &seeded[..seeded.len() - 1];
    let other = format!("{}:{seeded}x", stack.state_machine_arn().replace("stateMachine", "execution"));
    for (words, status, says) in [
        (&["executions", "--outcome", "good"][..], 2, "possible values: seeded"),
        (&["executions", "--limit", "0"], 2, "1..=1000"),
        (&["executions", "--state-machine", "seed-cluster"], 2, "not the ARN of a state machine"),
        (&["status"], 2, "NAME"),
        (&["status", "arn:aws:states:us-east-1:1:activity:x"], 2, "not the ARN of an execution"),
        (&["status", mistyped], 1, seeded),
        (&["status", &other], 1, seeded),
        (&["status", "zzz"], 1, "seeder executions --all"),
        (&["status", "not a name"], 1, "has no execution"),
        (&["cancel", mistyped], 1, seeded),
        (&["cancel", seeded], 1, "has ended: seeded"),
        (&["cancel", seeded, "--clean-up-seconds", "0"], 2, "1..=600"),
    ] {
        let (_, errors) = seeder(stack, words, status).await?;
        ensure!(errors.contains(says), "{words:?}: {errors}");
    }
    for words in [&["executions"][..], &["status", seeded], &["cancel", seeded]] {
        // No network, and no stack.
        let mut unreachable = command(stack, words);
        unreachable.env("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:9");
        let (_, errors) = expect(run(unreachable).await?, words, 3)?;
        ensure!(errors.contains("the connection failed"), "{words:?}: {errors}");
        let mut missing = command(stack, words);
        missing.env_remove("SEEDER_STATE_MACHINE_ARN");
        missing.env("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9");
        let (_, errors) = expect(run(missing).await?, words, 3)?;
        ensure!(errors.contains("CloudFormation stack elasticache-seeder"), "{words:?}: {errors}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_execution_is_cleaned_up_for_before_the_command_ends() -> Result<()> {
    let stack = Stack::start(StackOptions { create_delay_ms: 3_000, ..StackOptions::default() }).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    user::drop_file(&stack, "backups", "large.rdb", &source.save().await?).await?;

    // The cluster becomes available all the same, and is the user's.
    let execution = user::start(&stack, &request("large.rdb", "good")).await?;
    user::until_state(&stack, &execution, "WaitForCluster").await?;
    let running = seeder_json(&stack, &["status", &execution]).await?;
    ensure!(running["outcome"] == "running" && running["state"].is_string(), "{running:#}");
    let kept = seeder_json(&stack, &["cancel", name(&execution)]).await?;
    ensure!(kept["cluster"] == json!({"id": "good", "fate": "kept"}), "{kept:#}");
    ensure!(kept["cleanUp"]["startedBy"] == "stack" && kept["revoked"] == json!(["backups"]), "{kept:#}");
    ensure!(user::clusters(&stack).await?.len() == 1, "the good cluster is gone");

    // A restore that fails.
    let mut input = request("large.rdb", "bad");
    input["cluster"]["nodeType"] = json!("cache.local.16mb");
    input["allow"] = json!(["does-not-fit"]);
    let execution = user::start(&stack, &input).await?;
    user::until_state(&stack, &execution, "WaitForCluster").await?;
    let (text, progress) = seeder(&stack, &["cancel", &execution], 0).await?;
    ensure!(
        text.contains("the cluster bad is deleted\nthe access to backups is revoked\n"),
        "{text}{progress}"
    );
    ensure!(progress.contains("DeleteCluster") && progress.contains("RevokeAccess"), "{progress}");
    ensure!(user::clusters(&stack).await?.len() == 1, "the failed cluster is left");
    ensure!(user::policy(&stack, "backups").await.is_none(), "a grant is left");
    let (text, _) = seeder(&stack, &["status", &execution], 0).await?;
    ensure!(text.contains("outcome    stopped") && text.contains(": cleaned-up\nnothing is left"), "{text}");

    // No event arrives, and the command starts the clean-up. Before the create there is no cluster.
    stack.gateway().faults().plan(Plan {
        caller: "clean-up".to_owned(),
        action: "states:StartExecution".to_owned(),
        after: 0,
        times: usize::MAX,
        fault: Fault::Denied,
    });
    let execution = user::start(&stack, &request("large.rdb", "early")).await?;
    user::until_state(&stack, &execution, "WaitForGrant").await?;
    let early = seeder_json(&stack, &["cancel", &execution, "--clean-up-seconds", "1"]).await?;
    ensure!(early["cluster"]["fate"] == "none" && early["cleanUp"]["startedBy"] == "command", "{early:#}");
    ensure!(early["revoked"] == json!(["backups"]) && early["leftBehind"] == json!([]), "{early:#}");
    let clean_up = early["cleanUp"]["execution"].as_str().unwrap_or_default();
    let (_, errors) = seeder(&stack, &["cancel", clean_up], 1).await?;
    ensure!(errors.contains("is a clean-up of"), "{errors}");
    let listed = seeder_json(&stack, &["executions", "--outcome", "stopped"]).await?;
    ensure!(column(&listed, "cluster") == ["early", "bad", "good"], "{listed:#}");
    stack.stop().await
}
