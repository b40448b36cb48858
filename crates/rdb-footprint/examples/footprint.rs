//! Prints the memory that a file uses in servers: `cargo run --release -p rdb-footprint --example footprint FILE
//! [--quantum 8|16] [--engine NAME-VERSION] [--threads N]`. Without an engine such as `valkey-8.1`, prints it for all.

use std::{io::Error, path::PathBuf};

use rdb_footprint::{Footprint, Generation, Quantum, Settings};
use rdb_scan::{Control, FileSource, InspectOptions, Weighing, inspect_parallel};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut file = None;
    let (mut quantum, mut threads) = (Quantum::default(), 1);
    let mut engines = Vec::new();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| Error::other(format!("{argument} takes a value")));
        match argument.as_str() {
            "--quantum" => {
                let bytes = value()?.parse().map_err(Error::other)?;
                quantum = Quantum::of(bytes).ok_or_else(|| Error::other("the quantum is 8 or 16"))?;
            }
            "--threads" => threads = value()?.parse().map_err(Error::other)?,
            "--engine" => {
                let name = value()?;
                let named = |generation: &Generation| {
                    format!("{}-{}", generation.engine(), generation.version()) == name
                };
                let found = Generation::ALL.into_iter().find(named);
                engines.push(found.ok_or_else(|| Error::other(format!("there is no model of {name}")))?);
            }
            _ => file = Some(PathBuf::from(argument)),
        }
    }
    let file = file.ok_or_else(|| Error::other("usage: footprint FILE [--quantum 8|16] [--engine NAME]"))?;
    if engines.is_empty() {
        engines.extend(Generation::ALL);
    }
    let all = engines.into_iter().map(|generation| Settings { quantum, ..Settings::new(generation) });
    let all: Vec<_> = all.collect();
    let weighings = all.iter().copied().map(Weighing::by).collect();
    let options = InspectOptions { weighings, ..InspectOptions::default() };
    let source = FileSource::open(&file)?;
    let Some(inspection) = inspect_parallel(&source, threads, &options, &|_| Control::Continue)? else {
        return Ok(());
    };
    for settings in all {
        let used = |cluster_mode| {
            Footprint::of([&inspection], settings, cluster_mode).map_or(0, |one| one.used_memory_bytes())
        };
        let generation = settings.generation.to_string();
        println!("{generation:12} cluster mode off {:>14}, on {:>14}", used(false), used(true));
    }
    Ok(())
}
