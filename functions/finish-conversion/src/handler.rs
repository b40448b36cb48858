//! The step after each round of a conversion: repeat what is missing, give out the tasks, join what was written.

mod join;

use futures::{StreamExt, TryStreamExt, stream};
use lambda::{Execution, Step, required};
use rdb_convert::{Finished, Plan, RangePlan, merge_plans};
use seeder_aws::{Clients, ReportStore, conversion::ConversionBucket, objects::look_at_object};
use seeding::{
    Backup, ErrorName, FileKey, Seeding, StepError,
    conversion::{
        Conversion, ConversionChunk, ConversionJournal, ConversionOf, ConversionPhase, WriteTask,
        WrittenRange, {self},
    },
    objects::ObjectLook,
    steps::{FinishInput, FinishOutput},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::handler::join::{join, pieces};

/// The number of files read or written at once.
const FILES_AT_ONCE: usize = 16;
/// The most rounds: a range that is still missing then fails the seeding.
const MOST_ROUNDS: u32 = 50;

/// Needs to read and write the reports bucket and the conversion bucket.
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
        let files = execution.files();
        let missing = match input.phase {
            ConversionPhase::Plan => {
                let (plans, missing) = self.read(&conversion, |chunk| files.range_plan(chunk)).await?;
                if missing.is_empty() {
                    return self.give_out(&execution, &seeding, &conversion, plans).await;
                }
                missing
            }
            ConversionPhase::Write => {
                let (written, missing) = self.read(&conversion, |chunk| files.written_range(chunk)).await?;
                if missing.is_empty() {
                    return self.finish(&execution, seeding, &conversion, written).await;
                }
                missing
            }
        };
        if input.round >= MOST_ROUNDS {
            let message = format!("{} ranges are missing after {} rounds", missing.len(), input.round);
            let hint = "raise the account's Lambda concurrency, and drop fewer files at once";
            return Err(StepError::new(ErrorName::ServiceBusy, message, hint));
        }
        tracing::warn!(missing = missing.len(), round = input.round, "ranges are converted again");
        Ok(FinishOutput::Unfinished { phase: input.phase, conversion: missing })
    }
}

/// Whether the record names the converted object already.
fn is_converted(seeding: &Seeding, one: &ConversionOf) -> bool {
    seeding.backups.get(one.backup).is_some_and(|backup| backup.converted_from.is_some())
}

impl FinishConversion {
    /// Reads a file of each range, in order, and lists the ranges without one.
    async fn read<T: DeserializeOwned>(
        &self,
        conversion: &Conversion,
        key: impl Fn(ConversionChunk) -> FileKey<T>,
    ) -> Result<(Vec<(ConversionChunk, T)>, Vec<ConversionChunk>), StepError> {
        let read = stream::iter(conversion.chunks()).map(|chunk| {
            let key = key(chunk);
            async move { self.reports.read(&key).await.map(|file| (chunk, file)) }
        });
        let files: Vec<_> = read.buffered(FILES_AT_ONCE).try_collect().await?;
        let mut found = Vec::with_capacity(files.len());
        let mut missing = Vec::new();
        for (chunk, file) in files {
            match file {
                Some(file) => found.push((chunk, file)),
                None => missing.push(chunk),
            }
        }
        Ok((found, missing))
    }

    async fn write<T: Serialize + Sync>(&self, files: Vec<(FileKey<T>, T)>) -> Result<(), StepError> {
        let written =
            stream::iter(files).map(|(key, file)| async move { self.reports.write(&key, &file).await });
        written.buffered(FILES_AT_ONCE).try_collect::<Vec<_>>().await.map(drop)
    }

    /// Merges the plans of all ranges, and gives each worker its task.
    async fn give_out(
        &self,
        execution: &Execution<'_>,
        seeding: &Seeding,
        conversion: &Conversion,
        plans: Vec<(ConversionChunk, RangePlan)>,
    ) -> Result<FinishOutput, StepError> {
        let mut tasks = Vec::with_capacity(plans.len());
        for one in &conversion.backups {
            let plan = merged(seeding, one, &plans)?;
            let piece_bytes = conversion::piece_bytes(plan.file_bytes().next().unwrap_or(0));
            for range in 0..plan.range_count() {
                let chunk = ConversionChunk { backup: one.backup, range };
                let task = plan.task(range).ok_or_else(|| StepError::internal("a range has no task"))?;
                tasks.push((execution.files().write_task(chunk), WriteTask { task, piece_bytes }));
            }
        }
        if seeding.target.options.dry_run {
            return Ok(FinishOutput::Planned {});
        }
        self.write(tasks).await?;
        // The mark comes first, so that whatever happens next, revoke-access knows that there may be something.
        let journal = ConversionJournal { bucket: self.conversion_bucket.clone() };
        self.reports.write(&execution.files().converting(), &journal).await?;
        Ok(FinishOutput::Unfinished { phase: ConversionPhase::Write, conversion: conversion.chunks() })
    }

