//! Upload events, in the two formats of S3.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use uuid::Uuid;

/// Characters that are percent-encoded in the key of a Lambda event. A space becomes `+` instead.
const KEY_ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b'!')
    .remove(b'(')
    .remove(b')')
    .remove(b'\'')
    .remove(b' ');

/// The operation that created an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Put,
    Copy,
    CompleteMultipart,
}

/// A new object.
#[derive(Debug, Clone)]
pub(crate) struct ObjectCreated {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) version_id: Option<String>,
    pub(crate) region: String,
    pub(crate) account_id: String,
    pub(crate) owner_id: String,
    pub(crate) request_id: String,
    pub(crate) sequencer: String,
    pub(crate) reason: Reason,
}

impl Reason {
    /// The event name without `s3:`.
    pub(crate) fn event_name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipart => "ObjectCreated:CompleteMultipartUpload",
        }
    }

    fn operation(self) -> &'static str {
        match self {
            Self::Put => "PutObject",
            Self::Copy => "CopyObject",
            Self::CompleteMultipart => "CompleteMultipartUpload",
        }
    }
}

impl ObjectCreated {
    /// The event for a Lambda target of the bucket's notification configuration.
    pub(crate) fn lambda_event(&self, configuration_id: &str) -> Value {
        let mut object = json!({
            "key": utf8_percent_encode(&self.key, KEY_ENCODED).to_string().replace(' ', "+"),
            "size": self.size,
            "eTag": self.etag,
            "sequencer": self.sequencer,
        });
        if let Some(version_id) = &self.version_id {
            object["versionId"] = json!(version_id);
        }
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            "eventTime": now(),
            "eventName": self.reason.event_name(),
            "userIdentity": { "principalId": format!("AWS:{}", self.account_id) },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": self.request_id, "x-amz-id-2": self.request_id },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": configuration_id,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": self.owner_id },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": object,
            },
        }] })
    }

    /// The event for the target of an EventBridge rule that matches "Object Created".
    pub(crate) fn event_bridge_event(&self) -> Value {
        let mut object = json!({
            "key": self.key,
            "size": self.size,
            "etag": self.etag,
            "sequencer": self.sequencer,
        });
        if let Some(version_id) = &self.version_id {
            object["version-id"] = json!(version_id);
        }
        json!({
            "version": "0",
            "id": Uuid::new_v4().to_string(),
            "detail-type": "Object Created",
            "source": "aws.s3",
            "account": self.account_id,
            "time": now_in_seconds(),
            "region": self.region,
            "resources": [format!("arn:aws:s3:::{}", self.bucket)],
            "detail": {
                "version": "0",
                "bucket": { "name": self.bucket },
                "object": object,
                "request-id": self.request_id,
                "requester": self.account_id,
                "source-ip-address": "127.0.0.1",
                "reason": self.reason.operation(),
            },
        })
    }
}

/// The test event for targets that have just been configured.
pub(crate) fn test_event(bucket: &str, request_id: &str) -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": now(),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": request_id,
    })
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn now_in_seconds() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_for_lambda_and_plain_for_event_bridge() {
        let created = ObjectCreated {
            bucket: "b".into(),
            key: "my folder/ä+1,2.rdb".into(),
            size: 3,
            etag: "e".into(),
            version_id: None,
            region: "us-east-1".into(),
            account_id: "123456789012".into(),
            owner_id: "0".into(),
            request_id: "R".into(),
            sequencer: "01".into(),
            reason: Reason::Put,
        };
        let event = created.lambda_event("id");
        assert_eq!(event["Records"][0]["s3"]["object"]["key"], "my+folder/%C3%A4%2B1%2C2.rdb");
        assert_eq!(created.event_bridge_event()["detail"]["object"]["key"], "my folder/ä+1,2.rdb");
    }
}
