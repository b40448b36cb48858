//! Inspection of backups' KMS keys.

use aws_sdk_kms::{
    Client,
    types::{KeyManagerType, KeyState},
};
use seeding::{ErrorName, StepError, policy::KeyLook};

use crate::service_error;

/// Inspects a key: its manager, its state and its policy. What the role is not allowed to read stays unknown.
pub async fn look_at_key(kms: &Client, key: &str) -> Result<KeyLook, StepError> {
    let described = kms.describe_key().key_id(key).send().await;
    let described =
        unless_unknown(described.map_err(|error| service_error(&format!("inspect the key {key}"), &error)))?;
    let Some(metadata) = described.and_then(|answer| answer.key_metadata) else {
        return Ok(KeyLook::Unknown);
    };
    if metadata.key_manager() == Some(&KeyManagerType::Aws) {
        return Ok(KeyLook::AwsManaged);
    }
    if let Some(state) = metadata.key_state().filter(|state| **state != KeyState::Enabled) {
        return Ok(KeyLook::Disabled(state.as_str().to_owned()));
    }
    // Every key has one policy, of this name.
    let policy =
        kms.get_key_policy().key_id(metadata.arn().unwrap_or(key)).policy_name("default").send().await;
    let policy = policy.map_err(|error| service_error(&format!("read the policy of the key {key}"), &error));
    Ok(KeyLook::Customer(unless_unknown(policy)?.and_then(|answer| answer.policy)))
}

/// Treats any error as "unknown", since the key may be in another account or off limits for the role. A busy service is
/// retried.
fn unless_unknown<T>(result: Result<T, StepError>) -> Result<Option<T>, StepError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.name == ErrorName::ServiceBusy => Err(error),
        Err(error) => {
            tracing::warn!(message = error.message, "the KMS key could not be inspected");
            Ok(None)
        }
    }
}
