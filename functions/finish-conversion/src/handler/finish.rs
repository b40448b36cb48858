//! After a round that wrote ranges: one object is made of them.

use rdb_convert::{Finished, Plan, head_bytes};
use seeder_aws::objects::look_at_object;
use seeding::{
    Backup, StepError,
    conversion::{
        ConversionChunk, ConversionOf, WrittenRange, {self},
    },
    objects::ObjectLook,
    steps::FinishOutput,
};

use super::{
    Done, Work,
    join::{Piece, join},
};

impl Work<'_> {
    /// Makes one object of what was written of each backup, and names it in the record.
    pub(super) async fn finish(mut self) -> Result<Done, StepError> {
        let (mut all, mut missing) = (Vec::new(), Vec::new());
        for one in &self.conversion.backups {
            let key = |chunk| self.execution.files().written_range(chunk);
            let (written, without) = self.read(one.chunks().collect(), key).await?;
            all.push((one.clone(), written));
            missing.extend(without);
        }
        if !missing.is_empty() {
            return Ok(Done::Except(missing));
        }
        for (one, written) in &all {
            let new = self.join(one, written).await?;
            if let Some(backup) = self.seeding.backups.get_mut(one.backup) {
                *backup = new;
            }
        }
        self.reports().write(&self.execution.files().seeding(), &self.seeding).await?;
        self.delete_pieces().await;
        Ok(Done::All(FinishOutput::Converted {}))
    }

    /// Makes the object of a backup.
    async fn join(&self, one: &ConversionOf, written: &[WrittenRange]) -> Result<Backup, StepError> {
        let backup = self.seeding.backups.get(one.backup);
        let backup = backup.ok_or_else(|| StepError::internal("there is no such backup"))?;
        let plan = self.plan_of(one).await?.plan;
        let (hash, backups) = (self.execution.identity.hash(), self.seeding.backups.len());
        let bucket = self.bucket().encrypted_as(backup);
        let location = conversion::location(&self.step.conversion_bucket, hash, one.backup, backups);
        let pieces = pieces(one, &plan, hash, written)?;
        let copied = pieces.iter().map(Piece::copied_bytes).sum::<u64>();
        join(&bucket, &location, backup, pieces).await?;
        let account = Some(self.seeding.partition.account.as_str());
        let ObjectLook::Found(view) = look_at_object(&self.step.s3, &location, account).await? else {
            return Err(StepError::internal(format!("{location} is gone after its upload")));
        };
        let expected = plan.file_bytes().next().unwrap_or(0);
        if view.size_bytes != expected {
            let message = format!("{location} has {} bytes, {expected} were written", view.size_bytes);
            return Err(StepError::internal(message));
        }
        tracing::info!(
            backup = one.backup,
            bytes = expected,
            copied,
            keys = plan.report.keys_written,
            "converted"
        );
        Ok(Backup {
            location,
            size_bytes: view.size_bytes,
            etag: view.etag,
            converted_from: Some(backup.location.clone()),
            header: Some(plan.header()),
            known_inspection: None,
            kms_key_id: backup.kms_key_id.clone(),
        })
    }

    /// Deletes the pieces. Whatever is left, revoke-access deletes.
    async fn delete_pieces(&self) {
        let prefix = format!("{}pieces/", conversion::prefix(self.execution.identity.hash()));
        if let Err(error) = self.bucket().delete_all(&prefix).await {
            tracing::warn!(%prefix, message = error.message, "the pieces are not deleted yet");
        }
    }
}

/// The pieces of a new file, in order: what workers have stored, what is copied from the source, and what is in
/// neither.
fn pieces(
    one: &ConversionOf,
    plan: &Plan,
    hash: &str,
    written: &[WrittenRange],
) -> Result<Vec<Piece>, StepError> {
    let mut finished = Finished::new(plan);
    let (mut pieces, mut written) = (Vec::new(), written.iter());
    for (range, of) in one.ranges.iter().enumerate() {
        let Some(stretch) = of.stretch() else {
            let written = written.next().ok_or_else(|| StepError::internal("a range is not written"))?;
            let chunk = ConversionChunk { backup: one.backup, range };
            let stored = written.pieces.iter().enumerate();
            pieces.extend(stored.map(|(number, bytes)| Piece::Stored {
                key: conversion::piece_key(hash, chunk, number),
                bytes: *bytes,
            }));
            finished.add(written.report.clone()).map_err(StepError::internal)?;
            continue;
        };
        let copied = plan.task(range).and_then(|task| task.copied());
        let (before, report) = copied.ok_or_else(|| StepError::internal("a stretch has no task"))?;
        if range == 0 {
            // No worker writes the first range.
            pieces.push(Piece::Made(head_bytes(plan).to_vec()));
        }
        pieces.push(Piece::Made(before));
        pieces.push(Piece::Source(stretch.offset..stretch.end()));
        finished.add(report).map_err(StepError::internal)?;
    }
    let tails = finished.tail_bytes().map_err(StepError::internal)?;
    pieces.extend(tails.first().map(|tail| Piece::Made(tail.to_vec())));
    Ok(pieces)
}
