//! What was converted, as a table and as JSON.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{
        ErrorKind, Write as _, {self},
    },
    ops::Range,
};

use rdb_convert::{Options, Plan, Report};
use rdb_scan::{Inspection, Magic, walk::Salvage, written_by};
use serde::Serialize;

use crate::{
    columns::Columns,
    term::{thousands, wrapped},
};

/// The version of this JSON.
const SCHEMA: u32 = 1;
/// At most this many damaged places are listed.
const MAX_DAMAGED: usize = 1000;

/// The backup that was converted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct From {
    /// RDB version.
    version: u32,
    /// First letters of the file: `REDIS` or `VALKEY`.
    magic: Magic,
    /// Product and version that wrote the file; null if the file does not say it.
    written_by: Option<String>,
    /// Compression of the file, `gzip` or `zstd`; null if it is not compressed.
    compression: Option<&'static str>,
}

/// The new file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct To {
    /// Engine that reads it, `redis` or `valkey`.
    engine: &'static str,
    /// Version of the engine.
    engine_version: String,
    /// RDB version.
    version: u32,
    /// First letters of the file: `REDIS` or `VALKEY`.
    magic: Magic,
}

/// What was converted, or would be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Conversion<'a> {
    /// Version of this JSON, 1.
    schema: u32,
    /// The backup.
    from: &'a From,
    /// The new file.
    to: To,
    /// Number of keys in the backup.
    keys_read: u64,
    /// Number of keys in the new files, also in a dry run; 0 if the conversion is refused.
    keys_written: u64,
    /// Number of bytes in the new files, also in a dry run; 0 if the conversion is refused.
    bytes_written: u64,
    /// Number of keys that were left out, by reason.
    dropped: BTreeMap<&'static str, u64>,
    /// Number of other things that were lost, by what they are.
    lost: BTreeMap<&'static str, u64>,
    /// Number of places that were mended, by what was wrong; empty without `--repair`.
    repaired: BTreeMap<&'static str, u64>,
    /// First keys of what was left out or lost; absent if keys are hidden.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    first_keys: BTreeMap<&'static str, Vec<String>>,
    /// Keys that two databases bring to one.
    conflicts: Conflicts,
    /// Places of the backup that could not be read.
    damaged: Vec<Damaged>,
    /// Databases of the backup whose number may be damaged, so that their keys may be of another one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    doubtful_databases: Vec<Doubtful>,
    /// What stands in the way; empty if the file was written or could be.
    refused: Vec<Refused<'a>>,
}

#[derive(Serialize)]
struct Conflicts {
    /// Number of keys.
    n: u64,
    /// The first hundred; empty if keys are hidden.
    keys: Vec<String>,
}

#[derive(Serialize)]
struct Damaged {
    /// Offset of the first byte.
    offset: u64,
    /// Number of bytes.
    bytes: u64,
}

#[derive(Serialize)]
struct Doubtful {
    /// Offset of the first key.
    offset: u64,
    /// Number of the database.
    database: u64,
}

#[derive(Serialize)]
struct Refused<'a> {
    /// What it is.
    code: &'a str,
    /// How often it is there.
    n: u64,
    /// First keys that have it; empty if keys are hidden.
    keys: Vec<String>,
    /// What can be done.
    remedy: &'a str,
}

/// What is to be told of a conversion.
pub(super) struct Told<'a> {
    pub(super) from: From,
    pub(super) options: &'a Options,
    pub(super) plan: Option<&'a Plan>,
    pub(super) report: &'a Report,
    pub(super) damaged: &'a [Range<u64>],
    pub(super) doubtful: &'a [(u64, u64)],
    pub(super) hide_keys: bool,
}

impl From {
    pub(super) fn of(inspection: &Inspection, compression: Option<&'static str>) -> Self {
        let rdb = inspection.rdb.as_ref();
        Self {
            version: rdb.map_or(0, |rdb| rdb.version),
            magic: rdb.map_or(Magic::Redis, |rdb| rdb.magic),
            written_by: written_by(&inspection.aux),
            compression,
        }
    }
}

impl From {
    pub(super) fn of_salvage(salvage: &Salvage, compression: Option<&'static str>) -> Self {
        let (version, magic) = (salvage.header.version, salvage.header.magic);
        Self { version, magic, written_by: None, compression }
    }
}

