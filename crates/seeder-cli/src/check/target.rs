//! The target cluster of `seeder check`, and judging files for it.

use rdb_footprint::{Footprint, Generation, Quantum, Settings};
use rdb_scan::{Inspection, Weighing};
use seeding::{
    ClusterKind, EngineVersion, Finding, Identity, MemoryMap, MemoryParameters, NodePrices, NodeTypes,
    Severity, Target,
    changed::NewFile,
    compressed_finding,
    judge::{FootprintReport, Judgement, judge},
    resolve, unknown_node_type,
};
use serde_json::Value;

use super::Checked;
use crate::{args::CheckArgs, prices::read_file};

/// The cluster that the options describe.
pub(super) struct DescribedTarget {
    target: Target,
    /// Findings about the options that do not refuse them.
    notes: Vec<Finding>,
    /// Whether a verdict is requested.
    asked: bool,
    /// The engines for which memory is predicted.
    engines: Vec<Settings>,
}

/// The judgement of all files together.
pub(super) struct Fit {
    pub(super) footprints: Vec<FootprintReport>,
    /// The memory in the cluster's engine.
    pub(super) footprint: Option<FootprintReport>,
    /// Where the memory goes in the cluster's engine.
    pub(super) memory: Option<MemoryMap>,
    /// The judgement, if one was requested, with a short description of the cluster.
    pub(super) judgement: Option<(Judgement, String)>,
    /// Whether what is intact in damaged files is seeded.
    pub(super) salvages: bool,
}

