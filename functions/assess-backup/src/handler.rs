//! The step: put the pieces together, judge them against the target, write the report.

use rdb_scan::Inspection;
use seeder_aws::{Clients, Handler, Invocation, Reports};
use seeding::{
    Partition, Seeding, StepError, assess,
    steps::{AssessInput, AssessOutput, Piece, Range},
};
use serde::Deserialize;

/// How many findings the state machine carries; the report has them all.
const SHOWN_FINDINGS: usize = 5;
/// How many rounds a backup may take: with one worker a backup of 70 GB takes one, so this is far beyond what is sane.
const MAX_ROUNDS: u32 = 200;

/// Needs to read and write the reports.
pub(crate) struct AssessBackup {
    reports: Reports,
}

/// The part of a partial result that matters here.
#[derive(Deserialize)]
struct Partial {
    inspection: Inspection,
}

impl AssessBackup {
    pub(crate) fn from_environment(clients: &Clients) -> Result<Self, StepError> {
        Ok(Self { reports: Reports::from_environment(clients.s3())? })
    }
}

impl Handler for AssessBackup {
    type Input = AssessInput;
    type Output = AssessOutput;

    async fn handle(&self, input: AssessInput, _: Invocation) -> Result<AssessOutput, StepError> {
        let (_, execution) = Partition::of_execution(&input.execution)?;
        let seeding = self.reports.seeding(execution).await?;
        let redo = still_to_read(&seeding, &input)?;
        let report_key = seeding::Reports::of(execution).report();
        if !redo.is_empty() {
            let report = self.reports.uri(&report_key);
            return Ok(AssessOutput {
                redo,
                verdict: seeding::Verdict::Ok,
                findings: Vec::new(),
                plan: None,
                report,
            });
        }
        let inspections = self.inspections(&seeding, &input.pieces).await?;
        let assessment = assess::assess(&seeding, &inspections, input.findings);
        let report = self.reports.write(&report_key, &assessment).await?;
        tracing::info!(verdict = ?assessment.verdict, findings = assessment.findings.len(), "assessed");
        let mut findings = assessment.findings;
        findings.truncate(SHOWN_FINDINGS);
        Ok(AssessOutput { redo, verdict: assessment.verdict, findings, plan: assessment.plan, report })
    }
}

impl AssessBackup {
    async fn inspections(&self, seeding: &Seeding, pieces: &[Piece]) -> Result<Vec<Inspection>, StepError> {
        let mut inspections = Vec::with_capacity(seeding.backups.len());
        for backup in 0..seeding.backups.len() {
            let mut of_backup: Vec<_> = pieces.iter().filter(|piece| piece.backup == backup).collect();
            of_backup.sort_by_key(|piece| piece.start);
            // A step that ran twice may have left a piece twice; its file is the same.
            of_backup.dedup_by_key(|piece| piece.start);
            let mut whole: Option<Inspection> = None;
            for piece in of_backup {
                let partial: Partial = self.reports.read(&piece.partial).await?.ok_or_else(|| {
                    StepError::internal(format!("the partial result {} is gone", piece.partial))
                })?;
                whole = Some(match whole {
                    None => partial.inspection,
                    Some(before) => before.join(partial.inspection).map_err(StepError::internal)?,
                });
            }
            inspections.push(whole.unwrap_or_default());
        }
        Ok(inspections)
    }
}

/// The ranges whose worker ran out of time.
fn still_to_read(seeding: &Seeding, input: &AssessInput) -> Result<Vec<Range>, StepError> {
    let mut redo = Vec::new();
    for (backup, object) in seeding.backups.iter().enumerate() {
        let pieces = input.pieces.iter().filter(|piece| piece.backup == backup);
        // The last piece may be empty, where the file breaks off just where an earlier one paused.
        let last = pieces.max_by_key(|piece| (piece.end, piece.complete));
        let last =
            last.ok_or_else(|| StepError::internal(format!("nothing was read of {}", object.location)))?;
        if !last.complete {
            let resume = Some(last.partial.clone());
            redo.push(Range { backup, start: last.end, end: object.size_bytes, resume });
        }
    }
    if !redo.is_empty() && input.round >= MAX_ROUNDS {
        return Err(StepError::new(
            seeding::ErrorName::InspectionTooLong,
            format!("{} backups are not read after {} rounds", redo.len(), input.round),
            "give inspect-chunk more memory, which brings more CPU and network",
        ));
    }
    Ok(redo)
}

#[cfg(test)]
mod tests;
