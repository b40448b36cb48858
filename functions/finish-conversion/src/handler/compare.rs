//! After a round that looked for keys that occur more than once.

use rdb_convert::{Comparison, Survey};
use seeding::{
    Code, Finding, StepError,
    conversion::{ConversionOf, ConversionPhase, MAX_HASHES_BYTES},
};

use super::{Done, Work};

impl Work<'_> {
    /// Adds what the round has found. Another reading comes next, or the plan.
    pub(super) async fn compare(&self) -> Result<Done, StepError> {
        let (mut next, mut missing) = (Vec::new(), Vec::new());
        for one in &self.conversion.backups {
            let mut comparison = self.comparison(one).await?;
            if !comparison.needs_reading() {
                continue;
            }
            let key = |chunk| self.execution.files().found(chunk, comparison.reading());
            let (found, without) = self.read(one.chunks().collect(), key).await?;
            if !without.is_empty() {
                missing.extend(without);
                continue;
            }
            for found in found {
                comparison.add(found);
            }
            if let Err(error) = comparison.step(&self.options) {
                let remedy = "keep the databases, give them prefixes or other numbers, or make a file of each by `seeder convert`";
                let finding = Finding::new(Code::ConversionRefused, remedy)
                    .about(self.name(one))
                    .with("reason", error.to_string());
                return self.reject(vec![finding]).await;
            }
            let needs_reading = comparison.needs_reading();
            self.reports().write(&self.execution.files().comparison(one.backup), &comparison).await?;
            if needs_reading {
                next.extend(one.chunks());
            }
        }
        if !missing.is_empty() {
            // Those of other backups whose next reading has begun are among them.
            missing.extend(next);
            return Ok(Done::Except(missing));
        }
        if !next.is_empty() {
            return Ok(Done::next(ConversionPhase::Compare, next));
        }
        for one in &self.conversion.backups {
            let repeated = self.comparison(one).await?.into_repeated();
            let survey = Survey { magic: one.magic, repeated };
            self.reports().write(&self.execution.files().survey(one.backup), &survey).await?;
        }
        Ok(Done::next(ConversionPhase::Plan, self.conversion.chunks()))
    }

    async fn comparison(&self, one: &ConversionOf) -> Result<Comparison, StepError> {
        let key = self.execution.files().comparison(one.backup);
        let comparison = self.reports().read_up_to(&key, MAX_HASHES_BYTES).await?;
        Ok(comparison.unwrap_or_else(|| Comparison::new(&self.options)))
    }

    /// The survey of a backup: what is known before it is planned.
    pub(super) async fn survey(&self, one: &ConversionOf) -> Result<Survey, StepError> {
        let key = self.execution.files().survey(one.backup);
        let survey = self.reports().read_up_to(&key, MAX_HASHES_BYTES).await?;
        Ok(survey.unwrap_or_else(|| one.survey()))
    }

    /// The name of a backup in findings.
    pub(super) fn name(&self, one: &ConversionOf) -> String {
        self.seeding.backups.get(one.backup).map(|backup| backup.location.to_string()).unwrap_or_default()
    }
}
