//! `CopyObject`: the same bytes under another name, without moving them.

use std::sync::Arc;

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::access::acl::AclRequest;
use crate::notifications::event::Reason;
use crate::operations::admission::Action;
use crate::request::identity::Identity;
use crate::service::Service;
use crate::store::Object as StoredObject;
use crate::store::attributes::{Attributes, storage_class};
use crate::store::body;
use crate::store::conditions::{ReadConditions, SourceTerms};
use crate::store::encryption::EncryptionRequest;

/// Most bytes that one `CopyObject` takes, as on S3.
const COPY_LIMIT: u64 = 5 * 1024 * 1024 * 1024;

impl Service {
    pub(crate) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.admit(&request, Action::on_key("s3:PutObject", &bucket, &key))?;
        let identity = Identity::of(&request);
        let terms = SourceTerms {
            conditions: ReadConditions {
                if_match: request.input.copy_source_if_match.clone(),
                if_none_match: request.input.copy_source_if_none_match.clone(),
                if_modified_since: request.input.copy_source_if_modified_since.clone(),
                if_unmodified_since: request.input.copy_source_if_unmodified_since.clone(),
            },
            customer_algorithm: request.input.copy_source_sse_customer_algorithm.clone(),
            customer_key_md5: request.input.copy_source_sse_customer_key_md5.clone(),
        };
        let (source, source_id) = self.source(&request, &request.input.copy_source, &terms)?;
        if source.size > COPY_LIMIT {
            let message =
                "The specified copy source is larger than the maximum allowable size for a copy source";
            return Err(s3_error!(InvalidRequest, "{message}: {COPY_LIMIT}"));
        }

        let input = request.input;
        let replaces = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let changes = replaces
            || input.storage_class.is_some()
            || input.server_side_encryption.is_some()
            || input.sse_customer_algorithm.is_some();
        if !changes && same_place(&input.copy_source, &bucket, &key) {
            let message = "This copy request is illegal because it is trying to copy an object to itself without \
                           changing the object's metadata, storage class, website redirect location or encryption \
                           attributes.";
            return Err(s3_error!(InvalidRequest, "{message}"));
        }
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
        let kept = source.attributes.clone();
        let described = if replaces {
            Attributes {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_language: input.content_language,
                content_disposition: input.content_disposition,
                cache_control: input.cache_control,
                expires: input.expires,
                metadata: input.metadata,
                checksum: kept.checksum,
                ..Attributes::default()
            }
        } else {
            kept
        };
        let attributes = Attributes {
            website_redirect_location: input.website_redirect_location,
            storage_class: storage_class(input.storage_class)?,
            encryption: self.resolve_encryption(&bucket, encryption)?,
            parts_count: None,
            ..described
        };
        attributes.check()?;

        // A copy is one whole object, also where its source came in parts.
        let etag = match source.attributes.parts_count {
            None => source.etag.clone(),
            Some(_) => hex::encode(body::md5_of(source.segments.clone()).await?),
        };
        let object = Arc::new(StoredObject {
            size: source.size,
            etag: etag.clone(),
            segments: source.segments.clone(),
            attributes,
        });
        let version_id = self.commit(&bucket, &key, &object, acl, &identity, Reason::Copy, |_| Ok(()))?;
        let modified = self.store.with(&bucket, |stored| {
            Ok(stored.find(&key, version_id.as_deref()).map(|(version, _)| version.modified.clone()).ok())
        })?;
        let encryption = object.attributes.encryption.clone();
        Ok(CopyObjectOutput {
            bucket_key_enabled: encryption.bucket_key_enabled,
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(etag)),
                last_modified: modified,
                ..CopyObjectResult::default()
            }),
            copy_source_version_id: source_id,
            sse_customer_algorithm: encryption.customer_algorithm(),
            sse_customer_key_md5: encryption.customer_key_md5(),
            ssekms_key_id: encryption.kms_key_id,
            server_side_encryption: encryption.algorithm,
            version_id,
            ..CopyObjectOutput::default()
        })
    }
}

fn same_place(source: &CopySource, to_bucket: &str, to_key: &str) -> bool {
    matches!(
        source,
        CopySource::Bucket { bucket, key, version_id: None } if **bucket == *to_bucket && **key == *to_key
    )
}
