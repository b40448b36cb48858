//! Multipart uploads: begin, parts, abort, lists.

mod complete;

use std::collections::BTreeMap;
use std::time::SystemTime;

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};
use uuid::Uuid;

use crate::access::acl::{Asked, Grant};
use crate::operations::admission::Action;
use crate::operations::objects::copy::SourceTerms;
use crate::service::Service;
use crate::store::Bucket as StoredBucket;
use crate::store::attributes::{AskedEncryption, Attributes, storage_class};
use crate::store::blob::{Segment, cut};
use crate::store::body::{self, Expected};
use crate::store::conditions::ReadConditions;

/// Most parts of an upload, as on S3.
pub(crate) const PART_LIMIT: i32 = 10_000;
/// Most uploads that a bucket holds open; S3 has no such limit, memory does.
const UPLOAD_LIMIT: usize = 10_000;
const LIST_LIMIT: usize = 1000;

/// An upload that has begun.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) initiated: Timestamp,
    pub(crate) attributes: Attributes,
    pub(crate) acl: Vec<Grant>,
    pub(crate) checksum_algorithm: Option<ChecksumAlgorithm>,
    pub(crate) checksum_type: Option<ChecksumType>,
    pub(crate) parts: BTreeMap<i32, UploadedPart>,
}

/// A part that is on disk.
#[derive(Debug, Clone)]
pub(crate) struct UploadedPart {
    pub(crate) segments: Vec<Segment>,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
    pub(crate) modified: Timestamp,
}

/// An open upload of this key.
pub(crate) fn open<'a>(bucket: &'a mut StoredBucket, key: &str, upload_id: &str) -> S3Result<&'a mut Upload> {
    let upload = bucket.uploads.get_mut(upload_id).filter(|upload| upload.key == key);
    upload
        .ok_or_else(|| s3_error!(NoSuchUpload, "The specified multipart upload does not exist: {upload_id}"))
}

impl Service {
    pub(crate) fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        self.admit(&request, Action::on_key("s3:PutObject", &request.input.bucket, &request.input.key))?;
        let input = request.input;
        let asked = Asked {
            canned: input.acl.map(|acl| acl.as_str().to_owned()),
            full_control: input.grant_full_control,
            read: input.grant_read,
            read_acp: input.grant_read_acp,
            write: None,
            write_acp: input.grant_write_acp,
            body: None,
        };
        let acl = self.object_acl(&input.bucket, &asked)?;
        let encryption = AskedEncryption {
            algorithm: input.server_side_encryption,
            kms_key_id: input.ssekms_key_id,
            bucket_key_enabled: input.bucket_key_enabled,
            customer_algorithm: input.sse_customer_algorithm,
            customer_key_md5: input.sse_customer_key_md5,
        };
        let attributes = Attributes {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_disposition: input.content_disposition,
            cache_control: input.cache_control,
            expires: input.expires,
            website_redirect_location: input.website_redirect_location,
            metadata: input.metadata,
            storage_class: storage_class(input.storage_class)?,
            encryption: self.resolve_encryption(&input.bucket, encryption)?,
            checksum: Checksum::default(),
            parts_count: None,
        };
        attributes.check()?;
        let encryption = attributes.encryption.clone();
        let upload_id = Uuid::new_v4().simple().to_string();
        let upload = Upload {
            key: input.key.clone(),
            initiated: SystemTime::now().into(),
            attributes,
            acl,
            checksum_algorithm: input.checksum_algorithm.clone(),
            checksum_type: input.checksum_type.clone(),
            parts: BTreeMap::new(),
        };
        self.store.with(&input.bucket, |bucket| {
            if bucket.uploads.len() >= UPLOAD_LIMIT {
                return Err(s3_error!(SlowDown, "{UPLOAD_LIMIT} multipart uploads are open in this bucket"));
            }
            bucket.uploads.insert(upload_id.clone(), upload);
            Ok(())
        })?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            bucket_key_enabled: encryption.bucket_key_enabled,
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            sse_customer_algorithm: encryption.customer_algorithm(),
            sse_customer_key_md5: encryption.customer_key_md5(),
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(crate) async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let body = request.input.body.take();
        let input = &request.input;
        self.admit(&request, Action::on_key("s3:PutObject", &input.bucket, &input.key))?;
        check_part_number(input.part_number)?;
        self.store.with(&input.bucket, |bucket| open(bucket, &input.key, &input.upload_id).map(|_| ()))?;

