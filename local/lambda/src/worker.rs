//! One process of a function.

use std::{fs::OpenOptions, path::Path, process::Stdio};

use bytes::Bytes;
use tokio::{
    process::{Child, Command},
    sync::{mpsc, oneshot},
};

use crate::config::FunctionConfig;

/// An invocation for a process.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) deadline_ms: u128,
    pub(crate) arn: String,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The answer of a process to a job.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The function's response, unchanged.
    Response(Bytes),
    /// The function's error object, unchanged.
    Error(Bytes),
}

/// A process and the channel for its jobs. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: String,
    pub(crate) jobs: mpsc::Sender<Job>,
    process: Child,
}

/// The values of Lambda's own environment variables.
pub(crate) struct ProcessEnvironment<'a> {
    pub(crate) runtime_api: String,
    pub(crate) region: &'a str,
    pub(crate) log_dir: &'a Path,
}

impl Worker {
    /// Starts a process. The caller has registered its ID with the Runtime API.
    pub(crate) fn start(
        id: String,
        jobs: mpsc::Sender<Job>,
        config: &FunctionConfig,
        around: &ProcessEnvironment<'_>,
    ) -> std::io::Result<Self> {
        let log = around.log_dir.join(format!("{}.log", config.name));
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let process = Command::new(&config.binary)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", &around.runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", &config.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", config.memory_mb.to_string())
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", config.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", &id)
            .env("AWS_REGION", around.region)
            .env("AWS_DEFAULT_REGION", around.region)
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .envs(config.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { id, jobs, process })
    }

    /// Whether the process is still running.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Waits until the process has exited. Returns its exit status as text.
    pub(crate) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Kills the process and waits until it has exited.
    pub(crate) async fn kill(mut self) {
        // An error means that the process has already exited.
        let _ = self.process.kill().await;
    }
}
