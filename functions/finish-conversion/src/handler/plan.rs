//! After a round that planned ranges.

use rdb_convert::{Plan, RangePlan, Survey, merge_plans};
use seeding::{
    StepError,
    changed::{Damaged, refusals},
    conversion::{
        ConversionChunk, ConversionJournal, ConversionOf, ConversionPhase, WriteTask, {self},
    },
    steps::FinishOutput,
};

use super::{Done, Work};

/// The plan of a backup's conversion, and what of the backup is lost.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) damaged: Damaged,
}

impl Work<'_> {
    /// Merges the plans of all ranges, and gives each worker its task.
    pub(super) async fn plan(&self) -> Result<Done, StepError> {
        let (mut plans, mut missing, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for one in &self.conversion.backups {
            let survey = self.survey(one).await?;
            let (planned, without) = self.planned(one, &survey).await?;
            let Some(Planned { plan, .. }) = planned else {
                missing.extend(without);
                continue;
            };
            if plan.magic != survey.magic {
                // Whether fields have expiries is known only now. The plans have another name then.
                let survey = Survey { magic: plan.magic, ..survey };
                self.reports().write(&self.execution.files().survey(one.backup), &survey).await?;
                return Ok(Done::next(ConversionPhase::Plan, one.chunks().collect()));
            }
            let hide_keys = self.seeding.target.options.hide_keys;
            refused.extend(refusals(&self.name(one), &plan.report, hide_keys));
            plans.push((one, plan));
        }
        if !missing.is_empty() {
            return Ok(Done::Except(missing));
        }
        if !refused.is_empty() {
            return self.reject(refused).await;
        }
        self.give_out(&plans).await?;
        if self.conversion.changes {
            return Ok(Done::next(ConversionPhase::Preview, self.conversion.chunks()));
        }
        if self.seeding.target.options.dry_run {
            return Ok(Done::All(FinishOutput::Planned { decided: None }));
        }
        self.begin_to_write().await?;
        Ok(Done::next(ConversionPhase::Write, self.conversion.chunks()))
    }

    async fn give_out(&self, plans: &[(&ConversionOf, Plan)]) -> Result<(), StepError> {
        let mut tasks = Vec::new();
        for (one, plan) in plans {
            let file_bytes = plan.file_bytes().next().unwrap_or(0);
            let piece_bytes = conversion::piece_bytes(file_bytes);
            for chunk in one.chunks() {
                let task = plan.task(chunk.range);
                let task = task.ok_or_else(|| StepError::internal("a range has no task"))?;
                let task = WriteTask { task, header: plan.header(), file_bytes, piece_bytes };
                tasks.push((self.execution.files().write_task(chunk), task));
            }
        }
        self.write(tasks).await
    }

    /// Leaves the mark that there may be converted bytes. It comes before the first of them, so that whatever happens
    /// next, revoke-access knows that there may be something.
    pub(super) async fn begin_to_write(&self) -> Result<(), StepError> {
        let journal = ConversionJournal { bucket: self.step.conversion_bucket.clone() };
        self.reports().write(&self.execution.files().converting(), &journal).await.map(drop)
    }

    /// The plan of a backup's conversion; none if ranges are missing.
    pub(super) async fn planned(
        &self,
        one: &ConversionOf,
        survey: &Survey,
    ) -> Result<(Option<Planned>, Vec<ConversionChunk>), StepError> {
        let key = |chunk| self.execution.files().range_plan(chunk, survey.magic);
        let (planned, missing) = self.read(one.chunks().collect(), key).await?;
        if !missing.is_empty() {
            return Ok((None, missing));
        }
        // What of a backup is lost, is known to the one worker that reads it.
        let damaged = planned.first().map(|range| range.damaged.clone()).unwrap_or_default();
        let mut planned = planned.into_iter().map(|range| range.plan);
        let plans = one.ranges.iter().map(|range| match range.stretch() {
            Some(_) => RangePlan::of_stretch(range, &self.options),
            None => planned.next(),
        });
        let plans = plans.collect::<Option<Vec<_>>>();
        let plans = plans.ok_or_else(|| StepError::internal("a stretch is not copied as it is"))?;
        let plan = merge_plans(plans, &self.options, survey);
        let plan = plan.map_err(StepError::internal)?;
        let (found, expected) = (plan.report.keys_read, one.keys.unwrap_or(plan.report.keys_read));
        if found != expected {
            let message = format!(
                "the conversion of backup {} reads {found} keys, the inspection {expected}",
                one.backup
            );
            return Err(StepError::internal(message));
        }
        Ok((Some(Planned { plan, damaged }), Vec::new()))
    }

    /// As [`Work::planned`], after the round that planned it.
    pub(super) async fn plan_of(&self, one: &ConversionOf) -> Result<Planned, StepError> {
        let survey = self.survey(one).await?;
        let (planned, missing) = self.planned(one, &survey).await?;
        let planned = planned
            .ok_or_else(|| StepError::internal(format!("{} plans of ranges are gone", missing.len())))?;
        if let Some(refusal) = planned.plan.report.refused.first() {
            let message = format!("the conversion of backup {} is refused: {}", one.backup, refusal.code);
            return Err(StepError::internal(message));
        }
        Ok(planned)
    }
}
