//! The demonstration: a live server and a real backup become real clusters, unusable backups are rejected, and failed
//! clusters are cleaned up.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use local_stack::{Nearness, ServerBinaries, Stack, StackOptions};
use serde_json::json;
use system_tests::{
    data::{fill_bytes, fill_mixed},
    digest::{differences, digest},
    source::Source,
    user,
};

const KEYS: u64 = 200_000;
/// Keys of the backup that is converted.
const NEW_KEYS: u64 = 20_000;

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    match demonstrate().await {
        Ok(()) => {
            println!("\nAll six ended as they should, {:.0} s in all.", started.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("\nFAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The target cluster: Valkey if a Valkey server is installed, else Redis.
struct Target {
    engine: &'static str,
    version: &'static str,
    /// Parts that cannot be shown on this machine.
    not_shown: Vec<String>,
}

impl Target {
    fn of(servers: &ServerBinaries) -> Result<Self> {
        let valkey = servers.choose("valkey", "8.1").context("there is no server")?;
        let mut not_shown = Vec::new();
        if valkey.nearness == Nearness::OtherEngine {
            not_shown
                .push("a Valkey cluster: there is no valkey-server here; make servers says why".to_owned());
            return Ok(Self { engine: "redis", version: "7.1", not_shown });
        }
        if valkey.nearness == Nearness::OtherVersion {
            not_shown.push(format!("Valkey 8.1 itself: {} stands in for it", valkey.server));
        }
        Ok(Self { engine: "valkey", version: "8.1", not_shown })
    }
}

async fn demonstrate() -> Result<()> {
    println!("Starting S3, Lambda, Step Functions and ElastiCache on loopback …");
    let options = StackOptions::default();
    let servers = ServerBinaries::find(Some(&options.servers))?;
    let mut target = Target::of(&servers)?;
    let source = servers.choose("redis", "7.0").context("there is no server")?;
    // A newer server writes files that no ElastiCache engine is known to read, although a substitute may read them.
    let too_new = source.nearness != Nearness::Same;
    if too_new {
        target.not_shown.push(format!("a backup of Redis 7.0: {} writes it", source.server));
    }
    for what in &target.not_shown {
        println!("not shown: {what}");
    }
    let stack = Stack::start(StackOptions {
        seeding_defaults: json!({
            "cluster": {
                "engine": target.engine, "engineVersion": target.version, "shards": 3, "transitEncryption": false,
                "nodeType": "cache.local.64mb"
            },
            "verify": true, "pollSeconds": 1,
            "allow": if too_new { json!(["rdb-newer-than-engine"]) } else { json!([]) }
        }),
        ..options
    })
    .await?;
    let done = all_parts(&stack).await;
    stack.stop().await?;
    done
}

async fn all_parts(stack: &Stack) -> Result<()> {
    let small = Source::start().await?;
    let large = Source::start().await?;
    becomes_a_cluster(stack, &small).await.context("(a)")?;
    backup_becomes_a_cluster(stack, &small).await.context("(b)")?;
    fill_bytes(&large, 24).await?;
    let backup = large.save().await?;
    is_refused(stack, &backup).await.context("(c)")?;
    fails_and_is_cleaned_up(stack, &backup).await.context("(d)")?;
    corrupt_is_refused(stack, &large, &backup).await.context("(e)")?;
    is_converted(stack).await.context("(f)")
}

async fn is_converted(stack: &Stack) -> Result<()> {
    headline("(f) A backup of Redis 8, which no ElastiCache engine reads, becomes a cluster");
    let source = Source::start_redis("8.2").await?;
    if !user::server_of(&source.address()).await?.starts_with("redis-server 8.") {
        println!("not shown: make servers installs Redis 8.2");
        return Ok(());
    }
    fill_mixed(&source, NEW_KEYS, "session:").await?;
    println!(
        "{} wrote {NEW_KEYS} keys of all types; uploading sessions.rdb, and nothing else …",
        source.server()
    );
    user::drop_file(stack, stack.drop_bucket(), "sessions.rdb", &source.save().await?).await?;
    let execution = user::started_by(stack, "sessions.rdb").await?;
    seeder_cli::follow(stack.sfn(), &execution, false).await?;
    let outcome = user::outcome(stack, &execution).await?;
    outcome.expect_seeded()?;
    let evidence = &outcome.finding("converted")?["evidence"];
    let format = |name: &str| evidence[name].as_str().unwrap_or_default().to_owned();
    let (from, to) = (format("from"), format("to"));
    let id = outcome.value["cluster"]["id"].as_str().context("the outcome names no cluster")?;
    let primaries = user::primaries(stack, id).await?;
    let before = digest(&[source.address()], 0).await?;
    let differences = differences(&before, &digest(&primaries, 0).await?);
    ensure!(differences.is_empty(), "the cluster differs from the source: {differences:#?}");
    check(&format!("converted from {from} to {to} on the way, without loss"));
    let server = user::server_of(&primaries[0]).await?;
    check(&format!("all {} keys are in {server} with the same values and expiries", before.len()));
    ensure!(user::left_converted(stack).await?.is_empty(), "something is left in the conversion bucket");
    check("the converted backup was deleted");
    stack.elasticache().delete_replication_group().replication_group_id(id).send().await?;
    until_nothing_is_left(stack).await
}

async fn becomes_a_cluster(stack: &Stack, source: &Source) -> Result<()> {
    headline("(a) A live server becomes a cluster of 3 shards, by one command");
    let started = Instant::now();
    fill_mixed(source, KEYS, "orders:").await?;
    println!("{} has {KEYS} keys of all types, {:.1} s", source.server(), started.elapsed().as_secs_f64());
    let policy = user::policy(stack, stack.drop_bucket()).await;
    let status = seeder(stack, &["seed", &format!("redis://{}", source.address()), "--id", "orders"])?;
    ensure!(status == 0, "expected exit status 0, found {status}");
    has_the_same(stack, source, "orders").await?;
    let left = user::policy(stack, stack.drop_bucket()).await;
    ensure!(left == policy, "the bucket's policy is {left:?}, expected {policy:?}");
    check("the access given to ElastiCache was revoked: the bucket's policy is what it was, to the byte");
    stack.elasticache().delete_replication_group().replication_group_id("orders").send().await?;
    until_nothing_is_left(stack).await
}

async fn backup_becomes_a_cluster(stack: &Stack, source: &Source) -> Result<()> {
    headline("(b) A backup dropped into the bucket becomes the same");
    let backup = source.save().await?;
    let megabytes = backup.metadata()?.len() / 1_000_000;
    println!("uploading orders.rdb, {megabytes} MB, with a plain PutObject, and nothing else …");
    user::drop_file(stack, stack.drop_bucket(), "orders.rdb", &backup).await?;
    let execution = user::started_by(stack, "orders.rdb").await?;
    seeder_cli::follow(stack.sfn(), &execution, false).await?;
    let outcome = user::outcome(stack, &execution).await?;
    outcome.expect_seeded()?;
    let id = outcome.value["cluster"]["id"].as_str().context("the outcome names no cluster")?;
    has_the_same(stack, source, id).await?;
    stack.elasticache().delete_replication_group().replication_group_id(id).send().await?;
    until_nothing_is_left(stack).await
}

/// Compares a cluster of three shards with the source.
async fn has_the_same(stack: &Stack, source: &Source, id: &str) -> Result<()> {
    println!("comparing every key, value and expiry of source and cluster …");
    let before = digest(&[source.address()], 0).await?;
    let primaries = user::primaries(stack, id).await?;
    ensure!(primaries.len() == 3, "expected 3 primaries, found {primaries:?}");
    let after = digest(&primaries, 0).await?;
    let differences = differences(&before, &after);
    ensure!(differences.is_empty(), "the cluster differs from the source: {differences:#?}");
    check(&format!("all {} keys are on the 3 shards with the same values and expiries", after.len()));
    check(&format!("the primaries are real servers: {}", user::server_of(&primaries[0]).await?));
    Ok(())
}

async fn is_refused(stack: &Stack, backup: &Path) -> Result<()> {
    headline("(c) A backup that does not fit the node is refused before anything is created");
    let status = seeder(
        stack,
        &["seed", &text(backup), "--id", "too-large", "--shards", "1", "--node-type", "cache.local.16mb"],
    )?;
    ensure!(status == 1, "expected exit status 1, found {status}");
    until_nothing_is_left(stack).await?;
    check("refused with the number that decides; no cluster was created");
    Ok(())
}

async fn fails_and_is_cleaned_up(stack: &Stack, backup: &Path) -> Result<()> {
    headline("(d) The same, forced: a real restore-failed, and everything is cleaned up");
    let status = seeder(
        stack,
        &[
            "seed",
            &text(backup),
            "--id",
            "forced",
            "--shards",
            "1",
            "--node-type",
            "cache.local.16mb",
            "--allow",
            "does-not-fit",
            "--allow",
            "tight-fit",
        ],
    )?;
    ensure!(status == 1, "expected exit status 1, found {status}");
    until_nothing_is_left(stack).await?;
    check("no cluster, no grant and no process is left");
    Ok(())
}

async fn corrupt_is_refused(stack: &Stack, source: &Source, backup: &Path) -> Result<()> {
    headline("(e) A corrupt file is refused with the offset");
    let mut bytes = std::fs::read(backup)?;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2_000].fill(b'~');
    let corrupt: PathBuf = source.dir().join("corrupt.rdb");
    std::fs::write(&corrupt, bytes)?;
    println!("2,000 bytes from byte {middle} on were overwritten");
    let status = seeder(stack, &["seed", &text(&corrupt), "--id", "corrupt"])?;
    ensure!(status == 1, "expected exit status 1, found {status}");
    until_nothing_is_left(stack).await?;
    check("refused before it became an object; no cluster was created");
    Ok(())
}

/// Runs the CLI as a user does, with the environment of `make local`.
fn seeder(stack: &Stack, args: &[&str]) -> Result<i32> {
    println!("$ seeder {}", args.join(" "));
    let binary = std::env::current_exe()?.with_file_name("seeder");
    let status = Command::new(&binary).args(args).envs(stack.env()).status();
    let status = status.with_context(|| format!("failed to run {}", binary.display()))?;
    status.code().context("seeder was ended by a signal")
}

async fn until_nothing_is_left(stack: &Stack) -> Result<()> {
    let mut left = Vec::new();
    for _ in 0..100 {
        left = user::left_behind(stack, &[stack.drop_bucket()]).await?;
        if left.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("left behind: {left:#?}")
}

fn headline(text: &str) {
    println!("\n{text}");
}

fn check(text: &str) {
    println!("  ok: {text}");
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
