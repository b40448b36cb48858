//! The step: read a range from its beginning, or from where an earlier worker had to stop, and keep what it holds.

use std::time::Duration;

use jiff::Timestamp;
use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position};
use seeder_aws::{Clients, Handler, Invocation, Reports, reader::ObjectReader};
use seeding::{
    Backup, Partition, StepError,
    steps::{InspectInput, Piece},
};
use serde::{Deserialize, Serialize};

/// What is left of the function's time when it stops reading: enough to write down what it has.
const TIME_TO_WRITE: Duration = Duration::from_secs(20);

/// So many keys are compared with each other: a partial result with their hashes stays below 1 MiB.
const MAX_COMPARED_KEYS: usize = 1 << 15;

/// Needs `s3:GetObject` on the backup buckets, and to read and write the reports.
pub(crate) struct InspectChunk {
    s3: aws_sdk_s3::Client,
    reports: Reports,
}

/// A partial result, as it lies in the reports bucket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Partial {
    /// What was read.
    pub(crate) inspection: Inspection,
    /// Where to go on, if the end was not reached.
    pub(crate) resume: Option<Position>,
}

impl InspectChunk {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self { s3: clients.s3(), reports: Reports::from_environment(clients.s3())? })
    }
}

impl Handler for InspectChunk {
    type Input = InspectInput;
    type Output = Piece;

    async fn handle(&self, input: InspectInput, invocation: Invocation) -> Result<Piece, StepError> {
        let (_, execution) = Partition::of_execution(&input.execution)?;
        let seeding = self.reports.seeding(execution).await?;
        let range = input.range;
        let backup = seeding.backups.get(range.backup).ok_or_else(|| {
            StepError::internal(format!("backup {} of {}", range.backup, seeding.backups.len()))
        })?;
        let start = match &range.resume {
            None => Position::default(),
            Some(key) => self.resume_position(key).await?,
        };
        let begin = start.offset();
        let partial = self.read(backup.clone(), start, seeding.options.hide_keys, invocation).await?;
        let key = seeding::Reports::of(execution).partial(range.backup, begin);
        self.reports.write(&key, &partial).await?;
        let (end, complete) = (partial.inspection.end, partial.resume.is_none());
        tracing::info!(
            backup = range.backup,
            begin,
            end,
            complete,
            keys = partial.inspection.keys,
            "range read"
        );
        Ok(Piece { backup: range.backup, start: begin, end, complete, partial: key })
    }
}

impl InspectChunk {
    async fn resume_position(&self, key: &str) -> Result<Position, StepError> {
        let partial = self.reports.read::<Partial>(key).await?;
        partial
            .and_then(|partial| partial.resume)
            .ok_or_else(|| StepError::internal(format!("{key} is not a piece that can be gone on from")))
    }

    async fn read(
        &self,
        backup: Backup,
        start: Position,
        hide_keys: bool,
        invocation: Invocation,
    ) -> Result<Partial, StepError> {
        let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        let size_bytes = backup.size_bytes;
        let options = InspectOptions {
            hide_keys,
            now_ms,
            size_bytes: Some(size_bytes),
            max_compared_keys: MAX_COMPARED_KEYS,
            ..InspectOptions::default()
        };
        let mut reader = ObjectReader::start(self.s3.clone(), backup, start.offset(), size_bytes);
        let scan = move || {
            let mut watch = |_: &rdb_scan::Progress| {
                if invocation.time_left() < TIME_TO_WRITE { Control::Pause } else { Control::Continue }
            };
            rdb_scan::inspect(&mut reader, &start, &options, &mut watch)
                .map_err(|error| reader.take_failure().unwrap_or_else(|| StepError::internal(error)))
        };
        Ok(match tokio::task::spawn_blocking(scan).await.map_err(StepError::internal)?? {
            Inspected::Complete(inspection) => Partial { inspection, resume: None },
            Inspected::Paused(inspection, position) => Partial { inspection, resume: Some(position) },
        })
    }
}

#[cfg(test)]
mod tests;
