//! `seeder convert`: writes a backup anew for an engine that does not read it as it is.

mod input;
mod output;
mod report;
mod wanted;

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
    process::ExitCode,
    thread::{available_parallelism, scope},
};

use anyhow::{Result, anyhow};
use input::Source;
use jiff::Timestamp;
use output::Outputs;
use rdb_convert::{ConvertError, Options, Plan, Report, write};
use rdb_scan::{InspectOptions, Inspection, walk::Salvage};
use report::{From, Told};
use seeder_aws::Clients;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    args::ConvertArgs,
    check::{Meter, Objects},
};

const REFUSED: u8 = 1;
const USAGE: u8 = 2;
pub(crate) const NOT_READABLE: u8 = 3;

/// Runs the command.
pub(crate) async fn run(args: ConvertArgs) -> Result<ExitCode> {
    let now_ms = Timestamp::now().as_millisecond();
    let wanted = wanted::options(&args, now_ms).and_then(|options| Ok((Outputs::of(&args)?, options)));
    let (outputs, options) = match wanted {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    // Credentials are loaded only if an object is to be read.
    let objects = if input::is_object(&args.input) {
        Some(Objects::new(Clients::from_environment().await.s3(), Handle::current()))
    } else {
        None
    };
    spawn_blocking(move || convert(&args, &options, &outputs, objects.as_ref())).await?
}

fn convert(
    args: &ConvertArgs,
    options: &Options,
    outputs: &Outputs,
    objects: Option<&Objects>,
) -> Result<ExitCode> {
    let mut source = Source::open(&args.input, objects)?;
    if args.salvage {
        source.unpack()?;
        let found = source.seekable().map(Salvage::of).transpose()?.flatten();
        if let (Some(salvage), Some(seekable)) = (found, source.seekable()) {
            let from = From::of_salvage(&salvage, source.compression());
            return finish(args, options, outputs, &source, from, &salvage.damaged, || {
                Ok(salvage.reader(seekable))
            });
        }
    }
    let (inspection, plan) = read(args, options, &source)?;
    let from = From::of(&inspection, source.compression());
    if let Some(fault) = inspection.faults.first() {
        let mut report = Report::default();
        report.refused.push(rdb_convert::Refusal {
            code: fault.code.as_str(),
            count: rdb_convert::Count { number: inspection.faults.len() as u64, keys: Vec::new() },
            remedy: "make the backup again, or write what is intact in this one by --salvage",
        });
        let told =
            Told { from, options, plan: None, report: &report, damaged: &[], hide_keys: args.hide_keys };
        told.print(args.json, outputs.is_stdout())?;
        eprintln!("error: {}: {} at offset {}", source.name(), fault.message, fault.offset);
        return Ok(ExitCode::from(REFUSED));
    }
    let plan = plan.map_err(|error| anyhow!("{}: {error}", source.name()))?;
    write_out(args, options, outputs, &source, from, &[], &plan, source.reader()?)
}

/// Plans and writes what was salvaged.
fn finish<R: Read>(
    args: &ConvertArgs,
    options: &Options,
    outputs: &Outputs,
    source: &Source<'_>,
    from: From,
    damaged: &[Range<u64>],
    mut open: impl FnMut() -> io::Result<R>,
) -> Result<ExitCode> {
    let plan = Plan::of(&mut open, options).map_err(|error| anyhow!("{}: {error}", source.name()))?;
    write_out(args, options, outputs, source, from, damaged, &plan, open()?)
}

#[expect(clippy::too_many_arguments, reason = "each is one thing that writing needs")]
fn write_out(
    args: &ConvertArgs,
    options: &Options,
    outputs: &Outputs,
    source: &Source<'_>,
    from: From,
    damaged: &[Range<u64>],
    plan: &Plan,
    reader: impl Read,
) -> Result<ExitCode> {
    let hide_keys = args.hide_keys;
    let mut told = Told { from, options, plan: Some(plan), report: &plan.report, damaged, hide_keys };
    if args.dry_run || !plan.report.refused.is_empty() {
        told.print(args.json, outputs.is_stdout())?;
        return Ok(ExitCode::from(if plan.report.refused.is_empty() { 0 } else { REFUSED }));
    }
    let meter = Meter::new(source.name(), false);
    meter.begin(source.size_bytes());
    let opened = outputs.open()?;
    let written = write(input::Shown::new(reader, &meter), options, plan, opened.writers()?);
    meter.finish();
    let report = match written {
        Ok(report) => report,
        Err(error @ ConvertError::Write(_)) => return Err(anyhow!("{}: {error}", args.output.display())),
        Err(error) => return Err(anyhow!("{}: {error}", source.name())),
    };
    opened.publish()?;
    told.report = &report;
    told.print(args.json, outputs.is_stdout())?;
    Ok(ExitCode::SUCCESS)
}

/// Checks a backup as `seeder check` does, and plans its conversion meanwhile.
fn read(
    args: &ConvertArgs,
    options: &Options,
    source: &Source<'_>,
) -> Result<(Inspection, Result<Plan, ConvertError>)> {
    let threads = args.threads.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    let inspecting = InspectOptions {
        hide_keys: args.hide_keys,
        now_ms: u64::try_from(options.now_ms).unwrap_or(0),
        top: 0,
        ..InspectOptions::default()
    };
    let meter = Meter::new(source.name(), false);
    meter.begin(source.size_bytes());
    let read = if threads > 1 {
        scope(|scope| {
            let planning = scope.spawn(|| Plan::of(|| source.reader(), options));
            let inspection = source.inspect(threads - 1, &inspecting, &meter)?;
            let plan = planning.join().map_err(|_| anyhow!("planning broke off"))?;
            anyhow::Ok((inspection, plan))
        })
    } else {
        source
            .inspect(threads, &inspecting, &meter)
            .map(|inspection| (inspection, Plan::of(|| source.reader(), options)))
    };
    meter.finish();
    read
}
