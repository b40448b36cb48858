//! Clients that answer from a script, for the tests of the functions.

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};

use crate::Clients;

/// Clients that answer with these events, in their order, and the HTTP client that recorded what they sent.
///
/// Retries are off: a test says each answer once.
pub fn scripted(events: Vec<ReplayEvent>) -> (Clients, StaticReplayClient) {
    let http = StaticReplayClient::new(events);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .http_client(http.clone())
        .build();
    (Clients::from_config(config), http)
}
