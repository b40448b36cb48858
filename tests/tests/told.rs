//! However a seeding ends, it is told exactly once: as an event, in words, and in a file.

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    listener::{Heard, Listener, TOPIC_ARN},
    source::Source,
    user,
};

async fn stack(mut options: StackOptions) -> Result<(Stack, Listener)> {
    options.parameters.push(("OutcomeTopicArn".to_owned(), TOPIC_ARN.to_owned()));
    let stack = Stack::start(options).await?;
    let listener = Listener::start(&stack).await?;
    Ok((stack, listener))
}

fn request(id: &str) -> Value {
    json!({"backups": ["backups/redis.rdb"], "cluster": {"id": id}})
}

/// Checks that one ending was told, and that event, words and file agree. Returns the event's detail.
async fn expect_told(stack: &Stack, listener: &Listener, execution: &str, kind: &str) -> Result<Value> {
    let name = execution.rsplit(':').next().unwrap_or_default();
    let heard = listener.hear().await?;
    let endings: Vec<_> = heard
        .iter()
        .filter_map(|one| match one {
            Heard::Event(kind, detail) if kind != "Seeding Started" => Some((kind.as_str(), detail)),
            _ => None,
        })
        .collect();
    let [(found, detail)] = endings[..] else {
        anyhow::bail!("expected one ending of {execution}, heard {heard:#?}");
    };
    ensure!(found == kind && detail["execution"] == name, "expected {kind}, heard {heard:#?}");
    let words: Vec<_> = heard.iter().filter(|one| matches!(one, Heard::Words(..))).collect();
    let [Heard::Words(subject, text)] = words[..] else { anyhow::bail!("heard {heard:#?}") };
    ensure!(subject == &format!("{kind}: {name}") && text.contains(execution), "{subject}\n{text}");
    let stored = user::own_file(stack, execution, "outcome.json").await?;
    ensure!(stored == *detail, "outcome.json is {stored:#}, told was {detail:#}");
    Ok(detail.clone())
}

fn first_code(detail: &Value) -> &str {
    detail["findings"][0]["code"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_by_itself_is_told_by_itself() -> Result<()> {
    let (stack, listener) = stack(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 200, "secret-key:").await?;
    let file = source.save().await?;
    user::drop_file(&stack, "backups", "redis.rdb", &file).await?;

    let seeded = user::seed(&stack, &request("orders")).await?;
    seeded.expect_seeded()?;
    let detail = expect_told(&stack, &listener, &seeded.execution, "Seeding Succeeded").await?;
    ensure!(detail["outcome"] == "seeded" && detail["cluster"]["id"] == "orders", "{detail:#}");

    let mut dry = request("dry");
    dry["dryRun"] = true.into();
    let planned = user::seed(&stack, &dry).await?;
    let detail = expect_told(&stack, &listener, &planned.execution, "Seeding Dry Run Complete").await?;
    ensure!(detail["outcome"] == "dry-run" && detail["cluster"].is_null(), "{detail:#}");

    // Rejected before a record exists, and after the backup was read.
    let rejected = user::seed(&stack, &json!({"backups": ["backups/none.rdb"]})).await?;
    let detail = expect_told(&stack, &listener, &rejected.execution, "Seeding Rejected").await?;
    ensure!(first_code(&detail) == "backup-missing", "{detail:#}");
    let mut bytes = std::fs::read(&file)?;
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&file, bytes)?;
    user::drop_file(&stack, "backups", "redis.rdb", &file).await?;
    let rejected = user::seed(&stack, &request("broken")).await?;
    rejected.expect(Some("BackupRejected"))?;
    let detail = expect_told(&stack, &listener, &rejected.execution, "Seeding Rejected").await?;
    ensure!(first_code(&detail) == "backup-truncated", "{detail:#}");
    ensure!(!detail.to_string().contains("secret-key"), "{detail:#}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_or_is_stopped_is_told_once_by_whoever_can() -> Result<()> {
    let (stack, listener) = stack(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;

    let mut hopeless = request("hopeless");
    hopeless["cluster"]["nodeType"] = "cache.local.16mb".into();
    hopeless["allow"] = json!(["does-not-fit", "tight-fit"]);
    let failed = user::seed(&stack, &hopeless).await?;
    failed.expect(Some("SeedingFailed"))?;
    // Its clean-up finds the outcome told.
    let cleaning = user::started_by(&stack, &failed.execution).await?;
    user::outcome(&stack, &cleaning).await?.expect(None)?;
    let detail = expect_told(&stack, &listener, &failed.execution, "Seeding Failed").await?;
    ensure!(first_code(&detail) == "restore-failed" && detail["leftBehind"] == json!([]), "{detail:#}");

    let stopped = user::start(&stack, &request("stopped")).await?;
    user::until_state(&stack, &stopped, "GrantAccess").await?;
    stack.sfn().stop_execution().execution_arn(&stopped).send().await?;
    let cleaning = user::started_by(&stack, &stopped).await?;
    user::outcome(&stack, &cleaning).await?;
    let heard = listener.hear().await?;
    let endings: Vec<_> = heard
        .iter()
        .filter_map(|one| match one {
            Heard::Event(kind, detail) if kind != "Seeding Started" => Some((kind, detail)),
            _ => None,
        })
        .collect();
    let (kind, detail) = endings.first().context("nothing is told of a stopped execution")?;
    ensure!(
        endings.len() == 1 && detail["execution"] == stopped.rsplit(':').next().unwrap_or_default(),
        "{heard:#?}"
    );
    ensure!(*kind == "Seeding Failed" || *kind == "Seeding Succeeded", "{heard:#?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_told_apart() -> Result<()> {
    let (stack, listener) = stack(StackOptions { pause_divisor: 20, ..StackOptions::default() }).await?;
    // Of the seeding, and of its clean-up.
    for _ in 0..8 {
        stack.lambda().faults().fail_next("revoke-access", "AccessDenied", "made to fail\nhint: none");
    }
    let source = Source::start().await?;
    fill_mixed(&source, 100, "k:").await?;
    user::drop_file(&stack, "backups", "redis.rdb", &source.save().await?).await?;
    let seeded = user::seed(&stack, &request("kept")).await?;
    seeded.expect_seeded()?;
    let cleaning = user::started_by(&stack, &seeded.execution).await?;
    user::outcome(&stack, &cleaning).await?;
    let heard = listener.hear().await?;
    let kinds: Vec<_> = heard
        .iter()
        .filter_map(|one| match one {
            Heard::Event(kind, _) => Some(kind.as_str()),
            Heard::Words(..) => None,
        })
        .collect();
    ensure!(kinds == ["Seeding Started", "Seeding Succeeded", "Seeding Left Something Behind"], "{heard:#?}");
    stack.stop().await
}
