//! The bucket of converted backups, which only this product writes.

use std::ops::Range;

use aws_sdk_s3::{
    Client,
    operation::upload_part_copy::{UploadPartCopyOutput, builders::UploadPartCopyFluentBuilder},
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, ServerSideEncryption},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use seeding::{Backup, BackupLocation, StepError};

use crate::{error_code, service_error};

/// The objects that are deleted at once. `DeleteObjects` would answer with success for objects that it did not delete.
const DELETIONS_AT_ONCE: usize = 20;

/// The conversion bucket.
#[derive(Debug, Clone)]
pub struct ConversionBucket {
    s3: Client,
    bucket: String,
    /// The account that owns it.
    account: String,
    kms_key_id: Option<String>,
}

/// An upload in parts.
#[derive(Debug)]
pub struct Upload<'a> {
    bucket: &'a ConversionBucket,
    key: String,
    id: String,
}

impl ConversionBucket {
    /// The bucket of this name, which has to belong to this account.
    pub const fn new(s3: Client, bucket: String, account: String) -> Self {
        Self { s3, bucket, account, kms_key_id: None }
    }

    /// The bucket for the objects of a backup: they are encrypted no weaker than their source.
    #[must_use]
    pub fn encrypted_as(self, source: &Backup) -> Self {
        Self { kms_key_id: source.kms_key_id.clone(), ..self }
    }

    /// Stores an object. Returns its size.
    pub async fn put(&self, key: String, bytes: Vec<u8>) -> Result<u64, StepError> {
        let size = bytes.len() as u64;
        let put = self.s3.put_object().bucket(&self.bucket).key(&key).body(ByteStream::from(bytes));
        let put = put.expected_bucket_owner(&self.account).set_server_side_encryption(self.encryption());
        put.set_ssekms_key_id(self.kms_key_id.clone())
            .send()
            .await
            .map_err(|error| service_error(&format!("store {}/{key}", self.bucket), &error))?;
        Ok(size)
    }

    /// Reads an object.
    pub async fn get(&self, key: &str) -> Result<Bytes, StepError> {
        let doing = format!("read {}/{key}", self.bucket);
        let get = self.s3.get_object().bucket(&self.bucket).key(key).expected_bucket_owner(&self.account);
        let answer = get.send().await.map_err(|error| service_error(&doing, &error))?;
        body(answer.body, &doing).await
    }

    /// Reads bytes of the source of a conversion.
    pub async fn get_range(&self, source: &Backup, range: Range<u64>) -> Result<Bytes, StepError> {
        let doing = format!("read bytes {}-{} of {}", range.start, range.end, source.location);
        let get = self.s3.get_object().bucket(&source.location.bucket).key(&source.location.key);
        let get = get.if_match(&source.etag).range(in_header(&range));
        let answer = get.send().await.map_err(|error| service_error(&doing, &error))?;
        body(answer.body, &doing).await
    }

    /// Begins an upload in parts.
    pub async fn upload(&self, location: &BackupLocation) -> Result<Upload<'_>, StepError> {
        let create = self.s3.create_multipart_upload().bucket(&self.bucket).key(&location.key);
        let create =
            create.expected_bucket_owner(&self.account).set_server_side_encryption(self.encryption());
        let created = create
            .set_ssekms_key_id(self.kms_key_id.clone())
            .send()
            .await
            .map_err(|error| service_error(&format!("begin an upload to {location}"), &error))?;
        let id = created.upload_id().unwrap_or_default().to_owned();
        Ok(Upload { bucket: self, key: location.key.clone(), id })
    }

    /// Aborts the uploads and deletes the objects under a prefix.
    pub async fn delete_all(&self, prefix: &str) -> Result<(), StepError> {
        self.abort_uploads(prefix).await?;
        let doing = format!("delete the objects under {}/{prefix}", self.bucket);
        loop {
            let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let listed = list.expected_bucket_owner(&self.account).send().await;
            let page = match listed {
                Ok(page) => page,
                // The bucket was deleted with the stack.
                Err(error) if error_code(&error) == Some("NoSuchBucket") => return Ok(()),
                Err(error) => return Err(service_error(&doing, &error)),
            };
            let keys: Vec<_> =
                page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
            if keys.is_empty() {
                return Ok(());
            }
            let deleted = stream::iter(keys).map(|key| async move {
                let deletion = self.s3.delete_object().bucket(&self.bucket).key(key);
                deletion.expected_bucket_owner(&self.account).send().await
            });
            let mut deleted = deleted.buffer_unordered(DELETIONS_AT_ONCE);
            while let Some(answer) = deleted.next().await {
                answer.map_err(|error| service_error(&doing, &error))?;
            }
        }
    }

    /// Aborts the uploads under a prefix: also those whose ID was lost with the answer.
    pub async fn abort_uploads(&self, prefix: &str) -> Result<(), StepError> {
        let doing = format!("abort the uploads under {}/{prefix}", self.bucket);
        let list = self.s3.list_multipart_uploads().bucket(&self.bucket).prefix(prefix);
        let listed = match list.expected_bucket_owner(&self.account).send().await {
            Ok(listed) => listed,
            Err(error) if error_code(&error) == Some("NoSuchBucket") => return Ok(()),
            Err(error) => return Err(service_error(&doing, &error)),
        };
        for upload in listed.uploads() {
            let (key, id) = (upload.key().unwrap_or_default(), upload.upload_id().unwrap_or_default());
            let abort = self.s3.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(id);
            match abort.expected_bucket_owner(&self.account).send().await {
                Ok(_) => {}
                Err(error) if error_code(&error) == Some("NoSuchUpload") => {}
                Err(error) => return Err(service_error(&doing, &error)),
            }
        }
        Ok(())
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.kms_key_id.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }
}

