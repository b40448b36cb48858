//! Prints the report of one RDB file as JSON: `cargo run -p rdb-scan --example inspect -- FILE`.
use std::fs::File;
use std::io::{Error, Write};

use rdb_scan::{Control, InspectOptions, Inspected, Position, inspect};

fn main() -> Result<(), Error> {
    let path = std::env::args_os().nth(1).ok_or_else(|| Error::other("usage: inspect FILE"))?;
    let file = File::open(path)?;
    let options = InspectOptions { size_bytes: Some(file.metadata()?.len()), ..InspectOptions::default() };
    let inspected = inspect(file, &Position::default(), &options, &mut |_| Control::Continue)?;
    let (Inspected::Complete(inspection) | Inspected::Paused(inspection, _)) = inspected;
    serde_json::to_writer_pretty(std::io::stdout(), &inspection.report())?;
    writeln!(std::io::stdout())
}