impl DescribedTarget {
    /// Reads the options. An error means that the command line is wrong.
    pub(super) fn of(args: &CheckArgs, files: usize, now_ms: u64) -> Result<Self, String> {
        let mut request = args.cluster.request();
        let asked = !request.is_empty();
        // Only the number of backups matters.
        let backups: Vec<_> = (0..files).map(|number| format!("check/{number}.rdb")).collect();
        request.insert("backups".to_owned(), backups.into());
        let (resolved, findings) =
            resolve(&[("command line", &Value::Object(request))], &Identity::new("check", "check"));
        let (faults, notes): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Fail);
        if let Some(finding) = faults.first() {
            return Err(in_words(finding));
        }
        let Some(resolved) = resolved else { return Err("these options are invalid".to_owned()) };
        let cluster = &resolved.cluster;
        let version = cluster.engine_version.to_string();
        let known = cluster.engine.known_versions();
        if !known.contains(&version.as_str()) {
            let engine = cluster.engine;
            return Err(format!("there is no {engine} {version}; ElastiCache offers {}", known.join(", ")));
        }
        let node_types = NodeTypes::documented(cluster.engine);
        if cluster.node_type != "auto" && node_types.maxmemory_bytes(&cluster.node_type).is_none() {
            return Err(in_words(&unknown_node_type(&node_types, &cluster.node_type)));
        }
        let prices = match &args.prices {
            Some(path) => {
                let list = read_file(path).map_err(|error| format!("--prices: {error:#}"))?;
                let (engine, region) = (cluster.engine, list.region.clone());
                let missing = || format!("--prices: {} has no price for {engine}", path.display());
                Some(list.of_engine(engine, &region).ok_or_else(missing)?)
            }
            None => None,
        };
        let quantum = args.allocator_quantum.as_ref().and_then(|text| text.parse().ok());
        let quantum = quantum.and_then(Quantum::of).unwrap_or_default();
        let target = Target {
            // The values of ElastiCache's default parameter groups.
            databases: if cluster.cluster_mode { 1 } else { 16 },
            reserved_memory_percent: 25,
            memory: MemoryParameters { quantum, ..MemoryParameters::default() },
            node_types,
            cluster: resolved.cluster,
            options: resolved.options,
            looked_at_ms: now_ms,
            max_nodes: None,
            prices,
        };
        let engines = if args.all_engines {
            Generation::ALL.map(|generation| Settings { generation, ..target.memory_settings() }).into()
        } else {
            vec![target.memory_settings()]
        };
        Ok(Self { target, notes, asked, engines })
    }

    /// Sets what is known of prices.
    pub(super) fn set_prices(&mut self, prices: Option<NodePrices>) {
        self.target.prices = prices;
    }

    /// The settings by which files are weighed while they are read.
    pub(super) fn weighings(&self) -> Vec<Weighing> {
        let mut all = self.engines.clone();
        // The target's settings may belong to no engine that represents a generation.
        if !all.contains(&self.target.memory_settings()) {
            all.push(self.target.memory_settings());
        }
        all.into_iter().map(Weighing::by).collect()
    }

    /// Judges the files. Without every file read there is no judgement; without every file sound, no footprint.
    pub(super) fn judge(&self, all: &[Checked]) -> Fit {
        let read = Self::read(all);
        let none: Vec<_> = all.iter().map(|_| None).collect();
        let footprints = self.footprints_of(all, &none);
        let (footprint, memory) = self.memory_of(all, &none);
        let judgement = (self.asked && read.len() == all.len() && !read.is_empty())
            .then(|| (judge(&self.target, &read, self.earlier(all)), self.in_words()));
        Fit { footprints, footprint, memory, judgement, salvages: false }
    }

    /// The target that files are judged for.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The files that were read, with their names.
    pub(super) fn read(all: &[Checked]) -> Vec<(String, &Inspection)> {
        all.iter()
            .filter_map(|checked| Some((checked.name.clone(), checked.inspection.as_ref().ok()?)))
            .collect()
    }

    /// The findings before files are judged.
    pub(super) fn earlier(&self, all: &[Checked]) -> Vec<Finding> {
        let compressed = all.iter().filter_map(|checked| Some((&checked.name, checked.compression?)));
        let compressed = compressed.map(|(name, how)| compressed_finding(name, how.name()));
        self.notes.iter().cloned().chain(compressed).collect()
    }

    /// The memory of what is seeded, if all of it is sound.
    pub(super) fn footprints_of(&self, all: &[Checked], new: &[Option<NewFile>]) -> Vec<FootprintReport> {
        Self::sound(all, new).map(|seeded| self.footprints(&seeded)).unwrap_or_default()
    }

    /// The memory of what is seeded in the cluster's engine, and where it goes, if all of it is sound.
    pub(super) fn memory_of(
        &self,
        all: &[Checked],
        new: &[Option<NewFile>],
    ) -> (Option<FootprintReport>, Option<MemoryMap>) {
        let cluster = &self.target.cluster;
        let Some(seeded) = Self::sound(all, new) else { return (None, None) };
        let (inspections, settings) = (seeded.iter().copied(), self.target.memory_settings());
        let Some(footprint) = Footprint::of(inspections, settings, cluster.cluster_mode) else {
            return (None, None);
        };
        let memory = MemoryMap::of(seeded, &footprint);
        (Some(FootprintReport::of(&footprint, cluster.engine_version)), memory)
    }

    /// What is seeded, if all of it is sound.
    fn sound<'i>(all: &'i [Checked], new: &'i [Option<NewFile>]) -> Option<Vec<&'i Inspection>> {
        let seeded: Vec<_> =
            all.iter().zip(new).filter_map(|(checked, new)| checked.seeded(new.as_ref())).collect();
        let sound = seeded.len() == all.len() && seeded.iter().all(|inspection| inspection.is_sound());
        sound.then_some(seeded)
    }

    fn footprints(&self, read: &[&Inspection]) -> Vec<FootprintReport> {
        let cluster = &self.target.cluster;
        let of = |settings: &Settings, cluster_mode| {
            let version = if *settings == self.target.memory_settings() {
                cluster.engine_version
            } else {
                EngineVersion::parse(settings.generation.version())?
            };
            let inspections = read.iter().copied();
            let footprint = Footprint::of(inspections, *settings, cluster_mode)?;
            Some(FootprintReport::of(&footprint, version))
        };
        match &self.engines[..] {
            [one] => of(one, cluster.cluster_mode).into_iter().collect(),
            all => all.iter().flat_map(|one| [of(one, false), of(one, true)]).flatten().collect(),
        }
    }

    fn in_words(&self) -> String {
        let cluster = &self.target.cluster;
        let shape = match cluster.kind {
            ClusterKind::Serverless => "serverless",
            ClusterKind::CacheCluster => "cache cluster",
            ClusterKind::ReplicationGroup if cluster.cluster_mode => "cluster mode on",
            ClusterKind::ReplicationGroup => "cluster mode off",
        };
        format!("{} {}, {shape}", cluster.engine, cluster.engine_version)
    }
}

/// Formats a finding about the options as one sentence.
fn in_words(finding: &Finding) -> String {
    let evidence = |name: &str| finding.evidence.get(name).map(|value| value.to_string().replace('"', ""));
    let about = match (evidence("field"), evidence("found"), evidence("reason"), evidence("nodeType")) {
        (Some(field), Some(found), ..) => format!("{} is {found}", field.trim_start_matches("cluster.")),
        (Some(field), ..) => field.trim_start_matches("cluster.").to_owned(),
        (_, _, Some(reason), _) => reason,
        (_, _, _, Some(node_type)) => format!("no node type {node_type}"),
        _ => finding.code.to_string(),
    };
    format!("{about}: {}", finding.remedy)
}
