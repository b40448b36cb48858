//! Pending measurements, several at a time: a server at rest uses no processor time.
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context as _, Result};

use super::{
    Measured,
    engines::CalibratedEngine,
    interruption::Interruption,
    measure::{Outcome, measure},
    table::megabytes,
    truths::{Key, Truths},
};

/// A file to load.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// Its name without extension.
    pub name: String,
    /// Its path.
    pub file: PathBuf,
    /// Its [`identity`](super::truths::identity).
    pub identity: String,
}

/// One server to start, with a file or empty.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    corpus: Option<&'a Corpus>,
    engine: &'a CalibratedEngine,
    cluster_mode: bool,
}

/// All measurements: the empty servers first, then each file, in each engine and mode.
pub fn all<'a>(
    corpora: &'a [Corpus],
    engines: &'a [CalibratedEngine],
    modes: &'a [bool],
) -> impl Iterator<Item = Job<'a>> {
    let corpora = std::iter::once(None).chain(corpora.iter().map(Some));
    corpora.flat_map(move |corpus| {
        engines.iter().flat_map(move |engine| {
            modes.iter().map(move |&cluster_mode| Job { corpus, engine, cluster_mode })
        })
    })
}

/// Makes the missing measurements, `at_once` at a time, and reports each on standard error. Data goes to folders in
/// `work`.
pub fn run<'a>(
    jobs: impl Iterator<Item = Job<'a>>,
    truths: &mut Truths,
    at_once: usize,
    work: &Path,
    interruption: &Interruption,
) -> Result<()> {
    let missing: VecDeque<Job<'a>> = jobs.filter(|job| truths.get(&job.key()).is_none()).collect();
    let total = missing.len();
    let missing = Mutex::new(missing);
    let truths = Mutex::new((truths, 0));
    let work_off = || -> Result<()> {
        loop {
            // A panic in another thread leaves both values consistent.
            let job = missing.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(job) = job else { return Ok(()) };
            interruption.check()?;
            let started = Instant::now();
            let file = job.corpus.map(|corpus| corpus.file.as_path());
            let outcome = measure(file, job.engine, job.cluster_mode, work, interruption)
                .with_context(|| format!("failed to measure {}", job.title()))?;
            let mut guard = truths.lock().unwrap_or_else(PoisonError::into_inner);
            let (truths, done) = &mut *guard;
            *done += 1;
            let seconds = started.elapsed().as_secs_f64();
            eprintln!("{done}/{total} {}: {} ({seconds:.0} s)", job.title(), told(&outcome));
            truths.put(job.key(), job.file_name(), outcome)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once.min(total)).map(|_| scope.spawn(work_off)).collect();
        // The first error is returned. The other threads continue to their end, so that their work is not lost.
        let ends = workers.into_iter().map(|worker| {
            worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a measurement panicked: see above")))
        });
        ends.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Returns the memory of a file less that of an empty server. `None` if either was not measured.
pub fn measured(
    truths: &Truths,
    corpus: &Corpus,
    engine: &CalibratedEngine,
    cluster_mode: bool,
) -> Option<Measured> {
    let of = |corpus| truths.get(&Job { corpus, engine, cluster_mode }.key());
    match (of(Some(corpus))?, of(None)?) {
        (Outcome::Refused(reason), _) => Some(Measured::Refused(reason.clone())),
        (Outcome::Loaded(loaded), Outcome::Loaded(empty)) => Some(Measured::Loaded {
            bytes: loaded.used_memory_bytes.saturating_sub(empty.used_memory_bytes),
            settled: loaded.settled && empty.settled,
        }),
        (Outcome::Loaded(_), Outcome::Refused(_)) => None,
    }
}

impl Job<'_> {
    /// The key of the measurement.
    pub fn key(&self) -> Key {
        let identity = self.corpus.map(|corpus| corpus.identity.as_str());
        Key::new(identity, self.engine, self.cluster_mode)
    }

    fn file_name(&self) -> &str {
        self.corpus.map_or("empty", |corpus| &corpus.name)
    }

    fn title(&self) -> String {
        let mode = if self.cluster_mode { ", cluster" } else { "" };
        format!("{} in {}{mode}", self.file_name(), self.engine)
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Loaded(reading) => {
            let unsettled = if reading.settled { "" } else { ", not settled" };
            format!("{} MB, {} keys{unsettled}", megabytes(reading.used_memory_bytes), reading.keys)
        }
        Outcome::Refused(reason) => format!("refused: {reason}"),
    }
}
