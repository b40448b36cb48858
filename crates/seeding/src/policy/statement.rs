//! The statement that grants ElastiCache access to backups.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::facts::{identity::Identity, location::BackupLocation};

/// What ElastiCache does with the objects, and with their bucket. Source: ElastiCache user guide, "Seeding a new
/// cluster with an externally created backup", step 4.
pub(super) const ACTIONS_ON_OBJECTS: [&str; 1] = ["s3:GetObject"];
pub(super) const ACTIONS_ON_BUCKET: [&str; 2] = ["s3:ListBucket", "s3:GetBucketAcl"];

/// The statement that lets ElastiCache read the backups of one execution.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// The execution.
    pub execution: &'a Identity,
    /// `REGION.elasticache-snapshot.amazonaws.com`.
    pub service_principal: &'a str,
    /// The partition, for the ARNs.
    pub partition: &'a str,
    /// The objects, all in one bucket.
    pub backups: &'a [BackupLocation],
    /// The time at which the statement expires, in milliseconds since 1970; `None` if never.
    pub expires_at_ms: Option<i64>,
}

impl Statement<'_> {
    /// Returns the statement as JSON.
    pub(super) fn json(&self, sid: &str) -> Value {
        let bucket = self.backups.first().map_or("", |backup| backup.bucket.as_str());
        let mut resources = vec![format!("arn:{}:s3:::{bucket}", self.partition)];
        resources.extend(self.backups.iter().map(|backup| literal(&backup.arn(self.partition))));
        let mut statement = json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": self.service_principal},
            "Action": ACTIONS_ON_OBJECTS.iter().chain(&ACTIONS_ON_BUCKET).collect::<Vec<_>>(),
            "Resource": resources,
        });
        if let Some(end) = self.expires_at_ms.and_then(|ms| Timestamp::from_second(ms / 1000).ok()) {
            // A global condition key, which is in the context of every request.
            statement["Condition"] = json!({"DateLessThan": {"aws:CurrentTime": end.to_string()}});
        }
        statement
    }
}

/// Escapes wildcards and variables in an ARN: IAM reads `${*}`, `${?}` and `${$}` as the characters themselves.
fn literal(arn: &str) -> String {
    let mut text = String::with_capacity(arn.len());
    for letter in arn.chars() {
        match letter {
            '*' | '?' | '$' => {
                let _ = write!(text, "${{{letter}}}");
            }
            other => text.push(other),
        }
    }
    text
}
