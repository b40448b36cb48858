//! Converts a file and says how long that took: `convert IN OUT valkey-8.1 [THREADS]`.

use std::{
    error::Error,
    fs::File,
    io::{
        Write, {self},
    },
    os::unix::fs::FileExt,
    path::Path,
    time::Instant,
};

use rdb_convert::{Options, Plan, Policies, Policy, RecordRange, write_ranges};
use rdb_scan::{Control, FileSource, Header, InspectOptions, Source, inspect_with_boundaries};

/// Writes at a place of a file.
struct At<'f>(&'f File, u64);

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write_at(bytes, self.1)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().collect();
    let [_, from, to, target, threads @ ..] = &words[..] else {
        return Err("expected IN OUT ENGINE-VERSION [THREADS]".into());
    };
    let threads = threads.first().map_or(Ok(1), |threads| threads.parse())?;
    let policies = Policies { field_expiries: Policy::Drop, functions: Policy::Drop, ..Policies::default() };
    let options = Options { policies, ..Options::new(target.parse()?) };
    let source = FileSource::open(Path::new(from))?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for display")]
    let rate = |since: Instant| source.size_bytes() as f64 / since.elapsed().as_secs_f64() / 1e9;
    let started = Instant::now();
    let inspected =
        inspect_with_boundaries(&source, threads, &InspectOptions::default(), &|_| Control::Continue)?;
    let (inspection, boundaries) = inspected.ok_or("nothing was read")?;
    let rdb = inspection.rdb.as_ref().ok_or("this is no RDB file")?;
    let header = Header { version: rdb.version, magic: rdb.magic, ..Header::default() };
    println!("inspected: {:.2} GB/s, {} boundaries", rate(started), boundaries.len());
    let ranges = RecordRange::between(&header, &boundaries);
    let started = Instant::now();
    let expiring = inspection.field_expires > 0;
    let plan = Plan::of_ranges(&source, &ranges, threads, &options, expiring, &|_| ())?;
    println!("planned: {:.2} GB/s, {} refusals", rate(started), plan.report.refused.len());
    let started = Instant::now();
    let file = File::create(to)?;
    let report = write_ranges(&source, threads, &options, &plan, &|_, offset| At(&file, offset), &|_| ())?;
    println!(
        "written: {:.2} GB/s, {} of {} keys rewritten",
        rate(started),
        report.keys_rewritten,
        report.keys_written
    );
    Ok(())
}
