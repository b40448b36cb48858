//! Errors that `s3s` has no status or no name for.

use http::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};
use s3s::{S3Error, S3ErrorCode, s3_error};

/// A fault of this endpoint's own, such as a full disk.
pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> S3Error {
    s3_error!(InternalError, "{error}")
}

/// An error with the status that S3 answers it with.
pub(crate) fn with_status(code: S3ErrorCode, status: StatusCode, message: String) -> S3Error {
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(status);
    error
}

/// The bucket is in `region`, and the request was signed for another.
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

/// A bucket that does not exist.
pub(crate) fn no_such_bucket(bucket: &str) -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist: {bucket}")
}

/// A key that does not exist.
pub(crate) fn no_such_key(key: &str) -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist: {key}")
}
