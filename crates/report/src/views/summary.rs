//! The head of the page: what it is about, the verdict, and the numbers that matter first.

use seeding::{Severity, Verdict, plan_in_words};

use crate::{
    Sources,
    text::{bytes, count, name, time},
};

pub(crate) struct Summary {
    pub(crate) title: String,
    pub(crate) read_at: String,
    /// The style and the words of the verdict.
    pub(crate) verdict: Option<(&'static str, &'static str)>,
    /// Labels with numbers.
    pub(crate) numbers: Vec<(&'static str, String)>,
}

impl Summary {
    pub(crate) fn of(sources: &Sources<'_>) -> Self {
        let sum = |number: fn(&rdb_scan::Report) -> u64| {
            sources.files.iter().map(|file| number(file.contents)).sum::<u64>()
        };
        let keys = sum(|file| file.keys);
        let mut numbers = vec![
            ("keys", count(keys)),
            ("without expiry", count(keys.saturating_sub(sum(|file| file.expires)))),
            ("in the backup", bytes(sum(|file| file.rdb.as_ref().map_or(0, |rdb| rdb.bytes)))),
        ];
        if let Some(footprint) = sources.footprint {
            numbers.push(("in memory", bytes(footprint.used_memory_bytes)));
            numbers.push(("engine", format!("{} {}", footprint.engine, footprint.engine_version)));
        }
        if let Some(plan) = sources.plan {
            numbers.push(("cluster", name(&plan_in_words(plan.shards.len(), &plan.node_type))));
        }
        let of = |severity| sources.findings.iter().filter(|one| one.severity == severity).count() as u64;
        let (fails, warns) = (of(Severity::Fail), of(Severity::Warn));
        if fails + warns > 0 {
            numbers.push(("findings", format!("{} fail, {} warn", count(fails), count(warns))));
        }
        Self {
            title: name(&sources.title),
            read_at: time(sources.read_at_ms),
            verdict: sources.verdict.map(|verdict| match verdict {
                Verdict::Ok => ("ok", "ok"),
                Verdict::Warn => ("warn", "ok, with warnings"),
                Verdict::Reject => ("fail", "rejected"),
            }),
            numbers,
        }
    }
}
