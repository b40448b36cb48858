//! The checks before every operation. The bucket exists, its Region is the one that the request was signed for, its
//! owner is the expected one, and the caller is allowed to perform the action.

use local_iam::Role;
use s3s::{S3Error, S3Request, S3Result, s3_error};

use crate::{
    access::AccessCheck,
    errors::{no_such_key, other_region},
    request::identity::{Caller, Identity},
    service::Service,
    store::Bucket,
};

/// The action of an operation, for the access check.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action<'a> {
    /// Such as `s3:GetObject`.
    pub(crate) name: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) version_id: Option<&'a str>,
}

impl<'a> Action<'a> {
    /// An action on a bucket.
    pub(crate) fn on_bucket(name: &'a str, bucket: &'a str) -> Self {
        Self { name, bucket, key: None, version_id: None }
    }

    /// An action on the current version of a key.
    pub(crate) fn on_key(name: &'a str, bucket: &'a str, key: &'a str) -> Self {
        Self { name, bucket, key: Some(key), version_id: None }
    }
}

impl Service {
    /// Admits the request, or returns the error.
    pub(crate) fn admit<T>(&self, request: &S3Request<T>, action: Action<'_>) -> S3Result<()> {
        let identity = Identity::of(request);
        let expected_owner = request.headers.get("x-amz-expected-bucket-owner");
        self.store.with(action.bucket, |bucket| {
            let signed = identity.signed_region.as_deref();
            // Any Region may be asked for the location.
            if signed.is_some_and(|region| region != bucket.region) && action.name != "s3:GetBucketLocation" {
                return Err(other_region(&bucket.region));
            }
            if expected_owner.is_some_and(|owner| owner.as_bytes() != self.account_id.as_bytes()) {
                return Err(denied());
            }
            self.check_access(bucket, &identity, action)
        })
    }

    /// Like [`Self::admit`], but for the source of a copy, which is in another bucket and has no signed Region of its
    /// own.
    pub(crate) fn admit_source<T>(&self, request: &S3Request<T>, action: Action<'_>) -> S3Result<()> {
        let identity = Identity::of(request);
        let expected_owner = request.headers.get("x-amz-source-expected-bucket-owner");
        if expected_owner.is_some_and(|owner| owner.as_bytes() != self.account_id.as_bytes()) {
            return Err(denied());
        }
        self.store.with(action.bucket, |bucket| self.check_access(bucket, &identity, action))
    }

    fn check_access(&self, bucket: &Bucket, identity: &Identity, action: Action<'_>) -> S3Result<()> {
        let version = action.key.map(|key| bucket.find(key, action.version_id));
        let grants = match &version {
            None => Some(bucket.acl.as_slice()),
            Some(found) => found.as_ref().ok().map(|(version, _)| version.acl.as_slice()),
        };
        let access = AccessCheck {
            caller: identity.caller,
            role: self.roles.get(&identity.access_key).map(|arn| Role { arn, session: &identity.access_key }),
            action: action.name,
            bucket: action.bucket,
            key: action.key,
            policy: bucket.policy.deciding(),
            grants: grants.filter(|_| !bucket.is_owner_enforced()),
            region: &self.region,
            account_id: &self.account_id,
            owner_canonical_id: &self.owner_id,
            knows_time: !(self.switches.ignores_current_time && identity.caller == Caller::Service),
        };
        if !access.is_allowed() {
            return Err(denied());
        }
        // Only callers with permission to list learn that a key does not exist.
        let reads = action.name.starts_with("s3:GetObject");
        if let (Some(Err(_)), true, Some(key)) = (&version, reads, action.key) {
            let may_list = AccessCheck { action: "s3:ListBucket", key: None, grants: None, ..access };
            let listed = may_list.is_allowed();
            if listed && action.version_id.is_none() {
                return Err(no_such_key(key));
            }
            if !listed {
                return Err(denied());
            }
        }
        Ok(())
    }
}

fn denied() -> S3Error {
    s3_error!(AccessDenied, "Access Denied")
}
