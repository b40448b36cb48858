//! Request handling before the protocol layer: reads the identity from the signature, removes the signature, and
//! decodes an `aws-chunked` body. The protocol layer would verify signatures, but any secret is accepted here.

pub(crate) mod chunked;
pub(crate) mod identity;

use http::{
    Request, Response,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue},
};
use hyper::body::Incoming;
use s3s::{Body, HttpError, service::S3Service};

use self::{chunked::Trailers, identity::Identity};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Serves one request.
pub(crate) async fn handle(
    protocol: &S3Service,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let identity = Identity::read(&parts.headers, &parts.uri);
    let request_id = identity.request_id.clone();

    parts.headers.remove(AUTHORIZATION);
    identity::strip_presigned_query(&mut parts.uri);
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

fn is_chunked(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_SHA256).is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"))
}

/// Adapts the headers to the body without framing.
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
