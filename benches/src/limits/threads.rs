//! Measures the gain of a second thread, and what limits it.
use std::{
    hint::spin_loop,
    path::Path,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rdb_scan::{Control, FileSource, InspectOptions, inspect_parallel};

use crate::table::{markdown, megabytes, number};

/// The measurements of one file.
#[derive(Debug, Clone)]
pub struct Threads {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// A scan with one thread, best round.
    pub one: Duration,
    /// A scan with two threads, best round.
    pub two: Duration,
    /// Two concurrent scans with one thread each: the longer one of the best round.
    pub at_once: Duration,
    /// Time between the creation of a second thread and its start on a processor: median and maximum.
    pub late: [Duration; 2],
}

/// Measures all of this in turn, `rounds` times.
pub fn measure_threads(path: &Path, rounds: u32) -> Result<Threads> {
    let bytes = path.metadata()?.len();
    let [mut one, mut two, mut at_once] = [Duration::MAX; 3];
    let mut late = Vec::new();
    for _ in 0..rounds {
        one = one.min(scan(path, 1)?);
        two = two.min(scan(path, 2)?);
        let both = thread::scope(|scope| {
            let other = scope.spawn(|| scan(path, 1));
            let mine = scan(path, 1)?;
            let other = other.join().ok().context("the other scan panicked")??;
            anyhow::Ok(mine.max(other))
        });
        at_once = at_once.min(both?);
        late.push(start_of_a_thread());
    }
    late.sort();
    let late = [late.get(late.len() / 2), late.last()].map(|late| late.copied().unwrap_or_default());
    Ok(Threads { bytes, one, two, at_once, late })
}

fn scan(path: &Path, threads: usize) -> Result<Duration> {
    let started = Instant::now();
    let source = FileSource::open(path)?;
    inspect_parallel(&source, threads, &InspectOptions::default(), &|_| Control::Continue)?;
    Ok(started.elapsed())
}

/// Measures how long a new thread waits for a processor while this one keeps working.
fn start_of_a_thread() -> Duration {
    let started = Instant::now();
    let begun = OnceLock::new();
    thread::scope(|scope| {
        scope.spawn(|| begun.set(started.elapsed()));
        while begun.get().is_none() {
            spin_loop();
        }
    });
    begun.into_inner().unwrap_or_default()
}

/// Renders one line per file, in milliseconds.
pub fn threads(rows: &[(String, Threads)]) -> String {
    let heads = [
        "file",
        "MB",
        "one thread, ms",
        "two threads, ms",
        "times as fast",
        "two scans at once, each, ms",
        "a second thread begins after, ms: median, most",
    ];
    let lines = rows.iter().map(|(name, threads)| {
        let milliseconds = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        let [median, most] = threads.late.map(milliseconds);
        vec![
            name.clone(),
            number(Some(megabytes(threads.bytes))),
            milliseconds(threads.one),
            milliseconds(threads.two),
            number(Some(threads.one.div_duration_f64(threads.two))),
            milliseconds(threads.at_once),
            format!("{median}, {most}"),
        ]
    });
    markdown(&heads.map(str::to_owned), lines)
}
