//! After a round that wrote ranges: one object is made of them.

use rdb_convert::{Finished, Plan};
use seeder_aws::objects::look_at_object;
use seeding::{
    Backup, StepError,
    conversion::{
        ConversionOf, WrittenRange, {self},
    },
    objects::ObjectLook,
    steps::FinishOutput,
};

use super::{
    Done, Work,
    join::{join, pieces},
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
        let tail = tail(&plan, written)?;
        let (hash, backups) = (self.execution.identity.hash(), self.seeding.backups.len());
        let bucket = self.bucket().encrypted_as(backup);
        let location = conversion::location(&self.step.conversion_bucket, hash, one.backup, backups);
        let pieces = pieces(hash, one.chunks().zip(written));
        join(&bucket, &location, pieces, &tail).await?;
        let account = Some(self.seeding.partition.account.as_str());
        let ObjectLook::Found(view) = look_at_object(&self.step.s3, &location, account).await? else {
            return Err(StepError::internal(format!("{location} is gone after its upload")));
        };
        let expected = plan.file_bytes().next().unwrap_or(0);
        if view.size_bytes != expected {
            let message = format!("{location} has {} bytes, {expected} were written", view.size_bytes);
            return Err(StepError::internal(message));
        }
        tracing::info!(backup = one.backup, bytes = expected, keys = plan.report.keys_written, "converted");
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

/// The end mark and the checksum of a new file.
fn tail(plan: &Plan, written: &[WrittenRange]) -> Result<Vec<u8>, StepError> {
    let mut finished = Finished::new(plan);
    for range in written {
        finished.add(range.report.clone()).map_err(StepError::internal)?;
    }
    let tails = finished.tail_bytes().map_err(StepError::internal)?;
    Ok(tails.into_iter().next().map(|tail| tail.to_vec()).unwrap_or_default())
}
