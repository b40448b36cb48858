//! Judges inspected files for a cluster: findings, memory needs and the plan.

mod shared;

use rdb_footprint::{Compared, Footprint};
use rdb_scan::{Crc, Header, Inspection, Magic, ValueType};
use serde::{Deserialize, Serialize};

use crate::{
    facts::engine::EngineVersion,
    finding::{Code, Finding, Verdict},
    record::seeding::Target,
    request::{cluster::ClusterSpec, kind::ClusterKind},
    verdict::{
        backup::{fault_finding, hazard_finding, module_finding, version_finding},
        conversion::{How, convert},
        plan::{MOST_SLOT_BYTES, Need, Plan},
    },
};

/// The judgement of inspected files for the requested cluster.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// All findings, most severe first.
    pub findings: Vec<Finding>,
    /// The memory of the loaded data; `None` if a file is damaged.
    pub footprint: Option<Footprint>,
    /// The cluster to create, if there can be one.
    pub plan: Option<Plan>,
    /// How each file becomes one that the engine reads. If one is [`How::Changed`], the rest is about its source, and
    /// [`super::changed::judge_changed`] decides.
    pub converted: Vec<How>,
}

/// Judges files. Each comes with the name that its findings have, and must be weighed by [`Target::memory_settings`].
pub fn judge(target: &Target, inspected: &[(String, &Inspection)], earlier: Vec<Finding>) -> Judgement {
    let mut findings = earlier;
    let mut converted = Vec::with_capacity(inspected.len());
    for (name, inspection) in inspected {
        // The check of the file's first bytes may have found the same.
        let (mut of_file, others): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.backup.as_ref() == Some(name));
        judge_file(target, name, inspection, &mut of_file);
        converted.push(convert(target, name, inspection, &mut of_file));
        findings = others;
        findings.extend(of_file);
    }
    // With cluster mode on, several files are the shards of one cluster.
    if target.cluster.cluster_mode {
        findings.extend(shared::shared_slots_findings(inspected));
    }
    let sound = inspected.iter().all(|(_, inspection)| inspection.is_sound());
    let skips_empty = target.cluster.engine.skips_empty_collections(target.cluster.engine_version);
    let is_empty = |inspection: &Inspection| {
        inspection.keys == 0 || (skips_empty && inspection.keys == inspection.empty.keys)
    };
    if sound && inspected.iter().all(|(_, inspection)| is_empty(inspection)) {
        findings
            .push(Finding::new(Code::NoKeys, "check that it is the right file: the cluster will be empty"));
    }
    let inspections = inspected.iter().map(|(_, inspection)| *inspection);
    let (settings, cluster_mode) = (target.memory_settings(), target.cluster.cluster_mode);
    let footprint = Footprint::of(inspections, settings, cluster_mode).filter(|_| sound);
    let mut plan = None;
    if let Some(footprint) = &footprint {
        let cluster = &target.cluster;
        if cluster.engine.compared_with(cluster.engine_version).is_none() {
            let remedy =
                "leave more headroom, or use an engine version whose model was compared with a server";
            findings.push(
                Finding::new(Code::MemoryModelUncalibrated, remedy)
                    .with("engine", format!("{} {}", cluster.engine, cluster.engine_version)),
            );
        }
        plan = Plan::make(target, &Need::new(target, footprint.clone()), &mut findings);
        if let Some(plan) = &plan {
            findings.extend(inspected.iter().filter_map(|(name, one)| big_key(target, name, one, plan)));
        }
    }
    Finding::most_severe_first(&mut findings);
    // A damaged file has no plan, so nothing can be created, whatever is allowed.
    let verdict = if sound { Verdict::of(&findings, &target.options.allow) } else { Verdict::Reject };
    Judgement { verdict, findings, footprint, plan, converted }
}

