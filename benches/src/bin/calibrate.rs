//! Compares predicted memory with that of real servers that load the files. Prints Markdown on standard output.
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use rdb_benches::{
    calibration::{
        Cell, Measured,
        engines::{CalibratedEngine, calibrated},
        interruption::Interruption,
        jobs::{
            Corpus, {self},
        },
        predict::predict,
        table::{exact, report},
        truths::{Truths, identity},
    },
    corpora::{CORPORA, LARGE},
    machine::heading,
};

const BEYOND: u8 = 1;
const USAGE: u8 = 2;
const FAILED: u8 = 3;

/// Compare predicted and measured `used_memory` of files in the engines of ElastiCache.
///
/// Exit status: 0 all errors are within the limit, 1 an error is beyond it, 2 usage, 3 the measurement failed.
#[derive(Parser)]
struct Args {
    /// File to load; repeatable. Default: those of a.rdb to i.rdb in --folder that exist.
    #[arg(long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    /// Engine to use, such as valkey-8.1; repeatable. Default: all.
    #[arg(long = "engine", value_name = "NAME")]
    engines: Vec<String>,
    /// Whether the servers are cluster nodes.
    #[arg(long, value_enum, default_value_t = Cluster::Both)]
    cluster: Cluster,
    /// Repeat measurements that are already known.
    #[arg(long)]
    fresh: bool,
    /// Allowed error in percent, in either direction.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = percent)]
    limit: f64,
    /// Also print one line per cell, in bytes.
    #[arg(long)]
    verbose: bool,
    /// Number of servers to run at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: u8,
    /// Folder of the files that make corpora writes.
    #[arg(long, default_value = "target/corpora")]
    folder: PathBuf,
    /// List of servers that make servers writes.
    #[arg(long, default_value = "target/servers/list")]
    servers: PathBuf,
    /// Folder of known measurements.
    #[arg(long, default_value = "target/calibration")]
    kept: PathBuf,
    /// File for the table, which is also printed.
    #[arg(long, default_value = "target/calibration.md")]
    output: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cluster {
    On,
    Off,
    Both,
}

impl Cluster {
    fn modes(self) -> &'static [bool] {
        match self {
            Self::On => &[true],
            Self::Off => &[false],
            Self::Both => &[false, true],
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let asked_for =
        corpora(&args).and_then(|corpora| Ok((corpora, calibrated(&args.servers, &args.engines)?)));
    let (corpora, engines) = match asked_for {
        Ok(asked_for) => asked_for,
        Err(error) => {
            eprintln!("error: {error:#}");
            return USAGE.into();
        }
    };
    match calibrate(&args, &corpora, &engines) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => BEYOND.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            FAILED.into()
        }
    }
}

/// Returns the requested files, or by default those that exist.
fn corpora(args: &Args) -> Result<Vec<Corpus>> {
    let files = if args.files.is_empty() {
        let all = CORPORA.iter().filter(|corpus| corpus.name != LARGE.name);
        all.map(|corpus| args.folder.join(format!("{}.rdb", corpus.name)))
            .filter(|file| file.exists())
            .collect()
    } else {
        args.files.clone()
    };
    ensure!(!files.is_empty(), "there are no files in {}: make corpora writes them", args.folder.display());
    let corpus = |file: PathBuf| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Corpus { name, identity: identity(&file)?, file: file.canonicalize()? })
    };
    files.into_iter().map(corpus).collect()
}

/// Runs the calibration. Returns whether all errors are within the limit.
fn calibrate(args: &Args, corpora: &[Corpus], engines: &[CalibratedEngine]) -> Result<bool> {
    let interruption = Interruption::watch()?;
    std::fs::create_dir_all(&args.kept)?;
    let kept = args.kept.join("measured.json");
    let mut truths = Truths::read(&kept)?;
    let modes = args.cluster.modes();
    let jobs = || jobs::all(corpora, engines, modes);
    if args.fresh {
        jobs().for_each(|job| truths.forget(&job.key()));
    }
    jobs::run(jobs(), &mut truths, args.at_once.into(), &args.kept, &interruption)?;

    let mut cells = Vec::new();
    for corpus in corpora {
        for engine in engines {
            for &cluster_mode in modes {
                interruption.check()?;
                if let Some(measured) = jobs::measured(&truths, corpus, engine, cluster_mode) {
                    cells.push(cell(corpus, engine, cluster_mode, measured));
                }
            }
        }
    }
    let text = format!(
        "# Predicted and real memory\n\n{}.\n\nMB (10^6 bytes) of `used_memory` beyond an empty server's, and by how much \
         the prediction is above it (+) or below.\n\n{}",
        heading(),
        report(&cells, args.limit)
    );
    print!("{text}");
    if args.verbose {
        print!("\n{}", exact(&cells));
    }
    write(&args.output, &text)?;
    Ok(!cells.iter().any(|cell| cell.is_beyond(args.limit)))
}

fn cell(corpus: &Corpus, engine: &CalibratedEngine, cluster_mode: bool, measured: Measured) -> Cell {
    let predicted = match measured {
        Measured::Loaded { .. } => predict(&corpus.file, engine, cluster_mode),
        Measured::Refused(_) => Ok(0),
    };
    Cell {
        file: corpus.name.clone(),
        engine: engine.to_string(),
        cluster_mode,
        measured,
        predicted: predicted.map_err(|error| format!("{error:#}")),
    }
}

fn write(output: &Path, text: &str) -> Result<()> {
    let unfinished = output.with_extension("unfinished");
    std::fs::write(&unfinished, text)?;
    Ok(std::fs::rename(unfinished, output)?)
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err(format!("{text} is no number from 0 to 100")),
    }
}
