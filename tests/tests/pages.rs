//! The report as a page: of a check, and of executions of a real state machine; and the memory by prefix that it shows.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{data::fill_mixed, source::Source, user};

/// Runs `seeder` and expects this exit status. Returns standard output and standard error.
async fn seeder(words: &[&str], stack: Option<&Stack>, status: i32) -> Result<(String, String)> {
    let mut command = Command::new(StackOptions::default().binaries.join("seeder"));
    command.args(words);
    if let Some(stack) = stack {
        command.envs(stack.env());
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let [text, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(output.status.code() == Some(status), "{words:?}: {:?}\n{text}{errors}", output.status);
    Ok((text, errors))
}

/// Keys under four prefixes: hashes, strings that expire, long strings that are compressed, and long lists.
const BY_PREFIX: &str = r"
local call = redis.call
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local digest = redis.sha1hex(i)
  if i % 2 == 0 then call('HSET', 'user:' .. i .. ':profile', 'name', 'n' .. i, 'mail', digest .. '@example.com') end
  call('SET', 'session:' .. digest, string.rep(digest, 3), 'EX', 400000000)
  if i % 5 == 0 then call('SET', 'page/' .. digest, string.rep('<p>' .. i .. '</p>', 60)) end
  call('RPUSH', 'queue:' .. i % 40 .. ':items', digest, 'item ' .. i)
  if i % 50 == 0 then call('SET', 'plain' .. i, digest) end
end";
const ROUNDS: u64 = 480_000;

async fn fill_by_prefix(source: &Source) -> Result<()> {
    const BATCH: u64 = 10_000;
    let mut connection = source.connect().await?;
    for first in (1..=ROUNDS).step_by(BATCH as usize) {
        let mut script = redis::cmd("EVAL");
        script.arg(BY_PREFIX).arg(0).arg(first).arg(first + BATCH - 1);
        script.exec_async(&mut connection).await?;
    }
    Ok(())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// Keys of this backup are a sample: it is larger than what is weighed as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_prefix_takes_alone_what_is_predicted() -> Result<()> {
    let source = Source::start().await?;
    fill_by_prefix(&source).await?;
    let file = source.save().await?;
    let folder = tempfile::tempdir()?;
    let engine = ["--engine", "redis", "--engine-version", "7.1", "--cluster-mode", "off"];
    let (output, _) = seeder(&[&["check", text(&file), "--json"], &engine[..]].concat(), None, 0).await?;
    let memory = serde_json::from_str::<Value>(&output)?["memory"].clone();
    let whole = memory["dataBytes"].as_u64().context("no memory")?;
    let empty = Source::start().await?.used_memory_at_rest().await?;
    let mut large = Vec::new();
    for prefix in memory["prefixes"].as_array().context("no prefixes")? {
        let (name, bytes) = (prefix["prefix"].as_str().context("no name")?, prefix["bytes"].as_u64());
        if bytes.context("no bytes")? < whole / 20 {
            continue;
        }
        let (new, pattern) = (folder.path().join(format!("{}.rdb", large.len())), format!("{name}*"));
        let convert = ["convert", text(&file), text(&new), "--include", &pattern, "--to", "redis-7.1"];
        seeder(&convert, None, 0).await?;
        let measured = Source::load(&new).await?.used_memory_at_rest().await? - empty;
        let predicted = prefix["aloneBytes"].as_u64().context("no aloneBytes")?;
        println!(
            "{name:20} predicted {predicted:>10} measured {measured:>10} error {}",
            prefix["errorBytes"]
        );
        ensure!(predicted.abs_diff(measured) <= measured / 50, "{prefix:#}: measured {measured}");
        large.push(name.to_owned());
    }
    large.sort_unstable();
    let expected =
        ["page/", "queue:", "queue:*:", "session:", "user:", "user:*:"].map(str::to_owned).to_vec();
    ensure!(large == expected, "{large:?}");
    let sampled = memory["prefixes"][0]["errorBytes"].as_u64() > Some(0);
    ensure!(sampled, "every key was weighed: {memory:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_becomes_a_page_that_replaces_only_pages() -> Result<()> {
    let source = Source::start().await?;
    fill_mixed(&source, 3_000, "shop:k:").await?;
    source.command(&["SET", "</script><script>alert(1)</script>:x", &"v".repeat(50_000)]).await?;
    let file = source.save().await?;
    let page = source.dir().join("report.html");
    let words = ["check", text(&file), "--html", text(&page), "--node-type", "auto", "--cluster-mode", "on"];
    seeder(&words, None, 0).await?;
    let first = std::fs::read_to_string(&page)?;
    ensure!(first.starts_with("<!doctype html>") && first.matches("<script").count() == 1, "{first}");
    for part in ["shop:", "&#60;/script&#62;", "hash (listpack)", "ok</p>", "cache."] {
        ensure!(first.contains(part), "no {part} in {first}");
    }
    // With hidden keys, and in the place of the first.
    seeder(&[&words[..], &["--hide-keys"]].concat(), None, 0).await?;
    let hidden = std::fs::read_to_string(&page)?;
    ensure!(!hidden.contains("shop") && hidden.contains("(hidden)"), "{hidden}");
    let other = source.dir().join("other");
    std::fs::write(&other, "notes")?;
    for place in [text(&file), text(&other), text(source.dir())] {
        let (_, errors) = seeder(&["check", text(&file), "--html", place], None, 2).await?;
        ensure!(errors.contains("is no page") && errors.contains("hint:"), "{errors}");
    }
    ensure!(std::fs::read(&other)? == b"notes", "it was replaced");
    let nowhere = source.dir().join("no/such/folder/page.html");
    let (_, errors) = seeder(&["check", text(&file), "--html", text(&nowhere)], None, 3).await?;
    ensure!(errors.contains("failed to write"), "{errors}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_execution_is_downloaded() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 2_000, "shop:k:").await?;
    user::drop_file(&stack, "backups", "shop.rdb", &source.save().await?).await?;
    let request = |id: &str, backup: &str| json!({"backups": [backup], "cluster": {"id": id}});
    let seeded = user::seed(&stack, &request("shop", "backups/shop.rdb")).await?;
    seeded.expect_seeded()?;
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("shop.html");
    let name = seeded.execution.rsplit(':').next().unwrap_or_default();
    let words = ["report", name, "--output", text(&page)];
    let (printed, _) = seeder(&words, Some(&stack), 0).await?;
    ensure!(printed.trim() == text(&page), "{printed}");
    let content = std::fs::read_to_string(&page)?;
    for part in [
        "<!doctype html>",
        "Course of the seeding",
        "cluster requested",
        "ElastiCache's events",
        "shop: Read the backup backups/shop.rdb",
        "measured in the cluster",
        "the data can grow by",
        "shop:",
    ] {
        ensure!(content.contains(part), "no {part} in {content}");
    }
    // A browser gets the file.
    let browser = folder.path().join("browser");
    std::fs::write(&browser, format!("#!/bin/sh\nprintf %s \"$1\" > {}/opened\n", folder.path().display()))?;
    Command::new("chmod").args(["+x", text(&browser)]).status()?;
    let mut open = Command::new(StackOptions::default().binaries.join("seeder"));
    open.args(["report", &seeded.execution, "--output", text(&page), "--open", "--json"]).envs(stack.env());
    let output = open.env("BROWSER", &browser).output()?;
    ensure!(output.status.success(), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(result["file"] == text(&page) && result["execution"] == name, "{result}");
    let opened = folder.path().join("opened");
    while !opened.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // What is no page stays, and there is none if the request was refused before the backup was read.
    let other = folder.path().join("other");
    std::fs::write(&other, "notes")?;
    seeder(&["report", name, "--output", text(&other)], Some(&stack), 2).await?;
    let refused = user::seed(&stack, &request("none", "backups/none.rdb")).await?;
    refused.expect(Some("BackupRejected"))?;
    let (_, errors) =
        seeder(&["report", &refused.execution, "--output", text(&page)], Some(&stack), 1).await?;
    ensure!(errors.contains("there is no s3://") && errors.contains("hint:"), "{errors}");
    seeder(&["report", "unknown"], Some(&stack), 1).await?;
    seeder(&["report"], Some(&stack), 2).await?;
    Ok(())
}
