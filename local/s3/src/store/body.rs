//! Storage of a request's body: writes and hashes it, and verifies the checksums of the request.

use std::{path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use futures::StreamExt;
use md5::{Digest, Md5};
use s3s::{
    S3Result,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256},
    dto::{Checksum, StreamingBlob},
    s3_error,
};
use tokio::task::JoinHandle;

use crate::{
    errors::internal,
    request::chunked::Trailers,
    store::blob::{Blob, Reader, Segment},
};

/// Most bytes of one `PutObject` or `UploadPart`, as on S3.
const BODY_LIMIT: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes that are buffered before they are hashed and written.
const WRITE_BYTES: usize = 512 * 1024;

/// A body on disk.
#[derive(Debug, Clone)]
pub(crate) struct StoredBody {
    pub(crate) segment: Segment,
    pub(crate) md5: [u8; 16],
    /// The checksums that the caller requested, verified.
    pub(crate) checksum: Checksum,
}

/// The checksums and the length that a request declares for its body.
#[derive(Debug, Default)]
pub(crate) struct DeclaredBody {
    /// MD5 in Base64.
    pub(crate) content_md5: Option<String>,
    /// Checksums in the headers.
    pub(crate) checksum: Checksum,
    /// `x-amz-trailer`: names of the checksums that follow the body.
    pub(crate) announced: Vec<String>,
    pub(crate) trailers: Trailers,
    pub(crate) length: Option<i64>,
}

impl DeclaredBody {
    /// Combines the given fields with the trailers that a request announces.
    pub(crate) fn new<T>(
        request: &s3s::S3Request<T>,
        content_md5: Option<String>,
        checksum: Checksum,
        length: Option<i64>,
    ) -> Self {
        let announced = request
            .headers
            .get_all("x-amz-trailer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let trailers = request.extensions.get::<Trailers>().cloned().unwrap_or_default();
        Self { content_md5, checksum, announced, trailers, length }
    }

    fn hasher(&self) -> ChecksumHasher {
        let sent = |header: &Option<String>, name: &str| {
            header.is_some() || self.announced.iter().any(|announced| announced == name)
        };
        let sums = &self.checksum;
        ChecksumHasher {
            crc32: sent(&sums.checksum_crc32, "x-amz-checksum-crc32").then(Crc32::new),
            crc32c: sent(&sums.checksum_crc32c, "x-amz-checksum-crc32c").then(Crc32c::new),
            sha1: sent(&sums.checksum_sha1, "x-amz-checksum-sha1").then(Sha1::new),
            sha256: sent(&sums.checksum_sha256, "x-amz-checksum-sha256").then(Sha256::new),
            crc64nvme: sent(&sums.checksum_crc64nvme, "x-amz-checksum-crc64nvme").then(Crc64Nvme::new),
        }
    }

    fn verify(&self, stored: &StoredBody) -> S3Result<()> {
        if let Some(declared) = &self.content_md5 {
            let declared: Option<[u8; 16]> =
                STANDARD.decode(declared).ok().and_then(|bytes| bytes.try_into().ok());
            let declared = declared.ok_or_else(|| s3_error!(InvalidDigest, "Content-MD5 is not valid"))?;
            if declared != stored.md5 {
                return Err(s3_error!(BadDigest, "Content-MD5 did not match what was received"));
            }
        }
        let (sums, found) = (&self.checksum, &stored.checksum);
        let pairs = [
            ("x-amz-checksum-crc32", &sums.checksum_crc32, &found.checksum_crc32),
            ("x-amz-checksum-crc32c", &sums.checksum_crc32c, &found.checksum_crc32c),
            ("x-amz-checksum-sha1", &sums.checksum_sha1, &found.checksum_sha1),
            ("x-amz-checksum-sha256", &sums.checksum_sha256, &found.checksum_sha256),
            ("x-amz-checksum-crc64nvme", &sums.checksum_crc64nvme, &found.checksum_crc64nvme),
        ];
        for (name, header, found) in pairs {
            let expected = header.clone().or_else(|| self.trailers.value(name));
            if expected.is_some() && &expected != found {
                return Err(s3_error!(BadDigest, "{name} did not match what was received"));
            }
        }
        Ok(())
    }
}

/// The file being written and its running checksums. Moves to a blocking thread and back.
struct Sink {
    blob: Blob,
    md5: Md5,
    checksum: ChecksumHasher,
    written: u64,
}

impl Sink {
    fn take(mut self, data: &[u8]) -> std::io::Result<Self> {
        self.md5.update(data);
        self.checksum.update(data);
        self.blob.write(data, self.written)?;
        self.written += data.len() as u64;
        Ok(self)
    }
}

/// Writes `body` to a new file in `folder`, in constant memory.
pub(crate) async fn store(
    folder: &Path,
    body: Option<StreamingBlob>,
    expected: &DeclaredBody,
) -> S3Result<StoredBody> {
    let blob = Blob::create(folder).map_err(internal)?;
    let sink = Sink { blob, md5: Md5::new(), checksum: expected.hasher(), written: 0 };
    let mut writing = write(sink, BytesMut::with_capacity(WRITE_BYTES));
    let mut buffer = BytesMut::with_capacity(WRITE_BYTES);
    let mut received: u64 = 0;
    if let Some(mut body) = body {
        while let Some(data) = body.next().await {
            let data = data.map_err(|error| s3_error!(IncompleteBody, "read body: {error}"))?;
            received += data.len() as u64;
            if received > BODY_LIMIT {
                return Err(s3_error!(EntityTooLarge, "body is over {BODY_LIMIT} bytes"));
            }
            buffer.extend_from_slice(&data);
            if buffer.len() >= WRITE_BYTES {
                // One buffer is filled while the other is hashed and written.
                let (sink, empty) = finished(writing).await?;
                writing = write(sink, std::mem::replace(&mut buffer, empty));
            }
        }
    }
    let (sink, _) = finished(writing).await?;
    let (sink, _) = finished(write(sink, buffer)).await?;

    if let Some(length) = expected.length
        && u64::try_from(length).ok() != Some(received)
    {
        return Err(s3_error!(IncompleteBody, "body has {received} bytes, {length} were announced"));
    }
    let stored = StoredBody {
        segment: Segment { blob: Arc::new(sink.blob), offset: 0, length: sink.written },
        md5: sink.md5.finalize().into(),
        checksum: sink.checksum.finalize(),
    };
    expected.verify(&stored)?;
    Ok(stored)
}

type Writing = JoinHandle<std::io::Result<(Sink, BytesMut)>>;

fn write(sink: Sink, mut buffer: BytesMut) -> Writing {
    tokio::task::spawn_blocking(move || {
        let sink = sink.take(&buffer)?;
        buffer.clear();
        Ok((sink, buffer))
    })
}

async fn finished(writing: Writing) -> S3Result<(Sink, BytesMut)> {
    writing.await.map_err(internal)?.map_err(internal)
}

/// Returns the MD5 of the bytes in `segments`, for copies: their `ETag` is that of a single object.
pub(crate) async fn md5_of(segments: Vec<Segment>) -> S3Result<[u8; 16]> {
    let mut reader = Reader::new(segments);
    let mut md5 = Md5::new();
    while let Some(data) = reader.next().await.map_err(internal)? {
        md5.update(&data);
    }
    Ok(md5.finalize().into())
}
