//! What happens to a request before the protocol layer sees it: who calls is read from the signature, which is then
//! taken off, and `aws-chunked` bodies are unwrapped. The protocol layer would verify signatures with a known secret;
//! here every secret is as good as another.

pub(crate) mod chunked;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use s3s::service::S3Service;
use s3s::{Body, HttpError};
use uuid::Uuid;

use self::chunked::Trailers;
use crate::SERVICE_ACCESS_KEY;

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Who sent a request, by its access key alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The account that owns every bucket.
    Owner,
    /// The ElastiCache service principal.
    Service,
    /// Nobody: the request carries no signature.
    Anonymous,
}

/// What the signature of a request says; handed on in the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) caller: Caller,
    /// The region in the signature's scope.
    pub(crate) signed_region: Option<String>,
    /// Goes back as `x-amz-request-id`, and into events.
    pub(crate) request_id: String,
}

/// Serves one request.
pub(crate) async fn handle(
    protocol: &S3Service,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let credential = credential(&parts.headers, &parts.uri);
    let identity = Identity {
        caller: match credential.as_deref().and_then(|scope| scope.split('/').next()) {
            None => Caller::Anonymous,
            Some(SERVICE_ACCESS_KEY) => Caller::Service,
            Some(_) => Caller::Owner,
        },
        // KEY/DATE/REGION/SERVICE/aws4_request
        signed_region: credential
            .as_deref()
            .and_then(|scope| scope.rsplit('/').nth(2))
            .filter(|region| !region.is_empty())
            .map(ToOwned::to_owned),
        request_id: Uuid::new_v4().simple().to_string().to_uppercase()[..16].to_owned(),
    };
    let request_id = identity.request_id.clone();

    parts.headers.remove(AUTHORIZATION);
    strip_presigned_query(&mut parts.uri);
    let trailers = Trailers::default();
    let body = if is_chunked(&parts.headers) {
        unwrap_headers(&mut parts.headers);
        Body::http_body_unsync(chunked::decode(body, trailers.clone()))
    } else {
        Body::from(body)
    };
    parts.headers.remove(CONTENT_SHA256);
    parts.extensions.insert(identity);
    parts.extensions.insert(trailers);

    let mut response = protocol.call(Request::from_parts(parts, body)).await?;
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(response)
}

/// The credential scope of a request, from its header or its presigned query.
fn credential(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(value) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        if let Some(at) = value.find("Credential=") {
            let scope = &value[at + "Credential=".len()..];
            return scope.split(',').next().map(|scope| scope.trim().to_owned());
        }
        // Signature version 2: `AWS KEY:SIGNATURE`.
        return Some(value.strip_prefix("AWS ")?.split(':').next()?.to_owned());
    }
    let mut pairs = uri.query()?.split('&');
    let named = |pair: &'_ str| {
        let value = pair.strip_prefix("X-Amz-Credential=").or_else(|| pair.strip_prefix("AWSAccessKeyId="));
        value.map(ToOwned::to_owned)
    };
    let scope = pairs.find_map(named)?;
    Some(percent_decode_str(&scope).decode_utf8_lossy().into_owned())
}

/// Takes the signature out of a presigned URL's query; the rest stays as sent.
fn strip_presigned_query(uri: &mut Uri) {
    const SIGNING: [&str; 11] = [
        // Version 2, which some clients still presign with.
        "AWSAccessKeyId=",
        "Signature=",
        "Expires=",
        "x-amz-security-token=",
        "X-Amz-Algorithm=",
        "X-Amz-Credential=",
        "X-Amz-Date=",
        "X-Amz-Expires=",
        "X-Amz-Signature=",
        "X-Amz-SignedHeaders=",
        "X-Amz-Security-Token=",
    ];
    let Some(query) = uri.query().filter(|query| query.contains("ignature=")) else { return };
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !SIGNING.iter().any(|name| pair.starts_with(name))).collect();
    let path = uri.path();
    let stripped = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    // A shorter query of a valid URI is valid; otherwise the request goes on as it came.
    if let Ok(stripped) = stripped.parse() {
        *uri = stripped;
    }
}

fn is_chunked(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_SHA256).is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"))
}

/// Makes the headers describe the body without its framing.
fn unwrap_headers(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    headers.remove(http::header::TRANSFER_ENCODING);
    if let Some(length) = headers.remove(DECODED_LENGTH) {
        headers.insert(CONTENT_LENGTH, length);
    }
    let kept: Vec<String> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && *coding != "aws-chunked")
        .map(ToOwned::to_owned)
        .collect();
    headers.remove(CONTENT_ENCODING);
    if let Ok(value) = HeaderValue::try_from(kept.join(","))
        && !kept.is_empty()
    {
        headers.insert(CONTENT_ENCODING, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presigned_urls_of_both_versions_name_the_caller_and_lose_their_signature() {
        for (signed, key) in [
            (
                "/b/k?X-Amz-Algorithm=A&X-Amz-Credential=KEY%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&versionId=1&X-Amz-Signature=0",
                "KEY/20260101/eu-west-1/s3/aws4_request",
            ),
            ("/b/k?AWSAccessKeyId=KEY&versionId=1&Signature=0&Expires=1", "KEY"),
        ] {
            let mut uri: Uri = signed.parse().unwrap();
            assert_eq!(credential(&HeaderMap::new(), &uri).as_deref(), Some(key));
            strip_presigned_query(&mut uri);
            assert_eq!(uri, "/b/k?versionId=1");
        }
    }
}
