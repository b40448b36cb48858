//! The report about the inspected backups and the cluster to create.

use rdb_scan::{EmptyCounts, Inspection, Report};
use serde::{Deserialize, Serialize};

use crate::{
    finding::{Code, Finding, Verdict},
    record::seeding::{Backup, Seeding},
    verdict::{
        changed::{NewFile, judge_changed},
        conversion::How,
        judge::{FootprintReport, Judgement, judge},
        memory::MemoryMap,
        plan::Plan,
    },
};

/// The report of a seeding, `report.json` in the reports bucket. docs/RESULT.md has its table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// Version of this JSON, 1.
    pub schema: u32,
    /// Verdict.
    pub verdict: Verdict,
    /// All findings, most severe first.
    pub findings: Vec<Finding>,
    /// Predicted memory of all data, as in [`seeder check`](docs/CHECK.md#the-json); absent if a backup is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footprint: Option<FootprintReport>,
    /// Where this memory goes, as in [`seeder check`](docs/CHECK.md#the-json); absent if a backup is broken or none has
    /// keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryMap>,
    /// The cluster to create, as in [`seeder check`](docs/CHECK.md#the-json); null if none can be planned.
    pub plan: Option<Plan>,
    /// The keys that the new cluster should have.
    pub counts: Counts,
    /// The backups, in the order of the request.
    pub backups: Vec<BackupReport>,
}

/// The part of an [`Assessment`] with which the new cluster is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All keys, including those already expired, without empty collections that the engine skips.
    pub keys: u64,
    /// Keys with an expiry. They may be gone when the keys are counted.
    pub expires: u64,
    /// Keys that had expired when the backup was read. They are dropped while loading.
    pub already_expired: u64,
    /// Predicted memory of the data on all primaries, in bytes; 0 without a plan.
    #[serde(default)]
    pub data_bytes: u64,
}

/// One backup in a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The object.
    #[serde(flatten)]
    pub backup: Backup,
    /// Whether it is [converted](docs/CONVERT.md#in-a-seeding) for the engine.
    pub converted: bool,
    /// Contents of the object, as in [`seeder check`](docs/CHECK.md#the-json).
    pub inspection: Report,
    /// Contents of the converted object, if they are not the same; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted_inspection: Option<Report>,
}

/// Judges the inspections, one for each backup, in the backups' order. `earlier`: the findings so far.
///
/// Returns how each backup becomes one that the engine reads. If one is [`How::Changed`], the assessment is about its
/// source, and [`assess_changed`] decides.
pub fn assess(
    seeding: &Seeding,
    inspections: &[Inspection],
    earlier: Vec<Finding>,
) -> (Assessment, Vec<How>) {
    let judgement = judge(&seeding.target, &named(seeding, inspections), earlier);
    let converted = judgement.converted.clone();
    let none: Vec<_> = inspections.iter().map(|_| None).collect();
    (assessment(seeding, inspections, &none, judgement), converted)
}

/// As [`assess`], with the files that the conversion would write; none for a backup that is seeded as it is.
pub fn assess_changed(
    seeding: &Seeding,
    inspections: &[Inspection],
    new: &[Option<NewFile>],
    earlier: Vec<Finding>,
) -> Assessment {
    let mut judgement = judge_changed(&seeding.target, &named(seeding, inspections), new, earlier);
    for (converted, _) in judgement.converted.iter_mut().zip(new).filter(|(_, new)| new.is_some()) {
        *converted = How::Changed;
    }
    assessment(seeding, inspections, new, judgement)
}

/// The report on backups whose conversion is refused: nothing is created.
pub fn refused(seeding: &Seeding, inspections: &[Inspection], findings: Vec<Finding>) -> Assessment {
    let (footprint, plan) = (None, None);
    let converted = vec![How::AsItIs; inspections.len()];
    let judgement = Judgement { verdict: Verdict::Reject, findings, footprint, plan, converted };
    let none: Vec<_> = inspections.iter().map(|_| None).collect();
    assessment(seeding, inspections, &none, judgement)
}

fn named<'i>(seeding: &Seeding, inspections: &'i [Inspection]) -> Vec<(String, &'i Inspection)> {
    let backups = seeding.backups.iter().zip(inspections);
    backups.map(|(backup, inspection)| (backup.location.to_string(), inspection)).collect()
}

