//! Inspections by many workers, by workers that run out of time, from the cache of known backups, and by the command
//! line.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use rdb_scan::{Control, FileSource, InspectOptions, inspect_parallel};
use serde_json::{Value, json};
use system_tests::{
    data::{fill_bytes, fill_mixed},
    source::Source,
    user::{
        Outcome, {self},
    },
};

const WORKER: &str = "inspect-chunk";

/// A stack with chunks of at least `least_chunk_bytes` bytes.
fn cutting(least_chunk_bytes: u64) -> StackOptions {
    let least = ("prepare-seeding".to_owned(), "LEAST_CHUNK_BYTES".to_owned(), least_chunk_bytes.to_string());
    StackOptions { function_env: vec![least], ..StackOptions::default() }
}

/// Inspects a backup with a dry run, which creates nothing.
async fn look(stack: &Stack, key: &str) -> Result<Outcome> {
    let input = json!({"backups": [format!("backups/{key}")], "cluster": {"shards": 3, "nodeType": "auto"}, "dryRun": true});
    let outcome = user::seed(stack, &input).await?;
    outcome.expect_seeded()?;
    Ok(outcome)
}

/// The inspection of the backup in the report.
async fn inspection(stack: &Stack, outcome: &Outcome) -> Result<Value> {
    let name = outcome.execution.rsplit(':').next().context("no name")?;
    let key = format!("executions/{name}/report.json");
    let object = stack.s3().get_object().bucket(stack.reports_bucket()).key(key).send().await?;
    let report: Value = serde_json::from_slice(&object.body.collect().await?.into_bytes())?;
    Ok(report["backups"][0]["inspection"].clone())
}

/// The result of a single pass over the file.
fn one_pass(file: &Path) -> Result<Value> {
    // As in the workers: no key has expired yet, and the same number of keys is compared.
    let options =
        InspectOptions { now_ms: 1_800_000_000_000, max_compared_keys: 1 << 15, ..InspectOptions::default() };
    let inspection = inspect_parallel(&FileSource::open(file)?, 1, &options, &|_| Control::Continue)?;
    Ok(serde_json::to_value(inspection.context("broken off")?.report())?)
}

async fn source_with(keys: u64) -> Result<Source> {
    let source = Source::start().await?;
    fill_mixed(&source, keys, "k:").await?;
    Ok(source)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_read_by_many_workers_is_told_as_by_one_and_is_read_once() -> Result<()> {
    let stack = Stack::start(cutting(128 << 10)).await?;
    let source = source_with(40_000).await?;
    let file = source.save().await?;
    user::drop_file(&stack, "backups", "large.rdb", &file).await?;
    let first = look(&stack, "large.rdb").await?;
    let workers = stack.lambda().invocations(WORKER);
    ensure!(workers >= 8, "only {workers} ranges of {} bytes", file.metadata()?.len());
    let found = inspection(&stack, &first).await?;
    let expected = one_pass(&file)?;
    ensure!(found == expected, "found {found:#}\nexpected {expected:#}");

    // The same object is not inspected again.
    let second = look(&stack, "large.rdb").await?;
    ensure!(stack.lambda().invocations(WORKER) == workers, "it was read again");
    for member in ["verdict", "plan", "findings"] {
        ensure!(first.value[member] == second.value[member], "{:#} and {:#}", first.value, second.value);
    }
    ensure!(inspection(&stack, &second).await? == expected, "another inspection");

    // Another object with the same name is inspected.
    source.command(&["SET", "one more", "key"]).await?;
    let file = source.save().await?;
    user::drop_file(&stack, "backups", "large.rdb", &file).await?;
    let third = look(&stack, "large.rdb").await?;
    ensure!(stack.lambda().invocations(WORKER) >= 2 * workers, "the new object was not read");
    ensure!(inspection(&stack, &third).await? == one_pass(&file)?, "another inspection");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_whose_time_is_over_are_followed_by_others() -> Result<()> {
    // A worker reserves 20 s for writing its result, so each of these reads only the minimum of 8 MiB.
    let short = (WORKER.to_owned(), Duration::from_secs(20));
    let stack = Stack::start(StackOptions { function_timeouts: vec![short], ..cutting(20 << 20) }).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 50).await?;
    let file = source.save().await?;
    user::drop_file(&stack, "backups", "large.rdb", &file).await?;
    let outcome = look(&stack, "large.rdb").await?;
    let (workers, bytes) = (stack.lambda().invocations(WORKER), file.metadata()?.len());
    ensure!(workers > bytes.div_ceil(10 << 20), "only {workers} workers for {bytes} bytes");
    ensure!(inspection(&stack, &outcome).await? == one_pass(&file)?, "another inspection");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_no_round_brings_to_its_end_is_rejected_with_what_is_left() -> Result<()> {
    let short = (WORKER.to_owned(), Duration::from_secs(20));
    let mut options = StackOptions { function_timeouts: vec![short], ..cutting(64 << 20) };
    options.function_env.push(("assess-backup".to_owned(), "MAX_ROUNDS".to_owned(), "2".to_owned()));
    let stack = Stack::start(options).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 50).await?;
    user::drop_file(&stack, "backups", "large.rdb", &source.save().await?).await?;
    let outcome = user::seed(&stack, &json!({"backups": ["backups/large.rdb"]})).await?;
    outcome.expect(Some("BackupRejected"))?;
    let finding = outcome.finding("inspection-too-long")?;
    ensure!(finding["evidence"]["rounds"] == 2, "{finding:#}");
    ensure!(finding["evidence"]["bytesLeft"].as_u64() > Some(1 << 20), "{finding:#}");
    ensure!(
        outcome.value["report"].as_str().is_some_and(|report| report.ends_with("report.json")),
        "{outcome:?}"
    );
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_reads_objects_as_it_reads_files() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = source_with(3_000).await?;
    let file = source.save().await?;
    user::drop_file(&stack, "backups", "folder/small file.rdb", &file).await?;
    let packed = file.with_extension("packed");
    std::fs::write(&packed, Command::new("gzip").arg("-c").arg(&file).output()?.stdout)?;
    user::drop_file(&stack, "backups", "folder/packed", &packed).await?;
    let env = stack.env();
    let check = move |arguments: &[&str]| -> Result<(Option<i32>, Value)> {
        let seeder = StackOptions::default().binaries.join("seeder");
        let output =
            Command::new(seeder).arg("check").args(arguments).arg("--json").envs(env.clone()).output()?;
        let mut json: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        if let Some(fields) = json.as_object_mut() {
            fields.remove("timing");
            fields.remove("file");
        }
        Ok((output.status.code(), json))
    };
    let path = file.to_string_lossy().into_owned();
    let checks = tokio::task::spawn_blocking(move || -> Result<_> {
        Ok([
            check(&[&path])?,
            check(&["s3://backups/folder/small file.rdb"])?,
            check(&["s3://backups/folder/packed"])?,
            check(&["s3://backups/nothing.rdb"])?,
        ])
    });
    let [local, object, mut packed, missing] = checks.await??;
    ensure!(local.0 == Some(0) && local == object, "{local:?} and {object:?}");
    let compression = packed.1.as_object_mut().and_then(|fields| fields.remove("compression"));
    ensure!(compression == Some("gzip".into()) && packed == local, "{packed:?}");
    ensure!(missing.0 == Some(3), "{missing:?}");
    ensure!(missing.1["error"] == "there is no such object", "{missing:?}");
    stack.stop().await
}