impl Told<'_> {
    /// Prints it on standard output, or on standard error if the new file goes to standard output.
    pub(super) fn print(&self, json: bool, to_stderr: bool) -> anyhow::Result<()> {
        let text = if json { serde_json::to_string(&self.json())? + "\n" } else { self.table() };
        let printed = if to_stderr {
            io::stderr().write_all(text.as_bytes())
        } else {
            io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush())
        };
        match printed {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn keys(&self, keys: &[Vec<u8>]) -> Vec<String> {
        let shown = |key: &Vec<u8>| key.get(..256).unwrap_or(key).escape_ascii().to_string();
        if self.hide_keys { Vec::new() } else { keys.iter().map(shown).collect() }
    }

    fn to(&self) -> To {
        let target = self.options.target;
        To {
            engine: target.engine().name(),
            engine_version: target.engine_version(),
            version: self.plan.map_or(target.version(), |plan| plan.version),
            magic: self.plan.map_or(Magic::Redis, |plan| plan.magic),
        }
    }

    fn json(&self) -> Conversion<'_> {
        let Report { keys_read, keys_written, bytes_written, dropped, lost, conflicts, refused, .. } =
            self.report;
        let first = dropped.iter().chain(lost).filter(|(_, count)| !count.keys.is_empty() && !self.hide_keys);
        let counts = |counts: &BTreeMap<&'static str, rdb_convert::Count>| {
            counts.iter().map(|(what, count)| (*what, count.number)).collect()
        };
        Conversion {
            schema: SCHEMA,
            from: &self.from,
            to: self.to(),
            keys_read: *keys_read,
            keys_written: if refused.is_empty() { *keys_written } else { 0 },
            bytes_written: if refused.is_empty() { *bytes_written } else { 0 },
            dropped: counts(dropped),
            lost: counts(lost),
            repaired: counts(&self.report.repaired),
            first_keys: first.map(|(what, count)| (*what, self.keys(&count.keys))).collect(),
            conflicts: Conflicts { n: conflicts.number, keys: self.keys(&conflicts.keys) },
            damaged: self
                .damaged
                .iter()
                .take(MAX_DAMAGED)
                .map(|range| Damaged { offset: range.start, bytes: range.end - range.start })
                .collect(),
            doubtful_databases: self
                .doubtful
                .iter()
                .map(|&(offset, database)| Doubtful { offset, database })
                .collect(),
            refused: refused
                .iter()
                .map(|one| Refused {
                    code: one.code,
                    n: one.count.number,
                    keys: self.keys(&one.count.keys),
                    remedy: one.remedy,
                })
                .collect(),
        }
    }

    fn table(&self) -> String {
        let Report { keys_read, keys_written, bytes_written, dropped, lost, conflicts, refused, .. } =
            self.report;
        let name = |magic, version| match magic {
            Magic::Redis => format!("REDIS{version:04}"),
            Magic::Valkey => format!("VALKEY{version:03}"),
        };
        let to = self.to();
        let from = match self.from.version {
            0 => "no RDB file".to_owned(),
            version => name(self.from.magic, version),
        };
        let written_by =
            self.from.written_by.as_ref().map(|server| format!("{server}, ")).unwrap_or_default();
        let mut text =
            format!("{written_by}{from} to {} for {}\n", name(to.magic, to.version), self.options.target);
        if !refused.is_empty() {
            text.push_str("\nRefused; nothing was written:\n");
        }
        for one in refused {
            let _ = write!(
                text,
                "\n  {} ({})\n{}",
                one.code,
                thousands(one.count.number),
                wrapped(one.remedy, 4)
            );
            for key in self.keys(&one.count.keys) {
                let _ = writeln!(text, "      {key}");
            }
        }
        let mut columns = Columns::new(["", "number"]);
        columns.line(["keys read".to_owned(), thousands(*keys_read)]);
        if refused.is_empty() {
            columns.line(["keys written".to_owned(), thousands(*keys_written)]);
            columns.line(["bytes written".to_owned(), thousands(*bytes_written)]);
        }
        for (reason, count) in dropped {
            columns.line([format!("keys dropped: {reason}"), thousands(count.number)]);
        }
        for (what, count) in lost {
            columns.line([format!("lost: {what}"), thousands(count.number)]);
        }
        for (what, count) in &self.report.repaired {
            columns.line([format!("repaired: {what}"), thousands(count.number)]);
        }
        if conflicts.number > 0 {
            columns.line(["conflicting keys".to_owned(), thousands(conflicts.number)]);
        }
        if !self.damaged.is_empty() {
            let bytes = self.damaged.iter().map(|range| range.end - range.start).sum();
            columns.line(["damaged places".to_owned(), thousands(self.damaged.len() as u64)]);
            columns.line(["bytes lost in them".to_owned(), thousands(bytes)]);
        }
        for (offset, database) in self.doubtful {
            let place = format!("{database} from offset {}", thousands(*offset));
            columns.line(["doubtful database".to_owned(), place]);
        }
        text.push_str(&columns.render());
        if to.magic == Magic::Valkey {
            let note = "Valkey 9 reads this file. That ElastiCache restores one with the magic VALKEY is inferred from its own exports, and has not been seen.";
            let _ = write!(text, "\n{}", wrapped(note, 2));
        }
        text
    }
}
