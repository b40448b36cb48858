//! `seeder check`: reads backups completely and judges them.

mod changed;
mod fit;
mod html;
mod input;
mod json;
mod table;
mod target;

use std::{
    io::{
        ErrorKind, Write, {self},
    },
    process::ExitCode,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use anyhow::{Error, Result};
use input::{Content, Input};
use jiff::Timestamp;
use rdb_scan::{InspectOptions, Inspection};
use seeding::{Verdict, changed::NewFile};
use target::{DescribedTarget, Fit};
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    args::{AwsArgs, CheckArgs},
    prices::kept_prices,
    reading::{Compression, Meter, Objects},
};

const FAULTS: u8 = 1;
const USAGE: u8 = 2;
pub(crate) const NOT_READABLE: u8 = 3;

/// The result of reading one file.
struct Checked {
    /// The file's name, as given.
    name: String,
    inspection: Result<Inspection>,
    /// The compression that it was read through, if any.
    compression: Option<Compression>,
    took: Duration,
}

impl Checked {
    /// The inspection of what is seeded: the new file if there is one.
    fn seeded<'i>(&'i self, new: Option<&'i NewFile>) -> Option<&'i Inspection> {
        new.map(|new| &new.inspection).or(self.inspection.as_ref().ok())
    }
}

/// Runs the command.
pub(crate) async fn run(args: CheckArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let inputs = match input::inputs(&args.files) {
        Ok(inputs) => inputs,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let mut target = match DescribedTarget::of(&args, inputs.len(), now_ms) {
        Ok(target) => target,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    if let Some(error) = args.html.as_deref().and_then(|path| html::refused(path, &args.files)) {
        eprintln!("error: {error}");
        return Ok(ExitCode::from(USAGE));
    }
    if args.prices.is_none() {
        let engine = target.target().cluster.engine;
        target.set_prices(kept_prices(engine, aws).await);
    }
    // Credentials are loaded only if an object is to be read.
    let objects = if inputs.iter().any(Input::is_object) {
        Some(Objects::new(aws.clients().await.s3(), Handle::current()))
    } else {
        None
    };
    // Reading blocks, and uses threads of its own.
    spawn_blocking(move || check(&args, &inputs, objects.as_ref(), &target, now_ms)).await?
}

fn check(
    args: &CheckArgs,
    inputs: &[Input],
    objects: Option<&Objects>,
    target: &DescribedTarget,
    now_ms: u64,
) -> Result<ExitCode> {
    let all = read(args, inputs, objects, target, now_ms);
    for checked in &all {
        if let Err(error) = &checked.inspection {
            eprintln!("error: failed to read {}: {error:#}", checked.name);
        }
    }
    let mut fit = target.judge(&all);
    if let Err(error) = changed::judge_new_files(args, inputs, objects, target, &all, &mut fit) {
        eprintln!("error: {error:#}");
        return Ok(ExitCode::from(NOT_READABLE));
    }
    if let Some(path) = &args.html {
        html::write(path, &all, &fit, now_ms)?;
    }
    let text = if args.json { json::render(&all, &fit)? } else { table::render(&all, &fit) };
    print(&text)?;
    Ok(ExitCode::from(status(&all, &fit)))
}

/// Output of `seeder check --json` for files.
pub(crate) fn json(args: &CheckArgs) -> Result<String> {
    let inputs = input::inputs(&args.files)?;
    let target = DescribedTarget::of(args, inputs.len(), 0).map_err(Error::msg)?;
    let all = read(args, &inputs, None, &target, 0);
    Ok(json::render(&all, &target.judge(&all))?)
}

fn read(
    args: &CheckArgs,
    inputs: &[Input],
    objects: Option<&Objects>,
    target: &DescribedTarget,
    now_ms: u64,
) -> Vec<Checked> {
    let (threads, options) = (threads(args), inspect_options(args, target, now_ms));
    let mut all = Vec::new();
    for input in inputs {
        let started = Instant::now();
        let meter = Meter::new(&input.to_string(), args.quiet);
        let content = input::read(input, objects, threads, &options, &meter);
        meter.finish();
        let (inspection, compression) = match content {
            Ok(Content { inspection, compression }) => (Ok(inspection), compression),
            Err(error) => (Err(error), None),
        };
        all.push(Checked { name: input.to_string(), inspection, compression, took: started.elapsed() });
    }
    all
}

fn threads(args: &CheckArgs) -> usize {
    args.threads.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from)
}

fn inspect_options(args: &CheckArgs, target: &DescribedTarget, now_ms: u64) -> InspectOptions {
    InspectOptions {
        hide_keys: args.hide_keys,
        now_ms,
        top: usize::from(args.top),
        weighings: target.weighings(),
        // The table of the text has no groups.
        grouped: args.json || args.html.is_some(),
        ..InspectOptions::default()
    }
}

fn status(all: &[Checked], fit: &Fit) -> u8 {
    let one = |checked: &Checked| match &checked.inspection {
        Err(_) => NOT_READABLE,
        Ok(inspection) if inspection.is_sound() || fit.salvages => 0,
        Ok(_) => FAULTS,
    };
    let rejected = fit.judgement.as_ref().is_some_and(|(judgement, _)| judgement.verdict == Verdict::Reject);
    all.iter().map(one).chain(rejected.then_some(FAULTS)).max().unwrap_or(0)
}

/// Prints the result. A closed pipe is not an error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Counts the slots that hold keys in more than one file; the shards of one cluster share none.
fn shared_slots(all: &[Checked]) -> usize {
    let read = all.iter().filter_map(|checked| checked.inspection.as_ref().ok());
    let mut slots: Vec<_> =
        read.flat_map(|inspection| inspection.slots.iter().map(|(slot, _)| slot)).collect();
    slots.sort_unstable();
    slots.chunk_by(|one, other| one == other).filter(|files| files.len() > 1).count()
}
