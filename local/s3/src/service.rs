//! The operations that this endpoint has, each by the function that carries it out.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};
use sha2::{Digest, Sha256};

use crate::notifications::delivery::Notifier;
use crate::server::Config;
use crate::store::Store;

/// What every operation works with.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Store,
    /// Folder of object files.
    pub(crate) objects: PathBuf,
    pub(crate) region: String,
    pub(crate) account_id: String,
    /// The canonical user ID of the account: 64 hexadecimal digits made from its number.
    pub(crate) owner_id: String,
    pub(crate) notifier: Notifier,
}

impl Service {
    /// A service with an empty store.
    pub(crate) fn new(config: &Config, objects: PathBuf) -> Result<Self, reqwest::Error> {
        Ok(Self {
            store: Store::new(),
            objects,
            region: config.region.clone(),
            account_id: config.account_id.clone(),
            owner_id: hex::encode(Sha256::digest(config.account_id.as_bytes())),
            notifier: Notifier::new(config.notify.clone())?,
        })
    }

    /// The owner of everything, as the protocol has it.
    pub(crate) fn owner(&self) -> Owner {
        Owner { display_name: None, id: Some(self.owner_id.clone()) }
    }
}

/// The service as the protocol layer takes it.
pub(crate) struct Protocol(pub(crate) Arc<Service>);

macro_rules! operations {
    ($($name:ident$(.$await:tt)?: $input:ident -> $output:ident;)*) => {
        #[async_trait]
        impl S3 for Protocol {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                Service::$name(&self.0, request)$(.$await)?.map(S3Response::new)
            })*
        }
    };
}

operations! {
    // buckets.rs
    create_bucket: CreateBucketInput -> CreateBucketOutput;
    head_bucket: HeadBucketInput -> HeadBucketOutput;
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput;
    list_buckets: ListBucketsInput -> ListBucketsOutput;
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput;
    // objects/list.rs
    list_objects: ListObjectsInput -> ListObjectsOutput;
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output;
    list_object_versions: ListObjectVersionsInput -> ListObjectVersionsOutput;
    // objects/put.rs, copy.rs, delete.rs, read.rs
    put_object.await: PutObjectInput -> PutObjectOutput;
    copy_object.await: CopyObjectInput -> CopyObjectOutput;
    delete_object: DeleteObjectInput -> DeleteObjectOutput;
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput;
    get_object: GetObjectInput -> GetObjectOutput;
    head_object: HeadObjectInput -> HeadObjectOutput;
    // multipart.rs, multipart/complete.rs
    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput;
    upload_part.await: UploadPartInput -> UploadPartOutput;
    upload_part_copy.await: UploadPartCopyInput -> UploadPartCopyOutput;
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput;
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput;
    list_parts: ListPartsInput -> ListPartsOutput;
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput;
    // acls.rs
    get_object_acl: GetObjectAclInput -> GetObjectAclOutput;
    put_object_acl: PutObjectAclInput -> PutObjectAclOutput;
    get_bucket_acl: GetBucketAclInput -> GetBucketAclOutput;
    put_bucket_acl: PutBucketAclInput -> PutBucketAclOutput;
    get_bucket_ownership_controls: GetBucketOwnershipControlsInput -> GetBucketOwnershipControlsOutput;
    put_bucket_ownership_controls: PutBucketOwnershipControlsInput -> PutBucketOwnershipControlsOutput;
    delete_bucket_ownership_controls: DeleteBucketOwnershipControlsInput -> DeleteBucketOwnershipControlsOutput;
    // buckets/policy.rs
    get_bucket_policy: GetBucketPolicyInput -> GetBucketPolicyOutput;
    put_bucket_policy: PutBucketPolicyInput -> PutBucketPolicyOutput;
    delete_bucket_policy: DeleteBucketPolicyInput -> DeleteBucketPolicyOutput;
    // buckets/settings.rs
    get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput;
    put_bucket_versioning: PutBucketVersioningInput -> PutBucketVersioningOutput;
    get_bucket_encryption: GetBucketEncryptionInput -> GetBucketEncryptionOutput;
    put_bucket_encryption: PutBucketEncryptionInput -> PutBucketEncryptionOutput;
    delete_bucket_encryption: DeleteBucketEncryptionInput -> DeleteBucketEncryptionOutput;
    get_public_access_block: GetPublicAccessBlockInput -> GetPublicAccessBlockOutput;
    put_public_access_block: PutPublicAccessBlockInput -> PutPublicAccessBlockOutput;
    delete_public_access_block: DeletePublicAccessBlockInput -> DeletePublicAccessBlockOutput;
    // buckets/notification.rs
    get_bucket_notification_configuration:
        GetBucketNotificationConfigurationInput -> GetBucketNotificationConfigurationOutput;
    put_bucket_notification_configuration:
        PutBucketNotificationConfigurationInput -> PutBucketNotificationConfigurationOutput;
}
