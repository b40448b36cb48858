//! Reads and writes the product's own files in the reports bucket.

use aws_sdk_s3::primitives::ByteStream;
use seeding::{ErrorName, FileKey, StepError, handover::HandOver};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error_code, service_error};

/// The size limit of a file, in bytes: partial results stay below 1 MiB, reports below this.
const MAX_FILE_BYTES: i64 = 16 * 1024 * 1024;

/// The reports bucket.
#[derive(Debug, Clone)]
pub struct ReportStore {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

/// A file as read, with what is needed to replace exactly that version.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The content.
    pub value: T,
    /// Its ETag.
    pub etag: String,
}

impl ReportStore {
    /// Creates a store on this bucket.
    pub const fn new(s3: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Reads a file; `None` if it does not exist.
    pub async fn read<T: DeserializeOwned>(&self, key: &FileKey<T>) -> Result<Option<T>, StepError> {
        Ok(self.read_versioned(key).await?.map(|file| file.value))
    }

    /// Reads a file that may be as large as this many bytes; `None` if it does not exist.
    pub async fn read_up_to<T: DeserializeOwned>(
        &self,
        key: &FileKey<T>,
        most_bytes: i64,
    ) -> Result<Option<T>, StepError> {
        Ok(self.read_any(key, most_bytes).await?.map(|file| file.value))
    }

    /// Reads a file with its ETag; `None` if it does not exist.
    pub async fn read_versioned<T: DeserializeOwned>(
        &self,
        key: &FileKey<T>,
    ) -> Result<Option<Versioned<T>>, StepError> {
        self.read_any(key, MAX_FILE_BYTES).await
    }

    async fn read_any<T: DeserializeOwned>(
        &self,
        key: &FileKey<T>,
        most_bytes: i64,
    ) -> Result<Option<Versioned<T>>, StepError> {
        let doing = format!("read {}", self.uri(key));
        let answer = match self.s3.get_object().bucket(&self.bucket).key(key.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if error_code(&error) == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(service_error(&doing, &error)),
        };
        if answer.content_length().unwrap_or(0) > most_bytes {
            return Err(StepError::internal(format!("{} is longer than {most_bytes} bytes", self.uri(key))));
        }
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let bytes = answer.body.collect().await.map_err(|error| {
            StepError::new(
                ErrorName::ServiceBusy,
                format!("failed to {doing}: {error}"),
                "it is retried automatically",
            )
        })?;
        let value = serde_json::from_slice(&bytes.into_bytes()).map_err(|error| {
            StepError::internal(format!("{} is not what this version writes: {error}", self.uri(key)))
        })?;
        Ok(Some(Versioned { value, etag }))
    }

    /// Writes a file, replacing an existing one. Returns its URI.
    pub async fn write<T: Serialize + Sync>(&self, key: &FileKey<T>, value: &T) -> Result<String, StepError> {
        let put = self.put(key, value)?;
        put.send().await.map_err(|error| service_error(&format!("write {}", self.uri(key)), &error))?;
        Ok(self.uri(key))
    }

    /// Writes the cluster for Terraform, replacing an existing file.
    pub async fn write_handover(&self, key: &FileKey<HandOver>, file: &HandOver) -> Result<(), StepError> {
        let put = self.s3.put_object().bucket(&self.bucket).key(key.as_str());
        let put = put.content_type("text/plain; charset=utf-8");
        let put = put.body(ByteStream::from(file.text().as_bytes().to_vec()));
        let answer = put.send().await;
        answer.map(drop).map_err(|error| service_error(&format!("write {}", self.uri(key)), &error))
    }

    /// Writes a page for a browser, replacing an existing one.
    pub async fn write_page(&self, key: &FileKey<String>, page: String) -> Result<(), StepError> {
        let put = self.s3.put_object().bucket(&self.bucket).key(key.as_str());
        let put = put.content_type("text/html; charset=utf-8").body(ByteStream::from(page.into_bytes()));
        let done = put.send().await;
        done.map(|_| ()).map_err(|error| service_error(&format!("write {}", self.uri(key)), &error))
    }

    /// Writes a file if it does not exist; returns whether it was written.
    pub async fn create<T: Serialize + Sync>(&self, key: &FileKey<T>, value: &T) -> Result<bool, StepError> {
        self.conditional(key, self.put(key, value)?.if_none_match("*")).await
    }

    /// Writes a file if it still has this ETag; returns whether it was written.
    pub async fn replace<T: Serialize + Sync>(
        &self,
        key: &FileKey<T>,
        etag: &str,
        value: &T,
    ) -> Result<bool, StepError> {
        self.conditional(key, self.put(key, value)?.if_match(etag)).await
    }

    /// Deletes a file, if it exists.
    pub async fn delete<T>(&self, key: &FileKey<T>) -> Result<(), StepError> {
        let deletion = self.s3.delete_object().bucket(&self.bucket).key(key.as_str()).send().await;
        deletion.map(|_| ()).map_err(|error| service_error(&format!("delete {}", self.uri(key)), &error))
    }

    /// The URI of a file: `s3://bucket/key`.
    pub fn uri<T>(&self, key: &FileKey<T>) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn put<T: Serialize>(
        &self,
        key: &FileKey<T>,
        value: &T,
    ) -> Result<aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder, StepError> {
        let bytes = serde_json::to_vec(value).map_err(StepError::internal)?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key.as_str());
        Ok(put.content_type("application/json").body(ByteStream::from(bytes)))
    }

    async fn conditional<T>(
        &self,
        key: &FileKey<T>,
        put: aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder,
    ) -> Result<bool, StepError> {
        match put.send().await {
            Ok(_) => Ok(true),
            // 412: the condition is not met. 409: another request is writing at the same time. 404: the file was
            // deleted.
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|raw| matches!(raw.status().as_u16(), 404 | 409 | 412)) =>
            {
                Ok(false)
            }
            Err(error) => Err(service_error(&format!("write {}", self.uri(key)), &error)),
        }
    }
}
