//! What the inspected backups say about the cluster that is to come up.

use rdb_scan::{Crc, Header, Inspection, Report};
use serde::{Deserialize, Serialize};

use crate::{
    Backup, BackupLocation, Code, Finding, Need, Plan, Seeding, Verdict,
    contents::{fault_finding, hazard_finding, module_finding, version_finding},
    slots::SLOTS,
};

/// The decision about a seeding, and everything behind it: the report that lies in the reports bucket.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assessment {
    /// The shape of this report, 1.
    pub schema: u32,
    /// The decision.
    pub verdict: Verdict,
    /// Everything that was found, the weightiest first.
    pub findings: Vec<Finding>,
    /// What will be created.
    pub plan: Option<Plan>,
    /// The keys to be expected on the new cluster.
    pub counts: Counts,
    /// What each backup holds.
    pub backups: Vec<BackupReport>,
}

/// The part of an [`Assessment`] that the count of the new cluster is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All keys, those already expired included.
    pub keys: u64,
    /// Keys with an expiry, which may be gone by the time that they are counted.
    pub expires: u64,
    /// Keys that had expired when the backup was read: the load drops them.
    pub already_expired: u64,
}

/// One backup in a report.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// Which.
    #[serde(flatten)]
    pub backup: Backup,
    /// What it holds.
    pub inspection: Report,
}

/// Judges the inspections, one for each backup, in their order. `earlier` is what had been found before.
pub fn assess(seeding: &Seeding, inspections: &[Inspection], earlier: Vec<Finding>) -> Assessment {
    let mut findings = earlier;
    for (backup, inspection) in seeding.backups.iter().zip(inspections) {
        judge_backup(seeding, &backup.location, inspection, &mut findings);
    }
    let counts = inspections.iter().fold(Counts::default(), |sum, inspection| Counts {
        keys: sum.keys + inspection.keys,
        expires: sum.expires + inspection.expires,
        already_expired: sum.already_expired + inspection.already_expired,
    });
    if counts.keys == 0 && inspections.iter().all(Inspection::is_sound) {
        findings
            .push(Finding::new(Code::NoKeys, "check that it is the right file: the cluster will be empty"));
    }
    let sound = inspections.iter().all(Inspection::is_sound);
    let plan = if sound {
        let need = need(seeding, inspections, &mut findings);
        Plan::make(seeding, &need, &mut findings)
    } else {
        None
    };
    // A stable order: what forbids comes first.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let backups = seeding
        .backups
        .iter()
        .zip(inspections)
        .map(|(backup, inspection)| BackupReport { backup: backup.clone(), inspection: inspection.report() })
        .collect();
    let verdict = Verdict::of(&findings, &seeding.options.allow);
    Assessment { schema: 1, verdict, findings, plan, counts, backups }
}

