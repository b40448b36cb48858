//! Predicts the memory of a file; the only module of the calibration that uses the model.
use std::{path::Path, thread::available_parallelism};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use rdb_footprint::{Footprint, Generation, Settings};
use rdb_scan::{Control, FileSource, InspectOptions, Weighing, inspect_parallel};

use super::engines::{CalibratedEngine, Family};

/// Predicts the `used_memory` of a file in an engine in bytes, less that of an empty server.
pub fn predict(file: &Path, engine: &CalibratedEngine, cluster_mode: bool) -> Result<u64> {
    let family = match engine.family {
        Family::Redis => "redis",
        Family::Valkey => "valkey",
    };
    let (major, minor) = engine.release;
    let generation = Generation::of(family, u16::try_from(major)?, u16::try_from(minor)?)
        .with_context(|| format!("there is no model of {family}"))?;
    let settings = Settings { quantum: engine.quantum, ..Settings::new(generation) };
    let options = InspectOptions {
        now_ms: u64::try_from(Timestamp::now().as_millisecond())?,
        weighings: vec![Weighing::by(settings)],
        ..InspectOptions::default()
    };
    let source = FileSource::open(file)?;
    let threads = available_parallelism().map_or(1, usize::from);
    let inspection = inspect_parallel(&source, threads, &options, &|_| Control::Continue)?
        .context("no pause was requested")?;
    ensure!(inspection.is_sound(), "{} is broken: {:?}", file.display(), inspection.faults.first());
    let footprint = Footprint::of([&inspection], settings, cluster_mode).context("it was weighed")?;
    Ok(footprint.used_memory_bytes())
}
