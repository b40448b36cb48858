//! Writes the RDB files for the benchmarks, each through its own server.
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rdb_benches::{
    corpora::{CORPORA, Corpus, LARGE, REVISION},
    server::Server,
};

/// Write RDB files of known shapes, the same every time.
#[derive(Parser)]
struct Args {
    /// Folder for the files.
    #[arg(long)]
    folder: PathBuf,
    /// The redis-server that writes the files.
    #[arg(long, default_value = "redis-server")]
    server: PathBuf,
    /// Factor for the number of keys; 1 gives the files of the published tables.
    #[arg(long, env = "CORPORA_SCALE", default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// Also write the file of 1 GB.
    #[arg(long)]
    large: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)?;
    for corpus in CORPORA.iter().filter(|corpus| args.large || corpus.name != LARGE.name) {
        make(corpus, &args).with_context(|| format!("failed to make {}.rdb", corpus.name))?;
    }
    Ok(())
}

fn make(corpus: &Corpus, args: &Args) -> Result<()> {
    let file = args.folder.join(format!("{}.rdb", corpus.name));
    let stamp_file = args.folder.join(format!("{}.stamp", corpus.name));
    let stamp = format!("revision {REVISION} scale {}\n", args.scale);
    if file.exists() && std::fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
        eprintln!("{:4} is there: {} MB", corpus.name, megabytes(&file)?);
        return Ok(());
    }
    let started = Instant::now();
    // In the file system of the result, so that the result can be moved there.
    let work = tempfile::Builder::new().prefix(".work-").tempdir_in(&args.folder)?;
    let mut server = Server::start(&args.server, work.path())?;
    let mut connection = server.connect()?;
    let keys = corpus.keys(args.scale);
    let mut told = Instant::now();
    connection.pour(|out| {
        corpus.write(args.scale, out, &mut |made| {
            if told.elapsed() > Duration::from_secs(10) {
                eprintln!("{:4} {made} of {keys} keys", corpus.name);
                told = Instant::now();
            }
        })
    })?;
    let found = connection.keys()?;
    ensure!(found == keys, "the server holds {found} keys, not {keys}");
    connection.ask(&["SAVE"])?;
    // Copied, as backups are. The page cache holds the file that the server wrote in small writes as single pages,
    // which take every reader twice as long. The copy gets its name only when it is complete.
    let copy = work.path().join("copy.rdb");
    std::fs::copy(work.path().join("dump.rdb"), &copy)?;
    std::fs::rename(copy, &file)?;
    std::fs::write(stamp_file, stamp)?;
    let (megabytes, seconds) = (megabytes(&file)?, started.elapsed().as_secs_f64());
    eprintln!("{:4} {keys} keys, {megabytes} MB in {seconds:.0} s: {}", corpus.name, corpus.about);
    Ok(())
}

fn megabytes(file: &Path) -> Result<u64> {
    Ok(std::fs::metadata(file)?.len() / 1_000_000)
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if scale > 0.0 && scale <= 10.0 => Ok(scale),
        _ => Err(format!("{text} is no number above 0 and up to 10")),
    }
}
