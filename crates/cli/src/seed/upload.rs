//! Uploading a backup, in parts.

use std::path::Path;

use anyhow::{Context, Result, bail};
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, Length},
    types::{CompletedMultipartUpload, CompletedPart},
};
use futures::{StreamExt, TryStreamExt, stream};
use seeder_aws::service_error;
use seeding::BackupLocation;

use crate::term::progress_bar;

/// S3 takes at most this many parts.
const MAX_PARTS: u64 = 10_000;
/// The least size of a part here; S3's own is 5 MiB.
const MIN_PART_BYTES: u64 = 16 * 1024 * 1024;
/// Parts under way at once.
const PARTS_AT_ONCE: usize = 4;

/// Uploads a file. What was uploaded of a file that fails half way is taken away again.
pub(super) async fn upload(s3: &Client, path: &Path, location: &BackupLocation) -> Result<()> {
    let bytes = path.metadata().with_context(|| format!("failed to look at {}", path.display()))?.len();
    let bar = progress_bar("uploading", Some(bytes));
    eprintln!("uploading {} to s3://{location}", path.display());
    let done = if bytes <= MIN_PART_BYTES {
        put(s3, path, location).await
    } else {
        in_parts(s3, path, location, bytes, &bar).await
    };
    bar.finish_and_clear();
    done
}

async fn put(s3: &Client, path: &Path, location: &BackupLocation) -> Result<()> {
    let body =
        ByteStream::from_path(path).await.with_context(|| format!("failed to read {}", path.display()))?;
    let put = s3.put_object().bucket(&location.bucket).key(&location.key).body(body).send().await;
    put.map_err(|error| service_error(&format!("upload {location}"), &error))?;
    Ok(())
}

async fn in_parts(
    s3: &Client,
    path: &Path,
    location: &BackupLocation,
    bytes: u64,
    bar: &indicatif::ProgressBar,
) -> Result<()> {
    let (bucket, key) = (&location.bucket, &location.key);
    let doing = format!("upload {location}");
    let created = s3.create_multipart_upload().bucket(bucket).key(key).send().await;
    let created = created.map_err(|error| service_error(&doing, &error))?;
    let Some(id) = created.upload_id() else { bail!("failed to {doing}: S3 gave no upload id") };
    let part_bytes = MIN_PART_BYTES.max(bytes.div_ceil(MAX_PARTS));
    let parts = stream::iter((1..).zip((0..bytes).step_by(usize::try_from(part_bytes)?)))
        .map(|(number, offset)| {
            part(s3, path, location, id, number, offset, part_bytes.min(bytes - offset), bar)
        })
        .buffered(PARTS_AT_ONCE)
        .try_collect::<Vec<_>>()
        .await;
    let parts = match parts {
        Ok(parts) => parts,
        Err(error) => {
            // Parts that stay are paid for; the bucket's lifecycle rule takes them away if this fails too.
            let _ = s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(id).send().await;
            return Err(error);
        }
    };
    let all = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let completed = s3
        .complete_multipart_upload()
        .bucket(bucket)
        .key(key)
        .upload_id(id)
        .multipart_upload(all)
        .send()
        .await;
    completed.map_err(|error| service_error(&doing, &error))?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "a part is all of this, and there is one caller")]
async fn part(
    s3: &Client,
    path: &Path,
    location: &BackupLocation,
    id: &str,
    number: i32,
    offset: u64,
    bytes: u64,
    bar: &indicatif::ProgressBar,
) -> Result<CompletedPart> {
    let body = ByteStream::read_from().path(path).offset(offset).length(Length::Exact(bytes)).build().await;
    let body = body.with_context(|| format!("failed to read {} at offset {offset}", path.display()))?;
    let request =
        s3.upload_part().bucket(&location.bucket).key(&location.key).upload_id(id).part_number(number);
    let answer = request.body(body).send().await;
    let answer =
        answer.map_err(|error| service_error(&format!("upload part {number} of {location}"), &error))?;
    bar.inc(bytes);
    Ok(CompletedPart::builder()
        .part_number(number)
        .set_e_tag(answer.e_tag().map(str::to_owned))
        .set_checksum_crc32(answer.checksum_crc32().map(str::to_owned))
        .build())
}
