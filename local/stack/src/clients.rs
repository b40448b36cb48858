//! The clients of a stack.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::Builder;

/// The configuration of a client for one endpoint: plain HTTP, any credentials, no retries, which would hide faults.
pub(crate) fn config(endpoint: &str) -> SdkConfig {
    config_of("local", endpoint)
}

/// The same for a caller, whom the gateway knows by its access key.
pub(crate) fn config_of(caller: &str, endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(crate::account::REGION))
        .endpoint_url(endpoint)
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(
            aws_sdk_s3::config::Credentials::new(caller, "local", None, None, "local stack"),
        ))
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_mins(1)).build())
        .build()
}