fn assessment(
    seeding: &Seeding,
    inspections: &[Inspection],
    new: &[Option<NewFile>],
    judgement: Judgement,
) -> Assessment {
    let Judgement { verdict, findings, footprint, plan, converted } = judgement;
    let cluster = &seeding.target.cluster;
    let new_inspections = || new.iter().map(|new| new.as_ref().map(|new| &new.inspection));
    let seeded: Vec<_> = inspections
        .iter()
        .zip(new_inspections())
        .map(|(inspection, new)| new.unwrap_or(inspection))
        .collect();
    let memory = footprint.as_ref().and_then(|footprint| MemoryMap::of(seeded.iter().copied(), footprint));
    let shards = plan.iter().flat_map(|plan| &plan.shards);
    let counts = Counts {
        data_bytes: shards.map(|shard| shard.used_memory_bytes).sum(),
        ..Counts::of(seeded, cluster.engine.skips_empty_collections(cluster.engine_version))
    };
    let reports = seeding.backups.iter().zip(inspections).zip(converted).zip(new_inspections());
    let backups = reports
        .map(|(((backup, inspection), converted), new)| BackupReport {
            backup: backup.clone(),
            converted: converted != How::AsItIs,
            inspection: inspection.report(),
            converted_inspection: new.map(Inspection::report),
        })
        .collect();
    let footprint =
        footprint.as_ref().map(|footprint| FootprintReport::of(footprint, cluster.engine_version));
    Assessment { schema: 1, verdict, findings, footprint, memory, plan, counts, backups }
}

/// The report on a backup that could not be read to its end: nothing is created. After `rounds` rounds, `ranges_left`
/// chunks with `bytes_left` bytes in total are unread.
pub fn too_long(rounds: u32, ranges_left: usize, bytes_left: u64, earlier: Vec<Finding>) -> Assessment {
    let remedy = "give inspect-chunk more memory (InspectMemoryMb), which brings more CPU and network, or split the backup";
    let finding = Finding::new(Code::InspectionTooLong, remedy)
        .with("rounds", rounds)
        .with("rangesLeft", ranges_left)
        .with("bytesLeft", bytes_left);
    let findings = [vec![finding], earlier].concat();
    Assessment {
        schema: 1,
        verdict: Verdict::Reject,
        findings,
        footprint: None,
        memory: None,
        plan: None,
        counts: Counts::default(),
        backups: Vec::new(),
    }
}

impl Counts {
    /// Sums up the counts, without empty collections if the engine skips them.
    fn of<'i>(inspections: impl IntoIterator<Item = &'i Inspection>, skips_empty: bool) -> Self {
        inspections.into_iter().fold(Self::default(), |sum, inspection| {
            let empty = if skips_empty { inspection.empty } else { EmptyCounts::default() };
            Self {
                keys: sum.keys + inspection.keys.saturating_sub(empty.keys),
                expires: sum.expires + inspection.expires.saturating_sub(empty.expires),
                already_expired: sum.already_expired
                    + inspection.already_expired.saturating_sub(empty.already_expired),
                ..sum
            }
        })
    }
}

/// The finding for a key count that differs from the expected one.
///
/// Keys with an expiry may be missing; all others have to exist.
pub fn count_findings(counts: Counts, found: u64) -> Option<Finding> {
    let at_most = counts.keys - counts.already_expired.min(counts.keys);
    let at_least = counts.keys - counts.expires.min(counts.keys);
    if (at_least..=at_most).contains(&found) {
        return None;
    }
    let remedy = "compare the cluster with the source before using it, and check the cluster's events";
    Some(
        Finding::new(Code::KeyCountDiffers, remedy)
            .with("found", found)
            .with("expectedAtLeast", at_least)
            .with("expectedAtMost", at_most),
    )
}

/// The counts of a report, for the step that reads nothing else from it.
#[derive(Debug, Deserialize)]
pub struct ReportCounts {
    /// See [`Assessment::counts`].
    pub counts: Counts,
}

#[cfg(test)]
mod tests {
    use rdb_scan::{Control, InspectOptions, Inspected, Position, inspect};

    use super::*;

    /// A string, an empty hash that has expired, and an empty list.
    const FILE: &[u8] =
        b"REDIS0010\xfe\0\0\x01s\x01v\x04\x01h\0\xfc\0\0\0\0\0\0\0\0\x01\x01l\0\xff\0\0\0\0\0\0\0\0";

    #[test]
    fn empty_collections_are_not_expected_where_the_engine_leaves_them_out() {
        let options = InspectOptions { now_ms: 1000, ..InspectOptions::default() };
        let inspected = inspect(FILE, &Position::default(), &options, &mut |_| Control::Continue).unwrap();
        let Inspected::Complete(inspection) = inspected else { panic!("no pause was requested") };
        let all = std::slice::from_ref(&inspection);
        let skipped = Counts::of(all, true);
        assert_eq!(skipped, Counts { keys: 1, ..Counts::default() });
        assert_eq!(count_findings(skipped, 1), None);
        assert!(count_findings(skipped, 2).is_some());
        let kept = Counts::of(all, false);
        assert_eq!(kept, Counts { keys: 3, expires: 1, already_expired: 1, data_bytes: 0 });
        assert_eq!(count_findings(kept, 2), None);
    }
}
