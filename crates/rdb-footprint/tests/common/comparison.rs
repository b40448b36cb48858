//! Predicted and measured memory of the same file, in many engines at the same time.

use std::{
    collections::VecDeque,
    fmt,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use rdb_footprint::{Footprint, Quantum, Settings};
use rdb_scan::{Control, FileSource, InspectOptions, Weighing, inspect_parallel};

use super::{
    filling::{Filling, Manner},
    server::{Engine, Server},
};

/// Servers that run at the same time. Most of the time they are idle.
const AT_ONCE: usize = 6;

/// A file to be loaded.
#[derive(Debug, Clone)]
pub struct Corpus {
    pub name: String,
    pub seed: u64,
    pub file: PathBuf,
}

/// A file in an engine.
#[derive(Debug, Clone)]
pub struct Case {
    pub corpus: Corpus,
    pub engine: Engine,
    pub cluster_mode: bool,
}

/// The result of a case.
#[derive(Debug, Clone)]
pub struct Compared {
    pub case: Case,
    pub predicted: u64,
    pub measured: u64,
}

impl Compared {
    pub fn error_percent(&self) -> f64 {
        (self.predicted as f64 - self.measured as f64) / self.measured as f64 * 100.0
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { corpus, engine, cluster_mode } = &self.case;
        let (name, generation) = (&engine.name, engine.generation);
        let mode = if *cluster_mode { "on" } else { "off" };
        write!(
            f,
            "{:45} seed {} in {name:10} ({generation}) cluster {mode:3} predicted {:>9} measured {:>9} error {:+.2} %",
            corpus.name,
            corpus.seed,
            self.predicted,
            self.measured,
            self.error_percent()
        )
    }
}

/// Makes a server write a file of about `bytes` bytes of what `make` generates.
pub fn corpus(
    name: &str,
    seed: u64,
    writer: (&Engine, &[&str]),
    manner: Manner,
    bytes: u64,
    folder: &Path,
    mut make: impl FnMut(&mut Filling<'_>),
) -> Corpus {
    let mut server = Server::writer(writer.0, writer.1);
    server.pour(|out| {
        let mut filling = Filling::new(seed, manner, out);
        while filling.bytes < bytes {
            make(&mut filling);
        }
    });
    let file = folder.join(format!("{name}-{seed}.rdb"));
    server.save(&file);
    Corpus { name: name.to_owned(), seed, file }
}

/// Loads and predicts all cases.
pub fn compare(cases: Vec<Case>) -> Vec<Compared> {
    let mut empty: Vec<Job> = Vec::new();
    for Case { engine, cluster_mode, .. } in &cases {
        let job = Job { engine: engine.clone(), cluster_mode: *cluster_mode, file: None };
        if !empty.contains(&job) {
            empty.push(job);
        }
    }
    let loaded = cases.iter().map(|Case { corpus, engine, cluster_mode }| Job {
        engine: engine.clone(),
        cluster_mode: *cluster_mode,
        file: Some(corpus.file.clone()),
    });
    let jobs: Vec<Job> = empty.iter().cloned().chain(loaded).collect();
    let used = measure_all(&jobs);
    let (bases, used) = used.split_at(empty.len());
    let compared = cases.into_iter().zip(used).map(|(case, used)| {
        let is_base = |job: &&Job| job.engine == case.engine && job.cluster_mode == case.cluster_mode;
        let base = bases[empty.iter().position(|job| is_base(&job)).unwrap()];
        let predicted = predict(&case, base.1);
        Compared { predicted, measured: used.0.saturating_sub(base.0), case }
    });
    compared.collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Job {
    engine: Engine,
    cluster_mode: bool,
    file: Option<PathBuf>,
}

/// The memory of each job, and the quantum of the server's allocator.
fn measure_all(jobs: &[Job]) -> Vec<(u64, Quantum)> {
    let queue: Mutex<VecDeque<usize>> = Mutex::new((0..jobs.len()).collect());
    let used = Mutex::new(vec![(0, Quantum::default()); jobs.len()]);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let Some(place) = queue.lock().unwrap().pop_front() else { return };
                    let Job { engine, cluster_mode, file } = &jobs[place];
                    let mut server = Server::loader(engine, file.as_deref(), *cluster_mode, &[]);
                    let bytes = server.used_memory_at_rest();
                    used.lock().unwrap()[place] = (bytes, server.quantum());
                }
            });
        }
    });
    used.into_inner().unwrap()
}

fn predict(case: &Case, quantum: Quantum) -> u64 {
    let settings = Settings { quantum, ..Settings::new(case.engine.generation) };
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let options =
        InspectOptions { now_ms, weighings: vec![Weighing::by(settings)], ..InspectOptions::default() };
    let source = FileSource::open(&case.corpus.file).unwrap();
    let inspection = inspect_parallel(&source, 2, &options, &|_| Control::Continue).unwrap().unwrap();
    assert!(inspection.is_sound(), "{:?}", inspection.faults);
    Footprint::of([&inspection], settings, case.cluster_mode).unwrap().used_memory_bytes()
}
