//! Prints the report of one RDB file as JSON: `cargo run --release -p rdb-scan --example inspect -- FILE [--threads
//! N]`.

use std::{
    io::{Error, Write},
    path::Path,
};

use rdb_scan::{Control, FileSource, InspectOptions, inspect_parallel};

fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (path, threads) = match &arguments[..] {
        [path] => (path, 1),
        [path, flag, threads] | [flag, threads, path] if flag == "--threads" => {
            (path, threads.parse().map_err(Error::other)?)
        }
        _ => return Err(Error::other("usage: inspect FILE [--threads N]")),
    };
    let source = FileSource::open(Path::new(path))?;
    let inspection = inspect_parallel(&source, threads, &InspectOptions::default(), &|_| Control::Continue)?;
    if let Some(inspection) = inspection {
        serde_json::to_writer_pretty(std::io::stdout(), &inspection.report())?;
    }
    writeln!(std::io::stdout())
}
