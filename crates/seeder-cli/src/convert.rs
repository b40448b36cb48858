//! `seeder convert`: writes a backup anew for an engine that does not read it as it is.

mod input;
mod preview;
mod report;
mod wanted;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
};

use anyhow::{Result, anyhow, bail};
use input::Source;
use jiff::Timestamp;
pub(crate) use preview::{Previewed, previewed};
use rdb_convert::{ConvertError, Options, Plan, RecordRange, Report, write, write_ranges};
use rdb_scan::{Boundary, InspectOptions, Inspection, walk::Salvage};
use report::{From, Told};
use tokio::runtime::Handle;

use crate::{
    USAGE,
    args::{AwsArgs, ConvertArgs},
    output::{Opened, Outputs, Wanted, or_abandon},
    reading::{Meter, Objects, is_object},
};

const REFUSED: u8 = 1;
pub(crate) const NOT_READABLE: u8 = 3;

/// Runs the command.
pub(crate) async fn run(args: ConvertArgs, aws: &AwsArgs) -> Result<ExitCode> {
    let now_ms = Timestamp::now().as_millisecond();
    let wanted = wanted::options(&args, now_ms).and_then(|options| Ok((outputs(&args)?, options)));
    let (outputs, options) = match wanted {
        Ok((outputs, options)) => (Arc::new(outputs), options),
        Err(error) => return Ok(usage(&error)),
    };
    // Credentials are loaded only if an object is to be read or written.
    let objects = if is_object(&args.input) || outputs.are_objects() {
        Some(Arc::new(Objects::new(aws.clients().await.s3(), Handle::current())))
    } else {
        None
    };
    if let Some(objects) = objects.as_deref().filter(|_| !args.dry_run)
        && let Some(existing) = outputs.existing_object(objects).await?
    {
        return Ok(usage(&anyhow!("s3://{existing} exists; --force replaces it")));
    }
    let (writing, destination) = (Arc::clone(&outputs), objects.clone());
    or_abandon(outputs, objects, move || {
        let objects = destination.as_deref();
        let source = Source::open(&args.input, objects)?;
        let threads =
            args.threads.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
        Conversion { args: &args, options: &options, outputs: &writing, objects, source, threads }.run()
    })
    .await
}

fn outputs(args: &ConvertArgs) -> Result<Outputs> {
    Outputs::of(&Wanted { path: &args.output, files: args.split, replaces: args.force, is_dry: args.dry_run })
}

fn usage(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(USAGE)
}

/// A conversion as the command line asks for it.
struct Conversion<'c> {
    args: &'c ConvertArgs,
    options: &'c Options,
    outputs: &'c Outputs,
    objects: Option<&'c Objects>,
    source: Source<'c>,
    threads: usize,
}

/// Shows how many bytes threads have read together.
type Watch<'w> = &'w (dyn Fn(u64) + Sync);

