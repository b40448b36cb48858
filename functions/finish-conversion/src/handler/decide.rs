//! After a round that inspected what would be written: it decides whether it can be seeded.

use ::report::{Sources, page};
use rdb_convert::assemble_previews;
use rdb_scan::Inspection;
use seeding::{
    Finding, StepError, Verdict,
    changed::NewFile,
    conversion::ConversionPhase,
    report::{
        Assessment, {self},
    },
    steps::{Decided, FinishOutput},
};

use super::{Done, Work, plan::Planned};

impl Work<'_> {
    /// Judges the new files. If they can be seeded, writing them comes next.
    pub(super) async fn decide(mut self) -> Result<Done, StepError> {
        let sources = self.sources().await?;
        let mut new: Vec<_> = sources.iter().map(|_| None).collect();
        let mut missing = Vec::new();
        for one in &self.conversion.backups {
            let (previews, without) =
                self.read(one.chunks().collect(), |chunk| self.execution.files().preview(chunk)).await?;
            if !without.is_empty() {
                missing.extend(without);
                continue;
            }
            let Planned { plan, damaged } = self.plan_of(one).await?;
            let inspecting = self.seeding.target.inspect_options(plan.file_bytes().next().unwrap_or(0));
            let inspection = assemble_previews(&plan, previews, &inspecting).map_err(StepError::internal)?;
            let file = NewFile { inspection, report: plan.report, damaged };
            if let Some(place) = new.get_mut(one.backup) {
                *place = Some(file);
            }
        }
        if !missing.is_empty() {
            return Ok(Done::Except(missing));
        }
        let earlier = self.conversion.findings.clone();
        let assessment = report::assess_changed(&self.seeding, &sources, &new, earlier);
        let target = &mut self.seeding.target;
        if assessment.plan.as_ref().is_some_and(|plan| plan.settle_shards(&mut target.cluster)) {
            self.reports().write(&self.execution.files().seeding(), &self.seeding).await?;
        }
        let decided = self.report(assessment).await?;
        if decided.verdict == Verdict::Reject {
            return Ok(Done::All(FinishOutput::Rejected(decided)));
        }
        let decided = Some(decided);
        if self.seeding.target.options.dry_run {
            return Ok(Done::All(FinishOutput::Planned { decided }));
        }
        self.begin_to_write().await?;
        let (phase, conversion) = (ConversionPhase::Write, self.conversion.chunks());
        Ok(Done::All(FinishOutput::Unfinished { phase, conversion, round: 0, decided }))
    }

    /// The conversion cannot be done.
    pub(super) async fn reject(&self, mut findings: Vec<Finding>) -> Result<Done, StepError> {
        findings.extend(self.conversion.findings.clone());
        let assessment = report::refused(&self.seeding, &self.sources().await?, findings);
        Ok(Done::All(FinishOutput::Rejected(self.report(assessment).await?)))
    }

    async fn report(&self, assessment: Assessment) -> Result<Decided, StepError> {
        let (files, read_at_ms) = (self.execution.files(), self.seeding.target.looked_at_ms.cast_signed());
        let page =
            page(&Sources::of(self.execution.name, read_at_ms, &assessment)).map_err(StepError::internal)?;
        self.reports().write_page(&files.page(), page).await?;
        let report = self.reports().write(&files.report(), &assessment).await?;
        tracing::info!(verdict = ?assessment.verdict, findings = assessment.findings.len(), "decided");
        Ok(Decided::of(assessment, report))
    }

    /// The inspections of all backups.
    async fn sources(&self) -> Result<Vec<Inspection>, StepError> {
        let mut sources = Vec::with_capacity(self.seeding.backups.len());
        for backup in 0..self.seeding.backups.len() {
            let source = self.reports().read(&self.execution.files().source(backup)).await?;
            let gone = || StepError::internal(format!("the inspection of backup {backup} is gone"));
            sources.push(source.ok_or_else(gone)?);
        }
        Ok(sources)
    }
}
