//! One invocation, from payload to response.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::oneshot;

use crate::{
    faults::Fault,
    function::Function,
    state::State,
    worker::{Answer, Job, ProcessEnvironment, Worker},
};

/// Waiting times before the two retries of an asynchronous invocation. AWS waits one minute and two minutes.
const ASYNC_RETRIES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(900)];

impl State {
    /// Runs a function and waits for its answer, which may be an error of the function.
    pub(crate) async fn invoke(self: &Arc<Self>, function: &Arc<Function>, payload: Bytes) -> Answer {
        let Ok(_slot) = function.slots.acquire().await else {
            return error("Runtime.ExitError", "the server is stopping");
        };
        function.count();
        let name = &function.config.name;
        let fault = self.faults.next(name);
        if let Some(Fault::Fail { name, message }) = &fault {
            return error(name, message);
        }
        let mut worker = match self.worker(function) {
            Ok(worker) => worker,
            Err(fault) => {
                let binary = function.config.binary.display();
                return error("Runtime.InvalidEntrypoint", &format!("failed to start {binary}: {fault}"));
            }
        };
        let request_id = uuid::Uuid::new_v4().to_string();
        let timeout = function.config.timeout;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (answer, answered) = oneshot::channel();
        let job = Job {
            request_id: request_id.clone(),
            payload,
            deadline_ms: (now + timeout).as_millis(),
            arn: self.arn(name),
            answer,
        };
        let sent = worker.jobs.send(job).await.is_ok();
        let answer = tokio::select! {
            biased;
            Ok(answer) = answered, if sent && fault.is_none() => Some(answer),
            // Long enough for the process to have started, too short for it to have finished.
            () = tokio::time::sleep(Duration::from_millis(15)), if fault == Some(Fault::Kill) => None,
            () = function.killed.notified() => None,
            status = worker.ended() => {
                self.registry.close(&worker.id);
                let message = format!("RequestId: {request_id} Error: Runtime exited with error: {status}");
                return error("Runtime.ExitError", &message);
            }
            () = tokio::time::sleep(timeout) => {
                self.registry.close(&worker.id);
                worker.kill().await;
                let seconds = timeout.as_secs_f64();
                let message = format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
                return error("Sandbox.Timedout", &message);
            }
        };
        if let Some(answer) = answer {
            function.put_idle(worker);
            return answer;
        }
        self.registry.close(&worker.id);
        worker.kill().await;
        error(
            "Runtime.ExitError",
            &format!("RequestId: {request_id} Error: Runtime exited with error: signal: killed"),
        )
    }

    /// Runs a function without waiting for its answer. Retries it twice if it fails.
    pub(crate) async fn invoke_unattended(self: Arc<Self>, function: Arc<Function>, payload: Bytes) {
        let mut pauses = ASYNC_RETRIES.iter();
        while let Answer::Error(body) = self.invoke(&function, payload.clone()).await {
            let error = String::from_utf8_lossy(&body).into_owned();
            let Some(pause) = pauses.next() else {
                tracing::error!(
                    function = function.config.name,
                    error,
                    "an event is dropped after three attempts"
                );
                return;
            };
            tracing::warn!(function = function.config.name, error, "an event is retried");
            tokio::time::sleep(*pause).await;
        }
    }

    fn worker(&self, function: &Function) -> std::io::Result<Worker> {
        if let Some(worker) = function.take_idle() {
            return Ok(worker);
        }
        let id = uuid::Uuid::new_v4().simple().to_string();
        let jobs = self.registry.open(&id);
        let runtime_api = format!("http://{}/.rt/{id}", self.address);
        let around = ProcessEnvironment { runtime_api, region: &self.region, log_dir: &self.log_dir };
        Worker::start(id, jobs, &function.config, &around)
    }
}

fn error(name: &str, message: &str) -> Answer {
    Answer::Error(Bytes::from(json!({"errorType": name, "errorMessage": message}).to_string()))
}
