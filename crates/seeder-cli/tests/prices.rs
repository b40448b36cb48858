//! `seeder prices`, with a server that serves AWS's price list.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    path::Path,
    process::{Command, Output},
};

use axum::{Router, http::StatusCode, routing::get};
use serde_json::{Value, json};

/// AWS's price list of a region, with two node types of which the larger one is cheaper. The amounts are made up.
fn price_list(region: &str) -> String {
    let types = [("A", "cache.m7g.large", "0.5000000000"), ("B", "cache.r7g.large", "0.2000000000")];
    let mut list = json!({
        "formatVersion": "v1.0", "offerCode": "AmazonElastiCache", "publicationDate": "2026-06-24T13:06:39Z",
        "products": {}, "terms": {"OnDemand": {}},
    });
    for (sku, node_type, amount) in types {
        list["products"][sku] = json!({"sku": sku, "productFamily": "Cache Instance", "attributes": {
            "locationType": "AWS Region", "instanceType": node_type, "cacheEngine": "Valkey",
            "usagetype": format!("EUW3-NodeUsage:{node_type}"), "regionCode": region,
        }});
        let dimension = json!({"unit": "Hrs", "pricePerUnit": {"USD": amount}});
        list["terms"]["OnDemand"][sku] =
            json!({"t": {"priceDimensions": {"d": dimension}, "termAttributes": {}}});
    }
    list.to_string()
}

/// Runs `seeder` with this home, in the region eu-west-3.
fn seeder(home: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
    command.args(words).env_clear().env("HOME", home).env("AWS_REGION", "eu-west-3");
    command.output().unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The exit status, and what is written to standard error.
fn failure(output: &Output) -> (Option<i32>, String) {
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn server() -> String {
    let router = Router::new()
        .route("/eu-west-3/index.json", get(async || price_list("eu-west-3")))
        .route("/eu-west-1/index.json", get(async || price_list("eu-west-1")))
        .route("/broken/index.json", get(async || price_list("eu-west-3").split_off(1)))
        .route("/denied/index.json", get(async || StatusCode::FORBIDDEN));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_fetched_kept_and_decide_about_plans() {
    let home = tempfile::tempdir().unwrap();
    let (code, error) = failure(&seeder(home.path(), &["prices"]));
    assert_eq!((code, error.contains("hint: seeder prices eu-west-3 --update")), (Some(1), true), "{error}");

    let from = format!("{}/eu-west-3/index.json", server().await);
    let updated = seeder(home.path(), &["prices", "--update", "--from", &from, "--json"]);
    assert_eq!(updated.status.code(), Some(0), "{updated:?}");
    let updated = json_of(&updated);
    assert_eq!(
        updated["prices"]["perNodeHour"],
        json!({"valkey": {"cache.m7g.large": 0.5, "cache.r7g.large": 0.2}})
    );
    assert_eq!(updated["prices"]["publishedAt"], "2026-06-24T13:06:39Z");
    let file = home.path().join(".cache/elasticache-seeder/prices/eu-west-3.json");
    assert_eq!(updated["file"], file.to_str().unwrap());
    let files: Vec<_> =
        std::fs::read_dir(file.parent().unwrap()).unwrap().map(|one| one.unwrap().path()).collect();
    assert_eq!(files, [file.clone()]);
    assert_eq!(json_of(&seeder(home.path(), &["prices", "--json"])), updated);
    let table = seeder(home.path(), &["prices"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("cache.r7g.large          0.20  146.00            -      -"), "{table}");

    // A file with one key, which fits every node.
    let backup = home.path().join("one.rdb");
    std::fs::write(&backup, b"REDIS0010\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0").unwrap();
    let words =
        ["check", backup.to_str().unwrap(), "--quiet", "--node-families", "m7g,r7g", "--replicas", "1"];
    let plan = json_of(&seeder(home.path(), &[&words[..], &["--json"]].concat()))["plan"].clone();
    assert_eq!(plan["nodeType"], "cache.r7g.large", "{plan:#}");
    assert_eq!((&plan["price"]["perMonth"], &plan["price"]["currency"]), (&json!(292.0), &json!("USD")));
    assert_eq!(plan["alternatives"][0]["price"]["perMonth"], 730.0);
    let text = seeder(home.path(), &words);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("  price: 292.00 USD a month (0.20 for a node and hour; prices of "), "{text}");
    assert!(text.contains("  next: 1 x cache.m7g.large for 730.00 USD a month\n"), "{text}");

    // A file by name, without a cache: AWS's own, whose day is that of its publication.
    let other = tempfile::tempdir().unwrap();
    let listed = other.path().join("index.json");
    std::fs::write(&listed, price_list("eu-west-1")).unwrap();
    let words = [&words[..], &["--prices", listed.to_str().unwrap(), "--json"]].concat();
    let plan = json_of(&seeder(other.path(), &words))["plan"].clone();
    assert_eq!(
        (&plan["nodeType"], &plan["price"]["asOf"]),
        (&json!("cache.r7g.large"), &json!("2026-06-24"))
    );
    let without = [&words[..words.len() - 3], &["--json"]].concat();
    let plan = json_of(&seeder(other.path(), &without))["plan"].clone();
    assert_eq!((&plan["nodeType"], plan.get("price")), (&json!("cache.m7g.large"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_and_keeps_what_was_kept() {
    let home = tempfile::tempdir().unwrap();
    let server = server().await;
    let index = |region: &str| format!("{server}/{region}/index.json");
    assert!(seeder(home.path(), &["prices", "--update", "--from", &index("eu-west-3")]).status.success());
    let kept = json_of(&seeder(home.path(), &["prices", "--json"]));
    let missing = home.path().join("missing.json");
    for (words, code, says) in [
        (vec!["prices", "../../etc"], 2, "is no region"),
        (vec!["prices", "--from", "x"], 2, "--update"),
        (vec!["prices", "--stack", "x"], 2, "--update"),
        (vec!["prices", "cn-north-1", "--update"], 2, "--from"),
        (vec!["prices", "--update", "--from", &index("eu-west-1")], 1, "is of eu-west-1, not of eu-west-3"),
        (vec!["prices", "--update", "--from", &index("broken")], 1, "it is no price list as JSON"),
        (vec!["prices", "--update", "--from", missing.to_str().unwrap()], 1, "missing.json"),
        (vec!["prices", "--update", "--from", &index("denied")], 3, "answers 403"),
        (
            vec!["prices", "--update", "--from", "http://127.0.0.1:9/index.json"],
            3,
            "fetch the file by other means",
        ),
        (vec!["prices", "--update", "--from", "http://"], 3, "is no address"),
        (vec!["prices", "eu-north-1"], 1, "no prices of eu-north-1 are kept"),
        (vec!["check", "x.rdb", "--prices", missing.to_str().unwrap()], 2, "--prices: "),
        (vec!["check", "x.rdb", "--engine", "redis", "--prices", "KEPT"], 2, "has no price for redis"),
    ] {
        let file = kept["file"].as_str().unwrap();
        let words: Vec<_> = words.into_iter().map(|word| if word == "KEPT" { file } else { word }).collect();
        let (found, error) = failure(&seeder(home.path(), &words));
        assert_eq!((found, error.contains(says)), (Some(code), true), "{words:?}: {found:?} {error}");
    }
    assert_eq!(json_of(&seeder(home.path(), &["prices", "--json"])), kept);
}
