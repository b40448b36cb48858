//! `seeder seed FILE`: the object appears only after the file was found sound, and is deleted if the backup is
//! rejected. `seeder upload`: the list of a set starts its seeding.

use std::{path::Path, process::Output};

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::Value;
use system_tests::{
    data::{fill_bytes, fill_mixed},
    digest::{differences, digest},
    source::Source,
    user,
};

/// Runs the command with the environment of `make local`.
async fn seeder(stack: &Stack, words: &[&str]) -> Result<Output> {
    let mut command = std::process::Command::new(StackOptions::default().binaries.join("seeder"));
    command.args(words).envs(stack.env());
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

async fn seed(stack: &Stack, file: &Path, args: &[&str]) -> Result<Output> {
    seeder(stack, &[&["seed", "--json", &file.to_string_lossy()][..], args].concat()).await
}

fn outcome(output: &Output) -> Result<Value> {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).with_context(|| told)
}

/// Returns the keys in the drop bucket, and those of uploads that are neither completed nor aborted.
async fn objects_and_uploads(stack: &Stack) -> Result<(Vec<String>, Vec<String>)> {
    let bucket = stack.drop_bucket();
    let objects = stack.s3().list_objects_v2().bucket(bucket).send().await?;
    let uploads = stack.s3().list_multipart_uploads().bucket(bucket).send().await?;
    let objects = objects.contents().iter().filter_map(|object| object.key()).map(str::to_owned).collect();
    let uploads = uploads.uploads().iter().filter_map(|upload| upload.key()).map(str::to_owned).collect();
    Ok((objects, uploads))
}

async fn nothing_is_there(stack: &Stack) -> Result<()> {
    let (objects, uploads) = objects_and_uploads(stack).await?;
    ensure!(objects.is_empty() && uploads.is_empty(), "objects {objects:?}, uploads {uploads:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_never_becomes_an_object_small_or_large() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let small = Source::start().await?;
    fill_mixed(&small, 300, "k:").await?;
    let large = Source::start().await?;
    fill_bytes(&large, 40).await?;
    for source in [&small, &large] {
        let file = source.save().await?;
        let mut bytes = std::fs::read(&file)?;
        // Flips a bit near the end, so that most of a large file is uploaded before the fault is found.
        let place = bytes.len() - bytes.len() / 50;
        bytes[place] ^= 1;
        std::fs::write(&file, bytes)?;
        let output = seed(&stack, &file, &["--id", "broken"]).await?;
        ensure!(output.status.code() == Some(1), "{output:?}");
        let outcome = outcome(&output)?;
        let code = outcome["findings"][0]["code"].as_str().unwrap_or_default();
        ensure!(outcome["verdict"] == "reject" && code.starts_with("backup-"), "{outcome:#}");
        ensure!(outcome["findings"][0]["evidence"]["offset"].is_u64(), "{outcome:#}");
        nothing_is_there(&stack).await?;
    }
    // With one broken file, the sound file does not become an object either.
    let (sound, broken) = (small.save().await?, small.dir().join("broken.rdb"));
    std::fs::write(&broken, b"this is not a backup\n")?;
    let output = seed(&stack, &sound, &[&broken.to_string_lossy()]).await?;
    ensure!(outcome(&output)?["findings"][0]["code"] == "not-an-rdb", "{output:?}");
    nothing_is_there(&stack).await?;
    ensure!(user::executions_about(&stack, "").await?.is_empty(), "an execution was started");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_flow_rejects_is_deleted_unless_it_is_to_be_kept() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 24).await?;
    let file = source.save().await?;
    let args = ["--id", "too-large", "--node-type", "cache.local.16mb"];
    let output = seed(&stack, &file, &args).await?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    ensure!(outcome(&output)?["findings"][0]["code"] == "does-not-fit", "{output:?}");
    nothing_is_there(&stack).await?;

    let output = seed(&stack, &file, &[&args[..], &["--keep-upload"]].concat()).await?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    let (objects, uploads) = objects_and_uploads(&stack).await?;
    ensure!(objects.len() == 1 && uploads.is_empty(), "objects {objects:?}, uploads {uploads:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_file_is_seeded_and_stays() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_bytes(&source, 40).await?;
    let output = seed(&stack, &source.save().await?, &["--id", "sound"]).await?;
    ensure!(output.status.code() == Some(0), "{output:?}");
    ensure!(outcome(&output)?["outcome"] == "seeded", "{output:?}");
    let (objects, uploads) = objects_and_uploads(&stack).await?;
    ensure!(objects.len() == 1 && uploads.is_empty(), "objects {objects:?}, uploads {uploads:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_a_set_starts_one_seeding_of_all_its_files() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let shards = [Source::start().await?, Source::start().await?];
    let mut files = Vec::new();
    for (shard, prefix) in shards.iter().zip(["even:", "odd:"]) {
        fill_mixed(shard, 200, prefix).await?;
        files.push(shard.save().await?.to_string_lossy().into_owned());
    }
    let upload = ["upload", &files[0], &files[1], "--set", "pair", "--id", "pair", "--shards", "3"];
    let output = seeder(&stack, &[&upload[..], &["--no-start"]].concat()).await?;
    ensure!(output.status.code() == Some(0), "{output:?}");
    let (objects, uploads) = objects_and_uploads(&stack).await?;
    ensure!(objects.len() == 2 && uploads.is_empty(), "objects {objects:?}, uploads {uploads:?}");
    // An object's event arrives within a second.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ensure!(user::executions_about(&stack, "").await?.is_empty(), "files without a list started a seeding");

    let output = seeder(&stack, &upload).await?;
    let shown = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(0) && shown.contains("there with the same checksum"), "{output:?}");
    let execution = user::started_by(&stack, "sets/pair.seed.json").await?;
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    ensure!(user::executions_about(&stack, "").await? == [execution], "more than one seeding was started");
    let addresses: Vec<_> = shards.iter().map(Source::address).collect();
    let primaries = user::primaries(&stack, "pair").await?;
    let (before, after) = (digest(&addresses, 0).await?, digest(&primaries, 0).await?);
    let differences = differences(&before, &after);
    ensure!(primaries.len() == 3 && differences.is_empty(), "{primaries:?}, {differences:#?}");

    let output = seeder(&stack, &upload).await?;
    ensure!(output.status.code() == Some(2), "a set that was started is started again: {output:?}");
    stack.stop().await
}
