//! Reading of a function's environment variables.

use std::env;

use seeding::{ErrorName, StepError};

/// Reads a required variable; empty counts as unset.
pub fn required(name: &str) -> Result<String, StepError> {
    optional(name).ok_or_else(|| {
        let message = format!("the environment variable {name} is not set");
        StepError::new(ErrorName::Internal, message, "deploy the stack's own template")
    })
}

/// Reads an optional variable; empty counts as unset.
pub fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a comma-separated list; empty if the variable is unset.
pub fn list(name: &str) -> Vec<String> {
    let text = optional(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