/// A range as a header has it: with the last byte.
fn in_header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

async fn body(body: ByteStream, doing: &str) -> Result<Bytes, StepError> {
    let body = body.collect().await.map_err(|error| {
        StepError::new(
            seeding::ErrorName::ServiceBusy,
            format!("failed to {doing}: {error}"),
            "it is retried automatically",
        )
    })?;
    Ok(body.into_bytes())
}

/// What is percent-encoded in the name of an object that is copied: all but what a URL's path may have.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A part that was copied. S3 may answer with success and an error in the body, which the SDK returns as one; without a
/// result at all nothing was copied.
fn copied_part(number: i32, copied: UploadPartCopyOutput) -> Result<CompletedPart, StepError> {
    let etag = copied.copy_part_result.and_then(|result| result.e_tag);
    let etag = etag.ok_or_else(|| {
        let message = format!("S3 answered to the copy of part {number} without a result");
        StepError::new(seeding::ErrorName::ServiceBusy, message, "it is retried automatically")
    })?;
    Ok(CompletedPart::builder().part_number(number).e_tag(etag).build())
}

impl Upload<'_> {
    /// Copies an object of the bucket into a part.
    pub async fn copy(&self, number: i32, source: &str) -> Result<CompletedPart, StepError> {
        let ConversionBucket { bucket, account, .. } = self.bucket;
        let copy = self.copy_into(number).copy_source(format!("{bucket}/{source}"));
        let copied = copy.expected_source_bucket_owner(account).send().await;
        copied_part(
            number,
            copied.map_err(|error| service_error(&format!("copy {bucket}/{source}"), &error))?,
        )
    }

    /// Copies bytes of the source of a conversion into a part: at least 5 MiB of an object of more than 5 MB, at most
    /// 5 GiB. Fails if the object was overwritten.
    pub async fn copy_range(
        &self,
        number: i32,
        source: &Backup,
        range: Range<u64>,
    ) -> Result<CompletedPart, StepError> {
        let BackupLocation { bucket, key } = &source.location;
        let doing = format!("copy bytes {}-{} of {}", range.start, range.end, source.location);
        let key = utf8_percent_encode(key, KEY);
        let copy = self.copy_into(number).copy_source(format!("{bucket}/{key}"));
        let copy = copy.copy_source_if_match(&source.etag).copy_source_range(in_header(&range));
        copied_part(number, copy.send().await.map_err(|error| service_error(&doing, &error))?)
    }

    fn copy_into(&self, number: i32) -> UploadPartCopyFluentBuilder {
        let ConversionBucket { s3, bucket, account, .. } = self.bucket;
        let copy = s3.upload_part_copy().bucket(bucket).key(&self.key).upload_id(&self.id);
        copy.part_number(number).expected_bucket_owner(account)
    }

    /// Uploads a part.
    pub async fn put(&self, number: i32, bytes: Bytes) -> Result<CompletedPart, StepError> {
        let ConversionBucket { s3, bucket, account, .. } = self.bucket;
        let put = s3.upload_part().bucket(bucket).key(&self.key).upload_id(&self.id).part_number(number);
        let put = put
            .expected_bucket_owner(account)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| service_error(&format!("upload a part of {bucket}/{}", self.key), &error))?;
        // The SDK adds a checksum to each part, and S3 asks for it again.
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(put.e_tag().map(str::to_owned))
            .set_checksum_crc32(put.checksum_crc32().map(str::to_owned))
            .build())
    }

    /// Completes the upload.
    pub async fn complete(self, parts: Vec<CompletedPart>) -> Result<(), StepError> {
        let ConversionBucket { s3, bucket, account, .. } = self.bucket;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = s3.complete_multipart_upload().bucket(bucket).key(&self.key).upload_id(&self.id);
        complete
            .expected_bucket_owner(account)
            .multipart_upload(parts)
            .send()
            .await
            .map(drop)
            .map_err(|error| service_error(&format!("complete the upload to {bucket}/{}", self.key), &error))
    }
}
