//! The process that interprets state machines.

pub(crate) mod state_machine;

use std::{
    fs::File,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use crate::options::StackOptions;

/// Limit for the start: from a cold disk, the imports take several seconds.
const PATIENCE: Duration = Duration::from_mins(1);
/// Limit for the exit of the process.
const FAREWELL: Duration = Duration::from_secs(6);

/// The running interpreter.
#[derive(Debug)]
pub(crate) struct StepFunctions {
    process: Child,
    pub(crate) endpoint: String,
}

impl StepFunctions {
    pub(crate) async fn start(
        options: &StackOptions,
        port: u16,
        lambda: &str,
        s3: &str,
        dir: &Path,
    ) -> Result<Self> {
        let log_path = dir.join("step-functions.log");
        let log = File::create(&log_path)?;
        let script = options.project.join("local/step_functions/serve.py");
        let mut process = Command::new(&options.python)
            .arg(script)
            .args(["--port", &port.to_string()])
            .envs([("LOCAL_ENDPOINT_LAMBDA", lambda), ("LOCAL_ENDPOINT_S3", s3)])
            .envs([
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_DEFAULT_REGION", crate::account::REGION),
            ])
            .env("MOTO_ACCOUNT_ID", crate::account::ACCOUNT)
            .env("LOCAL_PAUSE_DIVISOR", options.pause_divisor.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("failed to start {}; `make setup` installs it", options.python.display())
            })?;
        let started = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = process.try_wait()? {
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                bail!("the state machine interpreter ended with {status}:\n{log}");
            }
            if started.elapsed() > PATIENCE {
                bail!("the state machine interpreter did not listen on port {port} within {PATIENCE:?}");
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(Self { process, endpoint: format!("http://127.0.0.1:{port}") })
    }

    pub(crate) async fn stop(mut self) {
        // The process is killed right away: it has nothing to save.
        let _ = self.process.start_kill();
        let _ = tokio::time::timeout(FAREWELL, self.process.wait()).await;
    }
}
