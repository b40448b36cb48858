//! The step: assemble the inspected chunks, judge the backups against the target, write the report.

use std::collections::BTreeSet;

use ::report::{Sources, page};
use futures::{StreamExt, TryStreamExt, stream};
use lambda::{Execution, Step, optional, required};
use rdb_convert::RecordRange;
use rdb_scan::{Assembly, Boundary, Gap, Inspection, RangeInspection, assemble_with_boundaries};
use seeder_aws::{Clients, ReportStore};
use seeding::{
    Backup, ExecutionFiles, Finding, How, KnownInspection, Plan, Seeding, StepError, Verdict,
    conversion::{
        Conversion, ConversionOf, ConversionPhase, {self},
    },
    format_for,
    report::{
        Assessment, {self},
    },
    steps::{AssessInput, AssessOutput, Chunk, Decided, InspectedChunk},
};

/// The upper limit of `MAX_ROUNDS`, the most rounds of reading; the state machine has a higher limit of its own. Gaps
/// need three rounds at most, the rest is for workers that run out of time.
const MOST_ROUNDS: u32 = 200;

/// The number of partial results fetched at once.
const PARTIALS_AT_ONCE: usize = 16;

/// Needs to read and write the reports bucket.
pub(crate) struct AssessBackup {
    reports: ReportStore,
    max_rounds: u32,
}

impl AssessBackup {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        let max_rounds = match optional("MAX_ROUNDS") {
            None => MOST_ROUNDS,
            Some(text) => text
                .parse::<u32>()
                .map_err(|error| StepError::internal(format!("MAX_ROUNDS is {text}: {error}")))?
                .clamp(1, MOST_ROUNDS),
        };
        Ok(Self { reports: ReportStore::new(clients.s3(), required("REPORTS_BUCKET")?), max_rounds })
    }
}

impl Step for AssessBackup {
    type Input = AssessInput;
    type Output = AssessOutput;

    fn reports(&self) -> &ReportStore {
        &self.reports
    }

    async fn run(&self, input: AssessInput, execution: Execution<'_>) -> Result<AssessOutput, StepError> {
        let seeding = execution.seeding().await?;
        let read_at_ms = seeding.target.looked_at_ms.cast_signed();
        let mut inspected = Vec::with_capacity(seeding.backups.len());
        let mut unread = Vec::new();
        for (backup, object) in seeding.backups.iter().enumerate() {
            if let Some(known) = self.known(object).await? {
                inspected.push(known);
                continue;
            }
            let partials = self.partials(&input.inspected, backup).await?;
            let round = input.round.saturating_sub(1);
            match assemble_with_boundaries(&partials, object.size_bytes, round) {
                (Assembly::Whole(inspection), boundaries) => inspected.push((*inspection, boundaries)),
                (Assembly::Gaps(gaps), _) => unread.extend(self.gaps(&execution, backup, gaps).await?),
            }
        }
        if !unread.is_empty() && input.round >= self.max_rounds {
            let bytes_left = unread.iter().map(|chunk| chunk.end.saturating_sub(chunk.start)).sum();
            let assessment = report::too_long(input.round, unread.len(), bytes_left, input.findings);
            let report = self.report(&execution, read_at_ms, &assessment).await?;
            tracing::warn!(rounds = input.round, chunks = unread.len(), bytes_left, "the rounds are used up");
            let (conversion, phase) = (Vec::new(), ConversionPhase::Plan);
            return Ok(AssessOutput::Assessed {
                decided: Decided::of(assessment, report),
                conversion,
                phase,
            });
        }
        if !unread.is_empty() {
            return Ok(AssessOutput::Incomplete { chunks: unread });
        }
        self.remember(&seeding, &inspected).await;
        let inspections: Vec<_> = inspected.iter().map(|(inspection, _)| inspection.clone()).collect();
        let (assessment, how) = report::assess(&seeding, &inspections, input.findings.clone());
        let conversion = conversion(&seeding, &inspected, &how, input.findings);
        let chunks = conversion.chunks();
        let phase = Conversion::first_phase(&seeding.target);
        if !chunks.is_empty() {
            self.reports.write(&execution.files().conversion(), &conversion).await?;
        }
        if conversion.changes {
            self.keep_sources(&execution, &inspections).await?;
            let (findings, report) = (conversion.findings, String::new());
            let decided = Decided { verdict: Verdict::Ok, findings, plan: None, report };
            tracing::info!(ranges = chunks.len(), "what the conversion would write decides");
            return Ok(AssessOutput::Assessed { decided, conversion: chunks, phase });
        }
        self.settle_shards(seeding, assessment.plan.as_ref()).await?;
        let report = self.report(&execution, read_at_ms, &assessment).await?;
        tracing::info!(verdict = ?assessment.verdict, findings = assessment.findings.len(), "assessed");
        Ok(AssessOutput::Assessed { decided: Decided::of(assessment, report), conversion: chunks, phase })
    }
}

