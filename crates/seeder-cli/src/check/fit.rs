//! Text output of the verdict, the plan and the memory.

use std::fmt::Write as _;

use indicatif::DecimalBytes;
use seeding::{
    Alternative, NextSmaller, Plan, Price, SERVERLESS, Verdict, judge::FootprintReport, plan_in_words,
};
use serde_json::json;

use super::target::Fit;
use crate::{
    columns::Columns,
    term::{finding_text, paint, thousands, wrapped},
};

/// The characters of a bar.
const BAR: u64 = 24;
/// What the plan of a serverless cache leaves to ElastiCache.
const SERVERLESS_NOTE: &str = "ElastiCache chooses the shards and changes them with the load.";
/// The most shards that are listed.
const MAX_SHARDS: usize = 20;

/// Renders a section of its own; empty if there is nothing to report.
pub(super) fn render(fit: &Fit) -> String {
    let mut text = String::new();
    if let Some((judgement, target)) = &fit.judgement {
        let verdict = match judgement.verdict {
            Verdict::Ok => paint("32;1", "ok"),
            Verdict::Warn => paint("33;1", "ok, with warnings"),
            Verdict::Reject => paint("31;1", "rejected"),
        };
        let _ = writeln!(text, "{target}: {verdict}");
    }
    text.push_str(&footprints(&fit.footprints));
    if let Some((judgement, _)) = &fit.judgement {
        if let Some(plan) = &judgement.plan {
            text.push_str(&plan_text(plan));
        }
        for finding in &judgement.findings {
            let _ = write!(text, "\n{}", finding_text(&json!(finding)));
        }
    }
    text
}

fn footprints(all: &[FootprintReport]) -> String {
    if let [one] = all {
        let FootprintReport { engine, engine_version, used_memory_bytes, .. } = one;
        let note = note(one).map(|note| format!(" ({note})")).unwrap_or_default();
        let memory = DecimalBytes(*used_memory_bytes);
        return format!("  memory once loaded: {memory} in {engine} {engine_version}{note}\n");
    }
    let mut columns = Columns::new(["memory once loaded", "cluster mode off", "on", ""]).last_is_text();
    for pair in all.chunks(2) {
        if let [off, on] = pair {
            columns.line([
                format!("{} {}", off.engine, off.engine_version),
                DecimalBytes(off.used_memory_bytes).to_string(),
                DecimalBytes(on.used_memory_bytes).to_string(),
                note(off).unwrap_or_default(),
            ]);
        }
    }
    columns.render()
}

/// The note on a prediction: "uncalibrated", or the other server that it was compared with.
fn note(one: &FootprintReport) -> Option<String> {
    let Some(compared) = &one.compared_with else { return Some("uncalibrated".to_owned()) };
    let itself = format!("{} {}", one.engine, one.engine_version);
    let is_itself = *compared == itself || compared.starts_with(&format!("{itself}."));
    (!is_itself).then(|| format!("taken for {compared}"))
}

fn plan_text(plan: &Plan) -> String {
    let is_serverless = plan.node_type == SERVERLESS;
    let whole = if is_serverless { "of its limit" } else { "of what a node has" };
    let mut columns = Columns::new(["shard", "slots", "keys", "memory", whole]).last_is_text();
    for (number, shard) in (1..).zip(plan.shards.iter().take(MAX_SHARDS)) {
        columns.line([
            number.to_string(),
            shard.slots.to_string(),
            thousands(shard.keys),
            DecimalBytes(shard.used_memory_bytes).to_string(),
            bar(shard.used_memory_bytes, shard.usable_bytes),
        ]);
    }
    let mut text = format!("  plan: {}\n", plan_in_words(plan.shards.len(), &plan.node_type));
    match &plan.price {
        Some(price) => _ = writeln!(text, "  price: {price}"),
        None if is_serverless => {}
        None => text.push_str("  price: not known (seeder prices --update fetches prices)\n"),
    }
    for Alternative { node_type, shards, price } in &plan.alternatives {
        let Price { per_month, currency, .. } = price;
        let _ = writeln!(text, "  next: {shards} x {node_type} for {per_month} {currency} a month");
    }
    text.push_str(&columns.render());
    if is_serverless {
        return text + &format!("\n{}", wrapped(SERVERLESS_NOTE, 2));
    }
    if let Some(largest) = plan.shards.iter().max_by_key(|shard| shard.used_memory_bytes) {
        if plan.shards.len() > MAX_SHARDS {
            let _ = writeln!(text, "  … {} shards in all", plan.shards.len());
        }
        let reserve = &plan.reserve;
        let beside =
            reserve.empty_server_bytes + reserve.replication_backlog_bytes + reserve.client_buffers_bytes;
        let note = format!(
            "A node has {} for data and a reserve of {} for the server itself, replication and clients.",
            DecimalBytes(largest.usable_bytes),
            DecimalBytes(beside)
        );
        let _ = write!(text, "\n{}", wrapped(&note, 2));
    }
    if let Some(NextSmaller { node_type, shards, reason }) = &plan.next_smaller {
        let what = match shards {
            Some(shards) => format!("{shards} x {node_type}"),
            None => node_type.clone(),
        };
        text.push_str(&wrapped(&format!("Next smaller: {what}; {reason}."), 2));
    }
    text
}

/// Renders a bar as long as its share, followed by the percentage.
fn bar(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    let filled = (u128::from(part) * u128::from(BAR)).div_ceil(u128::from(whole.max(1)));
    let filled = usize::try_from(filled.min(u128::from(BAR))).unwrap_or(0);
    let empty = usize::try_from(BAR).unwrap_or(0) - filled;
    let colour = match percent {
        ..80 => "32",
        80..=100 => "33",
        _ => "31",
    };
    format!("{}{} {percent}%", paint(colour, &"█".repeat(filled)), "░".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_longer_than_whole() {
        assert_eq!(bar(0, 100), format!("{} 0%", "░".repeat(24)));
        assert_eq!(bar(50, 100), format!("{}{} 50%", "█".repeat(12), "░".repeat(12)));
        assert_eq!(bar(1, 1000), format!("█{} 0%", "░".repeat(23)));
        assert_eq!(bar(300, 100), format!("{} 300%", "█".repeat(24)));
        assert_eq!(bar(1, 0), format!("{} 100%", "█".repeat(24)));
    }
}
