//! The course of a seeding, and what came of the prediction.

use crate::{
    End,
    text::{bytes, duration, name, time},
};

/// At most this many events are listed, and as much of what is left behind.
const MAX_LISTED: usize = 50;

pub(crate) struct Course {
    pub(crate) outcome: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) cluster: Vec<(&'static str, String)>,
    /// Predicted and measured memory, and the difference in percent.
    pub(crate) memory: Option<(String, String, String)>,
    /// ElastiCache's own.
    pub(crate) events: Vec<String>,
    pub(crate) left_behind: Vec<String>,
}

pub(crate) struct Step {
    pub(crate) what: &'static str,
    pub(crate) at: String,
    /// The time since the step before.
    pub(crate) took: String,
}

impl Course {
    pub(crate) fn of(end: &End<'_>) -> Self {
        let End { outcome, started_at_ms, decided_at_ms, created_at_ms, ended_at_ms, events } = *end;
        let all = [
            ("started", started_at_ms),
            ("backups judged", decided_at_ms),
            ("cluster requested", created_at_ms),
            ("ended", ended_at_ms),
        ];
        let (mut steps, mut before) = (Vec::new(), None);
        for (what, at_ms) in all.into_iter().filter(|(_, at_ms)| *at_ms > 0) {
            let took = before.map(|before| format!("after {}", duration(at_ms - before)));
            steps.push(Step { what, at: time(at_ms), took: took.unwrap_or_default() });
            before = Some(at_ms);
        }
        let cluster = outcome.cluster.as_ref().map(|cluster| {
            vec![
                ("id", name(&cluster.id)),
                ("endpoint", format!("{}:{}", name(&cluster.endpoint), cluster.port)),
                ("node type", name(&cluster.node_type)),
                ("shards", cluster.shards.to_string()),
            ]
        });
        let memory = outcome.memory.map(|memory| {
            let (predicted, measured) = (memory.predicted_bytes, memory.measured_bytes);
            let error = (predicted as f64 / (measured.max(1)) as f64 - 1.0) * 100.0;
            (bytes(predicted), bytes(measured), format!("{error:+.2} %"))
        });
        Self {
            outcome: name(&outcome.outcome),
            steps,
            cluster: cluster.unwrap_or_default(),
            memory,
            events: events.iter().take(MAX_LISTED).map(|event| name(event)).collect(),
            left_behind: outcome.left_behind.iter().take(MAX_LISTED).map(|what| name(what)).collect(),
        }
    }
}
