//! A function and its pool of processes.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Notify, Semaphore};

use crate::{config::FunctionConfig, worker::Worker};

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) config: FunctionConfig,
    /// Limits concurrent invocations. Further invocations wait.
    pub(crate) slots: Semaphore,
    pub(crate) invocations: AtomicU64,
    /// Wakes the invocations whose processes are to be killed.
    pub(crate) killed: Notify,
    idle: Mutex<Vec<Worker>>,
}

impl Function {
    pub(crate) fn new(config: FunctionConfig, concurrency: usize) -> Self {
        let (slots, invocations) = (Semaphore::new(concurrency), AtomicU64::new(0));
        Self { config, slots, invocations, killed: Notify::new(), idle: Mutex::new(Vec::new()) }
    }

    pub(crate) fn count(&self) {
        self.invocations.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns a warm process, if one is idle and still alive.
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
