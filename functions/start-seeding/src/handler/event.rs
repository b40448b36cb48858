//! The formats of upload events: of S3 itself and of EventBridge.

use seeding::{BackupLocation, DroppedObject, ErrorName, StepError};
use serde::Deserialize;
use serde_json::Value;

/// Returns the uploaded objects of an event: none for a test event of S3, a removal or any other event.
pub(super) fn dropped_objects(event: &Value) -> Result<Vec<DroppedObject>, StepError> {
    if event["Event"] == "s3:TestEvent" {
        tracing::info!(bucket = %event["Bucket"], "test event of S3: notifications are set up");
        return Ok(Vec::new());
    }
    if event["Records"].is_array() {
        let notification: Notification = read(event)?;
        return notification.records.into_iter().filter_map(Record::object).collect();
    }
    if event["source"] == "aws.s3" {
        if event["detail-type"] != "Object Created" {
            tracing::info!(event = %event["detail-type"], "not an upload");
            return Ok(Vec::new());
        }
        let created: ObjectCreated = read(event)?;
        return Ok(vec![created.detail.object()]);
    }
    Err(StepError::new(
        ErrorName::InvalidInput,
        "the event is neither an S3 notification nor EventBridge's Object Created",
        "connect only uploads to this function",
    ))
}

fn read<'de, T: Deserialize<'de>>(event: &'de Value) -> Result<T, StepError> {
    T::deserialize(event).map_err(|error| {
        StepError::new(
            ErrorName::InvalidInput,
            format!("the event is incomplete: {error}"),
            "check the event's source",
        )
    })
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: S3,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default, rename = "versionId", alias = "version-id")]
    version_id: Option<String>,
    #[serde(default)]
    sequencer: Option<String>,
}

#[derive(Deserialize)]
struct ObjectCreated {
    detail: S3,
}

impl Record {
    fn object(self) -> Option<Result<DroppedObject, StepError>> {
        // S3 sends `ObjectCreated:Put`. Only configurations have the prefix `s3:`, but it is accepted.
        if !self.event_name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
            tracing::info!(event = self.event_name, "not an upload");
            return None;
        }
        let mut object = self.s3.object();
        let Some(key) = url_decode(&object.location.key) else {
            let message = format!("the key `{}` is not URL-encoded UTF-8", object.location.key);
            return Some(Err(StepError::new(ErrorName::InvalidInput, message, "check the event's source")));
        };
        object.location.key = key;
        Some(Ok(object))
    }
}

impl S3 {
    fn object(self) -> DroppedObject {
        DroppedObject {
            location: BackupLocation { bucket: self.bucket.name, key: self.object.key },
            version_id: self.object.version_id.filter(|id| !id.is_empty()),
            sequencer: self.object.sequencer,
        }
    }
}

/// Decodes a key in a notification, which S3 encodes like a form: a space as `+`, other characters as `%XX`.
fn url_decode(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
