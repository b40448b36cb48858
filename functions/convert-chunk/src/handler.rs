//! The step: find out what the conversion of one range would do, or write its records in pieces.

mod pieces;
mod work;

use futures::{StreamExt, TryStreamExt, stream};
use lambda::{Execution, Step, required};
use rdb_convert::Comparison;
use seeder_aws::{Clients, ReportStore, conversion::ConversionBucket};
use seeding::{
    ErrorName, Seeding, StepError,
    conversion::{
        ConversionChunk, ConversionPhase, MAX_HASHES_BYTES, WriteTask, WrittenRange, {self},
    },
    steps::{ConvertInput, ConvertOutput},
};
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::handler::work::Work;

/// The pieces that are stored at once, besides the one that is being filled and the next.
const PIECES_AT_ONCE: usize = 2;

/// Needs `s3:GetObject` on the backup buckets, to read and write the reports bucket, and to write and delete in the
/// conversion bucket.
pub(crate) struct ConvertChunk {
    s3: aws_sdk_s3::Client,
    reports: ReportStore,
    conversion_bucket: String,
}

impl ConvertChunk {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            s3: clients.s3(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
            conversion_bucket: required("CONVERSION_BUCKET")?,
        })
    }
}

impl Step for ConvertChunk {
    type Input = ConvertInput;
    type Output = ConvertOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: ConvertInput, execution: Execution<'_>) -> Result<ConvertOutput, StepError> {
        let seeding = execution.seeding().await?;
        let ConvertInput { chunk, phase } = input;
        let work = self.work(&execution, seeding, chunk).await?;
        let bytes = match phase {
            ConversionPhase::Compare => self.compare(&execution, work).await?,
            ConversionPhase::Plan => self.plan(&execution, work).await?,
            ConversionPhase::Preview => self.preview(&execution, work).await?,
            ConversionPhase::Write => self.write(&execution, work).await?,
        };
        tracing::info!(backup = chunk.backup, range = chunk.range, ?phase, bytes, "range converted");
        Ok(ConvertOutput { bytes })
    }
}

impl ConvertChunk {
    async fn work(
        &self,
        execution: &Execution<'_>,
        seeding: Seeding,
        chunk: ConversionChunk,
    ) -> Result<Work, StepError> {
        let ConversionChunk { backup, range } = chunk;
        let missing = || StepError::internal(format!("range {range} of backup {backup} is not converted"));
        let conversion = self.reports.read(&execution.files().conversion()).await?.ok_or_else(missing)?;
        let one = conversion.backups.into_iter().find(|one| one.backup == backup).ok_or_else(missing)?;
        let survey = self.reports.read_up_to(&execution.files().survey(backup), MAX_HASHES_BYTES).await?;
        let survey = survey.unwrap_or_else(|| one.survey());
        let options = conversion::options(&seeding.target).ok_or_else(missing)?;
        let range = one.ranges.into_iter().nth(range).ok_or_else(missing)?;
        let Seeding { backups, target, partition, .. } = seeding;
        let backup = backups.into_iter().nth(backup).ok_or_else(missing)?;
        let (s3, salvage, account) = (self.s3.clone(), one.salvage, partition.account);
        Ok(Work { s3, chunk, backup, range, salvage, survey, options, target, account })
    }

    async fn task(&self, execution: &Execution<'_>, chunk: ConversionChunk) -> Result<WriteTask, StepError> {
        let task = self.reports.read(&execution.files().write_task(chunk)).await?;
        task.ok_or_else(|| StepError::internal("the range has no task"))
    }

    async fn compare(&self, execution: &Execution<'_>, work: Work) -> Result<u64, StepError> {
        let (files, chunk) = (execution.files(), work.chunk);
        let comparison = self.reports.read_up_to(&files.comparison(chunk.backup), MAX_HASHES_BYTES).await?;
        let comparison = comparison.unwrap_or_else(|| Comparison::new(&work.options));
        let reading = comparison.reading();
        let found = blocking(move || work.compare(&comparison)).await?;
        self.reports.write(&files.found(chunk, reading), &found).await?;
        Ok(0)
    }

    async fn plan(&self, execution: &Execution<'_>, work: Work) -> Result<u64, StepError> {
        let key = execution.files().range_plan(work.chunk, work.survey.magic);
        let planned = blocking(move || work.plan()).await?;
        self.reports.write(&key, &planned).await?;
        Ok(planned.plan.report.bytes_written)
    }

    async fn preview(&self, execution: &Execution<'_>, work: Work) -> Result<u64, StepError> {
        let (key, task) = (execution.files().preview(work.chunk), self.task(execution, work.chunk).await?);
        let preview = blocking(move || work.preview(&task)).await?;
        self.reports.write(&key, &preview).await?;
        Ok(preview.report.report.bytes_written)
    }

    /// Writes the range. Returns the number of bytes.
    async fn write(&self, execution: &Execution<'_>, work: Work) -> Result<u64, StepError> {
        let chunk = work.chunk;
        let task = self.task(execution, chunk).await?;
        let (bucket, account) = (self.conversion_bucket.clone(), work.account.clone());
        let bucket = ConversionBucket::new(self.s3.clone(), bucket, account).encrypted_as(&work.backup);
        let hash = execution.identity.hash();
        let (sender, receiver) = mpsc::channel(1);
        let written = blocking(move || work.write(&task, sender));
        let pieces = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<Vec<u8>>| {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        let stored = pieces
            .enumerate()
            .map(|(number, piece)| bucket.put(conversion::piece_key(hash, chunk, number), piece))
            .buffered(PIECES_AT_ONCE)
            .try_collect::<Vec<u64>>();
        let (written, stored) = futures::join!(written, stored);
        // What could not be stored is also what could not be written.
        let written = WrittenRange { pieces: stored?, report: written? };
        self.check_wanted(execution, &bucket, &written).await?;
        self.reports.write(&execution.files().written_range(chunk), &written).await?;
        Ok(written.pieces.iter().sum())
    }

    /// Deletes the pieces if the execution has ended meanwhile: its clean-up may have looked for them before they were
    /// there.
    async fn check_wanted(
        &self,
        execution: &Execution<'_>,
        bucket: &ConversionBucket,
        written: &WrittenRange,
    ) -> Result<(), StepError> {
        if self.reports.read(&execution.files().revoked()).await?.is_none() {
            return Ok(());
        }
        bucket.delete_all(&conversion::prefix(execution.identity.hash())).await?;
        let message =
            format!("{} has ended; its {} pieces are deleted", execution.name, written.pieces.len());
        Err(StepError::new(ErrorName::SeedingEnded, message, "start a new seeding"))
    }
}

/// Does work that blocks on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StepError> + Send + 'static,
) -> Result<T, StepError> {
    spawn_blocking(work).await.map_err(StepError::internal)?
}

#[cfg(test)]
mod tests {
    use lambda::test_util::understands;

    use super::*;

    #[test]
    fn the_sample_event_is_understood() {
        understands::<ConvertChunk>(include_str!("../../../events/convert-chunk.json"));
    }
}
