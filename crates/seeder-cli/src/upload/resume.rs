//! What earlier runs have left of an upload.

use std::collections::BTreeMap;

use anyhow::Result;
use aws_sdk_s3::{
    Client,
    types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedPart},
};
use seeder_aws::service_error;
use seeding::BackupLocation;

use super::checksum::Checksum;
use crate::multipart::Upload;

/// The most pages of a list: 1,000 parts or uploads each.
const MAX_PAGES: usize = 100;

/// A part that S3 has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrived {
    bytes: i64,
    checksum: String,
    etag: String,
}

impl Arrived {
    /// The part, if it has the bytes with this checksum.
    pub(super) fn same(&self, number: i32, checksum: Checksum) -> Option<CompletedPart> {
        let is_same =
            u64::try_from(self.bytes) == Ok(checksum.bytes()) && self.checksum == checksum.encoded();
        is_same.then(|| {
            let part = CompletedPart::builder().part_number(number).e_tag(&self.etag);
            part.checksum_crc64_nvme(&self.checksum).build()
        })
    }
}

/// Finds the newest upload of an object that is open, with the parts that have arrived.
pub(super) async fn open_upload(
    s3: &Client,
    location: &BackupLocation,
) -> Result<Option<(Upload, BTreeMap<i32, Arrived>)>> {
    let mut newest: Option<(f64, String)> = None;
    let (mut key, mut id) = (None, None);
    for _ in 0..MAX_PAGES {
        let list = s3.list_multipart_uploads().bucket(&location.bucket).prefix(&location.key);
        let page = list.set_key_marker(key).set_upload_id_marker(id).send().await;
        let page = page.map_err(|error| service_error(&format!("list the uploads of {location}"), &error))?;
        // Of an upload without checksums of parts, nothing could be known.
        let ours = page.uploads().iter().filter(|upload| {
            upload.key() == Some(&location.key)
                && upload.checksum_algorithm() == Some(&ChecksumAlgorithm::Crc64Nvme)
        });
        for upload in ours {
            let begun = upload.initiated().map_or(0.0, aws_smithy_types::DateTime::as_secs_f64);
            if let Some(id) = upload.upload_id()
                && newest.as_ref().is_none_or(|(other, _)| *other <= begun)
            {
                newest = Some((begun, id.to_owned()));
            }
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
        if page.is_truncated != Some(true) {
            break;
        }
    }
    let Some((_, id)) = newest else { return Ok(None) };
    let parts = parts(s3, location, &id).await?;
    Ok(Some((Upload::open(location, id), parts)))
}

async fn parts(s3: &Client, location: &BackupLocation, id: &str) -> Result<BTreeMap<i32, Arrived>> {
    let mut parts = BTreeMap::new();
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let list = s3.list_parts().bucket(&location.bucket).key(&location.key).upload_id(id);
        let page = list.set_part_number_marker(after).send().await;
        let page = page.map_err(|error| service_error(&format!("list the parts of {location}"), &error))?;
        for part in page.parts() {
            if let (Some(number), Some(bytes), Some(etag), Some(checksum)) =
                (part.part_number(), part.size(), part.e_tag(), part.checksum_crc64_nvme())
            {
                let (checksum, etag) = (checksum.to_owned(), etag.to_owned());
                parts.insert(number, Arrived { bytes, checksum, etag });
            }
        }
        after = page.next_part_number_marker;
        if page.is_truncated != Some(true) {
            break;
        }
    }
    Ok(parts)
}

/// What is where a new object is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Present {
    Nothing,
    /// An object of this many bytes, with the checksum of all of them if S3 has it.
    Object(Option<i64>, Option<String>),
}

/// Asks what is there.
pub(super) async fn present(s3: &Client, location: &BackupLocation) -> Result<Present> {
    let head = s3.head_object().bucket(&location.bucket).key(&location.key);
    match head.checksum_mode(ChecksumMode::Enabled).send().await {
        Ok(found) => {
            let is_of_all = found.checksum_type() != Some(&ChecksumType::Composite);
            let checksum = found.checksum_crc64_nvme().filter(|_| is_of_all).map(str::to_owned);
            Ok(Present::Object(found.content_length(), checksum))
        }
        // Without s3:ListBucket, an object that is missing is forbidden; one that is there is found when it would be
        // replaced.
        Err(error)
            if matches!(error.raw_response().map(|answer| answer.status().as_u16()), Some(403 | 404)) =>
        {
            Ok(Present::Nothing)
        }
        Err(error) => Err(service_error(&format!("inspect {location}"), &error).into()),
    }
}
