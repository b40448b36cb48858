//! The report of an execution, from the reports bucket.

use aws_sdk_s3::Client;
use seeder_aws::service_error;
use serde_json::{Value, json};

/// The size limit of a report, in bytes.
const MAX_BYTES: i64 = 16 * 1024 * 1024;

/// A report, or the reason why it could not be read.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) uri: String,
    pub(super) content: Result<Value, String>,
}

impl Report {
    /// Reads `s3://BUCKET/KEY`.
    pub(super) async fn read(s3: &Client, uri: String) -> Self {
        let content = read(s3, &uri).await;
        Self { uri, content }
    }

    /// The findings, most severe first.
    pub(super) fn findings(&self) -> &[Value] {
        let content = self.content.as_ref().ok();
        content.and_then(|content| content["findings"].as_array()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn json(&self) -> Value {
        match &self.content {
            Ok(content) => {
                json!({
                    "uri": self.uri, "verdict": content["verdict"], "findings": content["findings"],
                    "price": content["plan"]["price"],
                })
            }
            Err(reason) => json!({"uri": self.uri, "notRead": reason}),
        }
    }
}

async fn read(s3: &Client, uri: &str) -> Result<Value, String> {
    let place = uri.strip_prefix("s3://").and_then(|place| place.split_once('/'));
    let Some((bucket, key)) = place else { return Err(format!("{uri} is not the location of an object")) };
    let answer = s3.get_object().bucket(bucket).key(key).send().await;
    let answer = answer.map_err(|error| service_error(&format!("read {uri}"), &error).message)?;
    if answer.content_length().unwrap_or(0) > MAX_BYTES {
        return Err(format!("{uri} is longer than {MAX_BYTES} bytes"));
    }
    let bytes = answer.body.collect().await.map_err(|error| format!("failed to read {uri}: {error}"))?;
    serde_json::from_slice(&bytes.into_bytes()).map_err(|error| format!("{uri} is not a report: {error}"))
}
