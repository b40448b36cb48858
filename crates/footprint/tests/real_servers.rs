//! Predictions of data that nobody has looked at, against real servers that load it.
#![allow(clippy::cast_precision_loss, reason = "these are megabytes")]

mod common;

use std::fmt::Write as _;

use common::comparison::{Case, Compared, Corpus, compare, corpus};
use common::filling::Manner;
use common::server::{Engine, engines};
use common::shapes::{EXPIRING_FIELDS, SHAPES, Shape};
use rdb_footprint::Generation;

/// Not a test by itself: FOOTPRINT_SHAPES=1 prints a table of the errors for one kind of values at a time, which in a
/// mixture cancel each other. FOOTPRINT_SHAPES=sets is for names with `sets` in them.
#[test]
fn shapes_one_at_a_time_are_told_when_asked_for() {
    let Ok(wanted) = std::env::var("FOOTPRINT_SHAPES") else { return };
    let wanted = if wanted == "1" { String::new() } else { wanted };
    let bytes = std::env::var("FOOTPRINT_BYTES").map_or(3_000_000, |text| text.parse().unwrap());
    let writer_arguments = std::env::var("FOOTPRINT_WRITER").unwrap_or_default();
    let writer_arguments: Vec<&str> = writer_arguments.split_whitespace().collect();
    let from = std::env::var("FOOTPRINT_FROM").unwrap_or_default();
    let manner = Manner { expiring: std::env::var("FOOTPRINT_EXPIRING").is_ok(), ..Manner::default() };
    let modes: &[bool] = if std::env::var("FOOTPRINT_CLUSTER").is_ok() { &[true] } else { &[false] };
    let mut engines = engines();
    if engines.len() > 1 {
        engines.remove(0);
    }
    let folder = tempfile::tempdir().unwrap();
    let oldest = engines.iter().find(|engine| from.is_empty() || engine.name == from).unwrap().clone();
    let newest = engines.iter().find(|engine| engine.generation == Generation::Valkey9).cloned();
    let mut cases = Vec::new();
    let of = |shape: &Shape, writer: &Engine, engines: &[Engine]| {
        let made =
            corpus(shape.name, 1, (writer, &writer_arguments), manner, bytes, folder.path(), shape.make);
        engines
            .iter()
            .flat_map(|engine| {
                modes
                    .iter()
                    .map(|&cluster_mode| Case { corpus: made.clone(), engine: engine.clone(), cluster_mode })
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    let can_load = |engine: &&Engine| engine.generation >= oldest.generation;
    let loaders: Vec<_> = engines.iter().filter(can_load).cloned().collect();
    for shape in SHAPES.iter().filter(|shape| shape.name.contains(&wanted)) {
        cases.extend(of(shape, &oldest, &loaders));
    }
    if let Some(newest) = newest {
        for shape in EXPIRING_FIELDS.iter().filter(|shape| shape.name.contains(&wanted)) {
            cases.extend(of(shape, &newest, std::slice::from_ref(&newest)));
        }
    }
    println!("{}", table(&compare(cases)));
}

/// A row for each file, a column for each engine and mode: megabytes measured, and the error.
fn table(all: &[Compared]) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for one in all {
        let name = format!("{} {}", one.case.corpus.name, one.case.corpus.seed);
        if name != last {
            let _ = write!(text, "\n{name:45}");
            last = name;
        }
        let mode = if one.case.cluster_mode { " cluster" } else { "" };
        let _ = write!(
            text,
            "  {}{mode} {:5.1} {:+6.2} %",
            one.case.engine.name,
            one.measured as f64 / 1e6,
            one.error_percent()
        );
    }
    text
}
