//! Backups, downloaded as ElastiCache does: over the S3 API, as its service principal.

use std::path::Path;

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region, ResponseChecksumValidation},
    error::{DisplayErrorContext, ProvideErrorMetadata},
    primitives::ByteStream,
};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
};

use crate::{
    config::Config,
    error::{ApiError, Failure},
};

/// The local S3 treats requests with this access key as the service principal's, so that only a policy or an ACL allows
/// them.
const ACCESS_KEY_ID: &str = "ELASTICACHESNAPSHOT";

/// Largest backup in bytes, so that a mistake cannot fill the disk.
const MAX_BACKUP_BYTES: u64 = 64 << 30;

/// An S3 object, given by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackupLocation {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

impl BackupLocation {
    /// Parses `arn:aws:s3:::bucket/folder/file.rdb`.
    pub(crate) fn from_arn(arn: &str) -> Result<Self, String> {
        let path = arn.strip_prefix("arn:").and_then(|rest| rest.split_once(":s3:::")).map(|(_, path)| path);
        let parts = path
            .and_then(|path| path.split_once('/'))
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
        let Some((bucket, key)) = parts else { return Err(format!("Invalid S3 ARN {arn}")) };
        if key.contains(',') {
            return Err(format!("The object name in the S3 ARN {arn} contains a comma"));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

/// An S3 client that acts as the service principal.
pub(crate) fn client(config: &Config) -> Client {
    let configuration = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .endpoint_url(&config.s3_endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, "unused", None, None, "local-elasticache"))
        // The server that loads the file validates it, not the object's stored checksum.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(configuration.build())
}

/// Refuses a backup that the service principal cannot read. The text is the one that AWS documents for exports.
pub(crate) async fn check(client: &Client, backups: &[BackupLocation]) -> Result<(), ApiError> {
    for BackupLocation { bucket, key } in backups {
        if client.head_object().bucket(bucket).key(key).send().await.is_err() {
            return Err(ApiError::value(format_args!(
                "ElastiCache has not been granted READ permissions {bucket}/{key} on the S3 Bucket."
            )));
        }
    }
    Ok(())
}

/// Downloads one backup to a file. Returns its size in bytes.
pub(crate) async fn fetch(client: &Client, location: &BackupLocation, file: &Path) -> Result<u64, Failure> {
    let BackupLocation { bucket, key } = location;
    let object = client.get_object().bucket(bucket).key(key).send().await.map_err(|error| {
        let reason = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => DisplayErrorContext(&error).to_string(),
        };
        Failure::new(format_args!("could not read the backup {bucket}/{key}: {reason}"))
    })?;
    let size = write(object.body, file).await.map_err(|reason| {
        Failure::new(format_args!("could not read the backup {bucket}/{key} to its end: {reason}"))
    })?;
    Ok(size)
}

async fn write(mut body: ByteStream, file: &Path) -> Result<u64, String> {
    let mut out =
        BufWriter::with_capacity(1 << 20, File::create(file).await.map_err(|error| error.to_string())?);
    let mut size = 0;
    while let Some(bytes) = body.try_next().await.map_err(|error| DisplayErrorContext(&error).to_string())? {
        size += bytes.len() as u64;
        if size > MAX_BACKUP_BYTES {
            return Err(format!(
                "it is larger than {MAX_BACKUP_BYTES} bytes, the most that is restored here"
            ));
        }
        out.write_all(&bytes).await.map_err(|error| error.to_string())?;
    }
    out.flush().await.map_err(|error| error.to_string())?;
    Ok(size)
}
