//! `PutObject`.

use std::sync::Arc;

use s3s::dto::{Checksum, ETag, PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Result};

use crate::access::acl::AclRequest;
use crate::notifications::event::Reason;
use crate::operations::admission::Action;
use crate::request::identity::Identity;
use crate::service::Service;
use crate::store::Object;
use crate::store::attributes::{Attributes, storage_class};
use crate::store::body::{self, DeclaredBody};
use crate::store::conditions;
use crate::store::encryption::EncryptionRequest;

impl Service {
    pub(crate) async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<PutObjectOutput> {
        let body = request.input.body.take();
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.admit(&request, Action::on_key("s3:PutObject", &bucket, &key))?;
        let identity = Identity::of(&request);

        let input = &request.input;
        let checksum = Checksum {
            checksum_crc32: input.checksum_crc32.clone(),
            checksum_crc32c: input.checksum_crc32c.clone(),
            checksum_crc64nvme: input.checksum_crc64nvme.clone(),
            checksum_sha1: input.checksum_sha1.clone(),
            checksum_sha256: input.checksum_sha256.clone(),
            checksum_type: None,
        };
        let expected = DeclaredBody::new(&request, input.content_md5.clone(), checksum, input.content_length);

        let input = request.input;
        let asked = AclRequest {
            canned: input.acl.map(|acl| acl.as_str().to_owned()),
            full_control: input.grant_full_control,
            read: input.grant_read,
            read_acp: input.grant_read_acp,
            write: None,
            write_acp: input.grant_write_acp,
            body: None,
        };
        let acl = self.object_acl(&bucket, &asked)?;
        let encryption = EncryptionRequest {
            algorithm: input.server_side_encryption,
            kms_key_id: input.ssekms_key_id,
            bucket_key_enabled: input.bucket_key_enabled,
            customer_algorithm: input.sse_customer_algorithm,
            customer_key_md5: input.sse_customer_key_md5,
        };
        let mut attributes = Attributes {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_language: input.content_language,
            content_disposition: input.content_disposition,
            cache_control: input.cache_control,
            expires: input.expires,
            website_redirect_location: input.website_redirect_location,
            metadata: input.metadata,
            storage_class: storage_class(input.storage_class)?,
            encryption: self.resolve_encryption(&bucket, encryption)?,
            checksum: Checksum::default(),
            parts_count: None,
        };
        attributes.check()?;

        let stored = body::store(&self.objects, body, &expected).await?;
        attributes.checksum = stored.checksum;
        let object = Arc::new(Object {
            size: stored.segment.length,
            etag: hex::encode(stored.md5),
            segments: vec![stored.segment],
            attributes,
        });
        let version_id = self.commit(&bucket, &key, &object, acl, &identity, Reason::Put, |current| {
            let (if_match, if_none_match) = (input.if_match.as_ref(), input.if_none_match.as_ref());
            conditions::check_write(&key, current, if_match, if_none_match)
        })?;

        let Attributes { encryption, checksum, .. } = object.attributes.clone();
        Ok(PutObjectOutput {
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
        })
    }
}
