//! The location of a backup in S3.

mod url;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest object key that S3 allows, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 1024;

/// An object in S3: a bucket and a key.
///
/// Parsed from every form in which people name one: `bucket/folder/file.rdb` as in the ElastiCache console,
/// `arn:aws:s3:::bucket/folder/file.rdb` as in its API, `s3://bucket/folder/file.rdb`, and the object's URL,
/// `https://bucket.s3.region.amazonaws.com/folder/file.rdb` or
/// `https://s3.region.amazonaws.com/bucket/folder/file.rdb`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupLocation {
    /// Bucket.
    pub bucket: String,
    /// Key of the object, not URL-encoded.
    pub key: String,
}

/// The reason why a text names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The key is missing, or bucket and key are.
    #[error("`{0}` names no object: expected bucket/key, arn:aws:s3:::bucket/key or s3://bucket/key")]
    NoKey(String),
    /// The key is longer than S3 allows.
    #[error("the key in `{bucket}` has {bytes} bytes, S3 allows {MAX_KEY_BYTES}")]
    KeyTooLong {
        /// The bucket.
        bucket: String,
        /// The key's length in bytes.
        bytes: usize,
    },
    /// An ARN of something other than an S3 object.
    #[error("`{0}` is not the ARN of an S3 object: expected arn:aws:s3:::bucket/key")]
    ForeignArn(String),
    /// A scheme other than `s3` and `https`.
    #[error(
        "`{scheme}://` is not read: upload the backup to S3 and name it as bucket/key or s3://bucket/key"
    )]
    ForeignScheme {
        /// The scheme.
        scheme: String,
    },
    /// A URL of something other than an S3 object.
    #[error(
        "`{host}` is not an address of S3: upload the backup to S3 and name it as bucket/key or s3://bucket/key"
    )]
    ForeignHost {
        /// The host.
        host: String,
    },
    /// A URL that does not name the bucket's region.
    #[error(
        "`{host}` names no region: name the object as bucket/key, or with its region as in bucket.s3.eu-west-1.amazonaws.com"
    )]
    NoRegion {
        /// The host.
        host: String,
    },
    /// A URL with a query: presigned, or of one version. The error does not repeat the query, since a signature is a
    /// secret.
    #[error(
        "`{address}` has a query, as presigned addresses do: ElastiCache reads objects, not addresses, so name it as bucket/key"
    )]
    Query {
        /// The URL without the query.
        address: String,
    },
    /// A URL whose percent-escapes do not decode to UTF-8.
    #[error("`{address}` has escapes that are no UTF-8: name the object as bucket/key")]
    Escapes {
        /// The URL.
        address: String,
    },
}

impl BackupLocation {
    /// Parses any of the forms.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let text = text.trim();
        let decoded;
        let path = if let Some((scheme, rest)) = url::scheme(text) {
            match scheme.to_ascii_lowercase().as_str() {
                "s3" => rest,
                "https" => {
                    decoded = url::path_style(rest)?;
                    &decoded
                }
                _ => return Err(LocationError::ForeignScheme { scheme: scheme.to_owned() }),
            }
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

    /// The object's ARN in a partition (`aws`, `aws-cn`, `aws-us-gov`).
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

    /// The key up to and including its last `/`; empty if it has none.
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
    fn the_address_of_an_object_names_it_too() {
        let of = |bucket: &str| BackupLocation { bucket: bucket.into(), key: "my folder/a+b,c%.rdb".into() };
        for (text, bucket) in [
            ("https://my-bucket.s3.eu-west-1.amazonaws.com/my%20folder/a+b%2Cc%25.rdb", "my-bucket"),
            (
                "https://my.old.bucket.s3.us-gov-west-1.amazonaws.com/my%20folder/a%2Bb,c%25.rdb",
                "my.old.bucket",
            ),
            ("https://s3.us-east-1.amazonaws.com/my-bucket/my%20folder/a+b,c%25.rdb", "my-bucket"),
            ("HTTPS://My-Bucket.S3.us-east-1.amazonaws.com:443/my folder/a+b,c%25.rdb", "my-bucket"),
            ("https://my-bucket.s3.cn-north-1.amazonaws.com.cn/my%20folder/a+b,c%25.rdb", "my-bucket"),
            ("https://my-bucket.s3.dualstack.us-east-1.amazonaws.com/my%20folder/a+b,c%25.rdb", "my-bucket"),
        ] {
            assert_eq!(BackupLocation::parse(text), Ok(of(bucket)), "{text}");
        }
        for text in ["https://b.s3.eu-west-1.amazonaws.com/", "https://s3.eu-west-1.amazonaws.com/bucket"] {
            assert!(matches!(BackupLocation::parse(text), Err(LocationError::NoKey(_))), "{text}");
        }
    }

    #[test]
    fn an_address_that_elasticache_has_no_use_for_is_refused_by_name() {
        let refused = |text: &str| BackupLocation::parse(text).unwrap_err().to_string();
        for (text, reason) in [
            ("https://bucket.s3.amazonaws.com/a.rdb", "`bucket.s3.amazonaws.com` names no region"),
            ("https://s3.amazonaws.com/bucket/a.rdb", "`s3.amazonaws.com` names no region"),
            ("https://dumps.example.com/a.rdb", "`dumps.example.com` is not an address of S3"),
            ("https://bucket.s3-website.eu-west-1.amazonaws.com/a.rdb", "is not an address of S3"),
            ("https://x-1.s3-accesspoint.eu-west-1.amazonaws.com/a.rdb", "is not an address of S3"),
            ("https://user@s3.eu-west-1.amazonaws.com/b/a.rdb", "is not an address of S3"),
            ("http://bucket.s3.eu-west-1.amazonaws.com/a.rdb", "`http://` is not read"),
            ("gs://bucket/a.rdb", "`gs://` is not read"),
            ("s3a://bucket/a.rdb", "`s3a://` is not read"),
            ("file:///var/lib/redis/dump.rdb", "`file://` is not read"),
            ("https://b.s3.eu-west-1.amazonaws.com/%FF.rdb", "no UTF-8"),
            ("https://b.s3.eu-west-1.amazonaws.com/%4.rdb", "no UTF-8"),
        ] {
            let found = refused(text);
            assert!(found.contains(reason), "{text}: {found}");
            assert!(found.contains("bucket/key"), "no remedy: {found}");
        }
        let presigned =
            "https://b.s3.eu-west-1.amazonaws.com/a.rdb?X-Amz-Credential=AK&X-Amz-Signature=c0ffee";
        let found = refused(presigned);
        assert!(
            found.contains("presigned") && found.contains("b.s3.eu-west-1.amazonaws.com/a.rdb"),
            "{found}"
        );
        assert!(!found.contains("c0ffee"), "a signature is a secret: {found}");
    }

    #[test]
    fn a_key_may_hold_what_looks_like_a_scheme() {
        let location = BackupLocation::parse("bucket/gs://a.rdb").unwrap();
        assert_eq!(location.key, "gs://a.rdb");
        assert_eq!(BackupLocation::parse("s3://bucket/a?b#c%20.rdb").unwrap().key, "a?b#c%20.rdb");
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
