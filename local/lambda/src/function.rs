//! A function: its configuration and its pool of processes.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::worker::Worker;

/// How a function is run.
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
    /// What it is told of its memory; nothing enforces it here.
    pub memory_mb: u32,
}

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) config: FunctionConfig,
    /// Invocations at once; more wait.
    pub(crate) slots: Semaphore,
    pub(crate) invocations: AtomicU64,
    idle: Mutex<Vec<Worker>>,
}

impl Function {
    pub(crate) fn new(config: FunctionConfig, concurrency: usize) -> Self {
        let (slots, invocations) = (Semaphore::new(concurrency), AtomicU64::new(0));
        Self { config, slots, invocations, idle: Mutex::new(Vec::new()) }
    }

    pub(crate) fn count(&self) {
        self.invocations.fetch_add(1, Ordering::Relaxed);
    }

    /// A warm process, if one is idle and still alive.
    pub(crate) fn take_idle(&self) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut worker) = idle.pop() {
            if worker.is_alive() {
                return Some(worker);
            }
        }
        None
    }

    pub(crate) fn put_idle(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    /// Ends all idle processes.
    pub(crate) async fn stop(&self) {
        let workers = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            worker.kill().await;
        }
    }
}
