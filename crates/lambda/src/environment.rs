//! What a function is told by its environment variables.

use std::env;

use seeding::{ErrorName, StepError};

/// A variable that has to be there.
pub fn required(name: &str) -> Result<String, StepError> {
    optional(name).ok_or_else(|| {
        let message = format!("the environment variable {name} is not set");
        StepError::new(ErrorName::Internal, message, "deploy the stack's own template")
    })
}

/// A variable that may be absent or empty.
pub fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A comma separated list; empty where the variable is absent.
pub fn list(name: &str) -> Vec<String> {
    let text = optional(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
