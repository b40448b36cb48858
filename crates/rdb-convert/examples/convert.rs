//! Converts a file and says how long that took: `convert IN OUT valkey-8.1`.

use std::{error::Error, fs::File, time::Instant};

use rdb_convert::{Options, Plan, Policies, Policy, write};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().collect();
    let [_, from, to, target] = &words[..] else { return Err("expected IN OUT ENGINE-VERSION".into()) };
    let policies = Policies { field_expiries: Policy::Drop, functions: Policy::Drop, ..Policies::default() };
    let options = Options { policies, ..Options::new(target.parse()?) };
    let bytes = File::open(from)?.metadata()?.len();
    #[expect(clippy::cast_precision_loss, reason = "a rate for display")]
    let rate = |since: Instant| bytes as f64 / since.elapsed().as_secs_f64() / 1e9;
    let started = Instant::now();
    let plan = Plan::of(|| File::open(from), &options)?;
    println!("planned: {:.2} GB/s, {} refusals", rate(started), plan.report.refused.len());
    let started = Instant::now();
    let report = write(File::open(from)?, &options, &plan, vec![File::create(to)?])?;
    println!(
        "written: {:.2} GB/s, {} of {} keys rewritten",
        rate(started),
        report.keys_rewritten,
        report.keys_written
    );
    Ok(())
}
