//! `PutObject`.

use std::sync::Arc;

use s3s::{
    S3Request, S3Result,
    dto::{ETag, PutObjectInput, PutObjectOutput},
};

use crate::{
    notifications::event::Reason,
    operations::{admission::Action, request_fields::ObjectRequest},
    request::identity::Identity,
    service::Service,
    store::{
        Object,
        attributes::Attributes,
        body::{self, DeclaredBody},
        conditions,
    },
};

impl Service {
    pub(crate) async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<PutObjectOutput> {
        let body = request.input.body.take();
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.admit(&request, Action::on_key("s3:PutObject", &bucket, &key))?;
        let identity = Identity::of(&request);
        let declared = DeclaredBody::from(&request);
        let (acl, mut attributes) = self.resolve(&bucket, ObjectRequest::from(&request.input))?;

        let stored = body::store(&self.objects, body, &declared).await?;
        attributes.checksum = stored.checksum;
        let object = Arc::new(Object {
            size: stored.segment.length,
            etag: hex::encode(stored.md5),
            segments: vec![stored.segment],
            attributes,
        });
        let input = request.input;
        let version_id = self.commit(&bucket, &key, &object, acl, &identity, Reason::Put, |current| {
            conditions::check_write(&key, current, input.if_match.as_ref(), input.if_none_match.as_ref())
        })?;
        Ok(output(&object, version_id))
    }
}

fn output(object: &Object, version_id: Option<String>) -> PutObjectOutput {
    let Attributes { encryption, checksum, .. } = object.attributes.clone();
    PutObjectOutput {
        bucket_key_enabled: encryption.bucket_key_enabled,
        sse_customer_algorithm: encryption.customer_algorithm(),
        sse_customer_key_md5: encryption.customer_key_md5(),
        ssekms_key_id: encryption.kms_key_id,
        server_side_encryption: encryption.algorithm,
        checksum_crc32: checksum.checksum_crc32,
        checksum_crc32c: checksum.checksum_crc32c,
        checksum_crc64nvme: checksum.checksum_crc64nvme,
        checksum_sha1: checksum.checksum_sha1,
        checksum_sha256: checksum.checksum_sha256,
        e_tag: Some(ETag::Strong(object.etag.clone())),
        version_id,
        ..PutObjectOutput::default()
    }
}
