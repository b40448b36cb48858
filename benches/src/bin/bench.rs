//! Compares RDB readers, each as a whole process: throughput and peak memory, as Markdown on standard output.
use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use rdb_benches::{
    big_value,
    corpora::CORPORA,
    machine::{Watch, heading},
    run::{Cost, measured},
    table::{Row, memory, throughput},
    tools::{Places, Tool, all},
};

/// Name of the file with a single long value.
const BIG_VALUE: &str = "value";
/// Cores used by other work above which the output has a warning. Less is normal on any machine.
const SPOILING_CORES: f64 = 0.15;

/// Compare RDB readers.
#[derive(Parser)]
struct Args {
    /// Folder of the files.
    #[arg(long, default_value = "target/corpora")]
    folder: PathBuf,
    /// The program `seeder`, as `cargo install` builds it.
    #[arg(long, default_value = "target/release/seeder")]
    ours: PathBuf,
    /// The reader alone: the example `inspect` of rdb-scan.
    #[arg(long, default_value = "target/release/examples/inspect")]
    reading: PathBuf,
    /// `seeder` in another build, for an additional column and the extra time of the installed one.
    #[arg(long)]
    other_build: Option<PathBuf>,
    /// Folder of the programs with other libraries.
    #[arg(long, default_value = "target/peers/release")]
    peers: PathBuf,
    /// List of servers that `make servers` writes.
    #[arg(long, default_value = "target/servers/list")]
    servers: PathBuf,
    /// Names of the files to read, without extension; "value" is the file with a single long value.
    #[arg(long, value_delimiter = ',')]
    corpora: Vec<String>,
    /// Programs to run: floor, seeder, seeder-2, rdb-scan, seeder-convert, seeder-convert-2, seeder-convert-rewrite,
    /// seeder-other-build, redis-check-rdb, redis-check-rdb-new,
    /// valkey-check-rdb, librdb, rdb.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Number of times that each program reads each file, in turns.
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// The round to report.
    #[arg(long, value_enum, default_value_t = Told::Best)]
    told: Told,
}

#[derive(Clone, Copy, ValueEnum)]
enum Told {
    Best,
    Median,
}

/// A file to read.
struct Corpus {
    name: String,
    about: String,
    file: PathBuf,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let here = std::env::current_exe()?;
    let here = here.parent().context("this program is in no folder")?;
    let places = Places {
        floor: here.join("floor"),
        ours: args.ours.clone(),
        reading: args.reading.clone(),
        other_build: args.other_build.clone(),
        peers: args.peers.clone(),
        servers: args.servers.clone(),
    };
    let mut tools = all(&places);
    for name in &args.only {
        ensure!(
            tools.iter().any(|tool| tool.id == name),
            "there is no program {name} to compare: see --help"
        );
    }
    tools.retain(|tool| args.only.is_empty() || args.only.iter().any(|name| name == tool.id));
    for tool in tools.iter().filter(|tool| tool.program.is_none()) {
        eprintln!("{} is missing: a column of dashes", tool.title);
    }

    let corpora = corpora(&args)?;
    let watch = Watch::start();
    let mut rows = Vec::new();
    for corpus in corpora {
        rows.push(compare(&corpus, &tools, &args, &here.join("measure"))?);
    }
    let told = match args.told {
        Told::Best => "best",
        Told::Median => "median",
    };
    let rounds =
        if args.rounds == 1 { "one round".to_owned() } else { format!("{told} of {} rounds", args.rounds) };
    println!("# Readers of RDB files compared\n\n{}; {rounds}.\n", heading());
    if let Some(cores) =
        watch.and_then(|watch| watch.cores_taken_by_others()).filter(|&cores| cores >= SPOILING_CORES)
    {
        println!(
            "**The machine was busy**: other work took {cores:.1} cores meanwhile. Figures are low and uneven.\n"
        );
    }
    println!("## Throughput\n");
    println!("GB (10^9 bytes) of file in a second, of whole processes; the files are in the page cache.");
    println!(
        "`floor` reads the file in blocks of 1 MiB and checks its CRC. `seeder` is `seeder check --json --threads 1` as it is"
    );
    println!("installed, which predicts memory; `rdb-scan alone` is its reader without that.\n");
    println!("{}", throughput(&tools, &rows));
    println!("## Peak memory, MB\n\n{}", memory(&tools, &rows));
    Ok(())
}

