//! The AWS clients, with their retries and timeouts.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The configuration that all clients share.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
}

/// What replaces what the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Whether the profile's credentials also replace keys of the environment, as with `aws --profile`.
    pub profile_wins: bool,
    /// The region.
    pub region: Option<String>,
}

impl Clients {
    /// Reads region, credentials and endpoints like every AWS tool. TLS is rustls on ring, the smallest option.
    pub async fn from_environment() -> Self {
        Self { config: loader(http()).load().await }
    }

    /// As [`Self::from_environment`], except for what was chosen.
    pub async fn chosen(choice: &Choice) -> Self {
        let http = http();
        let mut loader = loader(http.clone());
        let region = choice.region.clone().map(Region::new);
        if let Some(region) = region.clone() {
            loader = loader.region(region);
        }
        if let Some(profile) = &choice.profile {
            loader = loader.profile_name(profile);
            if choice.profile_wins {
                let config = ProviderConfig::default().with_http_client(http).with_region(region);
                let provider = ProfileFileCredentialsProvider::builder().configure(&config);
                loader = loader.credentials_provider(provider.profile_name(profile).build());
            }
        }
        Self { config: loader.load().await }
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

fn http() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn loader(http: SharedHttpClient) -> ConfigLoader {
    // A throttled or failed call is retried here. What still fails is an error of the step, which the state machine
    // retries after longer pauses.
    let retries =
        RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_mins(1))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(retries)
        .timeout_config(timeouts)
}
