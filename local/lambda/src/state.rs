//! The state that all requests share.

use std::{collections::HashMap, net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::sync::Semaphore;

use crate::{faults::Faults, function::Function, runtime_api::WorkerRegistry};

/// The functions and their processes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) address: SocketAddr,
    pub(crate) region: String,
    pub(crate) log_dir: PathBuf,
    pub(crate) registry: Arc<WorkerRegistry>,
    pub(crate) faults: Faults,
    pub(crate) account_id: String,
    pub(crate) functions: HashMap<String, Arc<Function>>,
    pub(crate) account_concurrency: usize,
    /// A permit for each synchronous invocation that the account's quota admits.
    pub(crate) account_slots: Semaphore,
}

impl State {
    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account_id)
    }

    /// Finds a function by name or ARN, with or without a qualifier.
    pub(crate) fn function(&self, name: &str) -> Option<&Arc<Function>> {
        let name = name.split(":function:").last().unwrap_or(name);
        self.functions.get(name.split(':').next().unwrap_or(name))
    }
}
