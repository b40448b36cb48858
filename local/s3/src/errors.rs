//! Errors for which `s3s` has no status or no name.

use http::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};
use s3s::{S3Error, S3ErrorCode, s3_error};

/// An internal error of this endpoint, such as a full disk.
pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> S3Error {
    s3_error!(InternalError, "{error}")
}

/// An error with the status that S3 returns for it.
pub(crate) fn with_status(code: S3ErrorCode, status: StatusCode, message: String) -> S3Error {
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(status);
    error
}

/// The error for a bucket in `region` and a request that was signed for another Region.
pub(crate) fn other_region(region: &str) -> S3Error {
    let mut error = with_status(
        S3ErrorCode::PermanentRedirect,
        StatusCode::MOVED_PERMANENTLY,
        format!("The bucket you are attempting to access must be addressed in region {region}."),
    );
    if let Ok(value) = HeaderValue::try_from(region) {
        error.set_headers(HeaderMap::from_iter([(
            http::HeaderName::from_static("x-amz-bucket-region"),
            value,
        )]));
    }
    error
}

/// The error for a bucket that does not exist.
pub(crate) fn no_such_bucket(bucket: &str) -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist: {bucket}")
}

/// The error for a key that does not exist.
pub(crate) fn no_such_key(key: &str) -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist: {key}")
}