fn judge_backup(
    seeding: &Seeding,
    location: &BackupLocation,
    inspection: &Inspection,
    findings: &mut Vec<Finding>,
) {
    let cluster = &seeding.cluster;
    findings.extend(inspection.faults.iter().map(|fault| fault_finding(location, fault)));
    if let Some(rdb) = &inspection.rdb {
        let header = Header { version: rdb.version, magic: rdb.magic, aux: inspection.aux.clone() };
        // The same may have been said when the file's beginning was looked at.
        let newer = version_finding(location, &header, cluster);
        findings.extend(newer.filter(|finding| !findings.contains(finding)));
        if rdb.crc == Crc::Absent {
            let remedy = "set rdbchecksum yes on the source, so that damage can be seen";
            findings.push(Finding::new(Code::ChecksumAbsent, remedy).about(location));
        }
    }
    for (module, count) in &inspection.modules {
        findings.push(
            module_finding(module).about(location).with("module", module.clone()).with("count", *count),
        );
    }
    if inspection.functions > 0 && !cluster.engine.knows_functions(cluster.engine_version) {
        let remedy = "take Redis 7.0 or Valkey, which know functions";
        findings.push(
            Finding::new(Code::FunctionsUnsupported, remedy)
                .about(location)
                .with("libraries", inspection.functions),
        );
    }
    let numbers =
        inspection.databases.iter().filter(|(_, counts)| counts.keys > 0).map(|(number, _)| *number);
    let numbers: Vec<_> = numbers.collect();
    if cluster.cluster_mode
        && cluster.engine.one_database_in_cluster_mode(cluster.engine_version)
        && numbers.iter().any(|&number| number != 0)
    {
        let remedy = "turn cluster mode off, or move all keys to database 0 on the source";
        findings.push(
            Finding::new(Code::MultipleDatabasesInClusterMode, remedy)
                .about(location)
                .with("databases", numbers.iter().take(20).copied().collect::<Vec<_>>()),
        );
    } else if let Some(&highest) = numbers.iter().max().filter(|&&highest| highest >= seeding.databases) {
        let remedy = "take a parameter group with more databases";
        findings.push(
            Finding::new(Code::DatabaseNumberTooHigh, remedy)
                .about(location)
                .with("database", highest)
                .with("databases", seeding.databases),
        );
    }
    if !cluster.cluster_mode && inspection.aux.contains_key("slot-info") {
        let remedy = "turn cluster mode on: ElastiCache does not seed a single shard from a cluster's backup";
        findings.push(Finding::new(Code::ClusterBackupIntoSingleNode, remedy).about(location));
    }
    if inspection.already_expired > 0 {
        let remedy = "nothing needs to be done, unless these keys were expected to be there";
        findings.push(
            Finding::new(Code::KeysAlreadyExpired, remedy)
                .about(location)
                .with("expired", inspection.already_expired)
                .with("keys", inspection.keys),
        );
    }
    findings.extend(inspection.hazard_counts.iter().filter_map(|(code, count)| {
        let first = inspection.hazards.iter().find(|hazard| hazard.code == *code)?;
        hazard_finding(location, first, *count)
    }));
}

/// What the data needs, as far as the file tells: the memory that the source used when it wrote the file, or else the
/// file's size, below which the memory cannot be for data that is not compressed.
fn need(seeding: &Seeding, inspections: &[Inspection], findings: &mut Vec<Finding>) -> Need {
    let mut used_memory_bytes = 0_u64;
    let mut slot_keys = vec![0_u64; usize::from(SLOTS)];
    let mut slot_bytes = vec![0_u64; usize::from(SLOTS)];
    for (backup, inspection) in seeding.backups.iter().zip(inspections) {
        let told = inspection.aux.get("used-mem").and_then(|text| text.parse::<u64>().ok());
        if told.is_none() && inspection.keys > 0 {
            let remedy = "leave ample room: the memory need may be several times the file's size";
            findings.push(
                Finding::new(Code::MemoryIsLowerBound, remedy)
                    .about(&backup.location)
                    .with("sizeBytes", backup.size_bytes),
            );
        }
        used_memory_bytes = used_memory_bytes.saturating_add(told.unwrap_or(backup.size_bytes));
        for (slot, count) in inspection.slots.iter() {
            slot_keys[usize::from(slot)] += count.keys;
            slot_bytes[usize::from(slot)] += count.bytes;
        }
    }
    Need { used_memory_bytes, slot_keys, slot_bytes }
}

/// A finding for each count that the new cluster does not confirm.
///
/// Keys with an expiry may have gone since; all others have to be there.
pub fn count_findings(counts: Counts, found: u64) -> Option<Finding> {
    let at_most = counts.keys - counts.already_expired.min(counts.keys);
    let at_least = counts.keys - counts.expires.min(counts.keys);
    if (at_least..=at_most).contains(&found) {
        return None;
    }
    let remedy = "compare the cluster with the source before using it, and look at the cluster's events";
    Some(
        Finding::new(Code::KeyCountDiffers, remedy)
            .with("found", found)
            .with("expectedAtLeast", at_least)
            .with("expectedAtMost", at_most),
    )
}

/// The counts of a report, for the step that reads nothing else of it.
#[derive(Debug, Deserialize)]
pub struct ReportCounts {
    /// See [`Assessment::counts`].
    pub counts: Counts,
}
