//! Text output of the result.

use std::fmt::Write as _;

use indicatif::DecimalBytes;
use jiff::Timestamp;
use rdb_scan::{Crc, Fault, Hazard, Inspection, RdbInfo, Report, written_by};
use seeding::fault_remedy;

use super::{Checked, fit, shared_slots, target::Fit};
use crate::{
    columns::Columns,
    term::{elapsed, paint, thousands, wrapped},
};

/// The most faults or hazards that are listed; the rest is only counted.
const MAX_SHOWN: usize = 10;

/// Renders a section for each file that could be read, and one for all together.
pub(super) fn render(all: &[Checked], target: &Fit) -> String {
    let mut parts: Vec<_> = all.iter().filter_map(file).collect();
    if all.len() > 1 {
        parts.push(together(all));
    }
    // A table on its own begins with an empty line.
    parts.push(fit::render(target).trim_start_matches('\n').to_owned());
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn file(checked: &Checked) -> Option<String> {
    let inspection = checked.inspection.as_ref().ok()?;
    let report = inspection.report();
    let verdict = match report.faults.first() {
        None => paint("32", "sound"),
        Some(fault) => paint("31;1", &format!("broken ({})", fault.code)),
    };
    let mut text = format!("{}: {verdict}\n", checked.name);
    if let Some(rdb) = &report.rdb {
        text.push_str(&origin(rdb, &report));
    }
    let seconds = checked.took.as_secs_f64().max(1e-9);
    // A rate for display: the last digits do not matter.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    let rate = (inspection.end as f64 / seconds) as u64;
    let through = checked.compression.map(|how| format!(" through {how}")).unwrap_or_default();
    let _ = writeln!(text, "  read{through} in {}, {}/s", elapsed(checked.took), DecimalBytes(rate));
    text.push_str(&faults(&report));
    text.push_str(&hazards(&report));
    if report.keys > 0 {
        text.push_str(&keys(&report));
        text.push_str(&slots(inspection));
        text.push_str(&types(&report));
        text.push_str(&times_to_live(&report));
        text.push_str(&prefixes(&report));
        text.push_str(&biggest(&report));
    }
    text.push_str(&unchecked(inspection));
    Some(text)
}

/// Describes the server that wrote the file, and when.
fn origin(rdb: &RdbInfo, report: &Report) -> String {
    let aux = |name: &str| report.aux.get(name);
    let server = written_by(&report.aux).map(|server| format!("{server}, ")).unwrap_or_default();
    let crc = match rdb.crc {
        Crc::Ok => "checksum good",
        Crc::Absent => "no checksum",
        Crc::Mismatch => "CHECKSUM WRONG",
        Crc::Unchecked => "checksum not reached",
    };
    let mut text = format!("  {server}RDB version {}, {} bytes, {crc}\n", rdb.version, thousands(rdb.bytes));
    let written = aux("ctime").and_then(|ctime| Timestamp::from_second(ctime.parse().ok()?).ok());
    let memory = aux("used-mem").and_then(|bytes| bytes.parse().ok());
    let memory = memory.map(|bytes: u64| format!(", when the server used {} of memory", DecimalBytes(bytes)));
    if let Some(written) = written {
        let _ = writeln!(
            text,
            "  written {}{}",
            written.strftime("%Y-%m-%d %H:%M:%S UTC"),
            memory.unwrap_or_default()
        );
    }
    text
}

fn faults(report: &Report) -> String {
    let mut text = String::new();
    for Fault { code, offset, database, key, message, .. } in report.faults.iter().take(MAX_SHOWN) {
        text.push_str(&note(&paint("31", code.as_str()), *offset, *database, key.as_ref(), message));
    }
    more(&mut text, report.faults.len(), "faults");
    // A known cause has a specific remedy, so it takes precedence over the first fault.
    let known = report.faults.iter().find(|fault| fault.cause.is_some());
    if let Some(fault) = known.or(report.faults.first()) {
        let _ = write!(text, "\n{}", wrapped(&format!("What to do: {}.", fault_remedy(fault)), 2));
    }
    text
}

fn hazards(report: &Report) -> String {
    let mut text = String::new();
    for Hazard { code, offset, database, key, message } in report.hazards.iter().take(MAX_SHOWN) {
        text.push_str(&note(&paint("33", code.as_str()), *offset, *database, key.as_ref(), message));
    }
    let count: u64 = report.hazard_counts.values().sum();
    more(&mut text, usize::try_from(count).unwrap_or(usize::MAX), "hazards");
    text
}

/// Renders a finding in one record, with its place.
fn note(code: &str, offset: u64, database: u64, key: Option<&String>, message: &str) -> String {
    let (offset, place) = (thousands(offset), place(database, key));
    format!("\n  {code} at offset {offset}{place}\n{}", wrapped(message, 4))
}

fn place(database: u64, key: Option<&String>) -> String {
    match key {
        Some(key) => format!(", database {database}, key \"{key}\""),
        None if database == Fault::UNKNOWN_DATABASE => String::new(),
        None => format!(", database {database}"),
    }
}

fn more(text: &mut String, count: usize, what: &str) {
    if count > MAX_SHOWN {
        let _ = writeln!(
            text,
            "\n  and {} more {what}; --json has more of them",
            thousands((count - MAX_SHOWN) as u64)
        );
    }
}

fn keys(report: &Report) -> String {
    let mut text = format!("\n  {} keys", thousands(report.keys));
    if let [only] = &report.databases[..] {
        let _ = write!(text, " in database {}", only.index);
    }
    let _ = write!(
        text,
        ", {} with an expiry ({})",
        thousands(report.expires),
        percent(report.expires, report.keys)
    );
    if report.already_expired > 0 {
        let _ = write!(text, ", {} expired already", thousands(report.already_expired));
    }
    if report.field_expires > 0 {
        let _ = write!(text, "; {} hash fields with an expiry", thousands(report.field_expires));
    }
    if report.functions > 0 {
        let _ = write!(text, "; {} function libraries", report.functions);
    }
    text.push('\n');
    if report.databases.len() > 1 {
        let mut columns = Columns::new(["database", "keys", "with an expiry"]);
        for database in report.databases.iter().take(MAX_SHOWN) {
            columns.line([database.index.to_string(), thousands(database.keys), thousands(database.expires)]);
        }
        text.push_str(&columns.render());
        more(&mut text, report.databases.len(), "databases");
    }
    text
}

/// Describes how the keys are distributed over the slots of a cluster: one slot is never split between shards.
fn slots(inspection: &Inspection) -> String {
    let all: u64 = inspection.slots.iter().map(|(_, count)| count.bytes).sum();
    let Some((slot, fullest)) = inspection.slots.iter().max_by_key(|(_, count)| count.bytes) else {
        return String::new();
    };
    format!(
        "  in {} of {} hash slots; the fullest, {slot}, holds {} of the bytes\n",
        thousands(inspection.slots.iter().count() as u64),
        thousands(u64::from(seeding::SLOTS)),
        percent(fullest.bytes, all)
    )
}

fn types(report: &Report) -> String {
    let mut columns =
        Columns::new(["type", "keys", "elements", "bytes", "encodings in the file"]).last_is_text();
    for (name, counts) in &report.types {
        let mut encodings: Vec<_> = counts.encodings.iter().collect();
        encodings.sort_by_key(|(_, keys)| std::cmp::Reverse(**keys));
        let encodings: Vec<_> =
            encodings.iter().map(|(name, keys)| format!("{name} {}", percent(**keys, counts.keys))).collect();
        columns.line([
            name.clone(),
            thousands(counts.keys),
            thousands(counts.elements),
            thousands(counts.bytes),
            encodings.join(", "),
        ]);
    }
    columns.render()
}

fn times_to_live(report: &Report) -> String {
    let times = &report.times_to_live;
    let mut columns = Columns::new(["time left", "keys", "share"]);
    for (name, keys) in [
        ("none, expired already", times.expired),
        ("up to a minute", times.minute),
        ("up to an hour", times.hour),
        ("up to a day", times.day),
        ("up to a week", times.week),
        ("up to 30 days", times.month),
        ("up to a year", times.year),
        ("longer", times.longer),
    ] {
        if keys > 0 {
            columns.line([name.to_owned(), thousands(keys), percent(keys, report.keys)]);
        }
    }
    columns.render()
}

fn prefixes(report: &Report) -> String {
    let mut columns = Columns::new(["keys begin with", "about", "share", "bytes", "never expire"]);
    for prefix in report.prefixes.iter().take(MAX_SHOWN) {
        columns.line([
            prefix.prefix.clone(),
            thousands(prefix.keys),
            format!("{:.1} ± {:.1}%", prefix.share * 100.0, prefix.share_error * 100.0),
            thousands(prefix.bytes),
            format!("{:.0}%", prefix.without_expiry * 100.0),
        ]);
    }
    columns.render()
}

fn biggest(report: &Report) -> String {
    let mut columns = Columns::new(["biggest keys", "bytes", "elements", "database", "type"]).last_is_text();
    for key in &report.biggest {
        columns.line([
            key.key.clone().unwrap_or_else(|| "(hidden)".to_owned()),
            thousands(key.bytes),
            thousands(key.elements),
            key.database.to_string(),
            key.kind.clone(),
        ]);
    }
    columns.render()
}

fn unchecked(inspection: &Inspection) -> String {
    let unchecked = &inspection.unchecked;
    let mut text = String::new();
    if unchecked.keys > 0 {
        let keys = thousands(unchecked.keys);
        let note = format!("Duplicate keys not checked: {keys} keys are too many to compare.");
        text.push('\n');
        text.push_str(&wrapped(&note, 2));
    }
    if unchecked.values > 0 {
        let (members, values) = (thousands(unchecked.members), thousands(unchecked.values));
        let note = format!("Duplicate members not checked: {members} members of {values} large values.");
        text.push('\n');
        text.push_str(&wrapped(&note, 2));
    }
    text
}

fn together(all: &[Checked]) -> String {
    let read: Vec<_> = all.iter().filter_map(|checked| checked.inspection.as_ref().ok()).collect();
    let sound = read.iter().filter(|inspection| inspection.is_sound()).count();
    let keys = read.iter().map(|inspection| inspection.keys).sum();
    let bytes = read.iter().map(|inspection| inspection.end).sum();
    let mut text = format!(
        "{} files, {} of them sound: {} keys in {} bytes\n",
        all.len(),
        if sound == all.len() { "all".to_owned() } else { sound.to_string() },
        thousands(keys),
        thousands(bytes)
    );
    let shared = shared_slots(all);
    if shared > 0 {
        let note = format!(
            "{} hash slots hold keys in more than one file. Shards of one cluster share none: a key that is in two files would be loaded twice.",
            thousands(shared as u64)
        );
        text.push_str(&wrapped(&note, 2));
    }
    text
}

/// Formats a share in percent; less than one percent, but not zero, is `<1%`.
fn percent(part: u64, whole: u64) -> String {
    match part.saturating_mul(100) / whole.max(1) {
        0 if part > 0 => "<1%".to_owned(),
        percent => format!("{percent}%"),
    }
}
