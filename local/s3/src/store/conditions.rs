//! Conditional requests: `If-Match` and similar headers for reads, writes and deletes.

use http::StatusCode;
use s3s::{
    S3ErrorCode, S3Result,
    dto::{ETag, ETagCondition, Timestamp},
    s3_error,
};

use crate::errors::{no_such_key, with_status};

/// The conditions of a read, named after their headers.
#[derive(Debug, Default)]
#[allow(clippy::struct_field_names, reason = "the headers' own names")]
pub(crate) struct ReadConditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// Fails with 412 or 304 unless an object with this `etag` and time may be read. An `ETag` condition overrides the
    /// corresponding time condition (RFC 9110).
    pub(crate) fn check(&self, etag: &str, modified: &Timestamp) -> S3Result<()> {
        let failed = || s3_error!(PreconditionFailed, "the object's ETag is \"{etag}\"");
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !matches(condition, etag) => return Err(failed()),
            (None, Some(time)) if seconds(modified) > seconds(time) => return Err(failed()),
            _ => {}
        }
        let unchanged = match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) => matches(condition, etag),
            (None, Some(time)) => seconds(modified) <= seconds(time),
            (None, None) => false,
        };
        if unchanged {
            let message = format!("the object's ETag is \"{etag}\"");
            return Err(with_status(S3ErrorCode::NotModified, StatusCode::NOT_MODIFIED, message));
        }
        Ok(())
    }
}

/// The conditions and the customer key for reading the source of a copy.
#[derive(Debug, Default)]
pub(crate) struct SourceTerms {
    pub(crate) conditions: ReadConditions,
    pub(crate) customer_algorithm: Option<String>,
    pub(crate) customer_key_md5: Option<String>,
}

/// Fails with 412 or 404 unless the key may be written. `current` is the `ETag` of its current object, if there is one.
pub(crate) fn check_write(
    key: &str,
    current: Option<&str>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    check_match(key, current, if_match)?;
    if let (Some(condition), Some(etag)) = (if_none_match, current)
        && matches(condition, etag)
    {
        return Err(s3_error!(PreconditionFailed, "an object with this key exists, its ETag is \"{etag}\""));
    }
    Ok(())
}

/// Fails with 412 or 404 unless `if_match` holds.
pub(crate) fn check_match(
    key: &str,
    current: Option<&str>,
    if_match: Option<&ETagCondition>,
) -> S3Result<()> {
    match (if_match, current) {
        (Some(_), None) => Err(no_such_key(key)),
        (Some(condition), Some(etag)) if !matches(condition, etag) => {
            Err(s3_error!(PreconditionFailed, "the object's ETag is \"{etag}\""))
        }
        _ => Ok(()),
    }
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    condition.as_etag().map(ETag::value).is_none_or(|wanted| wanted == etag)
}

/// Truncates a time to whole seconds, the resolution of HTTP dates.
fn seconds(time: &Timestamp) -> i64 {
    let mut text = Vec::new();
    if time.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text).is_err() {
        return 0;
    }
    let whole = String::from_utf8_lossy(&text);
    whole.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn tag(value: &str) -> Option<ETagCondition> {
        value.parse().ok()
    }

    #[test]
    fn writes_fail_on_a_changed_object() {
        let write = |current, if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>| {
            check_write("k", current, if_match.as_ref(), if_none_match.as_ref())
                .map_err(|error| error.code().as_str().to_owned())
        };
        assert_eq!(write(None, None, tag("*")), Ok(()));
        assert_eq!(write(Some("a"), None, tag("*")), Err("PreconditionFailed".into()));
        assert_eq!(write(Some("a"), tag("\"a\""), None), Ok(()));
        assert_eq!(write(Some("b"), tag("\"a\""), None), Err("PreconditionFailed".into()));
        assert_eq!(write(None, tag("\"a\""), None), Err("NoSuchKey".into()));
    }

    #[test]
    fn reads_fail_on_a_changed_object_and_report_an_unchanged_one() {
        let written = SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_500);
        let at = |seconds| Some(Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)));
        let read = |conditions: ReadConditions| {
            conditions.check("a", &written.into()).map_err(|error| error.status_code().unwrap().as_u16())
        };
        let none = ReadConditions::default;
        assert_eq!(read(none()), Ok(()));
        assert_eq!(read(ReadConditions { if_match: tag("\"a\""), ..none() }), Ok(()));
        assert_eq!(read(ReadConditions { if_match: tag("\"b\""), ..none() }), Err(412));
        assert_eq!(read(ReadConditions { if_none_match: tag("\"a\""), ..none() }), Err(304));
        assert_eq!(read(ReadConditions { if_modified_since: at(1000), ..none() }), Err(304));
        assert_eq!(read(ReadConditions { if_modified_since: at(999), ..none() }), Ok(()));
        assert_eq!(read(ReadConditions { if_unmodified_since: at(999), ..none() }), Err(412));
        assert_eq!(read(ReadConditions { if_unmodified_since: at(1000), ..none() }), Ok(()));
    }
}
