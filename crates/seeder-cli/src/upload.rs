//! Multipart upload of one backup, whose parts become an object only on completion.

use std::path::Path;

use anyhow::{Context, Result, bail};
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, Length},
    types::{CompletedMultipartUpload, CompletedPart},
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use seeder_aws::service_error;
use seeding::BackupLocation;

/// The most parts that S3 accepts.
const MAX_PARTS: u64 = 10_000;
/// The minimum size of a part; S3's own is 5 MiB, except for the last part.
const MIN_PART_BYTES: u64 = 16 * 1024 * 1024;
/// The parts in flight at once.
const PARTS_AT_ONCE: usize = 4;

/// A multipart upload in progress; no object exists until it is completed.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) location: BackupLocation,
    id: String,
    parts: Vec<CompletedPart>,
}

/// An object that this command created.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub(super) location: BackupLocation,
    /// The object's version, if the bucket is versioned.
    version_id: Option<String>,
}

impl Upload {
    pub(super) async fn begin(s3: &Client, location: &BackupLocation) -> Result<Self> {
        let created = s3.create_multipart_upload().bucket(&location.bucket).key(&location.key).send().await;
        let created = created.map_err(|error| service_error(&format!("upload {location}"), &error))?;
        let Some(id) = created.upload_id() else {
            bail!("failed to upload {location}: S3 gave no upload id")
        };
        Ok(Self { location: location.clone(), id: id.to_owned(), parts: Vec::new() })
    }

    /// Uploads all parts of a file of this size.
    pub(super) async fn send(
        &mut self,
        s3: &Client,
        path: &Path,
        bytes: u64,
        bar: &ProgressBar,
    ) -> Result<()> {
        let part_bytes = MIN_PART_BYTES.max(bytes.div_ceil(MAX_PARTS));
        let upload = &*self;
        let parts = stream::iter((1..).zip((0..bytes).step_by(usize::try_from(part_bytes)?)))
            .map(|(number, offset)| async move {
                let length = part_bytes.min(bytes - offset);
                let part = upload.part(s3, path, number, offset, length).await?;
                bar.inc(length);
                anyhow::Ok(part)
            })
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        self.parts = parts;
        Ok(())
    }

    async fn part(
        &self,
        s3: &Client,
        path: &Path,
        number: i32,
        offset: u64,
        bytes: u64,
    ) -> Result<CompletedPart> {
        let location = &self.location;
        let body =
            ByteStream::read_from().path(path).offset(offset).length(Length::Exact(bytes)).build().await;
        let body = body.with_context(|| format!("failed to read {} at offset {offset}", path.display()))?;
        let request = s3.upload_part().bucket(&location.bucket).key(&location.key).upload_id(&self.id);
        let answer = request.part_number(number).body(body).send().await;
        let answer =
            answer.map_err(|error| service_error(&format!("upload part {number} of {location}"), &error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag().map(str::to_owned))
            .set_checksum_crc32(answer.checksum_crc32().map(str::to_owned))
            .build())
    }

    /// Completes the upload, which creates the object.
    pub(super) async fn complete(&self, s3: &Client) -> Result<Uploaded> {
        let location = &self.location;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts.clone())).build();
        let request = s3.complete_multipart_upload().bucket(&location.bucket).key(&location.key);
        let completed = request.upload_id(&self.id).multipart_upload(parts).send().await;
        let completed = completed.map_err(|error| service_error(&format!("upload {location}"), &error))?;
        Ok(Uploaded {
            location: location.clone(),
            version_id: completed.version_id().filter(|id| *id != "null").map(str::to_owned),
        })
    }

    /// Aborts the upload, which deletes its parts. Parts that are left cost money; if this fails too, the drop bucket's
    /// lifecycle rule deletes them.
    pub(super) async fn abort(&self, s3: &Client) -> Result<()> {
        let location = &self.location;
        let request = s3.abort_multipart_upload().bucket(&location.bucket).key(&location.key);
        let aborted = request.upload_id(&self.id).send().await;
        aborted.map_err(|error| service_error(&format!("abort the upload of {location}"), &error))?;
        Ok(())
    }
}

impl Uploaded {
    /// Deletes the object: this version of it, if the bucket is versioned.
    pub(super) async fn delete(&self, s3: &Client) -> Result<()> {
        let location = &self.location;
        let request = s3.delete_object().bucket(&location.bucket).key(&location.key);
        let deleted = request.set_version_id(self.version_id.clone()).send().await;
        deleted.map_err(|error| service_error(&format!("delete {location}"), &error))?;
        Ok(())
    }
}
