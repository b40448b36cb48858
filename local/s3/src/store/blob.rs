//! Object bytes on disk: files with random names, and the segments of files that make up an object.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::Stream;
use s3s::{
    StdError,
    dto::StreamingBlob,
    stream::{ByteStream, RemainingLength},
};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Bytes per read from disk: large enough for throughput, small enough that a reader takes about 1 MiB.
const READ_BYTES: u64 = 512 * 1024;

/// A file of object bytes, removed when its last reference is dropped.
#[derive(Debug)]
pub(crate) struct Blob {
    path: PathBuf,
    file: File,
}

impl Blob {
    /// Creates an empty file in `folder`. Its name does not depend on the key.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(Uuid::new_v4().simple().to_string());
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Self { path, file })
    }

    /// Writes all of `data` at `offset`.
    pub(crate) fn write(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "remove object file");
        }
    }
}

/// A segment of a file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) blob: Arc<Blob>,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Returns the parts of `segments` with the bytes `range` of the object.
pub(crate) fn cut(segments: &[Segment], range: Range<u64>) -> Vec<Segment> {
    let mut cut = Vec::new();
    let mut start = 0;
    for segment in segments {
        let end = start + segment.length;
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            let offset = segment.offset + (from - start);
            cut.push(Segment { blob: Arc::clone(&segment.blob), offset, length: to - from });
        }
        start = end;
    }
    cut
}

/// Reads segments in order, and always reads one block ahead.
pub(crate) struct Reader {
    /// The remaining segments, last first.
    segments: Vec<Segment>,
    remaining: u64,
    ahead: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Reader {
    /// Creates a reader of all bytes in `segments`.
    pub(crate) fn new(mut segments: Vec<Segment>) -> Self {
        let remaining = segments.iter().map(|segment| segment.length).sum();
        segments.reverse();
        Self { segments, remaining, ahead: None }
    }

    /// Returns the next bytes, at most 512 KiB; `None` at the end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        std::future::poll_fn(|context| self.poll(context)).await.transpose()
    }

    fn poll(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Option<io::Result<Bytes>>> {
        use std::task::Poll;
        if self.ahead.is_none() {
            self.ahead = self.read_ahead();
        }
        let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
        let read = match std::task::ready!(std::pin::Pin::new(ahead).poll(context)) {
            Ok(read) => read,
            Err(error) => Err(io::Error::other(error)),
        };
        self.ahead = None;
        if let Ok(data) = &read {
            self.remaining -= data.len() as u64;
            self.ahead = self.read_ahead();
        } else {
            self.segments.clear();
        }
        Poll::Ready(Some(read))
    }

    fn read_ahead(&mut self) -> Option<JoinHandle<io::Result<Bytes>>> {
        let segment = self.segments.last_mut()?;
        let length = segment.length.min(READ_BYTES);
        let (blob, offset) = (Arc::clone(&segment.blob), segment.offset);
        segment.offset += length;
        segment.length -= length;
        if segment.length == 0 {
            self.segments.pop();
        }
        Some(tokio::task::spawn_blocking(move || {
            let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
            blob.file.read_exact_at(&mut data, offset)?;
            Ok(Bytes::from(data))
        }))
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, StdError>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.poll(context).map_err(Into::into)
    }
}

impl ByteStream for Reader {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining)
            .map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}

impl From<Reader> for StreamingBlob {
    fn from(reader: Reader) -> Self {
        Self::new(reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ranges_cross_segments_and_files_go_with_the_last_reader() {
        let folder = tempfile::tempdir().unwrap();
        let segment = |text: &str, offset: u64| {
            let blob = Blob::create(folder.path()).unwrap();
            blob.write(text.as_bytes(), 0).unwrap();
            Segment { blob: Arc::new(blob), offset, length: text.len() as u64 - offset }
        };
        let segments = vec![segment("..hello", 2), segment(" ", 0), segment("world", 0)];
        for start in 0..11_usize {
            for end in start..=11 {
                let mut reader = Reader::new(cut(&segments, start as u64..end as u64));
                let mut read = Vec::new();
                while let Some(data) = reader.next().await.unwrap() {
                    read.extend_from_slice(&data);
                }
                assert_eq!(read, &b"hello world"[start..end]);
            }
        }
        drop(segments);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
