//! However a seeding ends, it is announced exactly once: as an event, in words, and in a file.

use anyhow::{Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_database, fill_mixed},
    listener::{Heard, Listener, TOPIC_ARN},
    source::Source,
    user,
};
use tokio::sync::Mutex;

/// A stack whose outcomes are heard, with a sound backup, one of several databases, one that is cut off, and a large
/// one.
struct Site {
    stack: Stack,
    listener: Listener,
    /// What was heard of all executions so far.
    heard: Mutex<Vec<Heard>>,
    _source: Source,
}

impl Site {
    async fn start(mut options: StackOptions) -> Result<Self> {
        options.parameters.push(("OutcomeTopicArn".to_owned(), TOPIC_ARN.to_owned()));
        let stack = Stack::start(options).await?;
        let listener = Listener::start(&stack).await?;
        let source = Source::start().await?;
        fill_mixed(&source, 200, "secret-key:").await?;
        let file = source.save().await?;
        user::drop_file(&stack, "backups", "small.rdb", &file).await?;
        let mut bytes = std::fs::read(&file)?;
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&file, bytes)?;
        user::drop_file(&stack, "backups", "broken.rdb", &file).await?;
        fill_database(&source, 1, &[("same", "1")]).await?;
        fill_database(&source, 7, &[("same", "7")]).await?;
        user::drop_file(&stack, "backups", "several.rdb", &source.save().await?).await?;
        fill_bytes(&source, 24).await?;
        user::drop_file(&stack, "backups", "large.rdb", &source.save().await?).await?;
        Ok(Self { stack, listener, heard: Mutex::default(), _source: source })
    }

    /// Starts a seeding of a backup, with more in the request. Its cluster is named after it.
    async fn start_seeding(&self, id: &str, backup: &str, more: Value) -> Result<String> {
        let mut request = json!({"backups": [format!("backups/{backup}.rdb")], "cluster": {"id": id}});
        for (name, value) in more.as_object().into_iter().flatten() {
            if name == "nodeType" {
                request["cluster"]["nodeType"] = value.clone();
            } else {
                request[name] = value.clone();
            }
        }
        user::start(&self.stack, &request).await
    }

    /// Waits for the end of an execution and of its clean-up, and checks what was announced: one ending of this kind,
    /// in which event, words and file agree. Returns the event's detail.
    async fn expect(&self, execution: &str, kind: &str, code: &str) -> Result<Value> {
        let stack = &self.stack;
        let main = user::outcome(stack, execution).await?;
        if main.status.as_str() != "SUCCEEDED" {
            let cleaning = user::started_by(stack, execution).await?;
            user::outcome(stack, &cleaning).await?;
        }
        let heard = self.hear().await?;
        let name = execution.rsplit(':').next().unwrap_or_default();
        let endings: Vec<_> = heard.iter().filter_map(|one| one.ending_of(name)).collect();
        let [(found, detail)] = endings[..] else {
            anyhow::bail!("expected one ending of {execution}, heard {heard:#?}");
        };
        let first = detail["findings"][0]["code"].as_str().unwrap_or_default();
        ensure!((found, first) == (kind, code), "expected {kind}, {code}, heard {detail:#}");
        let subject = format!("{kind}: {name}");
        let words = heard.iter().filter_map(|one| match one {
            Heard::Words(about, text) if *about == subject => Some(text),
            _ => None,
        });
        let words: Vec<_> = words.collect();
        ensure!(words.len() == 1 && words[0].contains(execution), "{heard:#?}");
        let stored = user::own_file(stack, execution, "outcome.json").await?;
        ensure!(stored == *detail, "outcome.json is {stored:#}, announced was {detail:#}");
        ensure!(!format!("{heard:?}").contains("secret-key"), "{heard:#?}");
        Ok(detail.clone())
    }

    /// Whatever was announced until now, of all executions.
    async fn hear(&self) -> Result<Vec<Heard>> {
        let more = self.listener.hear().await?;
        let mut heard = self.heard.lock().await;
        heard.extend(more);
        Ok(heard.clone())
    }

    async fn stop(&self, execution: &str, state: &str) -> Result<()> {
        user::until_state(&self.stack, execution, state).await?;
        self.stack.sfn().stop_execution().execution_arn(execution).send().await?;
        Ok(())
    }

    /// Starts a seeding by a machine that differs in a member, which then is as it was.
    async fn start_changed(&self, id: &str, change: impl Fn(&mut Value)) -> Result<String> {
        let (sfn, arn) = (self.stack.sfn(), self.stack.state_machine_arn());
        let machine = sfn.describe_state_machine().state_machine_arn(arn).send().await?;
        let mut definition: Value = serde_json::from_str(machine.definition())?;
        change(&mut definition);
        sfn.update_state_machine().state_machine_arn(arn).definition(definition.to_string()).send().await?;
        let execution = self.start_seeding(id, "small", json!({})).await?;
        sfn.update_state_machine().state_machine_arn(arn).definition(machine.definition()).send().await?;
        Ok(execution)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_by_a_decision_is_announced_once() -> Result<()> {
    let site = Site::start(StackOptions::default()).await?;
    let seeded = site.start_seeding("seeded", "large", json!({})).await?;
    let detail = site.expect(&seeded, "Seeding Succeeded", "").await?;
    ensure!(detail["outcome"] == "seeded" && detail["cluster"]["id"] == "seeded", "{detail:#}");
    let memory = |member: &str| detail["memory"][member].as_f64().unwrap_or_default();
    let ratio = memory("measuredBytes") / memory("predictedBytes");
    ensure!((0.97..1.03).contains(&ratio), "{detail:#}");

    let conflicts = json!({"convert": {"databases": "merge"}});
    let rejected = "Seeding Rejected";
    for (id, backup, more, kind, code) in [
        ("dry", "small", json!({"dryRun": true}), "Seeding Dry Run Complete", ""),
        // Before a record exists, after the backup was read, and after it was read for the conversion.
        ("missing", "none", json!({}), rejected, "backup-missing"),
        ("broken", "broken", json!({}), rejected, "backup-truncated"),
        ("conflicts", "several", conflicts, rejected, "conversion-refused"),
    ] {
        let execution = site.start_seeding(id, backup, more).await?;
        let detail = site.expect(&execution, kind, code).await?;
        ensure!(detail["cluster"].is_null() && detail["announcedBy"] == detail["execution"], "{detail:#}");
    }

    let hopeless = json!({"nodeType": "cache.local.16mb", "allow": ["does-not-fit", "tight-fit"]});
    let failed = site.start_seeding("failed", "large", hopeless.clone()).await?;
    let detail = site.expect(&failed, "Seeding Failed", "restore-failed").await?;
    ensure!(detail["leftBehind"] == json!([]), "{detail:#}");
    let mut keep = hopeless;
    keep["onRestoreFailed"] = "keep".into();
    let kept = site.start_seeding("kept", "large", keep).await?;
    site.expect(&kept, "Seeding Failed", "restore-failed").await?;
    site.stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_or_is_stopped_is_announced_once_by_whoever_can() -> Result<()> {
    let site = Site::start(StackOptions::default()).await?;
    let (stack, failed) = (&site.stack, "Seeding Failed");
    for function in ["prepare-seeding", "inspect-chunk", "assess-backup", "grant-access", "create-cluster"] {
        stack.lambda().faults().fail_next(function, "Internal", "made to fail\nhint: none");
        let execution = site.start_seeding(function, "small", json!({})).await?;
        let detail = site.expect(&execution, failed, "internal").await?;
        ensure!(detail["announcedBy"] == detail["execution"], "{detail:#}");
    }

    // Nothing of an execution that is stopped, that takes too long, or that the interpreter gives up runs on.
    let stopped = site.start_seeding("stopped", "small", json!({})).await?;
    site.stop(&stopped, "GrantAccess").await?;
    let kind = if user::clusters(stack).await?.is_empty() { failed } else { "Seeding Succeeded" };
    let code = if kind == failed { "interrupted" } else { "" };
    let mut cut_off = vec![(stopped, kind, code)];
    let waiting = site.start_seeding("waiting", "small", json!({"approval": "required"})).await?;
    site.stop(&waiting, "AwaitApproval").await?;
    cut_off.push((waiting, failed, "interrupted"));
    let slow = site.start_changed("slow", |machine| {
        machine["TimeoutSeconds"] = 2.into();
        machine["States"]["WaitForGrant"]["Seconds"] = 3600.into();
    });
    cut_off.push((slow.await?, failed, "interrupted"));
    let dying = site.start_changed("dying", |machine| {
        machine["States"]["WaitForGrant"]["Seconds"] = "{% $states.input.missing.member %}".into();
    });
    cut_off.push((dying.await?, failed, "interrupted"));
    for (execution, kind, code) in cut_off {
        let detail = site.expect(&execution, kind, code).await?;
        let by = detail["announcedBy"].as_str().unwrap_or_default();
        ensure!(by.starts_with("clean-up-"), "{detail:#}");
    }
    site.stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decides_or_cannot_be_removed_is_announced_once() -> Result<()> {
    // An hour takes six seconds.
    let site = Site::start(StackOptions { pause_divisor: 600, ..StackOptions::default() }).await?;
    let stack = &site.stack;
    let ask = json!({"approval": "required", "approvalHours": 1});
    let silence = site.start_seeding("silence", "small", ask.clone()).await?;
    site.expect(&silence, "Seeding Rejected", "not-approved").await?;
    let refused = site.start_seeding("refused", "small", ask).await?;
    let token = user::approval_token(stack, &refused).await?;
    let refusal = stack.sfn().send_task_failure().task_token(token).error("Approval.Rejected").cause("no");
    refusal.send().await?;
    site.expect(&refused, "Seeding Rejected", "not-approved").await?;

    // The outcome cannot be stored: what has no clean-up is announced without.
    for _ in 0..40 {
        stack.lambda().faults().fail_next("record-outcome", "AccessDenied", "made to fail\nhint: none");
    }
    let unstored = site.start_seeding("unstored", "small", json!({"dryRun": true})).await?;
    user::outcome(stack, &unstored).await?.expect(None)?;
    stack.lambda().faults().clear();
    let heard = site.hear().await?;
    let name = unstored.rsplit(':').next().unwrap_or_default();
    let kinds: Vec<_> = heard.iter().filter_map(|one| one.ending_of(name)).map(|(kind, _)| kind).collect();
    ensure!(kinds == ["Seeding Dry Run Complete"], "{heard:#?}");

    // Of the seeding, and of its clean-up.
    for _ in 0..8 {
        stack.lambda().faults().fail_next("revoke-access", "AccessDenied", "made to fail\nhint: none");
    }
    let seeded = site.start_seeding("left", "small", json!({})).await?;
    user::outcome(stack, &seeded).await?.expect_seeded()?;
    let cleaning = user::started_by(stack, &seeded).await?;
    user::outcome(stack, &cleaning).await?;
    let heard = site.hear().await?;
    let name = seeded.rsplit(':').next().unwrap_or_default();
    let kinds: Vec<_> = heard.iter().filter_map(|one| one.ending_of(name)).map(|(kind, _)| kind).collect();
    ensure!(kinds == ["Seeding Succeeded", "Seeding Left Something Behind"], "{heard:#?}");
    site.stack.stop().await
}
