//! Multipart uploads, whose parts become an object only on completion.

use std::path::Path;

use anyhow::{Context, Result, bail};
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, Length},
    types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart},
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use seeder_aws::service_error;
use seeding::BackupLocation;

/// The most parts that S3 accepts.
const MAX_PARTS: u64 = 10_000;
/// The size of a part of an object that does not need larger ones; S3's own minimum is 5 MiB, except for the last part.
pub(crate) const PART_BYTES: u64 = 16 * 1024 * 1024;
/// The parts in flight at once.
pub(crate) const PARTS_AT_ONCE: usize = 4;

/// A multipart upload in progress; no object exists until it is completed.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) location: BackupLocation,
    id: String,
    pub(crate) parts: Vec<CompletedPart>,
}

/// An object that this command created.
#[derive(Debug)]
pub(crate) struct Uploaded {
    pub(crate) location: BackupLocation,
    /// The object's version, if the bucket is versioned.
    version_id: Option<String>,
}

/// Returns the size of the parts of an object: `least_bytes`, or more if they would be too many.
pub(crate) fn part_bytes(object_bytes: u64, least_bytes: u64) -> u64 {
    least_bytes.max(object_bytes.div_ceil(MAX_PARTS))
}

impl Upload {
    pub(crate) async fn begin(s3: &Client, location: &BackupLocation) -> Result<Self> {
        Self::begin_with(s3, location, None).await
    }

    /// Begins an upload whose parts can be compared with a file later: S3 keeps their checksums.
    pub(crate) async fn begin_resumable(s3: &Client, location: &BackupLocation) -> Result<Self> {
        Self::begin_with(s3, location, Some(ChecksumAlgorithm::Crc64Nvme)).await
    }

    /// An upload that was begun before.
    pub(crate) fn open(location: &BackupLocation, id: String) -> Self {
        Self { location: location.clone(), id, parts: Vec::new() }
    }

    async fn begin_with(
        s3: &Client,
        location: &BackupLocation,
        checksum: Option<ChecksumAlgorithm>,
    ) -> Result<Self> {
        let create = s3.create_multipart_upload().bucket(&location.bucket).key(&location.key);
        let of_all = checksum.as_ref().map(|_| ChecksumType::FullObject);
        let created = create.set_checksum_algorithm(checksum).set_checksum_type(of_all).send().await;
        let created = created.map_err(|error| service_error(&format!("upload {location}"), &error))?;
        let Some(id) = created.upload_id() else {
            bail!("failed to upload {location}: S3 gave no upload id")
        };
        Ok(Self::open(location, id.to_owned()))
    }

    /// Uploads all parts of a file of this size.
    pub(crate) async fn send(
        &mut self,
        s3: &Client,
        path: &Path,
        bytes: u64,
        bar: &ProgressBar,
    ) -> Result<()> {
        let part_bytes = part_bytes(bytes, PART_BYTES);
        let upload = &*self;
        let parts = stream::iter((1..).zip((0..bytes).step_by(usize::try_from(part_bytes)?)))
            .map(|(number, offset)| async move {
                let length = part_bytes.min(bytes - offset);
                let body = ByteStream::read_from().path(path).offset(offset).length(Length::Exact(length));
                let body = body
                    .build()
                    .await
                    .with_context(|| format!("failed to read {} at offset {offset}", path.display()))?;
                let part = upload.part(s3, number, body).await?;
                bar.inc(length);
                anyhow::Ok(part)
            })
            .buffered(PARTS_AT_ONCE)
            .try_collect()
            .await?;
        self.parts = parts;
        Ok(())
    }

    /// Uploads a part. They count from 1.
    pub(crate) async fn part(&self, s3: &Client, number: i32, body: ByteStream) -> Result<CompletedPart> {
        self.send_part(s3, number, body, None).await
    }

    /// Uploads a part that must have this CRC-64/NVME.
    pub(crate) async fn checked_part(
        &self,
        s3: &Client,
        number: i32,
        body: ByteStream,
        checksum: String,
    ) -> Result<CompletedPart> {
        self.send_part(s3, number, body, Some(checksum)).await
    }

    async fn send_part(
        &self,
        s3: &Client,
        number: i32,
        body: ByteStream,
        checksum: Option<String>,
    ) -> Result<CompletedPart> {
        let location = &self.location;
        let request = s3.upload_part().bucket(&location.bucket).key(&location.key).upload_id(&self.id);
        let request = request.part_number(number).body(body).set_checksum_crc64_nvme(checksum);
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| service_error(&format!("upload part {number} of {location}"), &error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag().map(str::to_owned))
            .set_checksum_crc32(answer.checksum_crc32().map(str::to_owned))
            .set_checksum_crc64_nvme(answer.checksum_crc64_nvme().map(str::to_owned))
            .build())
    }

    /// Completes the upload, which creates the object, or replaces one only if `replaces`.
    pub(crate) async fn complete(&self, s3: &Client, replaces: bool) -> Result<Uploaded> {
        self.complete_with(s3, replaces, None).await
    }

    /// As [`Self::complete`]; all parts together must have this CRC-64/NVME.
    pub(crate) async fn complete_checked(
        &self,
        s3: &Client,
        replaces: bool,
        checksum: String,
    ) -> Result<Uploaded> {
        self.complete_with(s3, replaces, Some(checksum)).await
    }

    async fn complete_with(&self, s3: &Client, replaces: bool, checksum: Option<String>) -> Result<Uploaded> {
        let location = &self.location;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts.clone())).build();
        let request = s3.complete_multipart_upload().bucket(&location.bucket).key(&location.key);
        let request = request.set_if_none_match((!replaces).then(|| "*".to_owned()));
        let of_all = checksum.as_ref().map(|_| ChecksumType::FullObject);
        let request = request.set_checksum_type(of_all).set_checksum_crc64_nvme(checksum);
        let completed = request.upload_id(&self.id).multipart_upload(parts).send().await;
        let completed = completed.map_err(|error| service_error(&format!("upload {location}"), &error))?;
        Ok(Uploaded {
            location: location.clone(),
            version_id: completed.version_id().filter(|id| *id != "null").map(str::to_owned),
        })
    }

    /// Aborts the upload, which deletes its parts. Parts that are left cost money; if this fails too, the drop bucket's
    /// lifecycle rule deletes them.
    pub(crate) async fn abort(&self, s3: &Client) -> Result<()> {
        let location = &self.location;
        let request = s3.abort_multipart_upload().bucket(&location.bucket).key(&location.key);
        let aborted = request.upload_id(&self.id).send().await;
        aborted.map_err(|error| service_error(&format!("abort the upload of {location}"), &error))?;
        Ok(())
    }
}

impl Uploaded {
    /// Deletes the object: this version of it, if the bucket is versioned.
    pub(crate) async fn delete(&self, s3: &Client) -> Result<()> {
        let location = &self.location;
        let request = s3.delete_object().bucket(&location.bucket).key(&location.key);
        let deleted = request.set_version_id(self.version_id.clone()).send().await;
        deleted.map_err(|error| service_error(&format!("delete {location}"), &error))?;
        Ok(())
    }
}
