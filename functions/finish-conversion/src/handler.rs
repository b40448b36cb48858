//! The step after each round of a conversion: repeat what is missing, go on to the next phase, join what was written.

mod compare;
mod decide;
mod finish;
mod join;
mod plan;

use futures::{StreamExt, TryStreamExt, stream};
use lambda::{Execution, Step, required};
use seeder_aws::{Clients, ReportStore, conversion::ConversionBucket};
use seeding::{
    ErrorName, FileKey, Seeding, StepError,
    conversion::{
        Conversion, ConversionChunk, ConversionOf, ConversionPhase, MAX_HASHES_BYTES, {self},
    },
    steps::{FinishInput, FinishOutput},
};
use serde::{Serialize, de::DeserializeOwned};

/// The number of files read or written at once.
const FILES_AT_ONCE: usize = 16;
/// The most rounds of a phase that leave ranges out: one that is still missing then fails the seeding.
const MOST_ROUNDS: u32 = 50;

/// Needs `s3:GetObject` on the backup buckets, whose bytes S3 copies, and to read and write the reports bucket and the
/// conversion bucket.
pub(crate) struct FinishConversion {
    s3: aws_sdk_s3::Client,
    reports: ReportStore,
    conversion_bucket: String,
}

impl FinishConversion {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self {
            s3: clients.s3(),
            reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?),
            conversion_bucket: required("CONVERSION_BUCKET")?,
        })
    }
}

impl Step for FinishConversion {
    type Input = FinishInput;
    type Output = FinishOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: FinishInput, execution: Execution<'_>) -> Result<FinishOutput, StepError> {
        let seeding = execution.seeding().await?;
        let conversion = self.reports.read(&execution.files().conversion()).await?;
        let conversion = conversion.ok_or_else(|| StepError::internal("nothing is converted"))?;
        // A step that runs twice finds its own work done.
        if conversion.backups.iter().all(|one| is_converted(&seeding, one)) {
            return Ok(FinishOutput::Converted {});
        }
        let options = conversion::options(&seeding.target);
        let options = options.ok_or_else(|| StepError::internal("nothing is converted for this engine"))?;
        let work = Work { step: self, execution: &execution, seeding, conversion, options };
        let done = match input.phase {
            ConversionPhase::Compare => work.compare().await?,
            ConversionPhase::Plan => work.plan().await?,
            ConversionPhase::Preview => work.decide().await?,
            ConversionPhase::Write => work.finish().await?,
        };
        let missing = match done {
            Done::All(output) => return Ok(output),
            Done::Except(missing) => missing,
        };
        if input.round >= MOST_ROUNDS {
            let message = format!("{} ranges are missing after {} rounds", missing.len(), input.round);
            let hint = "raise the account's Lambda concurrency, and drop fewer files at once";
            return Err(StepError::new(ErrorName::ServiceBusy, message, hint));
        }
        tracing::warn!(missing = missing.len(), round = input.round, "ranges are converted again");
        let (phase, round) = (input.phase, input.round);
        Ok(FinishOutput::Unfinished { phase, conversion: missing, round, decided: None })
    }
}

/// Whether the record names the converted object already.
fn is_converted(seeding: &Seeding, one: &ConversionOf) -> bool {
    seeding.backups.get(one.backup).is_some_and(|backup| backup.converted_from.is_some())
}

/// What has come of a round.
enum Done {
    /// Its workers have done everything.
    All(FinishOutput),
    /// Some ranges are missing.
    Except(Vec<ConversionChunk>),
}

impl Done {
    /// The first round of a phase comes next.
    fn next(phase: ConversionPhase, conversion: Vec<ConversionChunk>) -> Self {
        Self::All(FinishOutput::Unfinished { phase, conversion, round: 0, decided: None })
    }
}

/// The conversion, with all that is known of it.
struct Work<'w> {
    step: &'w FinishConversion,
    execution: &'w Execution<'w>,
    seeding: Seeding,
    conversion: Conversion,
    options: rdb_convert::Options,
}

impl Work<'_> {
    fn reports(&self) -> &ReportStore {
        &self.step.reports
    }

    fn bucket(&self) -> ConversionBucket {
        let (bucket, account) = (self.step.conversion_bucket.clone(), self.seeding.partition.account.clone());
        ConversionBucket::new(self.step.s3.clone(), bucket, account)
    }

    /// Reads a file of each range, in order, and lists the ranges without one.
    async fn read<T: DeserializeOwned>(
        &self,
        chunks: Vec<ConversionChunk>,
        key: impl Fn(ConversionChunk) -> FileKey<T>,
    ) -> Result<(Vec<T>, Vec<ConversionChunk>), StepError> {
        let read = stream::iter(chunks).map(|chunk| {
            let key = key(chunk);
            async move {
                let file = self.reports().read_up_to(&key, MAX_HASHES_BYTES).await;
                file.map(|file| file.ok_or(chunk))
            }
        });
        let files: Vec<_> = read.buffered(FILES_AT_ONCE).try_collect().await?;
        let mut found = Vec::with_capacity(files.len());
        let mut missing = Vec::new();
        for file in files {
            match file {
                Ok(file) => found.push(file),
                Err(chunk) => missing.push(chunk),
            }
        }
        Ok((found, missing))
    }

    async fn write<T: Serialize + Sync>(&self, files: Vec<(FileKey<T>, T)>) -> Result<(), StepError> {
        let written =
            stream::iter(files).map(|(key, file)| async move { self.reports().write(&key, &file).await });
        written.buffered(FILES_AT_ONCE).try_collect::<Vec<_>>().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use lambda::test_util::understands;

    use super::*;

    #[test]
    fn the_sample_event_is_understood() {
        understands::<FinishConversion>(include_str!("../../../events/finish-conversion.json"));
    }
}
