//! The Runtime API: processes fetch invocations and post responses. Each process has its own path.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    http::{Response, StatusCode},
    routing::{get, post},
};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::worker::{Answer, Job};

/// Largest response of a function: 6 MiB. A larger one is rejected with Lambda's status.
const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024;

/// The registered processes by ID.
#[derive(Debug, Default)]
pub(crate) struct WorkerRegistry {
    workers: Mutex<HashMap<String, Arc<RegisteredWorker>>>,
}

#[derive(Debug)]
struct RegisteredWorker {
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    pending: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
}

impl WorkerRegistry {
    /// Registers a process before it is started.
    pub(crate) fn open(&self, worker: &str) -> mpsc::Sender<Job> {
        let (sender, receiver) = mpsc::channel(1);
        let registered =
            RegisteredWorker { jobs: tokio::sync::Mutex::new(receiver), pending: Mutex::default() };
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(worker.to_owned(), Arc::new(registered));
        sender
    }

    /// Removes a process that has ended.
    pub(crate) fn close(&self, worker: &str) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(worker);
    }

    fn find(&self, worker: &str) -> Option<Arc<RegisteredWorker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).get(worker).cloned()
    }

    fn settle(&self, worker: &str, request: &str, answer: Answer) -> StatusCode {
        let Some(registered) = self.find(worker) else { return StatusCode::NOT_FOUND };
        let pending = registered.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(request);
        // A response after the timeout has no receiver.
        match pending.map(|sender| sender.send(answer)) {
            Some(Ok(())) => StatusCode::ACCEPTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

pub(crate) fn routes(registry: Arc<WorkerRegistry>) -> Router {
    Router::new()
        .route("/.rt/{worker}/2018-06-01/runtime/invocation/next", get(next))
        .route("/.rt/{worker}/2018-06-01/runtime/invocation/{request}/response", post(response))
        .route("/.rt/{worker}/2018-06-01/runtime/invocation/{request}/error", post(error))
        .route("/.rt/{worker}/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_RESPONSE_BYTES))
        .with_state(registry)
}

async fn next(
    State(registry): State<Arc<WorkerRegistry>>,
    Path(worker): Path<String>,
) -> Result<Response<Body>, StatusCode> {
    let registered = registry.find(&worker).ok_or(StatusCode::NOT_FOUND)?;
    let job = registered.jobs.lock().await.recv().await.ok_or(StatusCode::GONE)?;
    registered
        .pending
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(job.request_id.clone(), job.answer);
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", job.request_id)
        .header("Lambda-Runtime-Deadline-Ms", job.deadline_ms.to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", job.arn)
        .header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
        .body(Body::from(job.payload))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn response(
    State(registry): State<Arc<WorkerRegistry>>,
    Path((worker, request)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    registry.settle(&worker, &request, Answer::Response(body))
}

async fn error(
    State(registry): State<Arc<WorkerRegistry>>,
    Path((worker, request)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    registry.settle(&worker, &request, Answer::Error(body))
}

/// Logs why a process could not start. The process then exits, which the invocation notices.
async fn init_error(Path(worker): Path<String>, body: Bytes) -> StatusCode {
    tracing::warn!(worker, error = %String::from_utf8_lossy(&body), "a function could not start");
    StatusCode::ACCEPTED
}
