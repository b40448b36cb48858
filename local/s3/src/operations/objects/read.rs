//! `GetObject` and `HeadObject`.

use std::{ops::Range, sync::Arc};

use s3s::{
    S3Request, S3Result,
    dto::{
        self, Checksum, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, Timestamp,
    },
    s3_error,
};

use crate::{
    operations::admission::Action,
    service::Service,
    store::{
        Object,
        attributes::Attributes,
        blob::{Reader, cut},
        conditions::ReadConditions,
    },
};

/// A readable object and the requested range.
struct Found {
    object: Arc<Object>,
    modified: Timestamp,
    version_id: Option<String>,
    range: Range<u64>,
    /// `None` for the whole object.
    content_range: Option<String>,
}

impl Service {
    pub(crate) fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
        let mut found = self.read(&request, &request.input)?;
        if found.object.attributes.is_archived() {
            let message = "The operation is not valid for the object's storage class";
            return Err(s3_error!(InvalidObjectState, "{message}"));
        }
        let body = Reader::new(cut(&found.object.segments, found.range.clone()));
        let input = request.input;
        let shows_checksum = input.checksum_mode.is_some() && found.content_range.is_none();
        let Attributes { encryption, checksum, .. } = found.object.attributes.clone();
        let checksum = if shows_checksum { checksum } else { Checksum::default() };
        let attributes = found.object.attributes.clone();
        Ok(GetObjectOutput {
            accept_ranges: Some("bytes".into()),
            body: Some(body.into()),
            bucket_key_enabled: encryption.bucket_key_enabled,
            cache_control: input.response_cache_control.or(attributes.cache_control),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            content_disposition: input.response_content_disposition.or(attributes.content_disposition),
            content_encoding: input.response_content_encoding.or(attributes.content_encoding),
            content_language: input.response_content_language.or(attributes.content_language),
            content_length: Some(length(&found.range)),
            content_range: found.content_range.take(),
            content_type: input.response_content_type.or(attributes.content_type).or_else(default_type),
            e_tag: Some(ETag::Strong(found.object.etag.clone())),
            expires: attributes.expires,
            last_modified: Some(found.modified),
            metadata: attributes.metadata,
            parts_count: attributes.parts_count.filter(|_| input.part_number.is_some()),
            sse_customer_algorithm: encryption.customer_algorithm(),
            sse_customer_key_md5: encryption.customer_key_md5(),
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            storage_class: attributes.storage_class,
            version_id: found.version_id,
            website_redirect_location: attributes.website_redirect_location,
            ..GetObjectOutput::default()
        })
    }

    pub(crate) fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<HeadObjectOutput> {
        let input = request.input.clone();
        // HeadObject has the same fields as GetObject.
        let as_get = GetObjectInput {
            bucket: input.bucket,
            key: input.key,
            version_id: input.version_id,
            range: input.range,
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
            sse_customer_algorithm: input.sse_customer_algorithm,
            sse_customer_key_md5: input.sse_customer_key_md5,
            ..GetObjectInput::default()
        };
        let found = self.read(&request, &as_get)?;
        let attributes = found.object.attributes.clone();
        let encryption = attributes.encryption;
        let shows_checksum = input.checksum_mode.is_some() && found.content_range.is_none();
        let checksum = if shows_checksum { attributes.checksum } else { Checksum::default() };
        Ok(HeadObjectOutput {
            accept_ranges: Some("bytes".into()),
            bucket_key_enabled: encryption.bucket_key_enabled,
            cache_control: attributes.cache_control,
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            content_disposition: attributes.content_disposition,
            content_encoding: attributes.content_encoding,
            content_language: attributes.content_language,
            content_length: Some(length(&found.range)),
            content_range: found.content_range,
            content_type: attributes.content_type.or_else(default_type),
            e_tag: Some(ETag::Strong(found.object.etag.clone())),
            expires: attributes.expires,
            last_modified: Some(found.modified),
            metadata: attributes.metadata,
            parts_count: attributes.parts_count.filter(|_| input.part_number.is_some()),
            sse_customer_algorithm: encryption.customer_algorithm(),
            sse_customer_key_md5: encryption.customer_key_md5(),
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            storage_class: attributes.storage_class,
            version_id: found.version_id,
            website_redirect_location: attributes.website_redirect_location,
            ..HeadObjectOutput::default()
        })
    }

    fn read<T>(&self, request: &S3Request<T>, input: &GetObjectInput) -> S3Result<Found> {
        let version_id = input.version_id.as_deref();
        let action = Action {
            name: if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" },
            bucket: &input.bucket,
            key: Some(&input.key),
            version_id,
        };
        self.admit(request, action)?;
        let conditions = ReadConditions {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
            if_modified_since: input.if_modified_since.clone(),
            if_unmodified_since: input.if_unmodified_since.clone(),
        };
        self.store.with(&input.bucket, |bucket| {
            let (version, object) = bucket.find(&input.key, version_id)?;
            let encryption = &object.attributes.encryption;
            encryption.check_customer_key(
                input.sse_customer_algorithm.as_deref(),
                input.sse_customer_key_md5.as_deref(),
            )?;
            conditions.check(&object.etag, &version.modified)?;
            let (range, content_range) = satisfy(input.range, object.size)?;
            Ok(Found {
                object: Arc::clone(object),
                modified: version.modified.clone(),
                version_id: bucket.shown_id(version),
                range,
                content_range,
            })
        })
    }
}

/// Returns the requested byte range and the `Content-Range` of the response.
fn satisfy(range: Option<dto::Range>, size: u64) -> S3Result<(Range<u64>, Option<String>)> {
    let Some(range) = range else { return Ok((0..size, None)) };
    let satisfied = range.check(size).map_err(|_| {
        s3_error!(InvalidRange, "The requested range is not satisfiable: the object has {size} bytes")
    })?;
    if satisfied.is_empty() {
        return Err(s3_error!(
            InvalidRange,
            "The requested range is not satisfiable: the object has {size} bytes"
        ));
    }
    let content_range = format!("bytes {}-{}/{size}", satisfied.start, satisfied.end - 1);
    Ok((satisfied, Some(content_range)))
}

fn length(range: &Range<u64>) -> i64 {
    i64::try_from(range.end - range.start).unwrap_or(i64::MAX)
}

#[allow(clippy::unnecessary_wraps, reason = "an argument of `or_else`")]
fn default_type() -> Option<String> {
    Some("binary/octet-stream".to_owned())
}