/// Returns the requested files that exist.
fn corpora(args: &Args) -> Result<Vec<Corpus>> {
    let file = |name: &str| args.folder.join(format!("{name}.rdb"));
    let wanted = |name: &str| args.corpora.is_empty() || args.corpora.iter().any(|wanted| wanted == name);
    for name in &args.corpora {
        ensure!(
            name == BIG_VALUE || CORPORA.iter().any(|corpus| corpus.name == name),
            "there is no corpus {name}"
        );
    }
    let big_value_file = file(BIG_VALUE);
    if wanted(BIG_VALUE) && !big_value_file.exists() {
        let unfinished = big_value_file.with_extension("unfinished");
        big_value::write(&unfinished, big_value::VALUE_BYTES)?;
        std::fs::rename(unfinished, &big_value_file)?;
    }
    let about_big_value = format!("one string of {} MB", big_value::VALUE_BYTES / 1_000_000);
    let all = CORPORA
        .iter()
        .map(|corpus| (corpus.name, corpus.about))
        .chain([(BIG_VALUE, about_big_value.as_str())]);
    let found: Vec<Corpus> = all
        .filter(|(name, _)| wanted(name) && file(name).exists())
        .map(|(name, about)| Corpus { name: name.to_owned(), about: about.to_owned(), file: file(name) })
        .collect();
    ensure!(!found.is_empty(), "there are no files in {}: make corpora writes them", args.folder.display());
    Ok(found)
}

fn compare(corpus: &Corpus, tools: &[Tool], args: &Args, measure: &Path) -> Result<Row> {
    // Reads the file into the page cache, and determines its length.
    let bytes = std::io::copy(&mut File::open(&corpus.file)?, &mut std::io::sink())?;
    let mut runs: Vec<Vec<Cost>> = vec![Vec::new(); tools.len()];
    let mut failed = vec![false; tools.len()];
    for round in 1..=args.rounds {
        eprintln!("{}: round {round} of {}", corpus.name, args.rounds);
        for (at, tool) in tools.iter().enumerate() {
            let Some(command) = tool.command(&corpus.file).filter(|_| !failed[at]) else { continue };
            match measured(measure, &command) {
                Ok(cost) => runs[at].push(cost),
                Err(error) => {
                    eprintln!("{} on {}: {error:#}", tool.title, corpus.file.display());
                    failed[at] = true;
                }
            }
        }
    }
    let costs = runs
        .into_iter()
        .zip(failed)
        .map(|(runs, failed)| if failed { None } else { told(runs, args.told) })
        .collect();
    Ok(Row { name: corpus.name.clone(), about: corpus.about.clone(), bytes, costs })
}

/// Returns the time of the reported run, and the highest peak memory of all runs.
fn told(mut runs: Vec<Cost>, told: Told) -> Option<Cost> {
    runs.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    let at = match told {
        Told::Best => 0,
        Told::Median => runs.len() / 2,
    };
    let peak_bytes = runs.iter().map(|cost| cost.peak_bytes).max()?;
    Some(Cost { seconds: runs.get(at)?.seconds, peak_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_told_is_the_best_or_the_middle_and_the_memory_the_most() {
        let runs =
            [(0.3, 5), (0.1, 9), (0.2, 1)].map(|(seconds, peak_bytes)| Cost { seconds, peak_bytes }).to_vec();
        assert_eq!(told(runs.clone(), Told::Best), Some(Cost { seconds: 0.1, peak_bytes: 9 }));
        assert_eq!(told(runs, Told::Median), Some(Cost { seconds: 0.2, peak_bytes: 9 }));
        assert_eq!(told(Vec::new(), Told::Best), None);
    }
}
