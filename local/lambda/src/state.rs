//! The state that all requests share.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use crate::{
    config::{NotReady, NotReadyError},
    faults::Faults,
    function::Function,
    runtime_api::WorkerRegistry,
};

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
    /// The invocations that are still to be refused.
    pub(crate) not_ready: Mutex<Vec<NotReady>>,
}

impl State {
    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account_id)
    }

    /// Why the function refuses this invocation, if it is not ready yet.
    pub(crate) fn not_ready(&self, name: &str) -> Option<NotReadyError> {
        let mut planned = self.not_ready.lock().unwrap_or_else(PoisonError::into_inner);
        let next = planned.iter_mut().find(|planned| planned.function == name && planned.times > 0)?;
        next.times -= 1;
        Some(next.error)
    }

    /// Finds a function by name or ARN, with or without a qualifier.
    pub(crate) fn function(&self, name: &str) -> Option<&Arc<Function>> {
        let name = name.split(":function:").last().unwrap_or(name);
        self.functions.get(name.split(':').next().unwrap_or(name))
    }
}
