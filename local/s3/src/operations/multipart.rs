//! Multipart uploads: create and abort.

mod complete;
mod list;
mod parts;

use std::{collections::BTreeMap, time::SystemTime};

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};
use uuid::Uuid;

use crate::{
    operations::{admission::Action, request_fields::ObjectRequest},
    service::Service,
    store::multipart_upload::Upload,
};

/// Most open uploads per bucket. S3 has no such limit, but the memory here has.
const UPLOAD_LIMIT: usize = 10_000;

impl Service {
    pub(crate) fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        self.admit(&request, Action::on_key("s3:PutObject", &request.input.bucket, &request.input.key))?;
        let input = request.input;
        let (acl, attributes) = self.resolve(&input.bucket, ObjectRequest::from(&input))?;
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

    pub(crate) fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_key("s3:AbortMultipartUpload", &input.bucket, &input.key))?;
        self.store.with(&input.bucket, |bucket| {
            bucket.open_upload(&input.key, &input.upload_id)?;
            bucket.uploads.remove(&input.upload_id);
            Ok(())
        })?;
        Ok(AbortMultipartUploadOutput::default())
    }
}
