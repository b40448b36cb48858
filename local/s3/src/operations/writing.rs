//! Steps that `PutObject`, `CopyObject` and multipart uploads share.

use std::sync::Arc;

use s3s::{S3Result, s3_error};

use crate::{
    access::acl::{self, AclRequest, Grant},
    notifications::event::{ObjectCreated, Reason},
    operations::request_fields::ObjectRequest,
    request::identity::Identity,
    service::Service,
    store::{
        Object, Version,
        attributes::{Attributes, storage_class},
        encryption::{Encryption, EncryptionRequest},
    },
};

impl Service {
    /// Atomically makes `object` the current object of `key` if `condition` holds for the `ETag` of the present one,
    /// and notifies the targets of the bucket. Returns the visible version ID.
    #[allow(clippy::too_many_arguments, reason = "the one place that creates objects")]
    pub(crate) fn commit(
        &self,
        bucket: &str,
        key: &str,
        object: &Arc<Object>,
        acl: Vec<Grant>,
        identity: &Identity,
        reason: Reason,
        condition: impl FnOnce(Option<&str>) -> S3Result<()>,
    ) -> S3Result<Option<String>> {
        let (shown, created, notification) = self.store.with(bucket, |stored| {
            condition(stored.current_etag(key))?;
            let version: Version = stored.push(key, Some(Arc::clone(object)), acl);
            let shown = stored.shown_id(&version);
            let created = ObjectCreated {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                size: object.size,
                etag: object.etag.clone(),
                version_id: shown.clone(),
                region: stored.region.clone(),
                account_id: self.account_id.clone(),
                owner_id: self.owner_id.clone(),
                request_id: identity.request_id.clone(),
                // Taken under the lock, so that the order of sequencers is that of the writes.
                sequencer: self.store.sequencer(),
                reason,
            };
            Ok((shown, created, stored.notification.clone()))
        })?;
        self.notifier.created(&created, &notification);
        Ok(shown)
    }

    /// Returns the grants and the attributes of a new object, checked against the settings of its bucket.
    pub(crate) fn resolve(
        &self,
        bucket: &str,
        requested: ObjectRequest,
    ) -> S3Result<(Vec<Grant>, Attributes)> {
        let grants = self.object_acl(bucket, &requested.acl)?;
        let attributes = Attributes {
            storage_class: storage_class(requested.storage_class)?,
            encryption: self.resolve_encryption(bucket, requested.encryption)?,
            ..requested.attributes
        };
        attributes.check()?;
        Ok((grants, attributes))
    }

    /// Returns the grants of a new object. Fails if ACLs are disabled and the request specifies some.
    fn object_acl(&self, bucket: &str, asked: &AclRequest) -> S3Result<Vec<Grant>> {
        let enforced = self.store.with(bucket, |stored| Ok(stored.is_owner_enforced()))?;
        if enforced && asked.is_refused_when_enforced(&self.owner_id)? {
            return Err(s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs"));
        }
        Ok(asked.grants(&self.owner_id)?.unwrap_or_else(|| acl::private(&self.owner_id)))
    }

    /// Returns the encryption of a new object.
    fn resolve_encryption(&self, bucket: &str, asked: EncryptionRequest) -> S3Result<Encryption> {
        let default = self.store.with(bucket, |stored| Ok(stored.encryption.clone()))?;
        asked.resolve(&default, &self.region, &self.account_id)
    }
}
