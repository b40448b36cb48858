//! The step: read the records of one chunk, or of a gap between two, and store the partial result.

use std::{io, time::Duration};

use lambda::{Execution, Invocation, Step, required};
use rdb_scan::{Control, Header, InspectOptions, Position, RangeInspection, walk::FieldNames};
use seeder_aws::{
    Clients, ReportStore,
    reader::{ObjectReader, ObjectSource},
};
use seeding::{
    Backup, FileKey, StepError, conversion,
    steps::{Chunk, InspectInput, InspectedChunk},
};

/// The time before the function's timeout at which it stops reading: enough to store its result.
const TIME_TO_WRITE: Duration = Duration::from_secs(20);

/// The bytes that a worker reads however little time is left, so that the rounds come to an end. They take a tenth of a
/// second.
const LEAST_BYTES: u64 = 8 << 20;

/// Needs `s3:GetObject` on the backup buckets, and to read and write the reports bucket.
pub(crate) struct InspectChunk {
    s3: aws_sdk_s3::Client,
    reports: ReportStore,
    least_bytes: u64,
}

impl InspectChunk {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            s3: clients.s3(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
            least_bytes: LEAST_BYTES,
        })
    }
}

impl Step for InspectChunk {
    type Input = InspectInput;
    type Output = InspectedChunk;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: InspectInput, execution: Execution<'_>) -> Result<InspectedChunk, StepError> {
        let seeding = execution.seeding().await?;
        let chunk = input.chunk;
        let backup = seeding.backups.get(chunk.backup).ok_or_else(|| {
            StepError::internal(format!("backup {} of {}", chunk.backup, seeding.backups.len()))
        })?;
        let start = match &chunk.resume {
            Some(key) => Start::At(Box::new(self.position(key).await?)),
            None => Start::Find(header(backup, &chunk)?),
        };
        let copied = conversion::copied_types(&seeding.target, backup.header.as_ref());
        let options = InspectOptions { copied, ..seeding.target.inspect_options(backup.size_bytes) };
        let read =
            self.read(backup.clone(), start, chunk.start..chunk.end, options, execution.invocation).await?;
        let key = execution.files().partial(chunk.backup, chunk.start, chunk.end);
        self.reports.write(&key, &read).await?;
        let (end, complete) = (read.span().map_or(chunk.start, |span| span.end), read.resume.is_none());
        tracing::info!(
            backup = chunk.backup,
            begin = chunk.start,
            end,
            complete,
            keys = read.keys(),
            "chunk read"
        );
        Ok(InspectedChunk { backup: chunk.backup, start: chunk.start, end, complete, partial: key })
    }
}

/// The place at which a worker starts.
enum Start {
    /// At the first record that it finds in its chunk.
    Find(Header),
    /// At the position at which the chunks before it ended.
    At(Box<Position>),
}

impl Start {
    /// Adds the templates of the file's head, if records may refer to them.
    fn with_templates(self, source: &ObjectSource) -> Result<Self, StepError> {
        let failed = |error: io::Error| source.take_failure().unwrap_or_else(|| StepError::internal(error));
        Ok(match self {
            Self::Find(mut header) if header.may_have_templates() => {
                let head = FieldNames::of_head(source, u64::MAX).map_err(failed)?;
                header.templates = Some(head.templates());
                Self::Find(header)
            }
            Self::At(position) if position.needs_templates() => {
                let head = FieldNames::of_head(source, position.offset()).map_err(failed)?;
                Self::At(Box::new(position.with_templates(&head).map_err(failed)?))
            }
            known => known,
        })
    }
}

/// Returns what a worker needs to know of the file to start in its middle.
fn header(backup: &Backup, chunk: &Chunk) -> Result<Header, StepError> {
    match &backup.header {
        Some(header) => Ok(header.clone()),
        // The start of the file has the header itself.
        None if chunk.start == 0 => Ok(Header::default()),
        None => Err(StepError::internal(format!("the record has no header of {}", backup.location))),
    }
}

impl InspectChunk {
    async fn position(&self, key: &FileKey<Position>) -> Result<Position, StepError> {
        let position = self.reports.read(key).await?;
        position.ok_or_else(|| StepError::internal(format!("the position {key} is gone")))
    }

    async fn read(
        &self,
        backup: Backup,
        start: Start,
        range: std::ops::Range<u64>,
        options: InspectOptions,
        invocation: Invocation,
    ) -> Result<RangeInspection, StepError> {
        let head = ObjectSource::new(self.s3.clone(), backup.clone());
        let mut reader = ObjectReader::start(self.s3.clone(), backup, range.start, range.end);
        let least_end = range.start + self.least_bytes;
        let scan = move || {
            let start = start.with_templates(&head)?;
            let mut watch = |progress: &rdb_scan::Progress| {
                let enough = progress.offset >= least_end && invocation.time_left() < TIME_TO_WRITE;
                if enough { Control::Pause } else { Control::Continue }
            };
            let read = match &start {
                Start::Find(header) => {
                    rdb_scan::inspect_range(&mut reader, range, header, &options, &mut watch)
                }
                Start::At(position) => {
                    rdb_scan::inspect_up_to(&mut reader, position, range.end, &options, &mut watch)
                }
            };
            read.map_err(|error| reader.take_failure().unwrap_or_else(|| StepError::internal(error)))
        };
        tokio::task::spawn_blocking(scan).await.map_err(StepError::internal)?
    }
}

#[cfg(test)]
mod tests;
