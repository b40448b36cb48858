//! Answers of a scripted service.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::ConnectorError};
use aws_smithy_types::body::SdkBody;
use serde::Serialize;

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Bytes(Vec<u8>),
    Echo,
    Lost,
}

/// An answer with this status and no body, such as every answer to HEAD.
pub const fn status(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
}

/// Status 200 and no body.
pub const fn ok() -> Answer {
    status(200)
}

/// Status 204, as after a deletion.
pub const fn nothing() -> Answer {
    status(204)
}

/// Status 200 and this value: an object in the reports bucket, or an answer of a JSON service.
///
/// # Panics
/// If the value cannot be serialised to JSON.
pub fn json(value: impl Serialize) -> Answer {
    ok().body(serde_json::to_vec(&value).expect("test values have JSON"))
}

/// Status 200 and the body of the previous request: a file that is read right after it was written.
pub const fn echo() -> Answer {
    Answer { status: 200, headers: Vec::new(), body: Body::Echo }
}

/// No answer: the connection breaks after the service has received the request.
pub const fn lost() -> Answer {
    Answer { status: 200, headers: Vec::new(), body: Body::Lost }
}

/// Status 200 and this document.
pub fn xml(document: &str) -> Answer {
    ok().body(document)
}

/// Status 200 and the result of an action, in ElastiCache's format.
pub fn query(action: &str, result: &str) -> Answer {
    xml(&format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
}

/// An error in S3's format.
pub fn s3_error(status: u16, code: &str) -> Answer {
    let document = format!("<Error><Code>{code}</Code><Message>S3 says {code}</Message></Error>");
    Answer { status, ..xml(&document) }
}

/// An error in ElastiCache's format.
pub fn query_error(status: u16, code: &str, message: &str) -> Answer {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Answer { status, ..xml(&format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")) }
}

/// An error in the format of Step Functions, Secrets Manager and KMS.
pub fn json_error(status: u16, code: &str, message: &str) -> Answer {
    Answer { status, ..json(serde_json::json!({"__type": code, "message": message})) }
}

impl Answer {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Returns the answer as an HTTP response, or the error of a lost connection. `before` is the body of the previous
    /// request.
    pub(super) fn response(self, before: &[u8]) -> Result<HttpResponse, ConnectorError> {
        let status = self.status.try_into().expect("a status of HTTP");
        let body = match self.body {
            Body::Bytes(bytes) => bytes,
            Body::Echo => before.to_vec(),
            Body::Lost => return Err(ConnectorError::io("connection reset by peer".into())),
        };
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}