    /// Makes one object of what was written of each backup, and names it in the record.
    async fn finish(
        &self,
        execution: &Execution<'_>,
        mut seeding: Seeding,
        conversion: &Conversion,
        written: Vec<(ConversionChunk, WrittenRange)>,
    ) -> Result<FinishOutput, StepError> {
        let (plans, missing) = self.read(conversion, |chunk| execution.files().range_plan(chunk)).await?;
        if !missing.is_empty() {
            return Err(StepError::internal(format!("{} plans of ranges are gone", missing.len())));
        }
        let hash = execution.identity.hash();
        let backups = seeding.backups.len();
        for one in &conversion.backups {
            let header = one.header(&seeding.target);
            let plan = merged(&seeding, one, &plans)?;
            let Some(backup) = seeding.backups.get_mut(one.backup) else { continue };
            let bucket = ConversionBucket {
                s3: self.s3.clone(),
                bucket: self.conversion_bucket.clone(),
                account: seeding.partition.account.clone(),
                kms_key_id: backup.kms_key_id.clone(),
            };
            let of_backup = || written.iter().filter(|(chunk, _)| chunk.backup == one.backup);
            let tail = tail(&plan, of_backup().map(|(_, written)| written))?;
            let location = conversion::location(&self.conversion_bucket, hash, one.backup, backups);
            join(&bucket, &location, pieces(hash, of_backup()), &tail).await?;
            let found = look_at_object(&self.s3, &location, Some(&seeding.partition.account)).await?;
            let ObjectLook::Found(view) = found else {
                return Err(StepError::internal(format!("{location} is gone after its upload")));
            };
            let expected = plan.file_bytes().next().unwrap_or(0);
            if view.size_bytes != expected {
                let message = format!("{location} has {} bytes, {expected} were written", view.size_bytes);
                return Err(StepError::internal(message));
            }
            let from = std::mem::replace(&mut backup.location, location);
            *backup = Backup {
                size_bytes: view.size_bytes,
                etag: view.etag,
                converted_from: Some(from),
                header,
                known_inspection: None,
                ..backup.clone()
            };
            tracing::info!(
                backup = one.backup,
                bytes = expected,
                keys = plan.report.keys_written,
                "converted"
            );
        }
        self.reports.write(&execution.files().seeding(), &seeding).await?;
        self.delete_pieces(execution, &seeding).await;
        Ok(FinishOutput::Converted {})
    }
}

impl FinishConversion {
    /// Deletes the pieces. Whatever is left, revoke-access deletes.
    async fn delete_pieces(&self, execution: &Execution<'_>, seeding: &Seeding) {
        let bucket = ConversionBucket {
            s3: self.s3.clone(),
            bucket: self.conversion_bucket.clone(),
            account: seeding.partition.account.clone(),
            kms_key_id: None,
        };
        let prefix = format!("{}pieces/", conversion::prefix(execution.identity.hash()));
        if let Err(error) = bucket.delete_all(&prefix).await {
            tracing::warn!(%prefix, message = error.message, "the pieces are not deleted yet");
        }
    }
}

/// The plan of a backup's conversion. It has to be the one that assess-backup judged.
fn merged(
    seeding: &Seeding,
    one: &ConversionOf,
    plans: &[(ConversionChunk, RangePlan)],
) -> Result<Plan, StepError> {
    let options = conversion::options(&seeding.target);
    let options = options.ok_or_else(|| StepError::internal("nothing is converted for this engine"))?;
    let of_backup = plans.iter().filter(|(chunk, _)| chunk.backup == one.backup);
    let plan = merge_plans(of_backup.map(|(_, plan)| plan.clone()), &options, &one.survey);
    let plan = plan.map_err(StepError::internal)?;
    if let Some(refusal) = plan.report.refused.first() {
        let message = format!("the conversion of backup {} is refused: {}", one.backup, refusal.code);
        return Err(StepError::internal(message));
    }
    if plan.report.keys_read != one.keys || plan.magic != one.survey.magic {
        let (found, expected) = (plan.report.keys_read, one.keys);
        let message =
            format!("the conversion of backup {} reads {found} keys, the inspection {expected}", one.backup);
        return Err(StepError::internal(message));
    }
    Ok(plan)
}

/// The end mark and the checksum of a new file.
fn tail<'w>(plan: &Plan, written: impl Iterator<Item = &'w WrittenRange>) -> Result<Vec<u8>, StepError> {
    let mut finished = Finished::new(plan);
    for range in written {
        finished.add(range.report.clone()).map_err(StepError::internal)?;
    }
    let tails = finished.tail_bytes().map_err(StepError::internal)?;
    Ok(tails.into_iter().next().map(|tail| tail.to_vec()).unwrap_or_default())
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
