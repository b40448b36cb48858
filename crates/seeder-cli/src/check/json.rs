//! The result as JSON. The tables in docs/CHECK.md are written from these structs and those inside them.

use rdb_scan::{Inspection, Report};
use seeding::{
    Finding, MemoryMap, Plan, Verdict,
    judge::{FootprintReport, Judgement},
};
use serde::Serialize;

use super::{Checked, shared_slots, target::Fit};

/// One object, on one line.
pub(super) fn render(all: &[Checked], together: &Fit) -> serde_json::Result<String> {
    let cluster = ClusterReport::of(together);
    let text = match all {
        [one] => serde_json::to_string(&OneFile { file: FileReport::of(one), cluster }),
        all => serde_json::to_string(&SeveralFiles {
            schema: rdb_scan::REPORT_SCHEMA,
            files: all.iter().map(FileReport::of).collect(),
            total: Total::of(all, cluster),
        }),
    };
    Ok(format!("{}\n", text?))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneFile<'a> {
    #[serde(flatten)]
    file: FileReport<'a>,
    #[serde(flatten)]
    cluster: ClusterReport<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeveralFiles<'a> {
    /// Version of this JSON, 1.
    schema: u32,
    /// Objects as for one file, in the order in which the files were named.
    files: Vec<FileReport<'a>>,
    /// All files together.
    total: Total<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FileReport<'a> {
    Read(Box<ReadFile<'a>>),
    Unreadable(UnreadableFile<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadFile<'a> {
    #[serde(flatten)]
    contents: Report,
    #[serde(flatten)]
    reading: Reading<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnreadableFile<'a> {
    /// The reason why the file could not be read; absent if it was read.
    error: String,
    /// Version of this JSON, 1.
    schema: u32,
    #[serde(flatten)]
    reading: Reading<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reading<'a> {
    /// The file, as named on the command line.
    file: &'a str,
    /// Compression of the file, `gzip` or `zstd`; absent if it is not compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'static str>,
    /// Duration. Nothing else in the object depends on the machine.
    timing: Timing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Timing {
    /// Duration in seconds.
    seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Total<'a> {
    /// Number of files.
    files: usize,
    /// Number of files that could not be read.
    unreadable: usize,
    /// Number of sound files.
    sound: usize,
    /// Sum of `rdb.bytes`.
    bytes: u64,
    /// Sum of `keys`.
    keys: u64,
    /// Sum of `expires`.
    expires: u64,
    /// Sum of `alreadyExpired`.
    already_expired: u64,
    /// Hash slots with keys in more than one file.
    shared_slots: usize,
    #[serde(flatten)]
    cluster: ClusterReport<'a>,
}

/// What the files together mean for a cluster.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterReport<'a> {
    /// Predicted memory: one footprint, or with `--all-engines` two of each engine; absent if a file is broken.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    footprints: &'a [FootprintReport],
    /// Where the memory goes in the cluster's engine; absent if a file is broken or none has keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<&'a MemoryMap>,
    #[serde(flatten)]
    judgement: Option<JudgementReport<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JudgementReport<'a> {
    /// Verdict. Like the next two members, absent unless a cluster was described.
    verdict: Verdict,
    /// The cluster to create; null if none can be planned.
    plan: Option<&'a Plan>,
    /// Findings, most severe first.
    findings: &'a [Finding],
}

impl<'a> FileReport<'a> {
    fn of(checked: &'a Checked) -> Self {
        let reading = Reading {
            file: &checked.name,
            compression: checked.compression.map(super::Compression::name),
            timing: Timing { seconds: checked.took.as_secs_f64() },
        };
        match &checked.inspection {
            Ok(inspection) => Self::Read(Box::new(ReadFile { contents: inspection.report(), reading })),
            Err(error) => {
                let error = format!("{error:#}");
                Self::Unreadable(UnreadableFile { error, schema: rdb_scan::REPORT_SCHEMA, reading })
            }
        }
    }
}

impl<'a> Total<'a> {
    fn of(all: &[Checked], cluster: ClusterReport<'a>) -> Self {
        let read: Vec<_> = all.iter().filter_map(|checked| checked.inspection.as_ref().ok()).collect();
        let sum =
            |number: fn(&Inspection) -> u64| read.iter().map(|inspection| number(inspection)).sum::<u64>();
        Self {
            files: all.len(),
            unreadable: all.len() - read.len(),
            sound: read.iter().filter(|inspection| inspection.is_sound()).count(),
            bytes: sum(|inspection| inspection.rdb.as_ref().map_or(0, |rdb| rdb.bytes)),
            keys: sum(|inspection| inspection.keys),
            expires: sum(|inspection| inspection.expires),
            already_expired: sum(|inspection| inspection.already_expired),
            shared_slots: shared_slots(all),
            cluster,
        }
    }
}

impl<'a> ClusterReport<'a> {
    fn of(Fit { footprints, memory, judgement, .. }: &'a Fit) -> Self {
        let judgement = judgement.as_ref().map(|(Judgement { verdict, findings, plan, .. }, _)| {
            JudgementReport { verdict: *verdict, plan: plan.as_ref(), findings }
        });
        Self { footprints, memory: memory.as_ref(), judgement }
    }
}