fn judge_file(target: &Target, name: &str, inspection: &Inspection, findings: &mut Vec<Finding>) {
    let cluster = &target.cluster;
    findings.extend(inspection.faults.iter().map(|fault| fault_finding(name, fault)));
    if let Some(rdb) = &inspection.rdb {
        let header = Header {
            version: rdb.version,
            magic: rdb.magic,
            aux: inspection.aux.clone(),
            ..Header::default()
        };
        let newer = version_finding(name, &header, cluster);
        findings.extend(newer.filter(|finding| !findings.contains(finding)));
        if rdb.crc == Crc::Absent {
            let remedy = "set rdbchecksum yes on the source, so that damage can be detected";
            findings.push(Finding::new(Code::ChecksumAbsent, remedy).about(name));
        }
    }
    findings.extend(age_finding(name, inspection, target.looked_at_ms));
    for (module, count) in &inspection.modules {
        let finding = module_finding(module).about(name);
        findings.push(finding.with("module", module.clone()).with("count", *count));
    }
    if inspection.types.contains_key("module") {
        let remedy = "leave ample headroom: the memory of module data is not predicted";
        let values = inspection.types.get("module").map_or(0, |counts| counts.keys);
        findings.push(Finding::new(Code::MemoryIsLowerBound, remedy).about(name).with("values", values));
    }
    if inspection.functions > 0 && !cluster.engine.knows_functions(cluster.engine_version) {
        let remedy = "use Redis 7.0 or Valkey, which have functions";
        let finding = Finding::new(Code::FunctionsUnsupported, remedy).about(name);
        findings.push(finding.with("libraries", inspection.functions));
    }
    findings.extend(databases_finding(target, name, inspection));
    if !cluster.cluster_mode && inspection.aux.contains_key("slot-info") {
        let remedy = if cluster.kind == ClusterKind::CacheCluster {
            "set kind to replicationGroup, with cluster mode on: ElastiCache does not seed a single shard from a \
             cluster's backup"
        } else {
            "turn cluster mode on: ElastiCache does not seed a single shard from a cluster's backup"
        };
        findings.push(Finding::new(Code::ClusterBackupIntoSingleNode, remedy).about(name));
    }
    if inspection.already_expired > 0 {
        let remedy = "no action needed, unless these keys are expected in the cluster";
        findings.push(
            Finding::new(Code::KeysAlreadyExpired, remedy)
                .about(name)
                .with("expired", inspection.already_expired)
                .with("keys", inspection.keys),
        );
    }
    findings.extend(inspection.hazard_counts.iter().filter_map(|(code, count)| {
        let first = inspection.hazards.iter().find(|hazard| hazard.code == *code)?;
        hazard_finding(name, first, *count, cluster)
    }));
    findings.extend(newer_type(name, inspection, cluster));
}

/// The finding for a value type that is newer than the RDB version the engine loads, in a file that claims an older
/// version.
fn newer_type(name: &str, inspection: &Inspection, cluster: &ClusterSpec) -> Option<Finding> {
    let rdb = inspection.rdb.as_ref()?;
    let max = cluster.engine.max_rdb_version(cluster.engine_version);
    if rdb.magic == Magic::Valkey || rdb.version > max {
        return None;
    }
    let types = inspection.types.iter();
    let mut encodings =
        types.flat_map(|(kind, counts)| counts.encodings.keys().map(move |encoding| (kind, encoding)));
    let (kind, encoding) =
        encodings.find(|(kind, encoding)| ValueType::first_version(kind, encoding) > max)?;
    let remedy = "make a new backup: its version and its contents contradict each other";
    Some(
        Finding::new(Code::RefusedByEngine, remedy)
            .about(name)
            .with("type", kind.clone())
            .with("encoding", encoding.clone())
            .with("cameWithRdbVersion", ValueType::first_version(kind, encoding))
            .with("rdbVersion", rdb.version)
            .with("engineReads", max),
    )
}

