//! Prices that a person has put into the reports bucket.

use super::*;

fn list() -> Value {
    json!({
        "schema": 1, "region": "us-east-1", "currency": "USD", "asOf": "2026-11-01",
        "publishedAt": "2026-10-01T00:00:00Z",
        "perNodeHour": {"valkey": {"cache.r7g.large": 0.175}, "redis": {"cache.r7g.large": 0.219}},
    })
}

/// The prices in the record.
async fn recorded(answer: Answer) -> Value {
    let wire = fine_target(fine_backup(script()))
        .on(KNOWN, not_known())
        .on(PRICES, answer)
        .on(PUT_RECORD, ok())
        .on(ACCOUNT, quota(1000));
    assert_eq!(prepare(&wire, orders()).await["findings"], json!([]));
    wire.json(PUT_RECORD)["prices"].clone()
}

#[tokio::test]
async fn prices_of_the_engine_are_recorded_for_the_plan() {
    let prices = recorded(json(list())).await;
    let expected =
        json!({"currency": "USD", "asOf": "2026-11-01", "perNodeHour": {"cache.r7g.large": 0.175}});
    assert_eq!(prices, expected);
}

/// A seeding needs no prices.
#[tokio::test]
async fn prices_that_cannot_be_used_are_not_known() {
    let with = |member: &str, value: Value| {
        let mut list = list();
        list[member] = value;
        json(list)
    };
    for answer in [
        s3_error(403, "AccessDenied"),
        ok().body("{"),
        ok().body(" ".repeat(2 << 20)),
        with("schema", json!(2)),
        with("region", json!("eu-west-1")),
        with("currency", json!("\u{1b}[2J")),
        with("perNodeHour", json!({"redis": {"cache.r7g.large": 1}})),
        with("perNodeHour", json!({"valkey": {"cache.r7g.large": -1}})),
    ] {
        assert_eq!(recorded(answer).await, Value::Null);
    }
}
