//! Many drops at once, while a tenth of all calls fail: each is seeded exactly once, or the reason is given.
//!
//! `DROPS=100` takes some minutes; without it, a few.

use std::{
    collections::BTreeSet,
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use local_stack::{S3Switches, Stack, StackOptions};
use system_tests::{
    data::fill_mixed,
    source::Source,
    user::{self, Outcome},
};

const KEYS: usize = 50;
/// Of the calls, one of this many fails.
const ONE_OF: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn drops_at_once_are_each_seeded_once_or_told_why_while_a_tenth_of_all_calls_fail() -> Result<()> {
    let drops: usize = env::var("DROPS").ok().map_or(Ok(10), |text| text.parse())?;
    let source = Source::start().await?;
    fill_mixed(&source, KEYS as u64, "k:").await?;
    let file = source.save().await?;
    let options = StackOptions {
        pause_divisor: 4,
        s3: S3Switches { delivers_twice: 5, ..S3Switches::default() },
        ..StackOptions::default()
    };
    let stack = Stack::start(options).await?;
    stack.gateway().faults().fail_one_of(ONE_OF);
    for drop in 0..drops {
        user::drop_file(&stack, stack.drop_bucket(), &format!("{drop:03}/redis.rdb"), &file).await?;
    }
    let outcomes = all_outcomes(&stack, drops).await?;
    let met = stack.gateway().faults().clear();
    stack.gateway().faults().fail_one_of(0);
    ensure!(met > drops, "{met} faults for {drops} drops");

    let mut seeded = BTreeSet::new();
    for outcome in &outcomes {
        if outcome.status == ExecutionStatus::Succeeded {
            let id = outcome.value["cluster"]["id"].as_str().context("no cluster")?.to_owned();
            ensure!(outcome.value["leftBehind"] == serde_json::json!([]), "{:#}", outcome.value);
            ensure!(seeded.insert(id), "two seedings made one cluster");
        } else {
            ensure!(!outcome.codes().is_empty(), "no reason: {outcome:?}");
        }
    }
    println!(
        "{drops} drops, {met} faults: {} seeded, {} told why",
        seeded.len(),
        outcomes.len() - seeded.len()
    );
    // Clean-ups of those that failed.
    wait_until_quiet(&stack).await?;
    let clusters: BTreeSet<_> = user::clusters(&stack)
        .await?
        .iter()
        .filter_map(|group| group.replication_group_id().map(str::to_owned))
        .collect();
    ensure!(clusters == seeded, "clusters: {clusters:?}");
    let policy = user::policy(&stack, stack.drop_bucket()).await.unwrap_or_default();
    ensure!(!policy.contains("ElasticacheSeeder"), "a grant is left: {policy}");
    stack.stop().await
}

/// The ends of all seedings, which are as many as the drops, however often their events were delivered.
async fn all_outcomes(stack: &Stack, drops: usize) -> Result<Vec<Outcome>> {
    let started = Instant::now();
    let mut seedings = Vec::new();
    while seedings.len() < drops {
        ensure!(
            started.elapsed() < Duration::from_mins(3),
            "{} of {drops} drops have started",
            seedings.len()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
        seedings = user::executions_about(stack, "\"dropped\"").await?;
    }
    let mut outcomes = Vec::new();
    for seeding in &seedings {
        outcomes.push(user::outcome(stack, seeding).await?);
    }
    let now = user::executions_about(stack, "\"dropped\"").await?.len();
    ensure!(now == drops, "{now} executions for {drops} drops");
    Ok(outcomes)
}

async fn wait_until_quiet(stack: &Stack) -> Result<()> {
    let mut quiet = 0;
    for _ in 0..120 {
        let running = stack.sfn().list_executions().state_machine_arn(stack.state_machine_arn());
        let running = running.status_filter(ExecutionStatus::Running).send().await?;
        quiet = if running.executions().is_empty() { quiet + 1 } else { 0 };
        // The rule starts a clean-up within half a second.
        if quiet > 2 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bail!("executions still run after two minutes")
}