/// The backups to convert, in ranges that begin where chunks met.
fn conversion(
    seeding: &Seeding,
    inspected: &[(Inspection, Vec<Boundary>)],
    how: &[How],
    findings: Vec<Finding>,
) -> Conversion {
    let changes = how.contains(&How::Changed);
    let of_backup = |(backup, (inspection, boundaries)): (usize, &(Inspection, Vec<Boundary>))| {
        let header = inspection.header()?;
        let (_, new_header) = format_for(&seeding.target.cluster, inspection.field_expires > 0)?;
        let salvage = !inspection.is_sound();
        let boundaries = if salvage { &[] } else { boundaries.as_slice() };
        // What is inspected before it is written has to be read, whether it changes or not.
        let ranges = match conversion::options(&seeding.target).filter(|_| !salvage && !changes) {
            Some(options) => conversion::ranges(inspection, &header, boundaries, &options, inspected.len()),
            None => RecordRange::between(&header, boundaries),
        };
        let keys = (!salvage).then_some(inspection.keys);
        Some(ConversionOf { backup, ranges, keys, magic: new_header.magic, salvage })
    };
    let converted = inspected.iter().enumerate().zip(how).filter(|(_, how)| **how != How::AsItIs);
    let backups = converted.filter_map(|(one, _)| of_backup(one)).collect();
    Conversion { backups, changes, findings }
}

impl AssessBackup {
    /// Reads an earlier seeding's inspection of this backup. If it no longer exists, the backup is read after all.
    async fn known(&self, backup: &Backup) -> Result<Option<(Inspection, Vec<Boundary>)>, StepError> {
        let Some(key) = &backup.known_inspection else { return Ok(None) };
        let known = self.reports.read(key).await?;
        Ok(known.map(|known| (known.inspection, known.boundaries)))
    }

    /// Keeps the inspections for later seedings of these backups. They only save time: nothing depends on them.
    async fn remember(&self, seeding: &Seeding, inspected: &[(Inspection, Vec<Boundary>)]) {
        for (backup, (inspection, boundaries)) in seeding.backups.iter().zip(inspected) {
            if backup.known_inspection.is_some() {
                continue;
            }
            let key = ExecutionFiles::inspection(
                backup,
                seeding.target.options.hide_keys,
                &seeding.target.memory_settings(),
            );
            let known = KnownInspection {
                looked_at_ms: seeding.target.looked_at_ms,
                inspection: inspection.clone(),
                boundaries: boundaries.clone(),
            };
            if let Err(error) = self.reports.write(&key, &known).await {
                tracing::warn!(%key, message = error.message, "the inspection is not kept");
            }
        }
    }

    /// Keeps what is known of the sources until it is known what a conversion makes of them.
    async fn keep_sources(
        &self,
        execution: &Execution<'_>,
        inspections: &[Inspection],
    ) -> Result<(), StepError> {
        for (backup, inspection) in inspections.iter().enumerate() {
            self.reports.write(&execution.files().source(backup), inspection).await?;
        }
        Ok(())
    }

    /// Writes the report, as a page too. Returns its location.
    async fn report(
        &self,
        execution: &Execution<'_>,
        read_at_ms: i64,
        assessment: &Assessment,
    ) -> Result<String, StepError> {
        let page = page(&Sources::of(execution.name, read_at_ms, assessment)).map_err(StepError::internal)?;
        self.reports.write_page(&execution.files().page(), page).await?;
        self.reports.write(&execution.files().report(), assessment).await
    }

    /// Writes the number of shards into the record if the plan chose it.
    async fn settle_shards(&self, mut seeding: Seeding, plan: Option<&Plan>) -> Result<(), StepError> {
        if !plan.is_some_and(|plan| plan.settle_shards(&mut seeding.target.cluster)) {
            return Ok(());
        }
        let key = ExecutionFiles::of(&seeding.execution).seeding();
        self.reports.write(&key, &seeding).await.map(drop)
    }

    /// Reads the partial results of a backup, each once: a step that ran twice lists its chunk twice.
    async fn partials(
        &self,
        inspected: &[InspectedChunk],
        backup: usize,
    ) -> Result<Vec<RangeInspection>, StepError> {
        let of_backup = inspected.iter().filter(|chunk| chunk.backup == backup);
        let keys: BTreeSet<_> = of_backup.map(|chunk| chunk.partial.clone()).collect();
        let read = stream::iter(keys).map(|key| async move {
            let stored = self.reports.read(&key.of_any_version()).await?;
            let stored =
                stored.ok_or_else(|| StepError::internal(format!("the partial result {key} is gone")))?;
            let current = stored.current();
            if current.is_none() {
                tracing::warn!(%key, "written by another version: it is read again");
            }
            Ok(current)
        });
        let partials: Vec<_> = read.buffered(PARTIALS_AT_ONCE).try_collect().await?;
        Ok(partials.into_iter().flatten().collect())
    }

    /// Stores the positions at which gaps start, and returns the gaps as chunks to read.
    async fn gaps(
        &self,
        execution: &Execution<'_>,
        backup: usize,
        gaps: Vec<Gap>,
    ) -> Result<Vec<Chunk>, StepError> {
        let mut chunks = Vec::with_capacity(gaps.len());
        for Gap { start, end } in gaps {
            let key = execution.files().gap(backup, start.offset());
            self.reports.write(&key, &start).await?;
            chunks.push(Chunk { backup, start: start.offset(), end, resume: Some(key) });
        }
        Ok(chunks)
    }
}

#[cfg(test)]
mod tests;
