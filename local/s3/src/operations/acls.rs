//! Reads and replaces ACLs, and the ownership controls that disable them.

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};

use crate::{
    access::acl::{self, AclRequest},
    errors::with_status,
    operations::admission::Action,
    service::Service,
};

impl Service {
    pub(crate) fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
    ) -> S3Result<GetObjectAclOutput> {
        let input = &request.input;
        let version_id = input.version_id.as_deref();
        let action = Action {
            name: if version_id.is_some() { "s3:GetObjectVersionAcl" } else { "s3:GetObjectAcl" },
            bucket: &input.bucket,
            key: Some(&input.key),
            version_id,
        };
        self.admit(&request, action)?;
        let grants = self
            .store
            .with(&input.bucket, |bucket| Ok(acl::to_dto(&bucket.find(&input.key, version_id)?.0.acl)))?;
        Ok(GetObjectAclOutput { grants: Some(grants), owner: Some(self.owner()), request_charged: None })
    }

    pub(crate) fn put_object_acl(
        &self,
        request: S3Request<PutObjectAclInput>,
    ) -> S3Result<PutObjectAclOutput> {
        let version_id = request.input.version_id.clone();
        let action = Action {
            name: if version_id.is_some() { "s3:PutObjectVersionAcl" } else { "s3:PutObjectAcl" },
            bucket: &request.input.bucket,
            key: Some(&request.input.key),
            version_id: version_id.as_deref(),
        };
        self.admit(&request, action)?;
        let input = request.input;
        let asked = AclRequest::from(&input);
        self.store.with(&input.bucket, |bucket| {
            let enforced = bucket.is_owner_enforced();
            let version = bucket.find_mut(&input.key, version_id.as_deref())?;
            if enforced {
                return Err(not_supported());
            }
            let grants = asked.grants(&self.owner_id)?;
            version.acl = grants.ok_or_else(|| s3_error!(MissingSecurityHeader, "no ACL in the request"))?;
            Ok(())
        })?;
        Ok(PutObjectAclOutput::default())
    }

    pub(crate) fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> S3Result<GetBucketAclOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketAcl", name))?;
        let grants = self.store.with(name, |bucket| Ok(acl::to_dto(&bucket.acl)))?;
        Ok(GetBucketAclOutput { grants: Some(grants), owner: Some(self.owner()) })
    }

    pub(crate) fn put_bucket_acl(
        &self,
        request: S3Request<PutBucketAclInput>,
    ) -> S3Result<PutBucketAclOutput> {
        self.admit(&request, Action::on_bucket("s3:PutBucketAcl", &request.input.bucket))?;
        let input = request.input;
        let asked = AclRequest::from(&input);
        self.store.with(&input.bucket, |bucket| {
            if bucket.is_owner_enforced() {
                return Err(not_supported());
            }
            let grants = asked.grants(&self.owner_id)?;
            bucket.acl = grants.ok_or_else(|| s3_error!(MissingSecurityHeader, "no ACL in the request"))?;
            Ok(())
        })?;
        Ok(PutBucketAclOutput {})
    }

    pub(crate) fn get_bucket_ownership_controls(
        &self,
        request: S3Request<GetBucketOwnershipControlsInput>,
    ) -> S3Result<GetBucketOwnershipControlsOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketOwnershipControls", name))?;
        let ownership = self.store.with(name, |bucket| Ok(bucket.ownership.clone()))?.ok_or_else(|| {
            let message = "The bucket ownership controls were not found".to_owned();
            with_status(S3ErrorCode::OwnershipControlsNotFoundError, http::StatusCode::NOT_FOUND, message)
        })?;
        let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from(ownership) };
        Ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls { rules: vec![rule] }),
        })
    }

    pub(crate) fn put_bucket_ownership_controls(
        &self,
        request: S3Request<PutBucketOwnershipControlsInput>,
    ) -> S3Result<PutBucketOwnershipControlsOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_bucket("s3:PutBucketOwnershipControls", &input.bucket))?;
        let ownership = match input.ownership_controls.rules.as_slice() {
            [rule] => rule.object_ownership.as_str().to_owned(),
            rules => {
                return Err(s3_error!(
                    MalformedXML,
                    "{} ownership rules, exactly one is needed",
                    rules.len()
                ));
            }
        };
        if !matches!(ownership.as_str(), "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter") {
            return Err(s3_error!(MalformedXML, "unknown object ownership {ownership}"));
        }
        self.store.with(&input.bucket, |bucket| {
            if ownership == "BucketOwnerEnforced" && !acl::changes_nothing(&bucket.acl, &self.owner_id) {
                let message =
                    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
                return Err(s3_error!(InvalidBucketAclWithObjectOwnership, "{message}"));
            }
            bucket.ownership = Some(ownership);
            Ok(())
        })?;
        Ok(PutBucketOwnershipControlsOutput {})
    }

    pub(crate) fn delete_bucket_ownership_controls(
        &self,
        request: S3Request<DeleteBucketOwnershipControlsInput>,
    ) -> S3Result<DeleteBucketOwnershipControlsOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:PutBucketOwnershipControls", name))?;
        self.store.with(name, |bucket| {
            bucket.ownership = None;
            Ok(())
        })?;
        Ok(DeleteBucketOwnershipControlsOutput {})
    }
}

fn not_supported() -> s3s::S3Error {
    s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs")
}
