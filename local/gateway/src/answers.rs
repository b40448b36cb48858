//! The answers that the gateway gives in a service's name, in the service's own form.

use bytes::Bytes;
use http::{Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use serde_json::json;

use crate::call::Service;

/// Why a body ends early.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// The body of a request or an answer.
pub(crate) type Body = BoxBody<Bytes, BodyError>;

/// A refusal in a service's words.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal<'a> {
    Throttled,
    ServerError,
    /// With the action and the resource, as AWS names them.
    Denied {
        action: &'a str,
        resource: &'a str,
    },
}

impl Refusal<'_> {
    /// The answer of this service.
    pub(crate) fn answer(self, service: Service) -> Response<BoxBody<Bytes, BodyError>> {
        let message = match self {
            Self::Throttled => "Rate exceeded".to_owned(),
            Self::ServerError => "We encountered an internal error. Please try again.".to_owned(),
            Self::Denied { action, resource } => {
                format!("User is not authorized to perform: {action} on resource: {resource}")
            }
        };
        let (status, code) = match (service, self) {
            (Service::S3, Self::Throttled) => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            (Service::S3, Self::ServerError) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            (Service::S3 | Service::ElastiCache, Self::Denied { .. }) => {
                (StatusCode::FORBIDDEN, "AccessDenied")
            }
            (Service::ElastiCache, Self::Throttled) => (StatusCode::BAD_REQUEST, "Throttling"),
            (Service::ElastiCache, Self::ServerError) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure")
            }
            (Service::Lambda, Self::Throttled) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
            (Service::Lambda, Self::ServerError) => (StatusCode::INTERNAL_SERVER_ERROR, "ServiceException"),
            (Service::Lambda, Self::Denied { .. }) => (StatusCode::FORBIDDEN, "AccessDeniedException"),
            (_, Self::Throttled) => (StatusCode::BAD_REQUEST, "ThrottlingException"),
            (_, Self::ServerError) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
            (_, Self::Denied { .. }) => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
        };
        let (kind, body) = match service {
            Service::S3 => (
                "application/xml",
                format!(
                    "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                ),
            ),
            Service::ElastiCache => (
                "text/xml",
                format!(
                    "<ErrorResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\"><Error><Type>Sender</Type>\
                     <Code>{code}</Code><Message>{message}</Message></Error><RequestId>gateway</RequestId></ErrorResponse>"
                ),
            ),
            Service::Lambda => ("application/json", json!({"Type": "User", "Message": message}).to_string()),
            _ => ("application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string()),
        };
        let mut response = Response::new(Full::from(body).map_err(BodyError::from).boxed());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
        // The interpreter of state machines requires it.
        headers.insert("x-amzn-requestid", http::HeaderValue::from_static("gateway"));
        if let Ok(code) = http::HeaderValue::from_str(code) {
            headers.insert("x-amzn-errortype", code);
        }
        response
    }
}
