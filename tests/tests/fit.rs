//! Predictions and reality: the predicted memory of a backup is what real servers use, up to the limit of a node.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_elasticache::types::{CacheEngineVersion, CacheNodeTypeSpecificParameter};
use local_stack::{Stack, StackOptions};
use rdb_footprint::{Footprint, Generation, Settings};
use rdb_scan::{Control, FileSource, InspectOptions, Weighing, inspect_parallel};
use seeding::{Engine, NodeTypes};
use serde_json::{Value, from_value, json, to_value};
use system_tests::{
    data::{fill_blobs, fill_mixed},
    source::Source,
    user,
};

const NODE: &str = "cache.local.16mb";
const MAXMEMORY_BYTES: u64 = 16 << 20;

/// The predicted memory of a file in bytes, for the engine of these clusters.
fn predicted(file: &Path) -> Result<u64> {
    let settings = Settings::new(Generation::Redis7);
    let options = InspectOptions { weighings: vec![Weighing::by(settings)], ..InspectOptions::default() };
    let inspection = inspect_parallel(&FileSource::open(file)?, 2, &options, &|_| Control::Continue)?;
    let footprint = Footprint::of(inspection.as_ref(), settings, false).context("it was weighed")?;
    Ok(footprint.used_memory_bytes())
}

/// Adds strings of a kilobyte until the predicted memory is `percent` of the node's memory, less at most a quarter of a
/// percent.
async fn fill_to(source: &Source, percent: u64) -> Result<PathBuf> {
    let wanted = MAXMEMORY_BYTES * percent / 100;
    let mut connection = source.connect().await?;
    let mut first: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await?;
    loop {
        let file = source.save().await?;
        let missing = wanted.saturating_sub(predicted(&file)?);
        if missing < MAXMEMORY_BYTES / 400 {
            return Ok(file);
        }
        // Each string takes less than 1,300 bytes, so that the prediction approaches the target from below.
        let last = first + (missing / 1_300).max(1) - 1;
        fill_blobs(source, first, last).await?;
        first = last + 1;
    }
}

fn request(id: &str, file: &str, allow: &[&str]) -> Value {
    request_for(NODE, id, file, allow)
}

fn request_for(node_type: &str, id: &str, file: &str, allow: &[&str]) -> Value {
    let cluster = json!({"id": id, "nodeType": node_type, "engine": "redis", "engineVersion": "7.1"});
    json!({"backups": [format!("backups/{file}")], "cluster": cluster, "allow": allow})
}

#[tokio::test(flavor = "multi_thread")]
async fn at_98_percent_of_maxmemory_it_comes_up_and_at_102_it_is_refused_and_forced_it_fails() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 20_000, "k:").await?;
    let below = fill_to(&source, 98).await?;
    user::drop_file(&stack, "backups", "below.rdb", &below).await?;

    let tight = user::seed(&stack, &request("tight", "below.rdb", &[])).await?;
    tight.expect(Some("BackupRejected"))?;
    let needed = tight.finding("tight-fit")?["evidence"]["neededBytes"].as_u64().context("a number")?;
    ensure!(needed == predicted(&below)?, "{needed} is not what the file takes");
    let workers = stack.lambda().invocations("inspect-chunk");

    // The backup fits on a larger node. This takes no new inspection, because the engine is the same.
    let mut larger = request_for("cache.local.64mb", "larger", "below.rdb", &[]);
    larger["dryRun"] = true.into();
    let begin = Instant::now();
    user::seed(&stack, &larger).await?.expect_seeded()?;
    println!("decided for a larger node after {:?}", begin.elapsed());

    // If the finding is allowed, the cluster becomes available.
    let allowed = user::seed(&stack, &request("tight", "below.rdb", &["tight-fit"])).await?;
    allowed.expect_seeded()?;
    ensure!(stack.lambda().invocations("inspect-chunk") == workers, "the backup was read again");
    let real = restored_bytes(&stack, "tight").await?;
    let [real] = real[..] else { anyhow::bail!("one node has told {real:?}") };
    ensure!(real.abs_diff(needed) < needed / 100, "{needed} bytes were predicted, {real} are taken");

    let above = fill_to(&source, 102).await?;
    user::drop_file(&stack, "backups", "above.rdb", &above).await?;
    let refused = user::seed(&stack, &request("above", "above.rdb", &["tight-fit"])).await?;
    refused.expect(Some("BackupRejected"))?;
    refused.finding("does-not-fit")?;
    let forced = user::seed(&stack, &request("above", "above.rdb", &["does-not-fit", "tight-fit"])).await?;
    forced.expect(Some("SeedingFailed"))?;
    ensure!(forced.value.to_string().contains("does not fit"), "{:#}", forced.value);
    let clusters = user::clusters(&stack).await?;
    ensure!(clusters.len() == 1, "the failed cluster is left: {clusters:?}");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_take_what_the_plan_says_and_are_as_many_as_are_needed() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let source = Source::start().await?;
    fill_mixed(&source, 60_000, "k:").await?;
    let file = fill_to(&source, 180).await?;
    user::drop_file(&stack, "backups", "many.rdb", &file).await?;
    let cluster = json!({
        "id": "many", "nodeType": NODE, "engine": "redis", "engineVersion": "7.1", "clusterMode": "enabled",
        "slots": "balanced",
    });
    let outcome = user::seed(&stack, &json!({"backups": ["backups/many.rdb"], "cluster": cluster})).await?;
    outcome.expect_seeded()?;
    let report = report(&stack, &outcome).await?;
    let planned: Vec<u64> = report["plan"]["shards"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|shard| shard["usedMemoryBytes"].as_u64())
        .collect();
    // 180 % of a node's memory, of which three quarters are usable, less the overhead of each node.
    ensure!(planned.len() >= 3, "planned {planned:?}");
    ensure!(report["plan"]["nextSmaller"]["shards"] == planned.len() - 1, "{:#}", report["plan"]);
    let (least, most) = (planned.iter().min().unwrap_or(&0), planned.iter().max().unwrap_or(&0));
    ensure!(most - least < most / 50, "not balanced: {planned:?}");
    let real = restored_bytes(&stack, "many").await?;
    ensure!(real.len() == planned.len(), "{} shards were planned, {} came up", planned.len(), real.len());
    for (planned, real) in planned.iter().zip(&real) {
        ensure!(real.abs_diff(*planned) < planned / 50, "{planned} bytes were planned, {real} are taken");
    }
    stack.stop().await
}

