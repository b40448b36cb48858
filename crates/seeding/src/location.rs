//! Where a backup lies.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest object key that S3 takes, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 1024;

/// An object in S3: a bucket and a key.
///
/// Read from the three ways in which people name one: `bucket/folder/file.rdb` as in the ElastiCache console,
/// `arn:aws:s3:::bucket/folder/file.rdb` as in its API, and `s3://bucket/folder/file.rdb`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupLocation {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, not URL-encoded.
    pub key: String,
}

/// Why a text names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// There is a bucket but no key, or neither.
    #[error("`{0}` names no object: expected bucket/key, arn:aws:s3:::bucket/key or s3://bucket/key")]
    NoKey(String),
    /// The key is longer than S3 allows.
    #[error("the key in `{bucket}` has {bytes} bytes, S3 allows {MAX_KEY_BYTES}")]
    KeyTooLong {
        /// The bucket named before it.
        bucket: String,
        /// Its length in bytes.
        bytes: usize,
    },
    /// An ARN of something else than an S3 object.
    #[error("`{0}` is not the ARN of an S3 object: expected arn:aws:s3:::bucket/key")]
    ForeignArn(String),
}

impl BackupLocation {
    /// Reads any of the three forms.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let text = text.trim();
        let path = if let Some(path) = text.strip_prefix("s3://") {
            path
        } else if text.starts_with("arn:") {
            // arn:PARTITION:s3:::BUCKET/KEY; region and account are empty for objects.
            let parts: Vec<_> = text.splitn(6, ':').collect();
            match parts[..] {
                ["arn", _, "s3", "", "", path] => path,
                _ => return Err(LocationError::ForeignArn(text.to_owned())),
            }
        } else {
            text
        };
        match path.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                if key.len() > MAX_KEY_BYTES {
                    return Err(LocationError::KeyTooLong { bucket: bucket.to_owned(), bytes: key.len() });
                }
                Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => Err(LocationError::NoKey(text.to_owned())),
        }
    }

    /// The object's ARN in this partition (`aws`, `aws-cn`, `aws-us-gov`).
    pub fn arn(&self, partition: &str) -> String {
        format!("arn:{partition}:s3:::{}/{}", self.bucket, self.key)
    }

    /// The key's last part.
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// The file's name without its last extension.
    pub fn stem(&self) -> &str {
        let name = self.file_name();
        name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
    }

    /// The key up to and including its last `/`, empty at the top.
    pub fn folder(&self) -> &str {
        self.key.rfind('/').map_or("", |end| &self.key[..=end])
    }
}

impl fmt::Display for BackupLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.key)
    }
}

/// Whether ElastiCache can read from a bucket of this name: 3 to 63 characters; labels of lower-case letters, digits
/// and dashes that begin and end with a letter or digit, joined by dots; not an IP address.
/// Source: ElastiCache user guide, "Seeding a new cluster with an externally created backup", step 2.
pub fn dns_compliant_bucket_name(name: &str) -> bool {
    let label_ok = |label: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = label.as_bytes();
        matches!((bytes.first(), bytes.last()), (Some(&first), Some(&last)) if inner(first) && inner(last))
            && bytes.iter().all(|&c| inner(c) || c == b'-')
    };
    (3..=63).contains(&name.len())
        && name.split('.').all(label_ok)
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_to_name_an_object_mean_the_same() {
        let expected = BackupLocation { bucket: "my-bucket".into(), key: "my folder/a+b,c.rdb".into() };
        for text in [
            "my-bucket/my folder/a+b,c.rdb",
            "s3://my-bucket/my folder/a+b,c.rdb",
            "arn:aws:s3:::my-bucket/my folder/a+b,c.rdb",
            " arn:aws-cn:s3:::my-bucket/my folder/a+b,c.rdb ",
        ] {
            assert_eq!(BackupLocation::parse(text).as_ref(), Ok(&expected), "{text}");
        }
        assert_eq!(expected.arn("aws"), "arn:aws:s3:::my-bucket/my folder/a+b,c.rdb");
        assert_eq!((expected.stem(), expected.folder()), ("a+b,c", "my folder/"));
    }

    #[test]
    fn a_text_without_a_key_is_refused_by_name() {
        for text in ["", "bucket", "bucket/", "/key", "s3://bucket", "arn:aws:s3:::bucket"] {
            assert!(matches!(BackupLocation::parse(text), Err(LocationError::NoKey(_))), "{text}");
        }
        for text in ["arn:aws:sns:us-east-1:1:topic/x", "arn:aws:s3:us-east-1:1:accesspoint/x/y"] {
            assert!(matches!(BackupLocation::parse(text), Err(LocationError::ForeignArn(_))), "{text}");
        }
    }

    #[test]
    fn bucket_names_follow_the_dns_rule() {
        for name in ["abc", "a.b-c.d1", "my-bucket-1"] {
            assert!(dns_compliant_bucket_name(name), "{name}");
        }
        for name in
            ["ab", "My-bucket", "my_bucket", "-ab", "ab-", "a..b", ".ab", "192.0.2.0", &"a".repeat(64)]
        {
            assert!(!dns_compliant_bucket_name(name), "{name}");
        }
    }
}
