//! The configuration of a server and its functions.

use std::{path::PathBuf, time::Duration};

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The functions.
    pub functions: Vec<FunctionConfig>,
    /// Their region.
    pub region: String,
    /// Their account.
    pub account_id: String,
    /// Folder of their logs: one file per function, `NAME.log`.
    pub log_dir: PathBuf,
    /// Invocations of one function at once; more wait.
    pub concurrency: usize,
}

/// The settings of a function.
#[derive(Debug, Clone)]
pub struct FunctionConfig {
    /// Its name, as in its ARN.
    pub name: String,
    /// The executable, as it would be deployed as `bootstrap`.
    pub binary: PathBuf,
    /// Its environment variables, in addition to those that Lambda sets.
    pub env: Vec<(String, String)>,
    /// After this time its process is killed.
    pub timeout: Duration,
    /// Memory size in its environment; not enforced here.
    pub memory_mb: u32,
}
