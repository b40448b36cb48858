//! The history of an execution: states with their times, and what became of the cluster.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::HistoryEvent;
use serde::Serialize;
use serde_json::Value;

use super::{millis, parse};

/// A state, with all its visits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StateTimes {
    pub(crate) state: String,
    /// The time of the first entry, in milliseconds since 1970.
    #[serde(skip)]
    pub(crate) first_ms: i64,
    /// The number of entries.
    pub(crate) visits: u32,
    /// The time in it, all visits together, in milliseconds.
    pub(crate) total_ms: u64,
    /// Whether the execution is in it, or was when it ended.
    pub(crate) is_open: bool,
    #[serde(skip)]
    order: usize,
}

/// What a history says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    /// The states by their first entry, without those that only decide.
    pub(crate) states: Vec<StateTimes>,
    /// The state that was entered last: the current one of an execution that runs.
    pub(crate) last_state: Option<String>,
    /// Each change of the cluster's status, with its time in milliseconds since 1970.
    pub(crate) statuses: Vec<(i64, String)>,
    /// ElastiCache's own events about the cluster, verbatim.
    pub(crate) events: Vec<String>,
    /// The location of the report, once the backups are judged.
    pub(crate) report: Option<String>,
    /// The ID of the cluster as delete-cluster knows it.
    pub(crate) cluster: Option<String>,
    /// Whether a cluster was being deleted.
    pub(crate) was_deleting: bool,
    /// The buckets whose access was revoked.
    pub(crate) revoked: Vec<String>,
}

impl Story {
    /// Reads events, oldest first. `end_ms` is the end of the execution, or now.
    pub(crate) fn of(events: &[HistoryEvent], end_ms: i64) -> Self {
        let mut story = Self::default();
        let mut states = BTreeMap::<String, (StateTimes, Vec<i64>)>::new();
        for event in events {
            let at = millis(Some(event.timestamp())).unwrap_or_default();
            let decides = event.r#type().as_str().starts_with("Choice");
            if let Some(entered) = event.state_entered_event_details().filter(|_| !decides) {
                story.last_state = Some(entered.name().to_owned());
                let order = states.len();
                let (times, open) = states.entry(entered.name().to_owned()).or_insert_with(|| {
                    let (state, first_ms) = (entered.name().to_owned(), at);
                    let none = StateTimes { state, first_ms, visits: 0, total_ms: 0, is_open: false, order };
                    (none, Vec::new())
                });
                times.visits += 1;
                open.push(at);
            }
            if let Some(exited) = event.state_exited_event_details() {
                // Iterations of a Map overlap. The sum of their times does not depend on which of them ends here.
                if let Some((times, open)) = states.get_mut(exited.name())
                    && let Some(since) = open.pop()
                {
                    times.total_ms += u64::try_from(at - since).unwrap_or(0);
                }
                story.read_output(exited.name(), &parse(exited.output()), at);
            }
        }
        let closed = states.into_values().map(|(mut times, open)| {
            times.is_open = !open.is_empty();
            times.total_ms +=
                open.iter().map(|since| u64::try_from(end_ms - since).unwrap_or(0)).sum::<u64>();
            times
        });
        story.states = closed.collect();
        story.states.sort_by_key(|times| times.order);
        story
    }

    /// Whether a state was entered.
    pub(crate) fn entered(&self, state: &str) -> bool {
        self.states.iter().any(|times| times.state == state)
    }

    fn read_output(&mut self, state: &str, output: &Value, at: i64) {
        let payload = if output["Payload"].is_object() { &output["Payload"] } else { output };
        let text = |name: &str| payload[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        match state {
            "Assess" => self.report = text("report").or(self.report.take()),
            "CheckCluster" => {
                if let Some(status) = text("status")
                    && self.statuses.last().is_none_or(|(_, last)| *last != status)
                {
                    self.statuses.push((at, status));
                }
                for event in payload["events"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if !self.events.iter().any(|known| known == event) {
                        self.events.push(event.to_owned());
                    }
                }
            }
            "DeleteCluster" => {
                self.cluster = text("clusterId").or(self.cluster.take());
                self.was_deleting |= payload["phase"] == "deleting";
            }
            "RevokeAccess" => {
                let buckets = payload["revoked"].as_array().into_iter().flatten().filter_map(Value::as_str);
                self.revoked.extend(buckets.map(str::to_owned));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::{
        primitives::DateTime,
        types::{HistoryEventType, StateEnteredEventDetails as Entered, StateExitedEventDetails as Exited},
    };
    use serde_json::json;

    use super::*;

    fn event(at: i64, kind: HistoryEventType) -> aws_sdk_sfn::types::builders::HistoryEventBuilder {
        HistoryEvent::builder().id(at).timestamp(DateTime::from_millis(at)).r#type(kind)
    }

    fn enter(at: i64, kind: HistoryEventType, state: &str) -> HistoryEvent {
        let details = Entered::builder().name(state).build().unwrap();
        event(at, kind).state_entered_event_details(details).build().unwrap()
    }

    fn leave(at: i64, state: &str, payload: &Value) -> HistoryEvent {
        let output = json!({"Payload": payload}).to_string();
        let details = Exited::builder().name(state).output(output).build().unwrap();
        let exited = event(at, HistoryEventType::TaskStateExited);
        exited.state_exited_event_details(details).build().unwrap()
    }

    #[test]
    fn visits_of_a_state_are_added_up_and_what_is_open_lasts_until_the_end() {
        let task = || HistoryEventType::TaskStateEntered;
        let creating = json!({"status": "creating", "events": ["e1"]});
        let events = vec![
            enter(0, HistoryEventType::ChoiceStateEntered, "Entry"),
            enter(10, task(), "InspectChunk"),
            enter(20, task(), "InspectChunk"),
            leave(30, "InspectChunk", &json!({})),
            leave(50, "InspectChunk", &json!({})),
            enter(50, task(), "CheckCluster"),
            leave(60, "CheckCluster", &creating),
            enter(60, task(), "CheckCluster"),
            leave(70, "CheckCluster", &creating),
            enter(70, task(), "WaitForCluster"),
        ];
        let story = Story::of(&events, 100);
        let states: Vec<_> = story
            .states
            .iter()
            .map(|one| (one.state.as_str(), one.visits, one.total_ms, one.is_open))
            .collect();
        assert_eq!(
            states,
            [("InspectChunk", 2, 50, false), ("CheckCluster", 2, 20, false), ("WaitForCluster", 1, 30, true)]
        );
        assert_eq!(story.last_state.as_deref(), Some("WaitForCluster"));
        assert_eq!(story.statuses, [(60, "creating".to_owned())]);
        assert_eq!(story.events, ["e1"]);
    }
}
