//! `CopyObject`: refers to the same bytes under another key, without copying them.

use std::sync::Arc;

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::{
    notifications::event::Reason,
    operations::{admission::Action, request_fields::ObjectRequest},
    request::identity::Identity,
    service::Service,
    store::{Object as StoredObject, attributes::Attributes, body, conditions::SourceTerms},
};

/// Largest source of one `CopyObject` in bytes, as on S3.
const COPY_LIMIT: u64 = 5 * 1024 * 1024 * 1024;

impl Service {
    pub(crate) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.admit(&request, Action::on_key("s3:PutObject", &bucket, &key))?;
        let identity = Identity::of(&request);
        let terms = SourceTerms::from(&request.input);
        let (source, source_id) = self.source(&request, &request.input.copy_source, &terms)?;
        check(&request.input, source.size)?;
        let (acl, attributes) = self.resolve(&bucket, requested(&request.input, &source.attributes))?;

        // A copy is a single object, even if its source was uploaded in parts.
        let etag = match source.attributes.parts_count {
            None => source.etag.clone(),
            Some(_) => hex::encode(body::md5_of(source.segments.clone()).await?),
        };
        let segments = source.segments.clone();
        let object = Arc::new(StoredObject { size: source.size, etag, segments, attributes });
        let version_id = self.commit(&bucket, &key, &object, acl, &identity, Reason::Copy, |_| Ok(()))?;
        let modified = self.store.with(&bucket, |stored| {
            Ok(stored.find(&key, version_id.as_deref()).map(|(version, _)| version.modified.clone()).ok())
        })?;
        let encryption = object.attributes.encryption.clone();
        Ok(CopyObjectOutput {
            bucket_key_enabled: encryption.bucket_key_enabled,
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(ETag::Strong(object.etag.clone())),
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

/// Rejects a source that is too large, and a copy onto itself that changes nothing.
fn check(input: &CopyObjectInput, source_size: u64) -> S3Result<()> {
    if source_size > COPY_LIMIT {
        let message = "The specified copy source is larger than the maximum allowable size for a copy source";
        return Err(s3_error!(InvalidRequest, "{message}: {COPY_LIMIT}"));
    }
    let changes = replaces_metadata(input)
        || input.storage_class.is_some()
        || input.server_side_encryption.is_some()
        || input.sse_customer_algorithm.is_some();
    if !changes && is_onto_itself(input) {
        let message = "This copy request is illegal because it is trying to copy an object to itself without \
                       changing the object's metadata, storage class, website redirect location or encryption \
                       attributes.";
        return Err(s3_error!(InvalidRequest, "{message}"));
    }
    Ok(())
}

/// Returns the request for the copy. Headers and metadata come from the source unless the directive is REPLACE. The
/// redirect location, the storage class and the encryption never come from the source.
fn requested(input: &CopyObjectInput, source: &Attributes) -> ObjectRequest {
    let requested = ObjectRequest::from(input);
    let own = requested.attributes;
    let kept = source.clone();
    let attributes = if replaces_metadata(input) {
        Attributes { checksum: kept.checksum, ..own }
    } else {
        Attributes { website_redirect_location: own.website_redirect_location, parts_count: None, ..kept }
    };
    ObjectRequest { attributes, ..requested }
}

fn replaces_metadata(input: &CopyObjectInput) -> bool {
    let directive = input.metadata_directive.as_ref();
    directive.is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE)
}

fn is_onto_itself(input: &CopyObjectInput) -> bool {
    matches!(
        &input.copy_source,
        CopySource::Bucket { bucket, key, version_id: None } if **bucket == *input.bucket && **key == *input.key
    )
}
