//! Background delivery of events to Lambda functions.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::NotificationConfiguration;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    config::Notify,
    notifications::{event::ObjectCreated, filter},
};

/// Most deliveries in flight. Uploads on one machine stay far below.
const IN_FLIGHT_LIMIT: usize = 1000;
/// Waiting times between the attempts of one delivery.
const BACKOFF: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Timeout of one attempt. An Event invocation returns before the function runs.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);

/// Delivers events to the targets of [`Notify`].
#[derive(Debug)]
pub(crate) struct Notifier {
    target: Mutex<Option<Notify>>,
    client: reqwest::Client,
    in_flight: Mutex<JoinSet<()>>,
    /// See [`crate::Switches::delivers_twice`].
    twice: usize,
    events: AtomicUsize,
}

impl Notifier {
    pub(crate) fn new(target: Option<Notify>, twice: usize) -> Result<Self, reqwest::Error> {
        // Loopback never needs a proxy.
        let client = reqwest::Client::builder().no_proxy().timeout(TRY_TIMEOUT).build()?;
        let (target, in_flight) = (Mutex::new(target), Mutex::new(JoinSet::new()));
        Ok(Self { target, client, in_flight, twice, events: AtomicUsize::new(1) })
    }

    /// Replaces the targets.
    pub(crate) fn set(&self, target: Option<Notify>) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// Aborts deliveries in flight.
    pub(crate) fn stop(&self) {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Sends the event of a new object to the targets in the notification configuration of its bucket.
    pub(crate) fn created(&self, created: &ObjectCreated, configuration: &NotificationConfiguration) {
        let targets = configuration.lambda_function_configurations.iter().flatten();
        for target in
            targets.filter(|target| filter::matches(target, created.reason.event_name(), &created.key))
        {
            let id = target.id.as_deref().unwrap_or_default();
            self.invoke(&target.lambda_function_arn, &created.lambda_event(id));
        }
        if configuration.event_bridge_configuration.is_some() {
            let target = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let event = created.event_bridge_event();
            match target.and_then(|target| target.event_bridge) {
                Some(rule) if rule.pattern.matches(&event) => self.invoke(&rule.target, &event),
                _ => tracing::debug!(key = created.key, "no rule matches the event"),
            }
        }
    }

    /// Invokes a function with `payload`, without waiting for the result.
    pub(crate) fn invoke(&self, function_arn: &str, payload: &Value) {
        let target = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(target) = target else {
            tracing::debug!(function_arn, "no Lambda endpoint is known, event not sent");
            return;
        };
        // Encodes the colons of the ARN too, as SDKs do. Endpoints decode them.
        let name = utf8_percent_encode(function_arn, NON_ALPHANUMERIC);
        let base = target.lambda_endpoint.trim_end_matches('/');
        let url = format!("{base}/2015-03-31/functions/{name}/invocations");
        let request = self
            .client
            .post(url)
            .header("X-Amz-Invocation-Type", "Event")
            .header("Content-Type", "application/json")
            .body(payload.to_string());

        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        while in_flight.try_join_next().is_some() {}
        if in_flight.len() >= IN_FLIGHT_LIMIT {
            tracing::warn!(function_arn, "{IN_FLIGHT_LIMIT} events are in flight, this one is dropped");
            return;
        }
        let event = self.events.fetch_add(1, Ordering::Relaxed);
        if self.twice > 0
            && event.is_multiple_of(self.twice)
            && let Some(again) = request.try_clone()
        {
            in_flight.spawn(deliver(again, function_arn.to_owned()));
        }
        in_flight.spawn(deliver(request, function_arn.to_owned()));
    }
}

async fn deliver(request: reqwest::RequestBuilder, function_arn: String) {
    let mut waits = BACKOFF.iter();
    loop {
        // The body is a string, so the request can be sent again.
        let Some(attempt) = request.try_clone() else { return };
        let fault = match attempt.send().await {
            Ok(response) if response.status().is_success() => return,
            Ok(response) => {
                let status = response.status();
                let again = status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS;
                let body = response.text().await.unwrap_or_default();
                if !again {
                    tracing::warn!(%function_arn, %status, body, "event refused, dropped");
                    return;
                }
                format!("{status}: {body}")
            }
            Err(error) => error.to_string(),
        };
        let Some(wait) = waits.next() else {
            tracing::warn!(%function_arn, fault, "event not delivered, dropped");
            return;
        };
        tracing::debug!(%function_arn, fault, "event not delivered, retried in {wait:?}");
        tokio::time::sleep(*wait).await;
    }
}
