//! The step: find out what the conversion of one range would do, or write its records in pieces.

mod pieces;

use futures::{StreamExt, TryStreamExt, stream};
use lambda::{Execution, Step, required};
use rdb_convert::{ConvertError, Options, RangePlan, RecordRange, Survey, plan_range, write_range};
use rdb_scan::{Header, walk::header_bytes};
use seeder_aws::{Clients, ReportStore, conversion::ConversionBucket, reader::ObjectReader};
use seeding::{
    Backup, ErrorName, Seeding, StepError,
    conversion::{
        ConversionChunk, ConversionOf, ConversionPhase, WriteTask, WrittenRange, {self},
    },
    steps::{ConvertInput, ConvertOutput},
};
use tokio::sync::mpsc;

use crate::handler::pieces::PieceWriter;

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
            ConversionPhase::Plan => {
                let plan = work.plan(&self.s3).await?;
                let bytes = plan.report.bytes_written;
                self.reports.write(&execution.files().range_plan(chunk), &plan).await?;
                bytes
            }
            ConversionPhase::Write => self.write(&execution, work).await?,
        };
        tracing::info!(backup = chunk.backup, range = chunk.range, ?phase, bytes, "range converted");
        Ok(ConvertOutput { bytes })
    }
}

/// The range to convert, with all that is known of it.
struct Work {
    chunk: ConversionChunk,
    backup: Backup,
    header: Header,
    range: RecordRange,
    survey: Survey,
    options: Options,
    account: String,
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
        let found = conversion.backups.into_iter().find(|one| one.backup == backup).ok_or_else(missing)?;
        let header = found.header(&seeding.target).ok_or_else(missing)?;
        let options = conversion::options(&seeding.target).ok_or_else(missing)?;
        let ConversionOf { ranges, survey, .. } = found;
        let range = ranges.into_iter().nth(range).ok_or_else(missing)?;
        let backup = seeding.backups.into_iter().nth(backup).ok_or_else(missing)?;
        Ok(Work { chunk, backup, header, range, survey, options, account: seeding.partition.account })
    }

    /// Writes the range. Returns the number of bytes.
    async fn write(&self, execution: &Execution<'_>, work: Work) -> Result<u64, StepError> {
        let chunk = work.chunk;
        let task = self.reports.read(&execution.files().write_task(chunk)).await?;
        let task = task.ok_or_else(|| StepError::internal("the range has no task"))?;
        let bucket = ConversionBucket {
            s3: self.s3.clone(),
            bucket: self.conversion_bucket.clone(),
            account: work.account.clone(),
            kms_key_id: work.backup.kms_key_id.clone(),
        };
        let hash = execution.identity.hash();
        let (sender, receiver) = mpsc::channel(1);
        let written = work.write(&self.s3, task, sender);
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

impl Work {
    fn reader(&self, s3: &aws_sdk_s3::Client) -> ObjectReader {
        let end = self.range.end.unwrap_or(self.backup.size_bytes);
        ObjectReader::start(s3.clone(), self.backup.clone(), self.range.from.offset, end)
    }

    async fn plan(self, s3: &aws_sdk_s3::Client) -> Result<RangePlan, StepError> {
        let mut reader = self.reader(s3);
        let plan = move || {
            let plan = plan_range(&mut reader, &self.range, &self.options, &self.survey);
            plan.map_err(|error| failure(&mut reader, &error))
        };
        tokio::task::spawn_blocking(plan).await.map_err(StepError::internal)?
    }

    /// Writes the range, and passes the pieces on.
    async fn write(
        self,
        s3: &aws_sdk_s3::Client,
        task: WriteTask,
        pieces: mpsc::Sender<Vec<u8>>,
    ) -> Result<rdb_convert::RangeReport, StepError> {
        let mut reader = self.reader(s3);
        let write = move || {
            let mut writer = PieceWriter::new(task.piece_bytes, pieces);
            let first = self.chunk.range == 0;
            let head = first.then(|| header_bytes(self.header.magic, self.header.version));
            let report =
                writer.begin(head.as_ref().map_or(&[][..], |head| &head[..])).map_err(ConvertError::Write);
            let report = report.and_then(|()| {
                write_range(&mut reader, &task.task, &self.options, &self.survey, vec![&mut writer])
            });
            let report = report.map_err(|error| failure(&mut reader, &error))?;
            writer.finish().map_err(StepError::internal)?;
            Ok(report)
        };
        tokio::task::spawn_blocking(write).await.map_err(StepError::internal)?
    }
}

/// The step's error for a conversion that failed.
fn failure(reader: &mut ObjectReader, error: &ConvertError) -> StepError {
    reader.take_failure().unwrap_or_else(|| StepError::internal(error))
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
