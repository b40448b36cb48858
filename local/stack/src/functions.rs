//! The functions, configured as the template configures them.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use local_lambda::FunctionConfig;

use crate::{
    options::{FUNCTIONS, StackOptions},
    template::Template,
};

/// The services that functions call. All of them are behind the gateway.
const SERVICES: [&str; 6] = ["S3", "ELASTICACHE", "SFN", "KMS", "SECRETS_MANAGER", "LAMBDA"];

/// The configuration of all functions.
pub(crate) fn configure(
    options: &StackOptions,
    template: &Template,
    gateway: &str,
) -> Result<Vec<FunctionConfig>> {
    FUNCTIONS.iter().map(|name| function(name, options, template, gateway)).collect()
}

fn function(
    name: &str,
    options: &StackOptions,
    template: &Template,
    gateway: &str,
) -> Result<FunctionConfig> {
    let rendered = template.functions.get(name).with_context(|| format!("the template has no {name}"))?;
    let mut env: Vec<(String, String)> =
        rendered.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    env.extend(SERVICES.map(|service| (format!("AWS_ENDPOINT_URL_{service}"), gateway.to_owned())));
    // The gateway knows a caller, and its role, by its access key.
    env.push(("AWS_ACCESS_KEY_ID".to_owned(), name.to_owned()));
    // Engines, node types and pauses of this machine.
    env.push(("SEEDING_DEFAULTS".to_owned(), options.seeding_defaults.to_string()));
    let own = options.function_env.iter().filter(|(function, ..)| function == name);
    env.extend(own.map(|(_, name, value)| (name.clone(), value.clone())));
    let timeout = options.function_timeouts.iter().find(|(function, _)| function == name);
    Ok(FunctionConfig {
        name: name.to_owned(),
        binary: Path::new(&options.binaries).join(name),
        env,
        timeout: timeout.map_or(Duration::from_secs(rendered.timeout_seconds), |(_, timeout)| *timeout),
        memory_mb: rendered.memory_mb,
    })
}
