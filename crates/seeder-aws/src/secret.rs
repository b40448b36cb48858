//! The AUTH token, which is stored in Secrets Manager only.

use aws_sdk_secretsmanager::Client;
use seeding::{AuthTokenError, ErrorName, StepError, auth_token_in};

use crate::{error_code, service_error};

/// Reads the AUTH token: the secret's text or, if that is JSON, its field `authToken` or `password`.
pub async fn auth_token(secrets: &Client, arn: &str) -> Result<String, StepError> {
    read(secrets, arn).await?.map_err(|error| {
        let message = format!("the secret {arn} holds no usable AUTH token: {error}");
        let name = match error {
            AuthTokenError::Forbidden => ErrorName::AccessDenied,
            _ => ErrorName::ParametersRefused,
        };
        StepError::new(name, message, error.remedy())
    })
}

/// Checks whether the secret holds an AUTH token that ElastiCache accepts.
pub async fn look_at_auth_token(
    secrets: &Client,
    arn: &str,
) -> Result<Result<(), AuthTokenError>, StepError> {
    Ok(read(secrets, arn).await?.map(|_| ()))
}

async fn read(secrets: &Client, arn: &str) -> Result<Result<String, AuthTokenError>, StepError> {
    let error = match secrets.get_secret_value().secret_id(arn).send().await {
        Ok(answer) => return Ok(auth_token_in(answer.secret_string())),
        Err(error) => error,
    };
    let said = service_error(&format!("read the secret {arn}"), &error);
    match error_code(&error) {
        // The secret does not exist, or it or its KMS key is scheduled for deletion.
        Some(
            "ResourceNotFoundException"
            | "InvalidRequestException"
            | "DecryptionFailure"
            | "ValidationException",
        ) => Ok(Err(AuthTokenError::NoSecret(said.message))),
        _ if said.name == ErrorName::AccessDenied => Ok(Err(AuthTokenError::Forbidden)),
        _ => Err(said),
    }
}
