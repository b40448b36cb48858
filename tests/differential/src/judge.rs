//! Our verdict on a file for one engine, and what our reader saw in it.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position, Record, Visitor, scan};
use seeding::{MemoryParameters, NodeTypes, Severity, Target, Verdict, judge::judge, resolve};
use serde_json::json;

/// A key with its value, as the reader tells it.
pub struct Seen {
    /// Its database.
    pub database: u64,
    /// Its name.
    pub key: Vec<u8>,
    /// When it expires.
    pub expires_at_ms: Option<i64>,
    /// Its type and its value's bytes, as `RESTORE` takes them.
    pub payload: Vec<u8>,
    /// Its elements.
    pub elements: u64,
    /// The name of its type.
    pub kind: &'static str,
}

/// The verdict of one engine, with the codes that led to it.
#[derive(Debug, Clone)]
pub struct Ours {
    /// Whether the file is refused for it.
    pub refused: bool,
    /// Whether it is taken with a warning about its contents.
    pub warned: bool,
    /// The faults and failing findings.
    pub why: String,
}

/// What our reader says of a file.
pub struct Reading<'f> {
    /// All that it holds.
    pub inspection: Inspection,
    /// Its keys in file order.
    pub seen: Vec<Seen>,
    file: &'f [u8],
}

struct Eye<'f>(&'f [u8], Vec<Seen>);

impl Visitor for Eye<'_> {
    fn record(&mut self, record: &Record<'_>) {
        let value = self.0.get(record.value_start as usize..record.span.end as usize).unwrap_or_default();
        self.1.push(Seen {
            database: record.database.unwrap_or(0),
            key: record.key.to_vec(),
            expires_at_ms: record.expires_at_ms,
            payload: [&[record.type_id], value].concat(),
            elements: record.elements,
            kind: record.kind().name(),
        });
    }
}

/// Reads a file completely.
///
/// # Errors
/// None that memory gives.
pub fn read(file: &[u8]) -> Result<Reading<'_>> {
    let options =
        InspectOptions { size_bytes: Some(file.len() as u64), now_ms: now_ms(), ..InspectOptions::default() };
    let (inspected, Eye(_, seen)) =
        scan(file, &Position::default(), &options, Eye(file, Vec::new()), &mut |_| Control::Continue)?;
    let (Inspected::Complete(inspection) | Inspected::Paused(inspection, _)) = inspected;
    Ok(Reading { inspection, seen, file })
}

/// The time, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64)
}

impl Reading<'_> {
    /// The bytes that were read.
    pub fn file(&self) -> &[u8] {
        self.file
    }
}

/// One engine's target: a cluster of that version with cluster mode off, large enough for anything.
pub struct Judge(Target);

impl Judge {
    /// Of an engine (`redis`, `valkey`) and a version.
    ///
    /// # Errors
    /// If there is no such engine.
    pub fn of(engine: &str, version: &str) -> Result<Self> {
        let version: Vec<_> = version.split('.').take(2).collect();
        let request = json!({"backups": ["differential/0.rdb"],
            "cluster": {"engine": engine, "engineVersion": version.join("."), "clusterMode": "disabled"},
            // AWS's rule, and a loss that no engine sees: they load the first file.
            "allow": ["cluster-backup-into-single-node", "another-rdb-follows"]});
        let (resolved, findings) = resolve(&[("request", &request)], "differential");
        let resolved = resolved.with_context(|| format!("{engine} {version:?}: {findings:?}"))?;
        Ok(Self(Target {
            databases: 16,
            reserved_memory_percent: 25,
            memory: MemoryParameters::default(),
            node_types: NodeTypes::documented(resolved.cluster.engine),
            cluster: resolved.cluster,
            options: resolved.options,
            looked_at_ms: now_ms(),
        }))
    }

    /// The verdict on a file that was read.
    pub fn verdict(&self, inspection: &Inspection) -> Ours {
        let judgement = judge(&self.0, &[("file".to_owned(), inspection)], Vec::new());
        let failing = judgement.findings.iter().filter(|finding| finding.severity == Severity::Fail);
        let why: Vec<String> = failing
            .map(|finding| {
                let evidence =
                    |name: &str| finding.evidence.get(name).map(ToString::to_string).unwrap_or_default();
                format!(
                    "{} {}{} {}",
                    finding.code,
                    evidence("fault"),
                    evidence("hazard"),
                    evidence("message")
                )
            })
            .collect();
        Ours {
            refused: judgement.verdict == Verdict::Reject,
            warned: !inspection.hazard_counts.is_empty(),
            why: why.join("; "),
        }
    }
}
