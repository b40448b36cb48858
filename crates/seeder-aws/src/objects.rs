//! Inspection of buckets and objects by their metadata, and of their first bytes and settings files.

use aws_sdk_s3::{
    Client,
    types::{Grant, Grantee, Permission},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use seeding::{
    BackupLocation, ErrorName, Partition, StepError,
    objects::{BucketLook, ObjectLook, ObjectView},
    policy::{AclLook, PolicyLook},
};
use serde::de::DeserializeOwned;

use crate::{error_code, service_error};

/// The size limit of a settings file.
const MAX_SETTINGS_BYTES: u64 = 256 * 1024;

/// Inspects a bucket. `owner` is the account that has to own the bucket, if any.
pub async fn look_at_bucket(s3: &Client, bucket: &str, owner: Option<&str>) -> Result<BucketLook, StepError> {
    let answer =
        s3.head_bucket().bucket(bucket).set_expected_bucket_owner(owner.map(str::to_owned)).send().await;
    match answer {
        Ok(answer) => Ok(BucketLook::Region(answer.bucket_region().unwrap_or("us-east-1").to_owned())),
        Err(error) => {
            // For a bucket in another region, S3 answers with a redirect, or a 400, that names the region.
            let region = error.raw_response().and_then(|raw| raw.headers().get("x-amz-bucket-region"));
            match (region, status(&error)) {
                (Some(region), status) if status != 403 => Ok(BucketLook::Region(region.to_owned())),
                (_, 403) => Ok(BucketLook::Forbidden),
                (_, 404) => Ok(BucketLook::Missing),
                _ => Err(service_error(&format!("inspect the bucket {bucket}"), &error)),
            }
        }
    }
}

/// Reads a bucket policy. `owner` is the account that has to own the bucket, if any.
pub async fn look_at_policy(s3: &Client, bucket: &str, owner: Option<&str>) -> Result<PolicyLook, StepError> {
    let asked = s3.get_bucket_policy().bucket(bucket).set_expected_bucket_owner(owner.map(str::to_owned));
    match asked.send().await {
        Ok(answer) => Ok(answer.policy.map_or(PolicyLook::None, PolicyLook::Text)),
        Err(error) if error_code(&error) == Some("NoSuchBucketPolicy") => Ok(PolicyLook::None),
        // S3 answers 405 to callers of another account that the policy itself allows to read it.
        Err(error) if matches!(status(&error), 403 | 405) => Ok(PolicyLook::Forbidden),
        Err(error) => Err(service_error(&format!("read the policy of {bucket}"), &error)),
    }
}

/// Checks whether an object's ACL allows ElastiCache to read it.
pub async fn look_at_acl(
    s3: &Client,
    location: &BackupLocation,
    partition: &Partition,
    owner: Option<&str>,
) -> Result<AclLook, StepError> {
    let asked = s3.get_object_acl().bucket(&location.bucket).key(&location.key);
    let answer = match asked.set_expected_bucket_owner(owner.map(str::to_owned)).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let error = service_error(&format!("read the ACL of {location}"), &error);
            return if error.name == ErrorName::AccessDenied { Ok(None) } else { Err(error) };
        }
    };
    let reads = |grant: &Grant| {
        let id = grant.grantee().and_then(Grantee::id);
        let elasticache = id.is_some() && id == partition.canonical_id();
        elasticache && matches!(grant.permission(), Some(Permission::Read | Permission::FullControl))
    };
    Ok(Some(answer.grants().iter().any(reads)))
}

/// Inspects an object by its metadata.
pub async fn look_at_object(
    s3: &Client,
    location: &BackupLocation,
    owner: Option<&str>,
) -> Result<ObjectLook, StepError> {
    let answer = s3
        .head_object()
        .bucket(&location.bucket)
        .key(&location.key)
        .set_expected_bucket_owner(owner.map(str::to_owned))
        .send()
        .await;
    match answer {
        Ok(found) => Ok(ObjectLook::Found(ObjectView {
            size_bytes: u64::try_from(found.content_length().unwrap_or(0)).unwrap_or(0),
            etag: found.e_tag().unwrap_or_default().to_owned(),
            encryption: found.server_side_encryption().map(|kind| kind.as_str().to_owned()),
            kms_key_id: found.ssekms_key_id().map(str::to_owned),
            bucket_key: found.bucket_key_enabled().unwrap_or(false),
            storage_class: found.storage_class().map(|class| class.as_str().to_owned()),
            archive_status: found.archive_status().map(|status| status.as_str().to_owned()),
            restored: found.restore().is_some_and(|restore| restore.contains("ongoing-request=\"false\"")),
        })),
        Err(error) => match status(&error) {
            404 => Ok(ObjectLook::Missing),
            403 => Ok(ObjectLook::Forbidden),
            // The answer to HEAD has no body with a code, but an object with a customer-provided key answers 400.
            400 => Ok(ObjectLook::CustomerKey),
            _ => Err(service_error(&format!("inspect {location}"), &error)),
        },
    }
}

/// Reads the first `bytes` of an object, provided that it still has this ETag. `None` if access is denied.
pub async fn read_prefix(
    s3: &Client,
    location: &BackupLocation,
    etag: &str,
    bytes: u64,
) -> Result<Option<Vec<u8>>, StepError> {
    let doing = format!("read the beginning of {location}");
    let request = s3.get_object().bucket(&location.bucket).key(&location.key).if_match(etag);
    match request.range(format!("bytes=0-{}", bytes.saturating_sub(1))).send().await {
        Ok(answer) => {
            let body = answer.body.collect().await.map_err(|error| broken_off(&doing, &error))?;
            Ok(Some(body.to_vec()))
        }
        Err(error) if status(&error) == 403 => Ok(None),
        Err(error) => Err(service_error(&doing, &error)),
    }
}

/// Reads a settings file; `None` if it does not exist.
pub async fn read_settings<T: DeserializeOwned>(
    s3: &Client,
    location: &BackupLocation,
) -> Result<Option<Result<T, String>>, StepError> {
    let doing = format!("read {location}");
    let answer = match s3.get_object().bucket(&location.bucket).key(&location.key).send().await {
        Ok(answer) => answer,
        Err(error) if error_code(&error) == Some("NoSuchKey") || status(&error) == 404 => return Ok(None),
        // A file that cannot be read must not be skipped: it may contradict the defaults. (The role therefore needs
        // s3:ListBucket, without which a missing object looks forbidden.)
        Err(error) => return Err(service_error(&doing, &error)),
    };
    let bytes = u64::try_from(answer.content_length().unwrap_or(0)).unwrap_or(u64::MAX);
    if bytes > MAX_SETTINGS_BYTES {
        return Ok(Some(Err(format!("the file has {bytes} bytes, at most {MAX_SETTINGS_BYTES} are read"))));
    }
    let body = answer.body.collect().await.map_err(|error| broken_off(&doing, &error))?;
    Ok(Some(serde_json::from_slice(&body.to_vec()).map_err(|error| format!("not JSON: {error}"))))
}

fn broken_off(doing: &str, error: &aws_sdk_s3::primitives::ByteStreamError) -> StepError {
    StepError::new(
        seeding::ErrorName::ServiceBusy,
        format!("failed to {doing}: {error}"),
        "it is retried automatically",
    )
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> u16 {
    error.raw_response().map_or(0, |raw| raw.status().as_u16())
}
