//! Errors of the start, of an API request and of a restore.

use std::{fmt, io};

use axum::http::StatusCode;

/// An error that prevents the endpoint from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The endpoint could not listen on loopback, or not create the work folder.
    #[error("start the local ElastiCache: {0}")]
    Start(#[from] io::Error),
}

/// An error response of the Query API.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(code: &'static str, message: impl fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.to_string() }
    }

    pub(crate) fn not_found(code: &'static str, message: impl fmt::Display) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::new(code, message) }
    }

    pub(crate) fn value(message: impl fmt::Display) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    pub(crate) fn combination(message: impl fmt::Display) -> Self {
        Self::new("InvalidParameterCombination", message)
    }
}

/// The reason why a replication group did not become available, as in its events.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }

    /// A failure of this machine, not of the backup.
    pub(crate) fn local(doing: &str, error: impl fmt::Display) -> Self {
        Self(format!("{doing}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
