//! `differential`: our verdict on mutated files against what real servers do when they load them.

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Parser;
use differential::{
    corpus::bases,
    run::{Bench, mutant},
    table::Tally,
};
use rdb_benches::engines::listed;

/// Mutates files of every engine, has every engine load them, and compares that with our verdict.
///
/// Exit status: 0 every verdict was the engine's, 1 some were not, 3 the comparison could not be made.
#[derive(Debug, Parser)]
struct Args {
    /// How many mutants.
    #[arg(long, default_value_t = 20_000)]
    mutants: usize,
    /// The number of the first, to do one again.
    #[arg(long, default_value_t = 0)]
    first: usize,
    /// Other mutants.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// The list of make servers.
    #[arg(long, default_value = "target/servers/list")]
    servers: PathBuf,
    /// Only these engines, like valkey-8.1; may be repeated.
    #[arg(long = "engine", value_name = "NAME")]
    engines: Vec<String>,
    /// Where the table goes beside standard output, and the files of wrong verdicts, in a folder of the same name.
    #[arg(long, default_value = "target/differential.md")]
    output: PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn run(args: &Args) -> Result<usize> {
    let list = fs::read_to_string(&args.servers)
        .with_context(|| format!("{} is missing: make servers", args.servers.display()))?;
    let mut engines: Vec<_> = listed(&list).collect();
    engines.retain(|engine| args.engines.is_empty() || args.engines.contains(&engine.name));
    anyhow::ensure!(!engines.is_empty(), "no such engine in {}", args.servers.display());
    let bases = bases(&engines)?;
    let wrong_folder = args.output.with_extension("wrong");
    let _ = fs::remove_dir_all(&wrong_folder);
    let total = Mutex::new((Tally::default(), args.first, Instant::now()));
    let end = args.first + args.mutants;
    std::thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..args.threads.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut bench = Bench::start(&engines)?;
                    while let Some(number) = next(&total, args.first, end) {
                        let Some((base, mutant)) = mutant(&bases, args.seed, number) else { continue };
                        for case in bench.run(number, base, &mutant)? {
                            if case.cell.is_wrong() {
                                fs::create_dir_all(&wrong_folder)?;
                                fs::write(wrong_folder.join(format!("{number}.rdb")), &mutant.bytes)?;
                                println!(
                                    "{number}\t{}\t{:?}\t{}\tours: {}\ttheirs: {}",
                                    engines[case.engine].name, case.cell, case.what, case.ours, case.theirs
                                );
                            }
                            lock(&total).0.add(&case);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow::anyhow!("a thread ended early"))??;
        }
        Ok(())
    })?;
    let tally = lock(&total).0.clone();
    let table = tally.render(&engines);
    if let Some(folder) = args.output.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&args.output, &table)?;
    println!("{table}\n{} mutants of {} files, {} wrong verdicts", args.mutants, bases.len(), tally.wrong());
    Ok(tally.wrong())
}

type Total = (Tally, usize, Instant);

fn lock(total: &Mutex<Total>) -> std::sync::MutexGuard<'_, Total> {
    total.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The number of the next mutant; says now and then how far it is.
fn next(total: &Mutex<Total>, first: usize, end: usize) -> Option<usize> {
    let mut total = lock(total);
    let (tally, number, said) = &mut *total;
    if said.elapsed() > Duration::from_secs(10) {
        *said = Instant::now();
        eprintln!("{} of {} mutants, {} wrong verdicts", *number - first, end - first, tally.wrong());
    }
    let this = (*number < end).then_some(*number);
    *number += 1;
    this
}
