//! Fields that several requests share.

use s3s::S3Request;
#[allow(clippy::wildcard_imports, reason = "the inputs of many operations")]
use s3s::dto::*;

use crate::{
    access::acl::AclRequest,
    store::{
        attributes::Attributes,
        body::DeclaredBody,
        conditions::{ReadConditions, SourceTerms},
        encryption::EncryptionRequest,
    },
};

/// The ACL, the encryption and the attributes that a request specifies for its new object.
#[derive(Debug)]
pub(crate) struct ObjectRequest {
    pub(crate) acl: AclRequest,
    pub(crate) encryption: EncryptionRequest,
    pub(crate) storage_class: Option<StorageClass>,
    /// Headers and metadata, without storage class and encryption.
    pub(crate) attributes: Attributes,
}

/// Reads the ACL from headers and from additional fields of the request.
macro_rules! acl_requests {
    ($($input:ident { $($field:ident: $source:ident),* })*) => {$(
        impl From<&$input> for AclRequest {
            #[allow(unused_mut, reason = "not every request has further fields")]
            fn from(input: &$input) -> Self {
                let mut acl = Self {
                    canned: input.acl.as_ref().map(|acl| acl.as_str().to_owned()),
                    full_control: input.grant_full_control.clone(),
                    read: input.grant_read.clone(),
                    read_acp: input.grant_read_acp.clone(),
                    write_acp: input.grant_write_acp.clone(),
                    ..Self::default()
                };
                $(acl.$field = input.$source.clone();)*
                acl
            }
        }
    )*};
}

acl_requests! {
    PutObjectInput {}
    CopyObjectInput {}
    CreateMultipartUploadInput {}
    CreateBucketInput { write: grant_write }
    PutObjectAclInput { write: grant_write, body: access_control_policy }
    PutBucketAclInput { write: grant_write, body: access_control_policy }
}

macro_rules! object_requests {
    ($($input:ident)*) => {$(
        impl From<&$input> for ObjectRequest {
            fn from(input: &$input) -> Self {
                let encryption = EncryptionRequest {
                    algorithm: input.server_side_encryption.clone(),
                    kms_key_id: input.ssekms_key_id.clone(),
                    bucket_key_enabled: input.bucket_key_enabled,
                    customer_algorithm: input.sse_customer_algorithm.clone(),
                    customer_key_md5: input.sse_customer_key_md5.clone(),
                };
                let attributes = Attributes {
                    content_type: input.content_type.clone(),
                    content_encoding: input.content_encoding.clone(),
                    content_language: input.content_language.clone(),
                    content_disposition: input.content_disposition.clone(),
                    cache_control: input.cache_control.clone(),
                    expires: input.expires.clone(),
                    website_redirect_location: input.website_redirect_location.clone(),
                    metadata: input.metadata.clone(),
                    ..Attributes::default()
                };
                let storage_class = input.storage_class.clone();
                Self { acl: AclRequest::from(input), encryption, storage_class, attributes }
            }
        }
    )*};
}

object_requests! { PutObjectInput CopyObjectInput CreateMultipartUploadInput }

macro_rules! declared_bodies {
    ($($input:ident)*) => {$(
        impl From<&S3Request<$input>> for DeclaredBody {
            fn from(request: &S3Request<$input>) -> Self {
                let input = &request.input;
                let checksum = Checksum {
                    checksum_crc32: input.checksum_crc32.clone(),
                    checksum_crc32c: input.checksum_crc32c.clone(),
                    checksum_crc64nvme: input.checksum_crc64nvme.clone(),
                    checksum_sha1: input.checksum_sha1.clone(),
                    checksum_sha256: input.checksum_sha256.clone(),
                    checksum_type: None,
                };
                Self::new(request, input.content_md5.clone(), checksum, input.content_length)
            }
        }
    )*};
}

declared_bodies! { PutObjectInput UploadPartInput }

macro_rules! source_terms {
    ($($input:ident)*) => {$(
        impl From<&$input> for SourceTerms {
            fn from(input: &$input) -> Self {
                Self {
                    conditions: ReadConditions {
                        if_match: input.copy_source_if_match.clone(),
                        if_none_match: input.copy_source_if_none_match.clone(),
                        if_modified_since: input.copy_source_if_modified_since.clone(),
                        if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
                    },
                    customer_algorithm: input.copy_source_sse_customer_algorithm.clone(),
                    customer_key_md5: input.copy_source_sse_customer_key_md5.clone(),
                }
            }
        }
    )*};
}

source_terms! { CopyObjectInput UploadPartCopyInput }
