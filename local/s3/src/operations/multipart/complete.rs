//! `CompleteMultipartUpload`: makes an object of parts. They stay in their files; nothing is copied.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crc_fast::{CrcAlgorithm::Crc64Nvme, Digest, checksum_combine};
use md5::{Digest as _, Md5};
use s3s::{
    S3Request, S3Result,
    dto::{Checksum, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, ETag},
    s3_error,
};

use crate::{
    notifications::event::Reason,
    operations::admission::Action,
    request::identity::Identity,
    service::Service,
    store::{Object, conditions, multipart_upload::Upload},
};

/// Smallest size of each part except the last one in bytes, as on S3.
const PART_LEAST_BYTES: u64 = 5 * 1024 * 1024;

impl Service {
    pub(crate) fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.admit(&request, Action::on_key("s3:PutObject", &bucket, &key))?;
        let identity = Identity::of(&request);
        let input = request.input;
        let listed = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let (object, acl) = self.store.with(&bucket, |stored| {
            let upload = stored.open_upload(&key, &input.upload_id)?;
            let mut object = assemble(upload, &listed)?;
            object.attributes.checksum =
                whole_checksum(upload, &listed, input.checksum_crc64nvme.as_deref())?;
            Ok((Arc::new(object), upload.acl.clone()))
        })?;
        let version_id =
            self.commit(&bucket, &key, &object, acl, &identity, Reason::CompleteMultipart, |current| {
                conditions::check_write(&key, current, input.if_match.as_ref(), input.if_none_match.as_ref())
            })?;
        // Last, so that after a failed condition the upload can be retried or aborted, as on S3.
        self.store.with(&bucket, |stored| {
            stored.uploads.remove(&input.upload_id);
            Ok(())
        })?;
        let encryption = object.attributes.encryption.clone();
        let checksum_crc64nvme = object.attributes.checksum.checksum_crc64nvme.clone();
        Ok(CompleteMultipartUploadOutput {
            checksum_crc64nvme,
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(bucket),
            key: Some(key),
            bucket_key_enabled: encryption.bucket_key_enabled,
            e_tag: Some(ETag::Strong(object.etag.clone())),
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            version_id,
            ..CompleteMultipartUploadOutput::default()
        })
    }
}

/// The checksum of the whole object, of an upload that has one: of the algorithms, CRC-64/NVME only.
fn whole_checksum(upload: &Upload, listed: &[CompletedPart], expected: Option<&str>) -> S3Result<Checksum> {
    if !upload.has_whole_checksum() {
        return Ok(Checksum::default());
    }
    let mut whole = Digest::new(Crc64Nvme).finalize();
    for part in listed.iter().filter_map(|part| upload.parts.get(&part.part_number.unwrap_or_default())) {
        let encoded = part.checksum.checksum_crc64nvme.as_deref().and_then(|text| STANDARD.decode(text).ok());
        let bytes = encoded.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| s3_error!(InvalidPart, "a part has no CRC64NVME"))?;
        whole = checksum_combine(Crc64Nvme, whole, u64::from_be_bytes(bytes), part.size);
    }
    let whole = STANDARD.encode(whole.to_be_bytes());
    if expected.is_some_and(|expected| expected != whole) {
        return Err(s3_error!(BadDigest, "the CRC64NVME of the object is {whole}, another one was expected"));
    }
    Ok(Checksum { checksum_crc64nvme: Some(whole), ..Checksum::default() })
}

/// Assembles an object from the listed parts. Its `ETag` is the MD5 of their MD5s, followed by their number.
fn assemble(upload: &Upload, listed: &[CompletedPart]) -> S3Result<Object> {
    if listed.is_empty() {
        return Err(s3_error!(MalformedXML, "a multipart upload needs at least one part"));
    }
    let (mut segments, mut size, mut md5) = (Vec::new(), 0, Md5::new());
    let mut last_number = 0;
    for (at, wanted) in listed.iter().enumerate() {
        let number = wanted.part_number.unwrap_or_default();
        if number <= last_number {
            return Err(s3_error!(InvalidPartOrder, "part {number} is listed after part {last_number}"));
        }
        last_number = number;
        let part = upload.parts.get(&number);
        let part = part.ok_or_else(|| s3_error!(InvalidPart, "part {number} was not uploaded"))?;
        let etag = hex::encode(part.md5);
        if wanted.e_tag.as_ref().is_some_and(|wanted| wanted.value() != etag) {
            return Err(s3_error!(
                InvalidPart,
                "part {number} has the ETag \"{etag}\", another one is listed"
            ));
        }
        if part.size < PART_LEAST_BYTES && at + 1 < listed.len() {
            return Err(s3_error!(
                EntityTooSmall,
                "part {number} has {} bytes, all but the last need {PART_LEAST_BYTES}",
                part.size
            ));
        }
        segments.extend(part.segments.iter().cloned());
        size += part.size;
        md5.update(part.md5);
    }
    let mut attributes = upload.attributes.clone();
    attributes.parts_count = i32::try_from(listed.len()).ok();
    let etag = format!("{}-{}", hex::encode(md5.finalize()), listed.len());
    Ok(Object { size, etag, segments, attributes })
}
