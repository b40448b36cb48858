//! `ListParts` and `ListMultipartUploads`.

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result};

use crate::{operations::admission::Action, service::Service};

/// Most parts of one response, as on S3.
const LIST_LIMIT: usize = 1000;

impl Service {
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
            let upload = bucket.open_upload(&input.key, &input.upload_id)?;
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
                    checksum_algorithm: upload.checksum_algorithm.clone(),
                    checksum_type: upload.checksum_type.clone(),
                    initiated: Some(upload.initiated.clone()),
                    key: Some(upload.key.clone()),
                    owner: Some(self.owner()),
                    upload_id: Some(id.clone()),
                    ..MultipartUpload::default()
                })
                .collect())
        })?;
        uploads.sort_by(|a, b| (&a.key, &a.upload_id).cmp(&(&b.key, &b.upload_id)));
        // A single page suffices: only a few uploads are ever open here.
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(false),
            prefix: input.prefix,
            uploads: Some(uploads),
            ..ListMultipartUploadsOutput::default()
        })
    }
}
