//! Buckets: create, head, list, delete.

mod notification;
mod policy;
mod settings;

use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::{
    access::{
        acl::{self, AclRequest},
        policy::PolicyHistory,
    },
    errors::no_such_bucket,
    operations::admission::Action,
    request::identity::{Caller, Identity},
    service::Service,
    store::{BUCKET_LIMIT, Bucket as StoredBucket, Versioning, encryption::Encryption},
};

impl Service {
    pub(crate) fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let identity = Identity::of(&request);
        if identity.caller != Caller::Owner {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let input = request.input;
        let configuration = input.create_bucket_configuration.as_ref();
        let constraint = configuration.and_then(|configuration| configuration.location_constraint.as_ref());
        let region = match constraint {
            Some(constraint) if !constraint.as_str().is_empty() => constraint.as_str().to_owned(),
            _ => self.region.clone(),
        };
        let asked = AclRequest::from(&input);
        let ownership = input
            .object_ownership
            .as_ref()
            .map_or(ObjectOwnership::BUCKET_OWNER_ENFORCED, ObjectOwnership::as_str)
            .to_owned();
        let acl = asked.grants(&self.owner_id)?.unwrap_or_else(|| acl::private(&self.owner_id));
        if ownership == "BucketOwnerEnforced" && !acl::changes_nothing(&acl, &self.owner_id) {
            let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
            return Err(s3_error!(InvalidBucketAclWithObjectOwnership, "{message}"));
        }
        let location = format!("/{}", input.bucket);
        self.store.with_all(|buckets| {
            if let Some(existing) = buckets.get(&input.bucket) {
                if existing.region == region {
                    return Ok(());
                }
                return Err(s3_error!(
                    BucketAlreadyOwnedByYou,
                    "the bucket exists in {}, {region} was asked for",
                    existing.region
                ));
            }
            if buckets.len() >= BUCKET_LIMIT {
                return Err(s3_error!(TooManyBuckets, "there are {BUCKET_LIMIT} buckets already"));
            }
            buckets.insert(input.bucket, new_bucket(region, ownership, acl));
            Ok(())
        })?;
        Ok(CreateBucketOutput { location: Some(location) })
    }

    pub(crate) fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<HeadBucketOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:ListBucket", name))?;
        let region = self.store.with(name, |bucket| Ok(bucket.region.clone()))?;
        Ok(HeadBucketOutput {
            access_point_alias: Some(false),
            bucket_region: Some(region),
            ..HeadBucketOutput::default()
        })
    }

    pub(crate) fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketLocation", name))?;
        let region = self.store.with(name, |bucket| Ok(bucket.region.clone()))?;
        // us-east-1 is the only Region with an empty constraint.
        let constraint = (region != "us-east-1").then(|| BucketLocationConstraint::from(region));
        Ok(GetBucketLocationOutput { location_constraint: constraint })
    }

    pub(crate) fn list_buckets(&self, request: S3Request<ListBucketsInput>) -> S3Result<ListBucketsOutput> {
        if Identity::of(&request).caller != Caller::Owner {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let input = request.input;
        let buckets = self.store.with_all(|buckets| {
            let prefix = input.prefix.as_deref().unwrap_or_default();
            let wanted = buckets.iter().filter(|(name, bucket)| {
                name.starts_with(prefix)
                    && input.bucket_region.as_ref().is_none_or(|region| *region == bucket.region)
            });
            wanted
                .map(|(name, bucket)| Bucket {
                    bucket_region: Some(bucket.region.clone()),
                    creation_date: Some(bucket.created.clone()),
                    name: Some(name.clone()),
                })
                .collect()
        });
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(self.owner()),
            prefix: input.prefix,
            ..ListBucketsOutput::default()
        })
    }

    pub(crate) fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<DeleteBucketOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:DeleteBucket", name))?;
        self.store.with_all(|buckets| {
            let bucket = buckets.get(name).ok_or_else(|| no_such_bucket(name))?;
            if !bucket.keys.is_empty() {
                return Err(s3_error!(
                    BucketNotEmpty,
                    "The bucket you tried to delete is not empty: {} keys are left, delete markers included",
                    bucket.keys.len()
                ));
            }
            buckets.remove(name);
            Ok(())
        })?;
        Ok(DeleteBucketOutput {})
    }
}

fn new_bucket(region: String, ownership: String, acl: Vec<acl::Grant>) -> StoredBucket {
    StoredBucket {
        region,
        created: SystemTime::now().into(),
        versioning: Versioning::Never,
        ownership: Some(ownership),
        acl,
        policy: PolicyHistory::default(),
        encryption: Encryption::sse_s3(),
        public_access_block: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            block_public_policy: Some(true),
            ignore_public_acls: Some(true),
            restrict_public_buckets: Some(true),
        }),
        notification: NotificationConfiguration::default(),
        keys: BTreeMap::new(),
        uploads: HashMap::new(),
    }
}
