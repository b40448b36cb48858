//! The functions, configured as the template configures them.

use std::{path::Path, time::Duration};

use local_lambda::FunctionConfig;

use crate::options::{FUNCTIONS, StackOptions};

/// The environment that all functions share.
pub(crate) struct Environment<'a> {
    pub(crate) s3: &'a str,
    pub(crate) elasticache: &'a str,
    pub(crate) step_functions: &'a str,
    pub(crate) state_machine_arn: &'a str,
    pub(crate) reports_bucket: &'a str,
    pub(crate) backup_buckets: &'a str,
}

pub(crate) fn configure(options: &StackOptions, environment: &Environment<'_>) -> Vec<FunctionConfig> {
    FUNCTIONS.iter().map(|name| function(name, options, environment)).collect()
}

fn function(name: &str, options: &StackOptions, environment: &Environment<'_>) -> FunctionConfig {
    let shared = [
        ("AWS_ENDPOINT_URL_S3", environment.s3),
        ("AWS_ENDPOINT_URL_ELASTICACHE", environment.elasticache),
        ("AWS_ENDPOINT_URL_SFN", environment.step_functions),
        // The interpreter of state machines also serves KMS and Secrets Manager.
        ("AWS_ENDPOINT_URL_KMS", environment.step_functions),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", environment.step_functions),
        ("REPORTS_BUCKET", environment.reports_bucket),
        ("BACKUP_BUCKETS", environment.backup_buckets),
        ("STATE_MACHINE_ARN", environment.state_machine_arn),
        ("TRIGGER_PREFIX", &options.trigger_prefix),
        ("SEEDING_DEFAULTS", &options.seeding_defaults.to_string()),
    ];
    let mut env: Vec<_> =
        shared.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let own = options.function_env.iter().filter(|(function, ..)| function == name);
    env.extend(own.map(|(_, name, value)| (name.clone(), value.clone())));
    let timeout = options.function_timeouts.iter().find(|(function, _)| function == name);
    let as_in_template = Duration::from_secs(if name == "inspect-chunk" { 900 } else { 60 });
    FunctionConfig {
        name: name.to_owned(),
        binary: Path::new(&options.binaries).join(name),
        env,
        timeout: timeout.map_or(as_in_template, |(_, timeout)| *timeout),
        memory_mb: if name == "inspect-chunk" { 1769 } else { 256 },
    }
}