/// The finding for keys in databases that the cluster does not have.
fn databases_finding(target: &Target, name: &str, inspection: &Inspection) -> Option<Finding> {
    let cluster = &target.cluster;
    let holding = inspection.databases.iter().filter(|(_, counts)| counts.keys > 0);
    let numbers: Vec<_> = holding.map(|(number, _)| *number).collect();
    let highest = numbers.iter().max().copied().unwrap_or(0);
    let one = cluster.has_one_database();
    if one {
        let remedy = if cluster.serverless.is_some() {
            "set convert.databases to merge, or move all keys to database 0 on the source"
        } else {
            "turn cluster mode off, or move all keys to database 0 on the source"
        };
        let shown = numbers.iter().take(20).copied().collect::<Vec<_>>();
        let finding = Finding::new(Code::MultipleDatabasesInClusterMode, remedy).about(name);
        if highest > 0 {
            return Some(finding.with("databases", shown));
        }
    }
    // A database that is selected counts like one that holds keys. In cluster mode, these engines still have the usual
    // 16 databases, though only the first is usable.
    let databases = if one { target.databases.max(16) } else { target.databases };
    let highest = inspection.highest_database.max(highest);
    let remedy = if cluster.cluster_mode {
        "use a parameter group with more cluster-databases"
    } else {
        "use a parameter group with more databases"
    };
    let finding = Finding::new(Code::DatabaseNumberTooHigh, remedy).about(name);
    (highest >= databases).then(|| finding.with("database", highest).with("databases", databases))
}

/// The age above which a backup is old: more than a day, in milliseconds.
const OLD_MS: u64 = 24 * 60 * 60 * 1000;

/// The finding for a file that was written long ago, by its `ctime` field.
fn age_finding(name: &str, inspection: &Inspection, now_ms: u64) -> Option<Finding> {
    let written_ms = inspection.aux.get("ctime")?.parse::<u64>().ok()?.checked_mul(1000)?;
    let age_ms = now_ms.checked_sub(written_ms).filter(|age_ms| *age_ms > OLD_MS)?;
    let remedy = "make a new backup, unless nothing was written since";
    let hours = age_ms / (60 * 60 * 1000);
    Some(
        Finding::new(Code::BackupIsOld, remedy)
            .about(name)
            .with("writtenAtMs", written_ms)
            .with("hours", hours),
    )
}

/// The percentage of a node's memory above which a key is big.
const BIG_KEY_PERCENT: u64 = 10;

/// The finding for a file's biggest key, if it is a large part of a node, or of what a slot of a serverless cache may
/// hold. Its size in the file is a lower bound of its memory.
fn big_key(target: &Target, name: &str, inspection: &Inspection, plan: &Plan) -> Option<Finding> {
    let usable_bytes = plan.shards.first()?.usable_bytes;
    let is_serverless = target.cluster.serverless.is_some();
    let usable_bytes = if is_serverless { usable_bytes.min(MOST_SLOT_BYTES) } else { usable_bytes };
    let biggest = inspection.biggest.first()?;
    let remedy = "split the key on the source, if it is going to grow";
    let finding = Finding::new(Code::BigKey, remedy)
        .about(name)
        .with("fileBytes", biggest.bytes)
        .with("type", biggest.kind.clone())
        .with("elements", biggest.elements)
        .with("usableBytes", usable_bytes);
    (biggest.bytes > usable_bytes / 100 * BIG_KEY_PERCENT).then_some(finding)
}

/// A footprint as reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FootprintReport {
    /// Engine: `valkey` or `redis`.
    pub engine: String,
    /// Version of the engine.
    pub engine_version: String,
    /// Whether cluster mode is on.
    pub cluster_mode: bool,
    /// Quantum of the allocator, in bytes.
    pub allocator_quantum: u8,
    /// Whether the model of this version was compared with a real server.
    pub calibrated: bool,
    /// That server, such as `valkey 8.1.1`; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<String>,
    /// The `used_memory` of one server that holds everything, minus that of an empty server.
    pub used_memory_bytes: u64,
}

impl FootprintReport {
    /// Reports a footprint for a version of the engine.
    pub fn of(footprint: &Footprint, engine_version: EngineVersion) -> Self {
        let Footprint { settings, cluster_mode, .. } = footprint;
        let EngineVersion { major, minor, patch } = engine_version;
        let compared = Compared::standing_for(settings.generation.engine(), major, minor, patch);
        Self {
            engine: settings.generation.engine().to_owned(),
            engine_version: engine_version.to_string(),
            cluster_mode: *cluster_mode,
            allocator_quantum: settings.quantum.bytes(),
            calibrated: compared.is_some(),
            compared_with: compared.map(|compared| compared.to_string()),
            used_memory_bytes: footprint.used_memory_bytes(),
        }
    }
}
