//! `seeder executions`, `seeder status` and `seeder cancel`, against the executions of a real state machine.

use std::{
    io::BufRead as _,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use local_stack::{Account, Alarm, Fault, Plan, Role, Rule, Stack, StackOptions};
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

/// The quota "Nodes per Region".
const NODES_QUOTA: &str = "L-DFE45DF3";
/// The permissions boundary of tests.
const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/limits";

/// A policy that allows everything but this.
fn with_deny(statement: &Value) -> Value {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [all, statement]})
}

/// Gives grant-access a permissions boundary that denies this.
fn limit(account: &mut Account, statement: &Value) {
    account.policies.insert(BOUNDARY.to_owned(), with_deny(statement));
    role(account, "GrantAccessRole").boundary = Some(BOUNDARY.to_owned());
}

fn role<'a>(account: &'a mut Account, name: &str) -> &'a mut Role {
    account.roles.get_mut(name).unwrap_or_else(|| panic!("the template has no {name}"))
}

type Breakage = (fn(&mut Account), &'static str, &'static str);

/// Changes of an account, and the complaint about each.
fn breakages() -> Vec<Breakage> {
    vec![
        (
            |account| account.stack_status = "UPDATE_ROLLBACK_COMPLETE".into(),
            "warning stack: elasticache-seeder is UPDATE_ROLLBACK_COMPLETE",
            "its last update failed",
        ),
        (
            |account| account.stack_status = "UPDATE_ROLLBACK_FAILED".into(),
            "fault stack: ",
            "UPDATE_ROLLBACK_FAILED",
        ),
        (
            |account| drop(account.outputs.remove("DropBucketName")),
            "fault stack: ",
            "has no output DropBucketName",
        ),
        (
            |account| {
                let gone = ("AWS::Lambda::Function".to_owned(), "gone".to_owned());
                account.resources.insert("SweepFunction".to_owned(), gone);
                rule(account, "SweepRule").targets = vec!["gone".to_owned()];
            },
            "fault functions: the function gone is gone",
            "",
        ),
        (
            |account| rule(account, "DropRule").enabled = false,
            "fault rules: the rule elasticache-seeder-DropRule is disabled",
            "dropped files start nothing",
        ),
        (
            |account| rule(account, "CleanUpRule").targets.clear(),
            "fault rules: the rule elasticache-seeder-CleanUpRule does not call",
            "only the hourly sweep",
        ),
        (
            |account| drop(account.rules.remove("elasticache-seeder-SweepRule")),
            "fault rules: the rule elasticache-seeder-SweepRule is gone",
            "nothing is swept",
        ),
        (
            |account| {
                account.log_groups.remove("/aws/lambda/elasticache-seeder/sweep");
            },
            "fault logs: the log group /aws/lambda/elasticache-seeder/sweep is gone",
            "",
        ),
        (
            |account| {
                let url = account.outputs["FailedStartsQueueUrl"].clone();
                account.messages.insert(url, 2);
            },
            "warning queues: 2 messages in elasticache-seeder-FailedStartsQueue",
            "start-seeding failed",
        ),
        (
            |account| {
                let other = ("AWS::Events::Rule".to_owned(), "other".to_owned());
                account.resources.insert("OtherRule".to_owned(), other);
                account.rules.insert("other".to_owned(), Rule { enabled: true, targets: Vec::new() });
            },
            "fault rules: the rule other does not call anything",
            "",
        ),
        (
            |account| drop(account.roles.remove("AWSServiceRoleForElastiCache")),
            "warning service-role: AWSServiceRoleForElastiCache",
            "does not exist",
        ),
        (
            |account| {
                account.parameters.insert("SubnetGroup".to_owned(), "lost".to_owned());
            },
            "fault subnets: the subnet group lost",
            "does not exist",
        ),
        (
            |account| {
                let gone = ("AWS::S3::Bucket".to_owned(), "not-there".to_owned());
                account.resources.insert("ConversionBucket".to_owned(), gone);
            },
            "fault buckets: not-there is gone",
            "",
        ),
        (
            |account| {
                limit(account, &json!({"Effect": "Deny", "Action": "s3:PutBucketPolicy", "Resource": "*"}));
            },
            "fault roles: the permissions boundary arn:aws:iam::123456789012:policy/limits denies",
            "denies s3:PutBucketPolicy to GrantAccessRole",
        ),
        (
            |account| {
                let reports = "arn:aws:s3:::elasticache-seeder-reports/executions/*/revoked.json";
                limit(account, &json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": reports}));
            },
            "warning roles: the permissions boundary",
            "may deny s3:GetObject to GrantAccessRole",
        ),
        (
            |account| {
                limit(
                    account,
                    &json!({
                        "Effect": "Deny", "Action": "s3:PutBucketPolicy", "Resource": "*",
                        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
                    }),
                );
            },
            "warning roles: the permissions boundary",
            "may deny s3:PutBucketPolicy to GrantAccessRole",
        ),
        (
            |account| {
                let policy = json!({"Effect": "Deny", "Action": "elasticache:Create*", "Resource": "*"});
                account.organization = Some(with_deny(&policy));
            },
            "warning roles: a service control policy of the organization",
            "may deny elasticache:CreateReplicationGroup to CreateClusterRole",
        ),
        (
            |account| {
                let policy = json!({"Effect": "Deny", "Action": "states:*", "Resource": "*"});
                role(account, "StartSeedingRole").inline.insert("more".to_owned(), with_deny(&policy));
            },
            "fault roles: a Deny statement of their own policies denies",
            "states:StartExecution to StartSeedingRole",
        ),
        (|account| drop(account.roles.remove("SweepRole")), "fault roles: the role SweepRole is gone", ""),
        (
            |account| {
                account.denied.insert("iam:SimulatePrincipalPolicy".to_owned());
            },
            "warning roles: not checked",
            "iam:SimulatePrincipalPolicy is denied",
        ),
        (
            |account| alarm(account, "SweepFailsAlarm").state = "ALARM".into(),
            "warning alarms: elasticache-seeder-SweepFailsAlarm is in ALARM",
            "The hourly sweep fails",
        ),
        (
            |account| drop(account.alarms.remove("elasticache-seeder-LeftBehindAlarm")),
            "warning alarms: the alarm elasticache-seeder-LeftBehindAlarm is gone",
            "",
        ),
        (
            |account| {
                account.denied.insert("cloudwatch:DescribeAlarms".to_owned());
            },
            "warning alarms: not checked",
            "cloudwatch:DescribeAlarms is denied",
        ),
        (
            |account| {
                account.quotas.insert(NODES_QUOTA.to_owned(), 1);
            },
            "warning nodes: 0 nodes in use in us-east-1, of a quota of 1;",
            "",
        ),
        (
            |account| {
                account.quotas.insert(NODES_QUOTA.to_owned(), 0);
            },
            "fault nodes: 0 nodes in use in us-east-1, of a quota of 0;",
            "",
        ),
        (
            |account| {
                account.denied.insert("events:DescribeRule".to_owned());
            },
            "warning rules: not checked",
            "events:DescribeRule is denied",
        ),
    ]
}

fn alarm<'a>(account: &'a mut Account, name: &str) -> &'a mut Alarm {
    let alarm = account.alarms.get_mut(&format!("elasticache-seeder-{name}"));
    alarm.unwrap_or_else(|| panic!("the template has no {name}"))
}

fn rule<'a>(account: &'a mut Account, name: &str) -> &'a mut Rule {
    let rule = account.rules.get_mut(&format!("elasticache-seeder-{name}"));
    rule.unwrap_or_else(|| panic!("the template has no {name}"))
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
