//! What a page is made of.

use rdb_scan::Report;
use seeding::{
    Finding, MemoryMap, Plan, Verdict, judge::FootprintReport, outcome::Outcome, report::Assessment,
};

/// What a page is made of.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// The name of the execution, or of the file.
    pub title: String,
    /// When the backups were read, in milliseconds since the Unix epoch.
    pub read_at_ms: i64,
    /// The verdict, if one was asked for.
    pub verdict: Option<Verdict>,
    /// All findings, most severe first.
    pub findings: &'a [Finding],
    /// The memory of all data in the cluster's engine.
    pub footprint: Option<&'a FootprintReport>,
    /// The memory of all data in several engines; one is not compared.
    pub compared: &'a [FootprintReport],
    /// Where the memory goes in the cluster's engine.
    pub memory: Option<&'a MemoryMap>,
    /// The cluster to create.
    pub plan: Option<&'a Plan>,
    /// The backups.
    pub files: Vec<File<'a>>,
    /// How the seeding ended, if it has.
    pub end: Option<End<'a>>,
}

/// A backup.
#[derive(Debug, Clone)]
pub struct File<'a> {
    /// Its name.
    pub name: String,
    /// Its contents.
    pub contents: &'a Report,
    /// Whether it is converted.
    pub converted: bool,
    /// The contents after the conversion, if they are not the same.
    pub converted_contents: Option<&'a Report>,
}

/// How a seeding ended. Times are in milliseconds since the Unix epoch, 0 for what did not happen.
#[derive(Debug, Clone)]
pub struct End<'a> {
    /// What is announced.
    pub outcome: &'a Outcome,
    /// When it started.
    pub started_at_ms: i64,
    /// When the backups were judged.
    pub decided_at_ms: i64,
    /// When the cluster was created.
    pub created_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: i64,
    /// ElastiCache's events about the cluster, oldest first.
    pub events: &'a [String],
}

impl<'a> Sources<'a> {
    /// The page of an execution that goes on.
    pub fn of(execution: &str, read_at_ms: i64, assessment: &'a Assessment) -> Self {
        let files = assessment.backups.iter().map(|backup| File {
            name: backup.backup.location.to_string(),
            contents: &backup.inspection,
            converted: backup.converted,
            converted_contents: backup.converted_inspection.as_ref(),
        });
        Self {
            title: execution.to_owned(),
            read_at_ms,
            verdict: Some(assessment.verdict),
            findings: &assessment.findings,
            footprint: assessment.footprint.as_ref(),
            compared: &[],
            memory: assessment.memory.as_ref(),
            plan: assessment.plan.as_ref(),
            files: files.collect(),
            end: None,
        }
    }
}
