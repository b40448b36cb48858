//! The text of `seeder status`.

use std::{fmt::Write as _, time::Duration};

use seeding::{plan_in_words, price_in_words};
use serde_json::Value;

use super::Status;
use crate::{
    columns::Columns,
    execution::{AWAITS_APPROVAL, Outcome, clock},
    executions::row,
    term::{elapsed, finding_text},
};

impl Status {
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        text += &self.states();
        text += &self.cluster();
        text += &self.findings();
        text += &self.rest();
        text
    }

    fn head(&self) -> String {
        let one = &self.execution;
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:10} {value}");
        };
        line("execution", &one.name);
        if let Some(name) = one.cleans_up_for() {
            line("clean-up", &format!("of {name}"));
        }
        let error = one.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
        line("outcome", &format!("{}{error}", one.outcome.name()));
        if one.outcome == Outcome::Running {
            let state = self.story.last_state.as_deref().unwrap_or("not entered yet");
            line("state", state);
            if state == AWAITS_APPROVAL {
                line(
                    "to answer",
                    &format!("seeder approve {0}, or seeder reject {0} --because REASON", one.name),
                );
            }
        }
        line("started", &clock(one.started_ms));
        let took = elapsed(Duration::from_millis(one.duration_ms(self.now)));
        match one.ended_ms {
            Some(ended_ms) => line("ended", &format!("{}, after {took}", clock(ended_ms))),
            None => line("runs for", &took),
        }
        let made = &one.result["cluster"];
        let id = self.story.cluster.as_ref().or(one.cluster.as_ref());
        match (made["endpoint"].as_str(), id) {
            (Some(host), Some(id)) => {
                let (shards, node_type) = (&made["shards"], made["nodeType"].as_str().unwrap_or_default());
                let what = plan_in_words(shards, node_type);
                line("cluster", &format!("{id} at {host}:{} ({what})", made["port"]));
            }
            (None, Some(id)) => line("cluster", id),
            (_, None) => {}
        }
        text
    }

    /// A table of the states by their first entry, relative to the start.
    fn states(&self) -> String {
        let mut columns = Columns::new(["state", "entered after", "took", "visits"]);
        for one in &self.story.states {
            let after = u64::try_from(one.first_ms - self.execution.started_ms).unwrap_or(0);
            let open = one.is_open && self.execution.outcome == Outcome::Running;
            columns.line([
                if open { format!("{} (now)", one.state) } else { one.state.clone() },
                elapsed(Duration::from_millis(after)),
                elapsed(Duration::from_millis(one.total_ms)),
                one.visits.to_string(),
            ]);
        }
        columns.render()
    }

    fn cluster(&self) -> String {
        let statuses = self.story.statuses.iter();
        let statuses = statuses.map(|(at, status)| format!("{} cluster is {status}\n", clock(*at)));
        let events = self.events().into_iter().map(|event| format!("event {event}\n"));
        let lines: String = statuses.chain(events).collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }

    /// The findings of the outcome, and those that only the report has.
    fn findings(&self) -> String {
        let told = self.execution.result["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let further = self.report.as_ref().map_or(&[][..], |report| report.findings());
        let is_new = |finding: &&Value| told.iter().all(|one| one != *finding);
        let all: String = told.iter().chain(further.iter().filter(is_new)).map(finding_text).collect();
        if all.is_empty() { all } else { format!("\n{all}") }
    }

    fn rest(&self) -> String {
        let mut lines = String::new();
        if let Some(report) = &self.report {
            let about = match &report.content {
                Ok(content) => {
                    format!("verdict {}{}", content["verdict"].as_str().unwrap_or_default(), plan(content))
                }
                Err(reason) => format!("not read: {reason}"),
            };
            let _ = writeln!(lines, "report {}: {about}", report.uri);
        }
        if let Some(uri) = &self.handover {
            let _ = writeln!(lines, "for Terraform {uri}");
        }
        for one in &self.clean_ups {
            let (name, outcome) = (&one.name, one.outcome.name());
            let started = row(one, self.now)["started"].as_str().unwrap_or_default().to_owned();
            let _ = writeln!(lines, "clean-up {name}, started {started}: {outcome}");
        }
        for left in &self.left.reported {
            let _ = writeln!(lines, "left behind: {left}");
        }
        for journal in &self.left.journals {
            let about = match *journal {
                "grant" => "the access of ElastiCache to the bucket is not revoked yet",
                "create" => "the cluster is neither available, kept nor gone",
                _ => "converted backups are not deleted yet",
            };
            let _ =
                writeln!(lines, "open journal {journal}: {about}; the next sweep cleans up (seeder sweep)");
        }
        if let Some(reason) = &self.left.unknown {
            let _ = writeln!(lines, "open journals are not known: {reason}");
        }
        let ended = self.execution.outcome != Outcome::Running;
        let left = &self.left;
        if ended && left.reported.is_empty() && left.journals.is_empty() && left.unknown.is_none() {
            lines.push_str("nothing is left behind\n");
        }
        format!("\n{lines}")
    }
}

/// The plan of a report with its price, if it has one.
fn plan(report: &Value) -> String {
    let plan = &report["plan"];
    let (Some(shards), Some(node_type)) = (plan["shards"].as_array(), plan["nodeType"].as_str()) else {
        return String::new();
    };
    format!("; {} x {node_type}, price {}", shards.len(), price_in_words(plan))
}