async fn report(stack: &Stack, outcome: &user::Outcome) -> Result<Value> {
    let name = outcome.execution.rsplit(':').next().context("no name")?;
    let key = format!("executions/{name}/report.json");
    let object = stack.s3().get_object().bucket(stack.reports_bucket()).key(key).send().await?;
    Ok(serde_json::from_slice(&object.body.collect().await?.into_bytes())?)
}

/// The memory of the data on each primary, as the servers report it, in the order of the members.
async fn restored_bytes(stack: &Stack, id: &str) -> Result<Vec<u64>> {
    let events = stack.elasticache().describe_events().duration(60).send().await?;
    let mut told: Vec<(String, u64)> = events
        .events()
        .iter()
        .filter_map(|event| {
            let member = event.source_identifier().filter(|member| member.starts_with(id))?;
            let rest = event.message()?.strip_prefix("Restored: the data take ")?;
            Some((member.to_owned(), rest.split(' ').next()?.parse().ok()?))
        })
        .collect();
    told.sort();
    Ok(told.into_iter().map(|(_, bytes)| bytes).collect())
}

/// Node types of the local service that the product does not offer: its own, and families closed to new clusters.
const UNOFFERED: [&str; 3] = ["cache.local.", "cache.r4.", "cache.t2."];

/// Both sides have a table of their own, so that neither repeats an error of the other.
#[tokio::test(flavor = "multi_thread")]
async fn versions_and_the_memory_of_node_types_are_the_same_on_both_sides() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    for (engine, family) in [(Engine::Redis, "redis7"), (Engine::Valkey, "valkey8")] {
        let versions = stack.elasticache().describe_cache_engine_versions().engine(engine.as_str());
        let versions = versions.send().await?;
        let versions: Vec<_> =
            versions.cache_engine_versions().iter().filter_map(CacheEngineVersion::engine_version).collect();
        ensure!(versions == engine.known_versions(), "{engine}: {versions:?}");
        let ask =
            stack.elasticache().describe_engine_default_parameters().cache_parameter_group_family(family);
        let mut pages = ask.into_paginator().send();
        let mut described = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page?;
            let defaults = page.engine_defaults().context("no defaults")?;
            for value in defaults
                .cache_node_type_specific_parameters()
                .iter()
                .flat_map(CacheNodeTypeSpecificParameter::cache_node_type_specific_values)
            {
                let name = value.cache_node_type().context("no node type")?.to_owned();
                described.insert(name, value.value().context("no value")?.parse::<u64>()?);
            }
        }
        described.retain(|name, _| !UNOFFERED.iter().any(|family| name.starts_with(family)));
        let documented: BTreeMap<String, u64> = from_value(to_value(NodeTypes::documented(engine))?)?;
        ensure!(described == documented, "{family}: {described:#?}\n{documented:#?}");
    }
    stack.stop().await
}
