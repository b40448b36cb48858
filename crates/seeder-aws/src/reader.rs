//! Streams an object, reading ahead through several ranged requests at once.

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
    pin::pin,
    sync::{Mutex, PoisonError},
};

use aws_sdk_s3::Client;
use bytes::{Buf, Bytes};
use futures::{StreamExt, stream};
use rdb_scan::Source;
use seeding::{Backup, ErrorName, StepError};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

use crate::service_error;

/// The bytes of one request: large enough that latency does not matter, small enough that the read-ahead fits into a
/// small function.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// The requests in flight at once. One connection to S3 transfers about 90 MB/s, a function's network 78 MB/s.
const PARTS_AT_ONCE: usize = 3;
/// The attempts to read one part whose body breaks off.
const PART_TRIES: u32 = 4;

/// Reads an object from `start`, for code that is not async. Use it on a blocking thread.
///
/// Every request carries the ETag: an object that is overwritten meanwhile causes an error, never a mixture.
#[derive(Debug)]
pub struct ObjectReader {
    parts: mpsc::Receiver<Result<Bytes, StepError>>,
    current: Bytes,
    fetching: JoinHandle<()>,
    failure: Option<StepError>,
}

impl ObjectReader {
    /// Starts reading ahead. Must be called within a Tokio runtime.
    ///
    /// After `likely_end`, parts are requested one by one: a worker continues there only if a record does.
    pub fn start(s3: Client, backup: Backup, start: u64, likely_end: u64) -> Self {
        // Parts in the channel are read-ahead too: at most PARTS_AT_ONCE + 1 parts are held.
        let (sender, parts) = mpsc::channel(1);
        let fetching = Handle::current().spawn(async move {
            let end = backup.size_bytes;
            let starts = (start..end).step_by(usize::try_from(PART_BYTES).unwrap_or(usize::MAX));
            let (likely, behind): (Vec<_>, Vec<_>) = starts.partition(|from| *from < likely_end);
            let part = |from| fetch(&s3, &backup, from, end.min(from + PART_BYTES));
            let ahead = stream::iter(likely).map(part).buffered(PARTS_AT_ONCE);
            let mut fetched = pin!(ahead.chain(stream::iter(behind).then(part)));
            while let Some(part) = fetched.next().await {
                let failed = part.is_err();
                if sender.send(part).await.is_err() || failed {
                    break;
                }
            }
        });
        Self { parts, current: Bytes::new(), fetching, failure: None }
    }

    /// Takes the reason why reading failed: the step's error for the last [`io::Error`] of this reader.
    pub fn take_failure(&mut self) -> Option<StepError> {
        self.failure.take()
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.parts.blocking_recv() {
                None => return Ok(0),
                Some(Ok(part)) => self.current = part,
                Some(Err(error)) => {
                    let text = error.message.clone();
                    self.failure = Some(error);
                    return Err(io::Error::other(text));
                }
            }
        }
        let bytes = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..bytes]);
        Ok(bytes)
    }
}

impl Drop for ObjectReader {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

/// An object that can be read at any offset, for code that is not async.
#[derive(Debug)]
pub struct ObjectSource {
    s3: Client,
    backup: Backup,
    runtime: Handle,
    failure: Mutex<Option<StepError>>,
}

impl ObjectSource {
    /// A source of one version of an object. Must be called within a Tokio runtime.
    pub fn new(s3: Client, backup: Backup) -> Self {
        Self { s3, backup, runtime: Handle::current(), failure: Mutex::new(None) }
    }

    /// Takes the reason why reading failed first.
    pub fn take_failure(&self) -> Option<StepError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Source for ObjectSource {
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>> {
        let _runtime = self.runtime.enter();
        let reader = ObjectReader::start(self.s3.clone(), self.backup.clone(), range.start, range.end);
        Ok(Box::new(SourceReader { source: self, reader }))
    }

    fn size_bytes(&self) -> u64 {
        self.backup.size_bytes
    }
}

/// A reader that leaves its failure with the source.
struct SourceReader<'s> {
    source: &'s ObjectSource,
    reader: ObjectReader,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).inspect_err(|_| {
            let mut failure = self.source.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = failure.take().or_else(|| self.reader.take_failure());
        })
    }
}

async fn fetch(s3: &Client, backup: &Backup, start: u64, end: u64) -> Result<Bytes, StepError> {
    let doing = format!("read bytes {start}-{} of {}", end - 1, backup.location);
    let mut tries = 0;
    loop {
        tries += 1;
        let answer = s3
            .get_object()
            .bucket(&backup.location.bucket)
            .key(&backup.location.key)
            .if_match(&backup.etag)
            .range(format!("bytes={start}-{}", end - 1))
            .send()
            .await
            .map_err(|error| service_error(&doing, &error))?;
        let problem =
            match answer.body.collect().await.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes) {
                Ok(bytes) if bytes.len() as u64 == end - start => return Ok(bytes),
                Ok(bytes) => format!("{} of {} bytes came", bytes.len(), end - start),
                Err(error) => error.to_string(),
            };
        if tries == PART_TRIES {
            return Err(StepError::new(
                ErrorName::ServiceBusy,
                format!("failed to {doing}: {problem}"),
                "it is retried automatically",
            ));
        }
        tracing::warn!(start, problem, "a ranged read broke off and is retried");
    }
}
