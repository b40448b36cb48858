//! The source of `CopyObject` and `UploadPartCopy`.

use std::sync::Arc;

use s3s::{S3Request, S3Result, dto::CopySource, s3_error};

use crate::{
    operations::admission::Action,
    service::Service,
    store::{Object, Version, conditions::SourceTerms},
};

impl Service {
    /// Returns the source of a copy, if `terms` allow reading it, and its visible version ID.
    pub(crate) fn source<T>(
        &self,
        request: &S3Request<T>,
        source: &CopySource,
        terms: &SourceTerms,
    ) -> S3Result<(Arc<Object>, Option<String>)> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(s3_error!(NotImplemented, "copies from access points are not supported"));
        };
        let action = Action {
            name: if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" },
            bucket,
            key: Some(key),
            version_id: version_id.as_deref(),
        };
        self.admit_source(request, action)?;
        self.store.with(bucket, |stored| {
            let (version, object): (&Version, _) = stored.find(key, version_id.as_deref())?;
            terms.conditions.check(&object.etag, &version.modified)?;
            let encryption = &object.attributes.encryption;
            encryption
                .check_customer_key(terms.customer_algorithm.as_deref(), terms.customer_key_md5.as_deref())?;
            if object.attributes.is_archived() {
                return Err(s3_error!(
                    InvalidObjectState,
                    "Operation is not valid for the source object's storage class"
                ));
            }
            Ok((Arc::clone(object), stored.shown_id(version)))
        })
    }
}
