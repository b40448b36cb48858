//! What is in the backups: the biggest keys, expiries, idle times, and what a conversion changed.

use rdb_scan::{BigKey, IdleTimes, Report, TimesToLive};

use crate::{
    File, Sources,
    draw::length,
    text::{bytes, count, name, percent},
    views::memory::Row,
};

/// At most this many of the biggest keys.
const MAX_BIGGEST: usize = 25;
/// At most this many backups.
const MAX_FILES: usize = 50;

pub(crate) struct Contents {
    pub(crate) files: Vec<FileRow>,
    pub(crate) other_files: usize,
    pub(crate) biggest: Vec<BigRow>,
    pub(crate) times_to_live: Vec<Row>,
    pub(crate) idle_times: Vec<Row>,
    pub(crate) conversions: Vec<Conversion>,
}

pub(crate) struct FileRow {
    pub(crate) name: String,
    pub(crate) written_by: String,
    pub(crate) format: String,
    pub(crate) size: String,
    pub(crate) keys: String,
    pub(crate) state: &'static str,
}

pub(crate) struct BigRow {
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) database: String,
    pub(crate) elements: String,
    pub(crate) bytes: String,
    pub(crate) share: String,
}

pub(crate) struct Conversion {
    pub(crate) file: String,
    /// What is counted, before and after.
    pub(crate) changes: Vec<(&'static str, String, String)>,
}

impl Contents {
    pub(crate) fn of(sources: &Sources<'_>) -> Self {
        let files = &sources.files;
        let converted = files.iter().filter(|file| file.converted);
        Self {
            files: files.iter().take(MAX_FILES).map(FileRow::of).collect(),
            other_files: files.len().saturating_sub(MAX_FILES),
            biggest: biggest(files),
            times_to_live: times_to_live(files),
            idle_times: idle_times(files),
            conversions: converted.take(MAX_FILES).map(Conversion::of).collect(),
        }
    }
}

impl FileRow {
    fn of(file: &File<'_>) -> Self {
        let contents = file.contents;
        let format = contents.rdb.as_ref().map_or_else(
            || "not an RDB file".to_owned(),
            |rdb| format!("RDB {} ({:?})", rdb.version, rdb.magic),
        );
        let written_by = ["valkey-ver", "redis-ver"].iter().find_map(|field| {
            let version = contents.aux.get(*field)?;
            Some(format!("{} {}", field.trim_end_matches("-ver"), name(version)))
        });
        Self {
            name: name(&file.name),
            written_by: written_by.unwrap_or_else(|| "unknown".to_owned()),
            format,
            size: bytes(contents.rdb.as_ref().map_or(0, |rdb| rdb.bytes)),
            keys: count(contents.keys),
            state: match (contents.faults.is_empty(), file.converted) {
                (false, _) => "damaged",
                (true, true) => "sound, converted",
                (true, false) => "sound",
            },
        }
    }
}

fn biggest(files: &[File<'_>]) -> Vec<BigRow> {
    let mut all: Vec<&BigKey> = files.iter().flat_map(|file| &file.contents.biggest).collect();
    all.sort_by_key(|key| std::cmp::Reverse(key.bytes));
    let whole = sum(files, |file| file.rdb.as_ref().map_or(0, |rdb| rdb.bytes));
    let row = |key: &&BigKey| BigRow {
        key: key.key.as_deref().map_or_else(|| "(hidden)".to_owned(), name),
        kind: key.kind.clone(),
        database: key.database.to_string(),
        elements: count(key.elements),
        bytes: bytes(key.bytes),
        share: percent(key.bytes, whole),
    };
    all.iter().take(MAX_BIGGEST).map(row).collect()
}

fn sum(files: &[File<'_>], number: impl Fn(&Report) -> u64) -> u64 {
    files.iter().map(|file| number(file.contents)).sum()
}

fn times_to_live(files: &[File<'_>]) -> Vec<Row> {
    let of = |number: fn(&TimesToLive) -> u64| sum(files, |file| number(&file.times_to_live));
    let never = sum(files, |file| file.keys.saturating_sub(file.expires));
    rows(&[
        ("already expired", of(|left| left.expired)),
        ("up to a minute", of(|left| left.minute)),
        ("up to an hour", of(|left| left.hour)),
        ("up to a day", of(|left| left.day)),
        ("up to a week", of(|left| left.week)),
        ("up to 30 days", of(|left| left.month)),
        ("up to a year", of(|left| left.year)),
        ("longer", of(|left| left.longer)),
        ("never expires", never),
    ])
}

fn idle_times(files: &[File<'_>]) -> Vec<Row> {
    let of = |number: fn(&IdleTimes) -> u64| sum(files, |file| number(&file.idle_times));
    let all = [
        ("up to a minute", of(|idle| idle.minute)),
        ("up to an hour", of(|idle| idle.hour)),
        ("up to a day", of(|idle| idle.day)),
        ("up to a week", of(|idle| idle.week)),
        ("up to 30 days", of(|idle| idle.month)),
        ("up to a year", of(|idle| idle.year)),
        ("longer", of(|idle| idle.longer)),
    ];
    if all.iter().all(|(_, keys)| *keys == 0) { Vec::new() } else { rows(&all) }
}

fn rows(all: &[(&str, u64)]) -> Vec<Row> {
    let whole = all.iter().map(|(_, keys)| keys).sum();
    let row = |(name, keys): &(&str, u64)| Row {
        name: (*name).to_owned(),
        keys: count(*keys),
        size: String::new(),
        share: percent(*keys, whole),
        length: length(*keys, whole),
    };
    all.iter().map(row).collect()
}

impl Conversion {
    fn of(file: &File<'_>) -> Self {
        let before = file.contents;
        let changes = file.converted_contents.map(|after| {
            let size = |report: &Report| bytes(report.rdb.as_ref().map_or(0, |rdb| rdb.bytes));
            let format = |report: &Report| {
                report.rdb.as_ref().map_or_else(String::new, |rdb| format!("RDB {}", rdb.version))
            };
            vec![
                ("format", format(before), format(after)),
                ("size", size(before), size(after)),
                ("keys", count(before.keys), count(after.keys)),
                ("keys with an expiry", count(before.expires), count(after.expires)),
                ("databases", before.databases.len().to_string(), after.databases.len().to_string()),
                ("fields with an expiry", count(before.field_expires), count(after.field_expires)),
                ("libraries of functions", count(before.functions), count(after.functions)),
            ]
        });
        Self { file: name(&file.name), changes: changes.unwrap_or_default() }
    }
}
