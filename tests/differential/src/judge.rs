//! The product's verdict on a file for one engine, and the contents that its reader found.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position, Record, Visitor, scan};
use seeding::{Identity, MemoryParameters, NodeTypes, Severity, Target, Verdict, judge::judge, resolve};
use serde_json::json;

/// A key and its value, as the reader reports them.
pub struct Seen {
    /// Its database.
    pub database: u64,
    /// Its bytes.
    pub key: Vec<u8>,
    /// Its expiry in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// Its type and the bytes of its value, as in the payload of `RESTORE`.
    pub payload: Vec<u8>,
    /// Number of its elements.
    pub elements: u64,
    /// The name of its type.
    pub kind: &'static str,
}

/// The verdict for one engine, and the codes that led to it.
#[derive(Debug, Clone)]
pub struct Ours {
    /// Whether the file is rejected for this engine.
    pub refused: bool,
    /// Whether the file is accepted with a warning about its contents.
    pub warned: bool,
    /// The faults and the findings that lead to a rejection.
    pub why: String,
}

/// The reader's result for a file.
pub struct Reading<'f> {
    /// The contents of the file.
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
/// None: reading from memory cannot fail.
pub fn read(file: &[u8]) -> Result<Reading<'_>> {
    let options =
        InspectOptions { size_bytes: Some(file.len() as u64), now_ms: now_ms(), ..InspectOptions::default() };
    let (inspected, Eye(_, seen)) =
        scan(file, &Position::default(), &options, Eye(file, Vec::new()), &mut |_| Control::Continue)?;
    let (Inspected::Complete(inspection) | Inspected::Paused(inspection, _)) = inspected;
    Ok(Reading { inspection, seen, file })
}

/// The current time in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64)
}

impl Reading<'_> {
    /// The bytes that were read.
    pub fn file(&self) -> &[u8] {
        self.file
    }
}

/// A target for one engine: a cluster of that version with cluster mode disabled, large enough for any file.
pub struct Judge(Target);

impl Judge {
    /// Creates the target for an engine (`redis`, `valkey`) and a version.
    ///
    /// # Errors
    /// If the engine or the version does not exist.
    pub fn of(engine: &str, version: &str) -> Result<Self> {
        let version: Vec<_> = version.split('.').take(2).collect();
        let request = json!({"backups": ["differential/0.rdb"],
            "cluster": {"engine": engine, "engineVersion": version.join("."), "clusterMode": "disabled"},
            // Asked is what the engine does with the file as it is.
            "convert": {"when": "never"},
            // The first is a rule of AWS, the second a loss that no engine notices: they load only the first file.
            "allow": ["cluster-backup-into-single-node", "another-rdb-follows"]});
        let (resolved, findings) =
            resolve(&[("request", &request)], &Identity::new("differential", "differential"));
        let resolved = resolved.with_context(|| format!("{engine} {version:?}: {findings:?}"))?;
        Ok(Self(Target {
            databases: 16,
            reserved_memory_percent: 25,
            memory: MemoryParameters::default(),
            node_types: NodeTypes::documented(resolved.cluster.engine),
            cluster: resolved.cluster,
            options: resolved.options,
            looked_at_ms: now_ms(),
            max_nodes: None,
            prices: None,
        }))
    }

    /// Returns the verdict on a file.
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
