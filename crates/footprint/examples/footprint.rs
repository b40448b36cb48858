//! Prints what a file takes in every generation of engines: `cargo run --release -p rdb-footprint --example footprint
//! FILE [8|16]`, where the number is the quantum of the servers' allocator.
use std::path::PathBuf;

use rdb_footprint::{Footprint, Generation, Quantum, Settings};
use rdb_scan::{Control, FileSource, InspectOptions, Weighing, inspect_parallel};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: footprint FILE [8|16]");
        std::process::exit(2);
    };
    let quantum =
        arguments.next().and_then(|text| text.parse().ok()).and_then(Quantum::of).unwrap_or_default();
    let all = Generation::ALL.map(|generation| Settings { quantum, ..Settings::new(generation) });
    let options = InspectOptions { weighings: all.map(Weighing::by).into(), ..InspectOptions::default() };
    let source = FileSource::open(&file)?;
    let Some(inspection) = inspect_parallel(&source, 2, &options, &|_| Control::Continue)? else {
        return Ok(());
    };
    for settings in all {
        let used = |cluster_mode| {
            Footprint::of([&inspection], settings, cluster_mode).map_or(0, |one| one.used_memory_bytes())
        };
        let generation = settings.generation.to_string();
        println!("{generation:12} cluster mode off {:>12}, on {:>12}", used(false), used(true));
    }
    Ok(())
}
