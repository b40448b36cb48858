//! The endpoint: Invoke and the Runtime API on the same port.

use std::sync::{Arc, Mutex, atomic::Ordering};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State as Shared},
    http::{HeaderMap, Response, StatusCode},
    routing::{get, post},
};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

use crate::{
    config::Config,
    faults::Faults,
    function::Function,
    runtime_api::{self, WorkerRegistry},
    state::State,
    worker::Answer,
};

/// Largest payload of a synchronous invocation in bytes.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
/// Largest payload of an asynchronous invocation in bytes.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// An error that prevents the endpoint from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No port of 127.0.0.1 could be bound, or the log folder could not be created.
    #[error("listen on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
}

/// A running Lambda endpoint.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Binds a free port of 127.0.0.1 and starts serving. Processes start on demand.
    pub async fn start(config: Config) -> Result<Self, Error> {
        tokio::fs::create_dir_all(&config.log_dir).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let registry = Arc::new(WorkerRegistry::default());
        let functions = config
            .functions
            .into_iter()
            .map(|function| (function.name.clone(), Arc::new(Function::new(function, config.concurrency))));
        let state = Arc::new(State {
            address,
            region: config.region,
            log_dir: config.log_dir,
            registry: Arc::clone(&registry),
            faults: Faults::default(),
            account_id: config.account_id,
            functions: functions.collect(),
            account_concurrency: config.account_concurrency,
            account_slots: Semaphore::new(config.account_concurrency),
            not_ready: Mutex::new(config.switches.not_ready),
        });
        let app = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invocations))
            .route("/2015-03-31/functions/{name}/configuration", get(configuration))
            .route("/2016-08-19/account-settings/", get(account_settings))
            .route("/2016-08-19/account-settings", get(account_settings))
            .layer(DefaultBodyLimit::max(MAX_PAYLOAD_BYTES))
            .with_state(Arc::clone(&state))
            .merge(runtime_api::routes(registry));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the Lambda endpoint has ended");
            }
        });
        Ok(Self { endpoint: format!("http://{address}"), state, serving })
    }

    /// The endpoint's URL: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The faults to inject.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Number of invocations of a function, including retries.
    pub fn invocations(&self, name: &str) -> u64 {
        self.state.functions.get(name).map_or(0, |function| function.invocations.load(Ordering::Relaxed))
    }

    /// A handle that kills processes in the middle of their invocations.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.state))
    }

    /// Ends the idle processes of all functions: the next invocations start cold.
    pub async fn end_idle(&self) {
        for function in self.state.functions.values() {
            function.stop().await;
        }
    }

    /// Stops the endpoint and every process of every function.
    pub async fn stop(self) {
        for function in self.state.functions.values() {
            function.slots.close();
            function.stop().await;
        }
        self.serving.abort();
        let _ = self.serving.await;
    }
}

/// Kills processes of functions.
#[derive(Debug, Clone)]
pub struct Killer(Arc<State>);

impl Killer {
    /// Kills the processes of all current invocations of a function.
    pub fn kill(&self, name: &str) {
        if let Some(function) = self.0.functions.get(name) {
            function.killed.notify_waiters();
        }
    }
}

async fn account_settings(Shared(state): Shared<Arc<State>>) -> Response<Body> {
    let quota = state.account_concurrency;
    let settings = json!({
        "AccountLimit": {
            "ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota,
            "CodeSizeUnzipped": 262_144_000, "CodeSizeZipped": 52_428_800, "TotalCodeSize": 80_530_636_800_u64,
        },
        "AccountUsage": {"FunctionCount": state.functions.len(), "TotalCodeSize": 0},
    });
    respond(StatusCode::OK, None, Bytes::from(settings.to_string()))
}

async fn configuration(Shared(state): Shared<Arc<State>>, Path(name): Path<String>) -> Response<Body> {
    let name = percent_decode_str(&name).decode_utf8_lossy();
    let Some(function) = state.function(&name) else {
        let message = format!("Function not found: {}", state.arn(&name));
        return refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    };
    let config = &function.config;
    // A variable that is given twice has its last value, as for the process.
    let variables: serde_json::Map<_, _> =
        config.env.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let configuration = json!({
        "FunctionName": config.name, "FunctionArn": state.arn(&config.name), "Version": "$LATEST",
        "State": "Active", "LastUpdateStatus": "Successful",
        "Timeout": config.timeout.as_secs(), "MemorySize": config.memory_mb,
        "Environment": {"Variables": variables},
    });
    respond(StatusCode::OK, None, Bytes::from(configuration.to_string()))
}

async fn invocations(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response<Body> {
    let name = percent_decode_str(&name).decode_utf8_lossy();
    let Some(function) = state.function(&name).cloned() else {
        let message = format!("Function not found: {}", state.arn(&name));
        return refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    };
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    match headers.get("x-amz-invocation-type").and_then(|value| value.to_str().ok()) {
        Some("DryRun") => respond(StatusCode::NO_CONTENT, None, Bytes::new()),
        Some("Event") if payload.len() > MAX_EVENT_BYTES => {
            let message = format!(
                "{} byte payload is too large for the Event invocation type (limit {MAX_EVENT_BYTES} bytes)",
                payload.len()
            );
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &message)
        }
        Some("Event") => {
            tokio::spawn(state.invoke_unattended(function, payload));
            respond(StatusCode::ACCEPTED, None, Bytes::new())
        }
        _ => {
            let Ok(_slot) = state.account_slots.try_acquire() else {
                return refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.");
            };
            if let Some(error) = state.not_ready(&function.config.name) {
                return refuse(StatusCode::BAD_GATEWAY, error.name(), error.message());
            }
            match state.invoke(&function, payload).await {
                Answer::Response(body) => respond(StatusCode::OK, None, body),
                Answer::Error(body) => respond(StatusCode::OK, Some("Unhandled"), body),
            }
        }
    }
}

fn refuse(status: StatusCode, name: &'static str, message: &str) -> Response<Body> {
    let body = json!({"Type": "User", "Message": message}).to_string();
    let mut response = respond(status, None, Bytes::from(body));
    response
        .headers_mut()
        .insert("x-amzn-errortype", name.parse().unwrap_or(axum::http::HeaderValue::from_static("")));
    response
}

/// Builds a response. The interpreter of state machines requires a request ID in each one.
fn respond(status: StatusCode, function_error: Option<&str>, body: Bytes) -> Response<Body> {
    let mut response = Response::builder()
        .status(status)
        .header("Content-Type", "application/json")
        .header("x-amzn-RequestId", uuid::Uuid::new_v4().to_string())
        .header("X-Amz-Executed-Version", "$LATEST");
    if let Some(kind) = function_error {
        response = response.header("X-Amz-Function-Error", kind);
    }
    response.body(Body::from(body)).unwrap_or_default()
}
