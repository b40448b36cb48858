//! The HTTP endpoint of the Query API.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use uuid::Uuid;

use crate::{
    api::{self, xml},
    config::Config,
    error::Error,
    state::State,
};

/// Limit for a request's body, far above the largest one.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The endpoint and all servers that it started.
#[derive(Debug)]
pub struct Server {
    endpoint: String,
    state: Arc<State>,
    serving: JoinHandle<()>,
    dir: TempDir,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When the work folder cannot be created, or the port cannot be bound.
    pub async fn start(config: Config) -> Result<Self, Error> {
        std::fs::create_dir_all(&config.work_dir)?;
        let work_dir = std::path::absolute(&config.work_dir)?;
        let dir = tempfile::Builder::new().prefix("elasticache-").tempdir_in(work_dir)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State::new(config, dir.path().to_owned()));
        let app = Router::new()
            .route("/", post(answer))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(state.clone());
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the local ElastiCache ended");
            }
        });
        tracing::info!(endpoint, "the local ElastiCache listens");
        Ok(Self { endpoint, state, serving, dir })
    }

    /// The endpoint URL, for `AWS_ENDPOINT_URL_ELASTICACHE`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The process IDs of all running servers.
    pub fn running_servers(&self) -> Vec<u32> {
        self.state.running.pids()
    }

    /// Ends every server, waits until it has ended, and removes the work folder.
    pub async fn stop(self) {
        self.serving.abort();
        self.state.end().await;
        if let Err(error) = self.dir.close() {
            tracing::warn!(%error, "the work folder could not be removed");
        }
    }
}

async fn answer(Shared(state): Shared<Arc<State>>, form: String) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let (status, body) = match api::act(&state, &form).await {
        Ok((action, result)) => (StatusCode::OK, xml::success(&action, &request_id, &result)),
        Err(error) => {
            tracing::debug!(code = error.code, message = error.message, "refused");
            (error.status, xml::failure(&request_id, &error))
        }
    };
    let headers = [(header::CONTENT_TYPE.as_str(), "text/xml".to_owned()), ("x-amzn-requestid", request_id)];
    (status, headers, body).into_response()
}
