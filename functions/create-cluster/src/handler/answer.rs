//! The answer to a create, whatever its kind.

use aws_sdk_elasticache::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use seeder_aws::{error_code, is_refusal, service_error};
use seeding::StepError;

/// The answer to a create.
pub(super) struct Answer {
    /// Whether ElastiCache created the cluster or refused to; otherwise one may still appear.
    pub(super) is_final: bool,
    pub(super) created: Result<Created, StepError>,
}

/// The result of a create.
pub(super) enum Created {
    /// The cluster exists from now on, with this status.
    Now { status: String },
    /// A cluster of this ID existed before.
    Before,
}

impl Answer {
    /// Reads an answer. `exists` is the error code for an ID that is taken, `doing` completes "failed to ...".
    pub(super) fn of<T, E: ProvideErrorMetadata>(
        answer: Result<T, SdkError<E, HttpResponse>>,
        status: impl FnOnce(&T) -> Option<String>,
        exists: &str,
        doing: &str,
    ) -> Self {
        let is_final = answer.as_ref().err().is_none_or(is_refusal);
        let created = match answer {
            Ok(answer) => Ok(Created::Now { status: status(&answer).unwrap_or_default() }),
            Err(error) if error_code(&error) == Some(exists) => Ok(Created::Before),
            Err(error) => Err(service_error(doing, &error)),
        };
        Self { is_final, created }
    }
}
