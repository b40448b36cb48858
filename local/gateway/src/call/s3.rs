//! Calls of S3, in path style.

use http::{Method, request::Parts};
use percent_encoding::percent_decode_str;

use super::query;

/// The action and its resource. Source: Service Authorization Reference, "Amazon S3".
pub(super) fn read(parts: &Parts) -> Option<(String, Vec<String>)> {
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = query(&parts.uri);
    let has = |name: &str| query.iter().any(|(found, _)| found == name);
    let version = if has("versionId") { "Version" } else { "" };
    let action = if key.is_empty() {
        let setting = [
            ("policy", "BucketPolicy"),
            ("ownershipControls", "BucketOwnershipControls"),
            ("acl", "BucketAcl"),
            ("versioning", "BucketVersioning"),
            ("notification", "BucketNotification"),
            ("location", "BucketLocation"),
        ];
        let setting = setting.into_iter().find(|(name, _)| has(name)).map(|(_, setting)| setting);
        match (parts.method.clone(), setting) {
            (Method::GET, Some(setting)) => format!("Get{setting}"),
            (Method::PUT, Some(setting)) => format!("Put{setting}"),
            (Method::DELETE, Some(setting)) => format!("Delete{setting}"),
            (Method::GET, None) if has("uploads") => "ListBucketMultipartUploads".to_owned(),
            (Method::GET | Method::HEAD, None) => "ListBucket".to_owned(),
            _ => return None,
        }
    } else {
        match parts.method {
            Method::GET if has("acl") => format!("GetObject{version}Acl"),
            Method::PUT if has("acl") => format!("PutObject{version}Acl"),
            Method::GET | Method::HEAD => format!("GetObject{version}"),
            Method::PUT | Method::POST => "PutObject".to_owned(),
            Method::DELETE if has("uploadId") => "AbortMultipartUpload".to_owned(),
            Method::DELETE => format!("DeleteObject{version}"),
            _ => return None,
        }
    };
    let key = percent_decode_str(key).decode_utf8_lossy();
    let resource = if key.is_empty() { bucket.to_owned() } else { format!("{bucket}/{key}") };
    Some((format!("s3:{action}"), vec![format!("arn:aws:s3:::{resource}")]))
}

/// Whether this is a copy or the completion of an upload: S3 answers while it works. Source: Amazon S3 API Reference,
/// `UploadPartCopy` and `CompleteMultipartUpload`.
pub(super) fn may_fail_in_success(parts: &Parts) -> bool {
    let has = |name: &str| query(&parts.uri).iter().any(|(found, _)| found == name);
    let copies = parts.method == Method::PUT && parts.headers.contains_key("x-amz-copy-source");
    copies || (parts.method == Method::POST && has("uploadId"))
}
