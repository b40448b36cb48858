//! The operations of the endpoint, each with the method of [`Service`] that implements it.

mod acls;
mod admission;
mod buckets;
mod copy_source;
mod multipart;
mod objects;
mod request_fields;
mod writing;

use std::sync::Arc;

use async_trait::async_trait;
#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::service::Service;

/// Implements the trait of the protocol layer with the service.
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
    // multipart.rs and multipart/
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
