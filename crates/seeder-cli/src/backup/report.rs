//! What was backed up, as text and as JSON. The table in docs/RUNNING.md is written from these structs.

use std::{
    fmt::Write as _,
    io::{
        Write as _, {self},
    },
    time::Duration,
};

use rdb_scan::{Inspection, Magic, written_by};
use replication::Address;
use serde::Serialize;

use crate::term::{elapsed, print_text, thousands};

/// The version of this JSON.
const SCHEMA: u32 = 1;

/// One file or object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileDone {
    /// Server that it is from, without credentials.
    source: String,
    /// File or object.
    to: String,
    /// Number of bytes.
    bytes: u64,
    /// Number of keys.
    keys: u64,
    /// The format.
    rdb: Rdb,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rdb {
    /// RDB version.
    version: u32,
    /// First letters of the file: `REDIS` or `VALKEY`.
    magic: Magic,
    /// Product and version of the server; null if the file does not say it.
    written_by: Option<String>,
}

/// Everything that was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Done<'d> {
    /// Version of this JSON, 1.
    schema: u32,
    /// SOURCE, without credentials.
    source: String,
    /// TO, or what it is by default.
    to: &'d str,
    /// Number of bytes of all files.
    bytes: u64,
    /// Number of keys of all files.
    keys: u64,
    /// The format; absent for a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    rdb: Option<Rdb>,
    /// For each shard of a cluster its file, in the order of the slots; absent if it is no cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<&'d [FileDone]>,
    /// Duration. Nothing else in the object depends on the machine.
    timing: Timing,
}

#[derive(Debug, Serialize)]
pub(super) struct Timing {
    /// Duration in seconds.
    seconds: f64,
}

impl From<Duration> for Timing {
    fn from(took: Duration) -> Self {
        Self { seconds: took.as_secs_f64() }
    }
}

impl FileDone {
    pub(super) fn new(source: &Address, to: &str, bytes: u64, inspection: &Inspection) -> Self {
        let rdb = inspection.rdb.as_ref();
        Self {
            source: source.to_string(),
            to: to.to_owned(),
            bytes,
            keys: inspection.keys,
            rdb: Rdb {
                version: rdb.map_or(0, |rdb| rdb.version),
                magic: rdb.map_or(Magic::Redis, |rdb| rdb.magic),
                written_by: written_by(&inspection.aux),
            },
        }
    }
}

impl<'d> Done<'d> {
    pub(crate) fn new(
        source: &Address,
        to: &'d str,
        files: &'d [FileDone],
        is_cluster: bool,
        took: Duration,
    ) -> Self {
        Self {
            schema: SCHEMA,
            source: source.to_string(),
            to,
            bytes: files.iter().map(|file| file.bytes).sum(),
            keys: files.iter().map(|file| file.keys).sum(),
            rdb: files.first().filter(|_| !is_cluster).map(|file| file.rdb.clone()),
            shards: is_cluster.then_some(files),
            timing: took.into(),
        }
    }

    /// Prints it on standard output, or on standard error if the backup goes to standard output.
    pub(super) fn print(&self, json: bool, to_stderr: bool) -> anyhow::Result<()> {
        let text = if json { serde_json::to_string(self)? + "\n" } else { self.text() };
        if to_stderr {
            io::stderr().write_all(text.as_bytes())?;
        } else {
            print_text(&text)?;
        }
        Ok(())
    }

    /// The source, and what was taken of it, on one line.
    pub(crate) fn summary(&self) -> String {
        let took = elapsed(Duration::from_secs_f64(self.timing.seconds));
        let (keys, bytes) = (thousands(self.keys), thousands(self.bytes));
        format!("{}: {keys} keys, {bytes} bytes, backed up in {took}", self.source)
    }

    /// Describes it in words.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let line = |source: &str, to: &str, rdb: Option<&Rdb>, keys: u64, bytes: u64| {
            let format = rdb.map(|rdb| match rdb.magic {
                Magic::Redis => format!("REDIS{:04}, ", rdb.version),
                Magic::Valkey => format!("VALKEY{:03}, ", rdb.version),
            });
            let format = format.unwrap_or_default();
            format!("{source} to {to}: {format}{} keys, {} bytes", thousands(keys), thousands(bytes))
        };
        // Writing to a string cannot fail.
        for file in self.shards.unwrap_or_default() {
            let _ =
                writeln!(text, "{}", line(&file.source, &file.to, Some(&file.rdb), file.keys, file.bytes));
        }
        let took = elapsed(Duration::from_secs_f64(self.timing.seconds));
        let all = line(&self.source, self.to, self.rdb.as_ref(), self.keys, self.bytes);
        let _ = writeln!(text, "{all}, complete and sound, in {took}");
        text
    }
}
