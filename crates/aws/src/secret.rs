//! The AUTH token, which lives in Secrets Manager and nowhere else.

use seeding::{ErrorName, StepError};

use crate::service_error;

/// Reads the AUTH token: the secret's text, or its field `authToken` or `password` where it is JSON.
pub async fn auth_token(secrets: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<String, StepError> {
    let answer = secrets
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .map_err(|error| service_error(&format!("read the secret {arn}"), &error))?;
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
