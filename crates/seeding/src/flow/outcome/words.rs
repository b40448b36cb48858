//! How a seeding ended, in words: for an e-mail or a chat.

use std::fmt::Write as _;

use super::{Ending, Outcome};
use crate::{
    facts::partition::Partition,
    flow::steps::DataMemory,
    verdict::plan::{in_words, price_in_words},
};

/// The longest subject that SNS accepts, in characters. Source: SNS API reference, "Publish".
const MAX_SUBJECT: usize = 99;

/// Subject and text of a message: what happened, why, what to do, and links.
pub fn words(outcome: &Outcome, ending: Ending, partition: &Partition, arn: &str) -> (String, String) {
    let what = match ending {
        Ending::Succeeded => "The cluster is available.",
        Ending::Rejected => "The backup was rejected. Nothing was created.",
        Ending::Failed => "The cluster did not become available. What was created is cleaned up.",
        Ending::DryRun => "The dry run is complete. Nothing was created.",
        Ending::Awaiting => "The backup can be seeded. It waits for somebody's approval.",
        Ending::LeftBehind => "The clean-up could not finish: something is left behind.",
    };
    let subject: String = format!("{}: {}", ending.detail_type(), outcome.execution);
    let subject = subject.chars().filter(char::is_ascii).take(MAX_SUBJECT).collect();
    let mut text = format!("{what}\n\nExecution: {}\n", outcome.execution);
    if let Some(cluster) = &outcome.cluster {
        let _ = writeln!(text, "Cluster: {} at {}:{}", cluster.id, cluster.endpoint, cluster.port);
    }
    if let Some(DataMemory { predicted_bytes, measured_bytes }) = outcome.memory {
        let _ = writeln!(text, "Memory of the data: {measured_bytes} bytes, predicted {predicted_bytes}");
    }
    if let Some(plan) = &outcome.plan {
        let node_type = plan["nodeType"].as_str().unwrap_or("?");
        let _ = writeln!(text, "Plan: {}", in_words(&plan["shards"], node_type));
        let _ = writeln!(text, "Price: {}", price_in_words(plan));
    }
    if ending == Ending::Awaiting {
        let name = &outcome.execution;
        let _ = writeln!(text, "To answer: seeder approve {name}, or seeder reject {name} --because REASON");
    }
    if !outcome.left_behind.is_empty() {
        let _ = writeln!(text, "Left behind: {}", outcome.left_behind.join(", "));
    }
    for finding in &outcome.findings {
        let about = finding.backup.as_ref().map(|backup| format!(" ({backup})")).unwrap_or_default();
        let _ = writeln!(text, "\n{} {}{about}", finding.severity, finding.code);
        if let Some(message) = finding.evidence.get("message").and_then(|message| message.as_str()) {
            let _ = writeln!(text, "  {message}");
        }
        let _ = writeln!(text, "  What to do: {}", finding.remedy);
    }
    let console = console(partition);
    let region = &partition.region;
    let _ = writeln!(
        text,
        "\nExecution in the console: https://{console}/states/home?region={region}#/v2/executions/details/{arn}"
    );
    if let Some((bucket, key)) = outcome.report.strip_prefix("s3://").and_then(|uri| uri.split_once('/')) {
        let _ = writeln!(text, "Report: https://{console}/s3/object/{bucket}?prefix={key}");
    }
    (subject, text)
}

/// The console's host. Source: AWS General Reference, partitions.
fn console(partition: &Partition) -> &'static str {
    match partition.partition.as_str() {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_who_approves_is_told_the_price_or_that_it_is_not_known() {
        let price = json!({"currency": "USD", "perMonth": 438.0, "perNodeHour": 0.1, "asOf": "2026-06-24"});
        let told = |plan: &serde_json::Value| {
            let outcome: Outcome = serde_json::from_value(json!({
                "schema": 1, "execution": "orders-1", "outcome": "awaiting-approval", "verdict": "ok",
                "cluster": null, "findings": [], "report": "", "leftBehind": [], "plan": plan,
            }))
            .unwrap();
            let arn = "arn:aws:states:eu-west-1:123456789012:execution:m:orders-1";
            words(&outcome, Ending::Awaiting, &Partition::of_execution(arn).unwrap().0, arn).1
        };
        let known = told(&json!({"nodeType": "cache.r7g.large", "shards": 6, "price": price}));
        let line = "Plan: 6 x cache.r7g.large\nPrice: 438.00 USD a month (0.10 for a node and hour; prices of 2026-06-24)\n";
        assert!(known.contains(line), "{known}");
        let unknown = told(&json!({"nodeType": "cache.r7g.large", "shards": 6}));
        assert!(unknown.contains("\nPrice: not known\n"), "{unknown}");
        assert!(unknown.contains("\nTo answer: seeder approve orders-1"), "{unknown}");
    }

    #[test]
    fn words_say_what_why_and_what_to_do() {
        let outcome: Outcome = serde_json::from_value(json!({
            "schema": 1, "execution": "orders-1", "outcome": "rejected", "verdict": "reject", "cluster": null,
            "findings": [{"code": "backup-truncated", "severity": "fail", "backup": "b/orders.rdb", "remedy": "make it again"}],
            "report": "s3://reports/executions/orders-1/report.json", "leftBehind": []
        }))
        .unwrap();
        let arn = "arn:aws:states:eu-west-1:123456789012:execution:m:orders-1";
        let (partition, _) = Partition::of_execution(arn).unwrap();
        let (subject, text) = words(&outcome, Ending::Rejected, &partition, arn);
        assert_eq!(subject, "Seeding Rejected: orders-1");
        for part in [
            "Nothing was created",
            "backup-truncated (b/orders.rdb)",
            "What to do: make it again",
            arn,
            "reports?prefix=executions/orders-1/report.json",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
