//! `seeder convert`: writes a backup anew for an engine that does not read it as it is.

mod input;
mod output;
mod preview;
mod report;
mod wanted;

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread::available_parallelism,
};

use anyhow::{Result, anyhow};
use input::Source;
use jiff::Timestamp;
use output::{Opened, Outputs};
pub(crate) use preview::{Previewed, previewed};
use rdb_convert::{ConvertError, Options, Plan, RecordRange, Report, write, write_ranges};
use rdb_scan::{Boundary, Header, InspectOptions, Inspection, walk::Salvage};
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
    if args.changes.salvage {
        source.unpack()?;
        let found = source.seekable().map(Salvage::of).transpose()?.flatten();
        if let (Some(salvage), Some(seekable)) = (found, source.seekable()) {
            let from = From::of_salvage(&salvage, source.compression());
            return finish(args, options, outputs, &source, from, &salvage.damaged, || {
                Ok(salvage.reader(seekable))
            });
        }
    }
    let threads = args.threads.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    let (inspection, boundaries) = inspect(args, options, &source, threads)?;
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
    let plan = plan(options, &source, &inspection, &boundaries, threads);
    let plan = plan.map_err(|error| anyhow!("{}: {error}", source.name()))?;
    write_out(args, options, outputs, &source, from, &[], &plan, |opened, watch| {
        if let Some(seekable) = source.seekable().filter(|_| opened.is_seekable()) {
            let open = |file, offset| opened.writer_at(file, offset);
            return Ok(write_ranges(seekable, threads, options, &plan, &open, watch));
        }
        let reader = input::Shown::new(source.reader()?, watch);
        Ok(write(reader, options, &plan, opened.writers()?))
    })
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
    write_out(args, options, outputs, source, from, damaged, &plan, |opened, watch| {
        Ok(write(input::Shown::new(open()?, watch), options, &plan, opened.writers()?))
    })
}

/// Shows how many bytes threads have read together.
type Watch<'w> = &'w (dyn Fn(u64) + Sync);

#[expect(clippy::too_many_arguments, reason = "each is one thing that writing needs")]
fn write_out(
    args: &ConvertArgs,
    options: &Options,
    outputs: &Outputs,
    source: &Source<'_>,
    from: From,
    damaged: &[Range<u64>],
    plan: &Plan,
    write: impl FnOnce(&Opened<'_>, Watch<'_>) -> Result<std::result::Result<Report, ConvertError>>,
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
    let read = AtomicU64::new(0);
    let written = write(&opened, &|bytes| meter.show(read.fetch_add(bytes, Ordering::Relaxed) + bytes));
    meter.finish();
    let report = match written? {
        Ok(report) => report,
        Err(error @ ConvertError::Write(_)) => return Err(anyhow!("{}: {error}", args.output.display())),
        Err(error) => return Err(anyhow!("{}: {error}", source.name())),
    };
    opened.publish()?;
    told.report = &report;
    told.print(args.json, outputs.is_stdout())?;
    Ok(ExitCode::SUCCESS)
}

/// Checks a backup as `seeder check` does, and finds where it can be cut.
fn inspect(
    args: &ConvertArgs,
    options: &Options,
    source: &Source<'_>,
    threads: usize,
) -> Result<(Inspection, Vec<Boundary>)> {
    let inspecting = InspectOptions {
        hide_keys: args.hide_keys,
        now_ms: u64::try_from(options.now_ms).unwrap_or(0),
        top: 0,
        ..InspectOptions::default()
    };
    let meter = Meter::new(source.name(), false);
    meter.begin(source.size_bytes());
    let inspected = source.inspect(threads, &inspecting, &meter);
    meter.finish();
    inspected
}

/// Plans the conversion of a backup without a fault.
fn plan(
    options: &Options,
    source: &Source<'_>,
    inspection: &Inspection,
    boundaries: &[Boundary],
    threads: usize,
) -> std::result::Result<Plan, ConvertError> {
    let seekable = source.seekable().zip(inspection.rdb.as_ref());
    let Some((seekable, rdb)) = seekable else { return Plan::of(|| source.reader(), options) };
    let header = Header { version: rdb.version, magic: rdb.magic, ..Header::default() };
    let ranges = RecordRange::between(&header, boundaries);
    let meter = Meter::new(source.name(), false);
    meter.begin(source.size_bytes());
    // The source may be read several times.
    let (read, size) = (AtomicU64::new(0), seekable.size_bytes().max(1));
    let watch = |bytes| meter.show((read.fetch_add(bytes, Ordering::Relaxed) + bytes) % size);
    let has_field_expiries = inspection.field_expires > 0;
    let plan = Plan::of_ranges(seekable, &ranges, threads, options, has_field_expiries, &watch);
    meter.finish();
    plan
}
