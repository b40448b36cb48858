//! The identity of a request, parsed from its signature. Signatures are not verified.

use http::{
    Uri,
    header::{AUTHORIZATION, HeaderMap},
};
use percent_encoding::percent_decode_str;
use s3s::S3Request;
use uuid::Uuid;

use crate::config::SERVICE_ACCESS_KEY;

/// The caller of a request, identified only by the access key ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The account that owns every bucket: its root user or a role.
    Owner,
    /// The ElastiCache service principal.
    Service,
    /// The request has no signature.
    Anonymous,
}

/// The identity in a request's signature, stored in the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) caller: Caller,
    /// The access key ID; empty without a signature.
    pub(crate) access_key: String,
    /// The Region in the credential scope.
    pub(crate) signed_region: Option<String>,
    /// Returned as `x-amz-request-id` and included in events.
    pub(crate) request_id: String,
}

impl Identity {
    /// Parses the identity from the headers or the presigned query of a request.
    pub(crate) fn read(headers: &HeaderMap, uri: &Uri) -> Self {
        let credential = credential(headers, uri);
        let access_key = credential.as_deref().and_then(|scope| scope.split('/').next());
        Self {
            caller: match access_key {
                None => Caller::Anonymous,
                Some(SERVICE_ACCESS_KEY) => Caller::Service,
                Some(_) => Caller::Owner,
            },
            access_key: access_key.unwrap_or_default().to_owned(),
            // KEY/DATE/REGION/SERVICE/aws4_request
            signed_region: credential
                .as_deref()
                .and_then(|scope| scope.rsplit('/').nth(2))
                .filter(|region| !region.is_empty())
                .map(ToOwned::to_owned),
            request_id: Uuid::new_v4().simple().to_string().to_uppercase()[..16].to_owned(),
        }
    }

    /// The identity in the extensions of a request, anonymous by default.
    pub(crate) fn of<T>(request: &S3Request<T>) -> Self {
        request.extensions.get().cloned().unwrap_or(Self {
            caller: Caller::Anonymous,
            access_key: String::new(),
            signed_region: None,
            request_id: String::new(),
        })
    }
}

/// Returns the credential scope from the header or the presigned query of a request.
fn credential(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(value) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        if let Some(at) = value.find("Credential=") {
            let scope = &value[at + "Credential=".len()..];
            return scope.split(',').next().map(|scope| scope.trim().to_owned());
        }
        // Signature Version 2: `AWS KEY:SIGNATURE`.
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

/// Removes the signature from the query of a presigned URL.
pub(crate) fn strip_presigned_query(uri: &mut Uri) {
    const SIGNING: [&str; 11] = [
        // Signature Version 2, with which some clients still presign.
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
    // A valid URI stays valid with a shorter query. Otherwise the request remains unchanged.
    if let Ok(stripped) = stripped.parse() {
        *uri = stripped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presigned_urls_of_both_versions_name_the_caller_and_lose_their_signature() {
        for (signed, key) in [
            (
                "/b/k?X-Amz-Algorithm=A&X-Amz-Credential=KEY%2F20260101%2Feu-west-1%2Fs3%2Faws4_request\
                 &versionId=1&X-Amz-Signature=0",
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