impl Conversion<'_> {
    fn run(mut self) -> Result<ExitCode> {
        self.convert().map_err(|error| {
            // Whatever was found is a consequence.
            let changed =
                || format!("{} was changed: convert a copy that is not being written", self.source.name());
            if self.source.has_changed() { error.context(changed()) } else { error }
        })
    }

    fn convert(&mut self) -> Result<ExitCode> {
        if self.args.changes.salvage {
            self.source.unpack()?;
            let found = self.source.seekable().map(Salvage::of).transpose()?.flatten();
            if let (Some(salvage), Some(seekable)) = (found, self.source.seekable()) {
                return self.salvaged(&salvage, seekable);
            }
        }
        self.whole()
    }

    /// Converts what is intact.
    fn salvaged(&self, salvage: &Salvage, seekable: &dyn rdb_scan::Source) -> Result<ExitCode> {
        let plan = Plan::of(|| Ok(salvage.reader(seekable)), self.options);
        let plan = plan.map_err(|error| anyhow!("{}: {error}", self.source.name()))?;
        let from = From::of_salvage(salvage, self.source.compression());
        let told = self.told(from, Some(&plan), &plan.report);
        let told = Told { damaged: &salvage.damaged, doubtful: &salvage.doubtful, ..told };
        self.write_out(told, |opened, watch| {
            let reader = input::Shown::new(salvage.reader(seekable), watch);
            Ok(write(reader, self.options, &plan, opened.writers()?))
        })
    }

    /// Converts a backup without a fault.
    fn whole(&self) -> Result<ExitCode> {
        let (inspection, boundaries) = self.inspect()?;
        let from = From::of(&inspection, self.source.compression());
        if let Some(fault) = inspection.faults.first() {
            self.expect_unchanged()?;
            let can_be_salvaged = inspection.rdb.is_some() && !self.args.changes.salvage;
            let mut report = Report::default();
            report.refused.push(rdb_convert::Refusal {
                code: fault.code.as_str(),
                count: rdb_convert::Count { number: inspection.faults.len() as u64, keys: Vec::new() },
                remedy: if can_be_salvaged {
                    "make the backup again, or write what is intact in this one by --salvage"
                } else {
                    "make the backup again"
                },
            });
            self.told(from, None, &report).print(self.args.json, self.outputs.is_stdout())?;
            eprintln!("error: {}: {} at offset {}", self.source.name(), fault.message, fault.offset);
            return Ok(ExitCode::from(REFUSED));
        }
        let plan = self.plan(&inspection, &boundaries);
        let plan = plan.map_err(|error| anyhow!("{}: {error}", self.source.name()))?;
        self.write_out(self.told(from, Some(&plan), &plan.report), |opened, watch| {
            if let Some(seekable) = self.source.seekable().filter(|_| opened.is_seekable()) {
                let open = |file, offset| opened.writer_at(file, offset);
                return Ok(write_ranges(seekable, self.threads, self.options, &plan, &open, watch));
            }
            let reader = input::Shown::new(self.source.reader()?, watch);
            Ok(write(reader, self.options, &plan, opened.writers()?))
        })
    }

    fn told<'t>(&'t self, from: From, plan: Option<&'t Plan>, report: &'t Report) -> Told<'t> {
        let (options, hide_keys) = (self.options, self.args.hide_keys);
        Told { from, options, plan, report, damaged: &[], doubtful: &[], hide_keys }
    }

    /// Writes new files as planned, unless that is refused, and prints what was done.
    fn write_out(
        &self,
        told: Told<'_>,
        write: impl FnOnce(&mut Opened<'_>, Watch<'_>) -> Result<std::result::Result<Report, ConvertError>>,
    ) -> Result<ExitCode> {
        let is_refused = !told.report.refused.is_empty();
        if self.args.dry_run || is_refused {
            told.print(self.args.json, self.outputs.is_stdout())?;
            return Ok(ExitCode::from(if is_refused { REFUSED } else { 0 }));
        }
        let meter = self.meter();
        let sizes = told.plan.into_iter().flat_map(Plan::file_bytes).map(Some);
        let mut opened = self.outputs.open(sizes, self.objects)?;
        let read = AtomicU64::new(0);
        let written =
            write(&mut opened, &|bytes| meter.show(read.fetch_add(bytes, Ordering::Relaxed) + bytes));
        meter.finish();
        let report = match written? {
            Ok(report) => report,
            Err(error @ ConvertError::Write(_)) => bail!("{}: {error}", self.args.output.display()),
            Err(error) => bail!("{}: {error}", self.source.name()),
        };
        self.expect_unchanged()?;
        opened.publish()?;
        Told { report: &report, ..told }.print(self.args.json, self.outputs.is_stdout())?;
        Ok(ExitCode::SUCCESS)
    }

    /// A change within a value is found by nothing else.
    fn expect_unchanged(&self) -> Result<()> {
        if self.source.has_changed() {
            bail!("it was written while it was read");
        }
        Ok(())
    }

    fn meter(&self) -> Meter {
        let meter = Meter::new(self.source.name(), false);
        meter.begin(self.source.size_bytes());
        meter
    }

    /// Checks a backup as `seeder check` does, and finds where it can be cut.
    fn inspect(&self) -> Result<(Inspection, Vec<Boundary>)> {
        let inspecting = InspectOptions {
            hide_keys: self.args.hide_keys,
            now_ms: u64::try_from(self.options.now_ms).unwrap_or(0),
            top: 0,
            // Copied where the new file is written at any offset; nothing has to be noted for the others.
            copied: self.options.copied_types(),
            ..InspectOptions::default()
        };
        let meter = self.meter();
        let inspected = self.source.inspect(self.threads, &inspecting, &meter);
        meter.finish();
        inspected
    }

    /// Plans the conversion of a backup without a fault.
    fn plan(
        &self,
        inspection: &Inspection,
        boundaries: &[Boundary],
    ) -> std::result::Result<Plan, ConvertError> {
        let Some((seekable, header)) = self.source.seekable().zip(inspection.header()) else {
            return Plan::of(|| self.source.reader(), self.options);
        };
        let ranges = RecordRange::around(&header, boundaries, &inspection.stretches, self.options);
        let meter = self.meter();
        // The source may be read several times.
        let (read, size) = (AtomicU64::new(0), seekable.size_bytes().max(1));
        let watch = |bytes| meter.show((read.fetch_add(bytes, Ordering::Relaxed) + bytes) % size);
        let has_field_expiries = inspection.field_expires > 0;
        let plan = Plan::of_ranges(seekable, &ranges, self.threads, self.options, has_field_expiries, &watch);
        meter.finish();
        plan
    }
}
