//! Settings of a bucket: versioning, default encryption, public access block.

#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};

use crate::{
    errors::with_status,
    operations::admission::Action,
    service::Service,
    store::{Versioning, encryption::Encryption},
};

impl Service {
    pub(crate) fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<GetBucketVersioningOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketVersioning", name))?;
        let status = match self.store.with(name, |bucket| Ok(bucket.versioning))? {
            Versioning::Never => None,
            Versioning::Enabled => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
            Versioning::Suspended => {
                Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED))
            }
        };
        Ok(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
    }

    pub(crate) fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<PutBucketVersioningOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_bucket("s3:PutBucketVersioning", &input.bucket))?;
        let status = input.versioning_configuration.status.as_ref().map(BucketVersioningStatus::as_str);
        let versioning = match status {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => {
                return Err(s3_error!(
                    IllegalVersioningConfigurationException,
                    "status is not Enabled or Suspended"
                ));
            }
        };
        self.store.with(&input.bucket, |bucket| {
            bucket.versioning = versioning;
            Ok(())
        })?;
        Ok(PutBucketVersioningOutput {})
    }

    pub(crate) fn get_bucket_encryption(
        &self,
        request: S3Request<GetBucketEncryptionInput>,
    ) -> S3Result<GetBucketEncryptionOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetEncryptionConfiguration", name))?;
        let encryption = self.store.with(name, |bucket| Ok(bucket.encryption.clone()))?;
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: encryption.algorithm.map(|sse_algorithm| {
                ServerSideEncryptionByDefault { kms_master_key_id: encryption.kms_key_id, sse_algorithm }
            }),
            bucket_key_enabled: Some(encryption.bucket_key_enabled.unwrap_or_default()),
        };
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
                rules: vec![rule],
            }),
        })
    }

    pub(crate) fn put_bucket_encryption(
        &self,
        request: S3Request<PutBucketEncryptionInput>,
    ) -> S3Result<PutBucketEncryptionOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_bucket("s3:PutEncryptionConfiguration", &input.bucket))?;
        let [rule] = input.server_side_encryption_configuration.rules.as_slice() else {
            return Err(s3_error!(MalformedXML, "exactly one encryption rule is needed"));
        };
        let encryption = Encryption::from_rule(rule, &self.region, &self.account_id)?;
        self.store.with(&input.bucket, |bucket| {
            bucket.encryption = encryption;
            Ok(())
        })?;
        Ok(PutBucketEncryptionOutput {})
    }

    pub(crate) fn delete_bucket_encryption(
        &self,
        request: S3Request<DeleteBucketEncryptionInput>,
    ) -> S3Result<DeleteBucketEncryptionOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:PutEncryptionConfiguration", name))?;
        self.store.with(name, |bucket| {
            bucket.encryption = Encryption::sse_s3();
            Ok(())
        })?;
        Ok(DeleteBucketEncryptionOutput {})
    }

    pub(crate) fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<GetPublicAccessBlockOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:GetBucketPublicAccessBlock", name))?;
        let block =
            self.store.with(name, |bucket| Ok(bucket.public_access_block.clone()))?.ok_or_else(|| {
                with_status(
                    S3ErrorCode::Custom("NoSuchPublicAccessBlockConfiguration".into()),
                    http::StatusCode::NOT_FOUND,
                    "The public access block configuration was not found".to_owned(),
                )
            })?;
        Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(block) })
    }

    pub(crate) fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<PutPublicAccessBlockOutput> {
        let input = &request.input;
        self.admit(&request, Action::on_bucket("s3:PutBucketPublicAccessBlock", &input.bucket))?;
        self.store.with(&input.bucket, |bucket| {
            bucket.public_access_block = Some(input.public_access_block_configuration.clone());
            Ok(())
        })?;
        Ok(PutPublicAccessBlockOutput {})
    }

    pub(crate) fn delete_public_access_block(
        &self,
        request: S3Request<DeletePublicAccessBlockInput>,
    ) -> S3Result<DeletePublicAccessBlockOutput> {
        let name = &request.input.bucket;
        self.admit(&request, Action::on_bucket("s3:PutBucketPublicAccessBlock", name))?;
        self.store.with(name, |bucket| {
            bucket.public_access_block = None;
            Ok(())
        })?;
        Ok(DeletePublicAccessBlockOutput {})
    }
}
