//! The AUTH token, which lives in Secrets Manager and nowhere else.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use seeding::{ErrorName, StepError};

use crate::{error_code, service_error};

/// Reads the AUTH token: the secret's text, or its field `authToken` or `password` where it is JSON.
pub async fn auth_token(secrets: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<String, StepError> {
    let answer =
        secrets.get_secret_value().secret_id(arn).send().await.map_err(|error| unreadable(arn, &error))?;
    let text = answer.secret_string().unwrap_or_default();
    let token = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(fields)) => {
            ["authToken", "password"].iter().find_map(|name| fields.get(*name)?.as_str().map(str::to_owned))
        }
        _ => Some(text.to_owned()),
    };
    token.filter(|token| (16..=128).contains(&token.len())).ok_or_else(|| {
        StepError::new(
            ErrorName::ParametersRefused,
            format!("the secret {arn} holds no AUTH token of 16 to 128 characters"),
            "store the token as the secret's text, or as its field authToken",
        )
    })
}

fn unreadable(arn: &str, error: &SdkError<GetSecretValueError, HttpResponse>) -> StepError {
    let said = service_error(&format!("read the secret {arn}"), error);
    match error_code(error) {
        // There is no such secret, or it is about to be deleted, or its key is.
        Some("ResourceNotFoundException" | "InvalidRequestException" | "DecryptionFailure") => {
            let hint =
                "name a secret that exists in cluster.authTokenSecretArn, and let the function use its key";
            StepError::new(ErrorName::ParametersRefused, said.message, hint)
        }
        _ => said,
    }
}
