//! How many chunks are read at once: a share of what the account's concurrency leaves.

use aws_sdk_lambda::types::AccountLimit;
use seeder_aws::service_error;
use seeding::StepError;

use super::{PrepareSeeding, unless_forbidden};

/// The most chunks read at once. Source: Step Functions runs up to 40 iterations of an inline Map at once.
const MAX_WORKERS: u32 = 40;
/// The share of the account's unreserved concurrency that one seeding takes: a new account has 10 concurrent
/// invocations, and other functions and seedings need some too.
const SHARE: u32 = 2;
/// The number of chunks if the quota cannot be read.
const DEFAULT_WORKERS: u32 = 10;

impl PrepareSeeding {
    /// The number of chunks to read at once. It affects only the speed: a throttled chunk is read in a later round.
    pub(super) async fn workers(&self) -> Result<u32, StepError> {
        let asked = self.lambda.get_account_settings().send().await;
        let asked = asked.map_err(|error| service_error("read the quota of concurrent invocations", &error));
        let Some(settings) = unless_forbidden(asked)? else { return Ok(DEFAULT_WORKERS) };
        let unreserved = settings.account_limit().and_then(AccountLimit::unreserved_concurrent_executions);
        let unreserved = unreserved.and_then(|quota| u32::try_from(quota).ok());
        Ok(unreserved.map_or(DEFAULT_WORKERS, |quota| (quota / SHARE).clamp(1, MAX_WORKERS)))
    }
}
