//! `limits [FILE...]` measures each part of a reader's work alone, rdb-scan against all of them in turn, and the gain
//! of a second thread: `cargo run --profile bench -p rdb-benches --bin limits`.
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rdb_benches::{
    corpora::CORPORA,
    limits::{explanations, loops, measure, measure_threads, summary, threads},
    machine::heading,
};

/// The profile `release` optimizes most crates for size, this one included.
const OPT_LEVEL: &str = env!("BENCHES_OPT_LEVEL");

/// Measure what each part of a reader's work costs alone, and how close rdb-scan comes to all of them in turn.
#[derive(Parser)]
struct Args {
    /// RDB files of Redis 7 [default: those of make corpora, except the largest].
    files: Vec<PathBuf>,
    /// Number of rounds, of which the best is reported.
    #[arg(long, env = "LIMITS_ROUNDS", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

fn main() -> Result<()> {
    let Args { files, rounds } = Args::parse();
    let files = if files.is_empty() { corpora() } else { files };
    ensure!(!files.is_empty(), "there are no files in target/corpora: make corpora writes them");
    let (mut rows, mut of_threads) = (Vec::new(), Vec::new());
    for file in files {
        eprintln!("{}", file.display());
        let named = || file.display().to_string();
        let of_two = measure_threads(&file, rounds).with_context(named)?;
        let limits = measure(&file, rounds).with_context(named)?;
        let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        of_threads.push((name.clone(), of_two));
        rows.push((name, limits));
    }
    println!("# What reading costs at least\n\n{}; one thread, best of {rounds} rounds.\n", heading());
    if OPT_LEVEL != "3" {
        println!("**Not compiled for speed**, but with opt-level {OPT_LEVEL}: --profile bench does.\n");
    }
    println!(
        "GB (10^9 bytes) of the whole file in a second of processor time, if only this had to be done.\n"
    );
    println!("{}\n{}\n", summary(&rows), explanations());
    println!("## Loops over compressed strings\n\nIn the same unit: all compressed strings of the file.\n");
    println!("{}", loops(&rows));
    println!("\n## A second thread\n\nOf whole scans by rdb-scan, the best round.\n");
    println!("{}", threads(&of_threads));
    Ok(())
}

/// The existing files of `make corpora`, except for the one that is only a larger version of another.
fn corpora() -> Vec<PathBuf> {
    let names = CORPORA.iter().map(|corpus| corpus.name).filter(|name| name.len() == 1);
    let files = names.map(|name| PathBuf::from(format!("target/corpora/{name}.rdb")));
    files.filter(|file| file.is_file()).collect()
}
