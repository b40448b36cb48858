//! The events for `DescribeEvents`.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::groups::{GroupSpec, kind::Kind};

/// Limit for the events; beyond it, the oldest are dropped.
const MAX_EVENTS: usize = 20_000;
/// Limit for a message, which may quote a long server log.
const MAX_MESSAGE_CHARACTERS: usize = 2_000;

/// An event of a cluster or of one of its members.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) source_type: &'static str,
    pub(crate) source: String,
    pub(crate) message: String,
}

/// All events, oldest first.
#[derive(Debug, Default)]
pub(crate) struct EventLog(Mutex<VecDeque<Event>>);

impl EventLog {
    pub(crate) fn of(&self, kind: Kind, id: &str, message: impl AsRef<str>) {
        self.add(kind.source_type(), id, message.as_ref());
    }

    /// Adds an event of a node. If its cluster does not show it, the event is the cluster's.
    pub(crate) fn of_member(&self, spec: &GroupSpec, member: &str, message: impl AsRef<str>) {
        if spec.kind.has_members() {
            self.add("cache-cluster", member, message.as_ref());
        } else {
            self.of(spec.kind, &spec.id, message);
        }
    }

    fn add(&self, source_type: &'static str, source: &str, message: &str) {
        tracing::info!(source_type, source, message, "event");
        let message = message.chars().take(MAX_MESSAGE_CHARACTERS).collect();
        let mut events = self.events();
        if events.len() == MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(Event { at: Timestamp::now(), source_type, source: source.to_owned(), message });
    }

    /// Returns the events between two times, inclusive, oldest first.
    pub(crate) fn between(&self, start: Timestamp, end: Timestamp) -> Vec<Event> {
        self.events().iter().filter(|event| start <= event.at && event.at <= end).cloned().collect()
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
