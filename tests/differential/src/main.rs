//! `differential`: compares the verdicts on mutated files with what real servers do when they load them.

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

/// Mutate files of every engine, load them into every engine, and compare the outcome with the verdict.
///
/// Exit status: 0 all verdicts agree with the engines, 1 some do not, 3 the comparison could not be made.
#[derive(Debug, Parser)]
struct Args {
    /// Number of mutants.
    #[arg(long, default_value_t = 20_000)]
    mutants: usize,
    /// Number of the first mutant, to repeat a single one.
    #[arg(long, default_value_t = 0)]
    first: usize,
    /// Seed; another one gives other mutants.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// List of servers that make servers writes.
    #[arg(long, default_value = "target/servers/list")]
    servers: PathBuf,
    /// Engine to use, such as valkey-8.1; repeatable.
    #[arg(long = "engine", value_name = "NAME")]
    engines: Vec<String>,
    /// File for the table, which is also printed. Files with wrong verdicts go to a folder of the same name.
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

/// Returns the number of the next mutant. Reports the progress every ten seconds.
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
