//! Prices: fetched for the stack, they decide about plans, and everybody who decides is told.

use std::{path::Path, process::Output};

use anyhow::{Context, Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};
use system_tests::{
    data::fill_mixed,
    listener::{Listener, TOPIC_ARN},
    source::Source,
    user,
};
use tokio::process::Command;

/// AWS's price list of the local region, with two node types. The amounts are made up: the larger type is cheaper.
fn price_list() -> Value {
    let types = [("A", "cache.m7g.large", "0.5000000000"), ("B", "cache.r7g.large", "0.2000000000")];
    let mut list = json!({
        "formatVersion": "v1.0", "offerCode": "AmazonElastiCache", "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z", "products": {}, "terms": {"OnDemand": {}, "Reserved": {}},
    });
    for (sku, node_type, amount) in types {
        list["products"][sku] = json!({"sku": sku, "productFamily": "Cache Instance", "attributes": {
            "servicecode": "AmazonElastiCache", "locationType": "AWS Region", "instanceType": node_type,
            "cacheEngine": "Valkey", "usagetype": format!("NodeUsage:{node_type}"), "regionCode": "us-east-1",
        }});
        list["terms"]["OnDemand"][sku] = json!({ format!("{sku}.T"): {"priceDimensions": {
            format!("{sku}.T.D"): {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": amount}},
        }, "termAttributes": {}}});
    }
    list
}

/// Runs `seeder` with a cache folder of its own.
async fn seeder(stack: &Stack, home: &Path, words: &[&str]) -> Result<Output> {
    let mut command = Command::new(StackOptions::default().binaries.join("seeder"));
    command.args(words).envs(stack.env()).env("HOME", home).env_remove("XDG_CACHE_HOME");
    Ok(command.output().await?)
}

async fn says(stack: &Stack, home: &Path, words: &[&str], part: &str) -> Result<()> {
    let output = seeder(stack, home, words).await?;
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(output.status.success() && text.contains(part), "{words:?}: {part} is not in\n{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_decides_is_told_the_price() -> Result<()> {
    let mut options = StackOptions::default();
    options.parameters.push(("OutcomeTopicArn".to_owned(), TOPIC_ARN.to_owned()));
    let stack = Stack::start(options).await?;
    let listener = Listener::start(&stack).await?;
    let home = tempfile::tempdir()?;
    let source = Source::start().await?;
    fill_mixed(&source, 300, "k:").await?;
    user::drop_file(&stack, "backups", "small.rdb", &source.save().await?).await?;
    let dry = [
        "seed",
        "s3://backups/small.rdb",
        "--dry-run",
        "--replicas",
        "1",
        "--node-type",
        "auto",
        "--node-families",
        "m7g,r7g",
    ];
    says(&stack, home.path(), &dry, "plan 1 x cache.m7g.large\nprice not known\n").await?;

    let file = home.path().join("index.json");
    std::fs::write(&file, price_list().to_string())?;
    let file = file.to_str().context("no path")?;
    let update = ["prices", "--update", "--from", file, "--stack", "elasticache-seeder"];
    let stored = format!("stored s3://{}/prices/us-east-1.json\n", stack.reports_bucket());
    says(&stack, home.path(), &update, &stored).await?;

    // Two nodes for 730 hours.
    let price = "292.00 USD a month (0.20 for a node and hour; prices of 2026-11-01)";
    let plan =
        format!("plan 1 x cache.r7g.large\nprice {price}\nnext 1 x cache.m7g.large, 730.00 USD a month");
    says(&stack, home.path(), &dry, &plan).await?;
    let request = json!({"backups": ["backups/small.rdb"], "approval": "required", "nodeFamilies": ["m7g", "r7g"],
        "cluster": {"id": "orders", "nodeType": "auto", "replicasPerShard": 1}});
    let execution = user::start(&stack, &request).await?;
    user::approval_token(&stack, &execution).await?;
    says(&stack, home.path(), &["status", &execution], &format!("1 x cache.r7g.large, price {price}"))
        .await?;
    let heard = format!("{:?}", listener.hear().await?);
    ensure!(heard.contains(&format!("Plan: 1 x cache.r7g.large\\nPrice: {price}\\nTo answer: ")), "{heard}");
    let told = r#""price": Object {"currency": String("USD"), "perMonth": Number(292.0)"#;
    ensure!(heard.contains(told), "{heard}");

    says(&stack, home.path(), &["approve", &execution], "approved").await?;
    user::outcome(&stack, &execution).await?.expect_seeded()?;
    let status = seeder(&stack, home.path(), &["status", &execution, "--json"]).await?;
    let status: Value = serde_json::from_slice(&status.stdout)?;
    ensure!(status["report"]["price"]["perMonth"] == 292.0, "{status:#}");
    stack.stop().await
}
