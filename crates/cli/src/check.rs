//! `seeder check`: a backup read completely.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    process::ExitCode,
    time::Instant,
};

use jiff::Timestamp;
use rdb_scan::{Control, Crc, InspectOptions, Inspected, Inspection, Position};
use serde_json::{Value, json};

use crate::{
    args::CheckArgs,
    term::{elapsed, progress_bar, thousands},
};

const FAULTS: u8 = 1;
const NOT_READABLE: u8 = 3;

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    let started = Instant::now();
    match inspect(&args.file, args.hide_keys) {
        Ok(inspection) => {
            if args.json {
                print_json(&inspection, started);
            } else {
                print_table(&args.file, &inspection, started);
            }
            if inspection.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(FAULTS) }
        }
        Err(error) => {
            eprintln!("error: failed to read {}: {error}", args.file.display());
            if args.json {
                println!("{}", json!({"schema": 1, "error": error.to_string()}));
            }
            ExitCode::from(NOT_READABLE)
        }
    }
}

fn inspect(file: &Path, hide_keys: bool) -> io::Result<Inspection> {
    let (source, size_bytes): (Box<dyn Read>, _) = if file.as_os_str() == "-" {
        (Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(file)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        // A pipe or a device has no length to check against.
        (Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    let bar = progress_bar("reading", size_bytes);
    let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let options = InspectOptions { hide_keys, now_ms, size_bytes, ..InspectOptions::default() };
    let inspected = rdb_scan::inspect(source, &Position::default(), &options, &mut |progress| {
        bar.set_position(progress.offset);
        Control::Continue
    });
    bar.finish_and_clear();
    match inspected? {
        Inspected::Complete(inspection) | Inspected::Paused(inspection, _) => Ok(inspection),
    }
}

fn print_json(inspection: &Inspection, started: Instant) {
    let mut report = serde_json::to_value(inspection.report()).unwrap_or_default();
    if let Value::Object(fields) = &mut report {
        fields.insert("timing".to_owned(), json!({"seconds": started.elapsed().as_secs_f64()}));
    }
    println!("{report}");
}

fn print_table(file: &Path, inspection: &Inspection, started: Instant) {
    let verdict = if inspection.is_sound() { "sound" } else { "NOT SOUND" };
    println!("{}: {verdict}", file.display());
    if let Some(rdb) = &inspection.rdb {
        let crc = match rdb.crc {
            Crc::Ok => "checksum good",
            Crc::Absent => "no checksum",
            Crc::Mismatch => "CHECKSUM WRONG",
            Crc::Unchecked => "checksum not reached",
        };
        println!(
            "  RDB version {}, {} bytes, {crc}, read in {}",
            rdb.version,
            thousands(rdb.bytes),
            elapsed(started.elapsed())
        );
    }
    println!("  {} keys, {} with an expiry", thousands(inspection.keys), thousands(inspection.expires));
    if !inspection.types.is_empty() {
        println!("  {:8} {:>15} {:>17} {:>19}", "type", "keys", "elements", "bytes");
    }
    for (name, counts) in &inspection.types {
        let (keys, elements, bytes) =
            (thousands(counts.keys), thousands(counts.elements), thousands(counts.bytes));
        println!("  {name:8} {keys:>15} {elements:>17} {bytes:>19}");
    }
    for (index, counts) in &inspection.databases {
        println!(
            "  database {index}: {} keys, {} with an expiry",
            thousands(counts.keys),
            thousands(counts.expires)
        );
    }
    for big in &inspection.biggest {
        let key = big.key.as_deref().unwrap_or("(hidden)");
        println!("  big: {key} ({}, database {}): {} bytes", big.kind, big.database, thousands(big.bytes));
    }
    let about = |key: &Option<String>| key.as_ref().map(|key| format!(" in key {key}")).unwrap_or_default();
    for fault in &inspection.faults {
        println!("  fault {} at offset {}{}: {}", fault.code, fault.offset, about(&fault.key), fault.message);
    }
    for hazard in &inspection.hazards {
        println!(
            "  hazard {} at offset {}{}: {}",
            hazard.code,
            hazard.offset,
            about(&hazard.key),
            hazard.message
        );
    }
}
