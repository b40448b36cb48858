//! The AWS clients, with their retries and timeouts.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// The configuration that all clients share.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
}

impl Clients {
    /// Reads region, credentials and endpoints like every AWS tool. TLS is rustls on ring, the smallest option.
    pub async fn from_environment() -> Self {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        // A throttled or failed call is retried here. What still fails is an error of the step, which the state machine
        // retries after longer pauses.
        let retries =
            RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .read_timeout(Duration::from_secs(20))
            .operation_attempt_timeout(Duration::from_mins(1))
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(retries)
            .timeout_config(timeouts)
            .load()
            .await;
        Self { config }
    }

    /// Uses a configuration as it is.
    pub const fn from_config(config: SdkConfig) -> Self {
        Self { config }
    }

    /// Returns the configuration, for clients of services that no function calls.
    pub const fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region of all calls.
    pub fn region(&self) -> String {
        self.config.region().map_or_else(String::new, ToString::to_string)
    }

    /// Creates an S3 client.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config)
    }

    /// Creates an ElastiCache client.
    pub fn elasticache(&self) -> aws_sdk_elasticache::Client {
        aws_sdk_elasticache::Client::new(&self.config)
    }

    /// Creates a KMS client.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.config)
    }

    /// Creates a Lambda client.
    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.config)
    }

    /// Creates a Step Functions client.
    pub fn step_functions(&self) -> aws_sdk_sfn::Client {
        aws_sdk_sfn::Client::new(&self.config)
    }

    /// Creates a Secrets Manager client.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }
}
