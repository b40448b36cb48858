//! Metrics as a log line that CloudWatch reads (Embedded Metric Format).

use seeding::{
    Seeding,
    outcome::Ending,
    steps::{DataMemory, RecordInput},
};
use serde_json::{Map, Value, json};

/// The namespace of the metrics. The template's alarms and dashboard name it.
const NAMESPACE: &str = "ElasticacheSeeder";

/// The log line about the end of a seeding.
pub(super) fn of(
    stack: &str,
    input: &RecordInput,
    kind: Ending,
    seeding: Option<&Seeding>,
    now_ms: i64,
) -> Value {
    let mut metrics = vec![(kind.metric(), "Count", json!(1))];
    if let Some(seeding) = seeding.filter(|_| !matches!(kind, Ending::LeftBehind | Ending::Awaiting)) {
        let bytes: u64 = seeding.backups.iter().map(|backup| backup.size_bytes).sum();
        metrics.push(("BytesRead", "Bytes", json!(bytes)));
        let RecordInput { started_at_ms: started, decided_at_ms: decided, created_at_ms: created, .. } =
            *input;
        if decided > 0 {
            metrics.push(("SecondsToVerdict", "Seconds", json!(seconds(started, decided))));
        }
        if kind == Ending::Succeeded && created > 0 {
            #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
            let gigabytes = (bytes as f64 / 1e9).max(1e-3);
            metrics.push(("RestoreSecondsPerGB", "Seconds", json!(seconds(created, now_ms) / gigabytes)));
        }
        if let Some(DataMemory { predicted_bytes, measured_bytes }) = input.measured_memory() {
            metrics.push(("PredictedMemory", "Bytes", json!(predicted_bytes)));
            metrics.push(("MeasuredMemory", "Bytes", json!(measured_bytes)));
        }
    }
    let names: Vec<_> = metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": now_ms, "CloudWatchMetrics": [
            {"Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": names}
        ]}),
    );
    line.insert("Stack".to_owned(), stack.into());
    line.extend(metrics.into_iter().map(|(name, _, value)| (name.to_owned(), value)));
    Value::Object(line)
}

#[expect(clippy::cast_precision_loss, reason = "seconds need not be exact")]
fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    to_ms.saturating_sub(from_ms).max(0) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_value_for_each_metric_that_it_names() {
        let input = RecordInput::default();
        for kind in Ending::ALL {
            let line = of("stack", &input, kind, None, 1_700_000_000_000);
            let named = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
            assert_eq!(named.len(), 1, "{line}");
            assert!(named.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_number()), "{line}");
        }
    }
}