        let checksum = Checksum {
            checksum_crc32: input.checksum_crc32.clone(),
            checksum_crc32c: input.checksum_crc32c.clone(),
            checksum_crc64nvme: input.checksum_crc64nvme.clone(),
            checksum_sha1: input.checksum_sha1.clone(),
            checksum_sha256: input.checksum_sha256.clone(),
            checksum_type: None,
        };
        let expected = Expected::new(&request, input.content_md5.clone(), checksum, input.content_length);
        let stored = body::store(&self.objects, body, &expected).await?;
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
        let terms = SourceTerms {
            conditions: ReadConditions {
                if_match: input.copy_source_if_match.clone(),
                if_none_match: input.copy_source_if_none_match.clone(),
                if_modified_since: input.copy_source_if_modified_since.clone(),
                if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
            },
            customer_algorithm: input.copy_source_sse_customer_algorithm.clone(),
            customer_key_md5: input.copy_source_sse_customer_key_md5.clone(),
        };
        let (source, source_id) = self.source(&request, &input.copy_source, &terms)?;
        let range = match &input.copy_source_range {
            None => 0..source.size,
            Some(text) => Range::parse(text)
                .ok()
                .and_then(|range| range.check(source.size).ok())
                .ok_or_else(|| s3_error!(InvalidRange, "{text} is outside of {} bytes", source.size))?,
        };
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

    /// Keeps a part, in place of an older one of its number; the upload may have ended meanwhile.
    fn put_part(
        &self,
        place: &UploadPartInput,
        part: UploadedPart,
    ) -> S3Result<crate::store::attributes::Encryption> {
        self.store.with(&place.bucket, |bucket| {
            let upload = open(bucket, &place.key, &place.upload_id)?;
            upload.parts.insert(place.part_number, part);
            Ok(upload.attributes.encryption.clone())
        })
    }

    pub(crate) fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_key("s3:AbortMultipartUpload", &input.bucket, &input.key))?;
        self.store.with(&input.bucket, |bucket| {
            open(bucket, &input.key, &input.upload_id)?;
            bucket.uploads.remove(&input.upload_id);
            Ok(())
        })?;
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(crate) fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<ListPartsOutput> {
        let name = "s3:ListMultipartUploadParts";
        self.admit(&request, Action::on_key(name, &request.input.bucket, &request.input.key))?;
        let input = request.input;
        let limit = input
            .max_parts
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(LIST_LIMIT)
            .min(LIST_LIMIT);
        let after = input.part_number_marker.unwrap_or(0);
        let mut output = ListPartsOutput::default();
        self.store.with(&input.bucket, |bucket| {
            let upload = open(bucket, &input.key, &input.upload_id)?;
            let mut parts: Vec<Part> = upload
                .parts
                .range(after.saturating_add(1)..)
                .take(limit + 1)
                .map(|(number, part)| Part {
                    checksum_crc32: part.checksum.checksum_crc32.clone(),
                    checksum_crc32c: part.checksum.checksum_crc32c.clone(),
                    checksum_crc64nvme: part.checksum.checksum_crc64nvme.clone(),
                    checksum_sha1: part.checksum.checksum_sha1.clone(),
                    checksum_sha256: part.checksum.checksum_sha256.clone(),
                    e_tag: Some(ETag::Strong(hex::encode(part.md5))),
                    last_modified: Some(part.modified.clone()),
                    part_number: Some(*number),
                    size: i64::try_from(part.size).ok(),
                })
                .collect();
            output.is_truncated = Some(parts.len() > limit);
            parts.truncate(limit);
            output.next_part_number_marker = parts.last().and_then(|part| part.part_number);
            output.parts = Some(parts);
            output.storage_class.clone_from(&upload.attributes.storage_class);
            output.checksum_algorithm.clone_from(&upload.checksum_algorithm);
            output.checksum_type.clone_from(&upload.checksum_type);
            Ok(())
        })?;
        output.bucket = Some(input.bucket);
        output.key = Some(input.key);
        output.upload_id = Some(input.upload_id);
        output.max_parts = i32::try_from(limit).ok();
        output.part_number_marker = Some(after);
        output.owner = Some(self.owner());
        output.initiator = Some(Initiator { display_name: None, id: Some(self.owner_id.clone()) });
        Ok(output)
    }

    pub(crate) fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        self.admit(&request, Action::on_bucket("s3:ListBucketMultipartUploads", &request.input.bucket))?;
        let input = request.input;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let mut uploads: Vec<MultipartUpload> = self.store.with(&input.bucket, |bucket| {
            let begun = bucket.uploads.iter().filter(|(_, upload)| upload.key.starts_with(prefix));
            Ok(begun
                .map(|(id, upload)| MultipartUpload {
                    initiated: Some(upload.initiated.clone()),
                    key: Some(upload.key.clone()),
                    owner: Some(self.owner()),
                    upload_id: Some(id.clone()),
                    ..MultipartUpload::default()
                })
                .collect())
        })?;
        uploads.sort_by(|a, b| (&a.key, &a.upload_id).cmp(&(&b.key, &b.upload_id)));
        // All on one page; few are ever open here.
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(false),
            prefix: input.prefix,
            uploads: Some(uploads),
            ..ListMultipartUploadsOutput::default()
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
