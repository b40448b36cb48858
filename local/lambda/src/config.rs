//! The configuration of the endpoint and its functions.

use std::{path::PathBuf, time::Duration};

/// The settings of the endpoint.
#[derive(Debug, Clone)]
pub struct Config {
    /// The functions.
    pub functions: Vec<FunctionConfig>,
    /// The Region of the functions.
    pub region: String,
    /// The account ID of the functions.
    pub account_id: String,
    /// Folder of the logs: one file per function, `NAME.log`.
    pub log_dir: PathBuf,
    /// Limit for concurrent invocations of one function. Further invocations wait.
    pub concurrency: usize,
    /// The account's quota: limit for concurrent synchronous invocations of all functions. Further invocations are
    /// throttled.
    pub account_concurrency: usize,
}

/// The settings of a function.
#[derive(Debug, Clone)]
pub struct FunctionConfig {
    /// The function's name, as in its ARN.
    pub name: String,
    /// The executable that is deployed as `bootstrap`.
    pub binary: PathBuf,
    /// Environment variables in addition to those that Lambda sets.
    pub env: Vec<(String, String)>,
    /// Timeout after which the process is killed.
    pub timeout: Duration,
    /// Memory size as reported to the function in MB; not enforced here.
    pub memory_mb: u32,
}
