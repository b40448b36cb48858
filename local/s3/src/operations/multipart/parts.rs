//! `UploadPart` and `UploadPartCopy`.

use std::time::SystemTime;

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::{
    operations::admission::Action,
    service::Service,
    store::{
        blob::cut,
        body::{self, DeclaredBody},
        conditions::SourceTerms,
        multipart_upload::UploadedPart,
    },
};

/// Most parts of an upload, as on S3.
const PART_LIMIT: i32 = 10_000;
/// Only of a larger object can a range be copied, in bytes. Source: S3 API reference, `UploadPartCopy`.
const LEAST_RANGE_SOURCE_BYTES: u64 = 5 * 1024 * 1024;
/// The most that one part can copy, in bytes. Source: S3 user guide, "Amazon S3 multipart upload limits".
const MOST_COPIED_BYTES: u64 = 5 << 30;

impl Service {
    pub(crate) async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let body = request.input.body.take();
        let input = &request.input;
        self.admit(&request, Action::on_key("s3:PutObject", &input.bucket, &input.key))?;
        check_part_number(input.part_number)?;
        let needs_checksum = self.store.with(&input.bucket, |bucket| {
            bucket.open_upload(&input.key, &input.upload_id).map(|upload| upload.has_whole_checksum())
        })?;

        let stored = body::store(&self.objects, body, &DeclaredBody::from(&request)).await?;
        if needs_checksum && stored.checksum.checksum_crc64nvme.is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: crc64nvme, actual checksum Type: null"
            ));
        }
        let part = UploadedPart {
            size: stored.segment.length,
            segments: vec![stored.segment],
            md5: stored.md5,
            checksum: stored.checksum,
            modified: SystemTime::now().into(),
        };
        let encryption = self.put_part(input, part.clone())?;
        Ok(UploadPartOutput {
            bucket_key_enabled: encryption.bucket_key_enabled,
            checksum_crc32: part.checksum.checksum_crc32,
            checksum_crc32c: part.checksum.checksum_crc32c,
            checksum_crc64nvme: part.checksum.checksum_crc64nvme,
            checksum_sha1: part.checksum.checksum_sha1,
            checksum_sha256: part.checksum.checksum_sha256,
            e_tag: Some(ETag::Strong(hex::encode(part.md5))),
            sse_customer_algorithm: encryption.customer_algorithm(),
            sse_customer_key_md5: encryption.customer_key_md5(),
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            request_charged: None,
        })
    }

    pub(crate) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<UploadPartCopyOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_key("s3:PutObject", &input.bucket, &input.key))?;
        check_part_number(input.part_number)?;
        let terms = SourceTerms::from(input);
        let (source, source_id) = self.source(&request, &input.copy_source, &terms)?;
        let range = match &input.copy_source_range {
            None => 0..source.size,
            Some(_) if source.size <= LEAST_RANGE_SOURCE_BYTES => {
                let message = "The specified copy source is not supported as a byte-range copy source";
                return Err(s3_error!(InvalidRequest, "{message}"));
            }
            Some(text) => Range::parse(text)
                .ok()
                .and_then(|range| range.check(source.size).ok())
                .ok_or_else(|| s3_error!(InvalidRange, "{text} is outside of {} bytes", source.size))?,
        };
        if range.end - range.start > MOST_COPIED_BYTES {
            let message =
                "The specified copy source is larger than the maximum allowable size for a copy source";
            return Err(s3_error!(InvalidRequest, "{message}: {MOST_COPIED_BYTES}"));
        }
        let segments = cut(&source.segments, range.clone());
        let part = UploadedPart {
            size: range.end - range.start,
            md5: body::md5_of(segments.clone()).await?,
            segments,
            checksum: Checksum::default(),
            modified: SystemTime::now().into(),
        };
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(hex::encode(part.md5))),
            last_modified: Some(part.modified.clone()),
            ..CopyPartResult::default()
        };
        let place = UploadPartInput {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            part_number: input.part_number,
            upload_id: input.upload_id.clone(),
            ..UploadPartInput::default()
        };
        let encryption = self.put_part(&place, part)?;
        Ok(UploadPartCopyOutput {
            bucket_key_enabled: encryption.bucket_key_enabled,
            copy_part_result: Some(result),
            copy_source_version_id: source_id,
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            ..UploadPartCopyOutput::default()
        })
    }

    /// Stores a part and replaces any part with the same number. Fails if the upload has ended meanwhile.
    fn put_part(
        &self,
        place: &UploadPartInput,
        part: UploadedPart,
    ) -> S3Result<crate::store::encryption::Encryption> {
        self.store.with(&place.bucket, |bucket| {
            let upload = bucket.open_upload(&place.key, &place.upload_id)?;
            upload.parts.insert(place.part_number, part);
            Ok(upload.attributes.encryption.clone())
        })
    }
}

fn check_part_number(number: i32) -> S3Result<()> {
    if (1..=PART_LIMIT).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "Part number must be an integer between 1 and {PART_LIMIT}, inclusive: {number}"
    ))
}
