//! The conversion of a range, record by record. Planning and writing are the same, but for where the bytes go.

mod record;
mod value;

use std::io::{
    Read, Write, {self},
};

use rdb_scan::{
    Magic,
    walk::{Sink, Step, Walk, WalkError},
};

use crate::{
    ConvertError, Options, Policy, Report, Survey,
    output::{Output, Sizes, add_size},
    rewrite::{Facts, Rewriter},
};

/// AUX fields that are kept: the others say something about the server that wrote them, or about the file.
const KEPT_AUX: [&[u8]; 6] = [b"redis-ver", b"valkey-ver", b"redis-bits", b"ctime", b"used-mem", b"lua"];

/// The state of a conversion.
pub(crate) struct Conversion<'p, W> {
    options: &'p Options,
    survey: &'p Survey,
    pub(crate) outputs: Vec<Output<W>>,
    rewriter: Rewriter,
    pub(crate) report: Report,
    head: Vec<u8>,
    buffered: Vec<u8>,
}

/// What became of a value.
enum Written {
    /// It was written.
    Kept,
    /// All of its fields had expired.
    Nothing,
}

impl<'p> Conversion<'p, io::Sink> {
    /// A plan.
    pub(crate) fn planning(options: &'p Options, survey: &'p Survey) -> Self {
        let files = usize::from(options.split.max(1));
        let outputs = (0..files).map(|_| Output::new(None, files, None, Sizes::new())).collect();
        Self::new(options, survey, outputs, None)
    }
}

impl<'p, W: Write> Conversion<'p, W> {
    /// Writes what a plan has found out about.
    pub(crate) fn writing(
        options: &'p Options,
        survey: &'p Survey,
        outputs: Vec<Output<W>>,
        facts: &Facts,
    ) -> Self {
        Self::new(options, survey, outputs, Some(facts.clone()))
    }

    fn new(options: &'p Options, survey: &'p Survey, outputs: Vec<Output<W>>, facts: Option<Facts>) -> Self {
        let stream_version = match options.target.version() {
            ..10 => 1,
            10 => 2,
            _ => 3,
        };
        let mut rewriter = Rewriter::new(options.now_ms, stream_version);
        rewriter.keeps_expiries = survey.magic == Magic::Valkey;
        rewriter.repairs = options.repair;
        rewriter.planning = facts.is_none();
        rewriter.facts = facts.unwrap_or_default();
        let (head, buffered) = (Vec::new(), Vec::new());
        Self { options, survey, outputs, rewriter, report: Report::default(), head, buffered }
    }

    /// What was found out about values.
    pub(crate) fn into_facts(self) -> Facts {
        self.rewriter.facts
    }

    pub(crate) fn run<R: Read>(&mut self, walk: &mut Walk<R>) -> Result<(), ConvertError> {
        loop {
            match walk.step()? {
                Step::Record => self.record(walk)?,
                Step::Aux => self.aux(walk.aux())?,
                Step::Database(_) | Step::Announced(..) | Step::Template => {}
                Step::Functions if self.options.target.has_functions() => self.functions(walk)?,
                Step::Functions | Step::FunctionsPreGa => self.give_up("functions", 1, None),
                Step::ModuleAux(_) => self.give_up("modules", 1, None),
                Step::SlotInfo => self.report.lost("slotInfo", 1, None),
                Step::SlotImport => self.report.refuse("slot-import", None),
                Step::End => break,
            }
        }
        self.report.bytes_written = self.outputs.iter().map(|output| output.planned.bytes).sum();
        Ok(())
    }

    fn aux(&mut self, (name, value): (&[u8], &[u8])) -> io::Result<()> {
        if KEPT_AUX.contains(&name) {
            for output in &mut self.outputs {
                output.aux(name, value)?;
            }
        }
        Ok(())
    }

    fn functions<R: Read>(&mut self, walk: &mut Walk<R>) -> Result<(), WalkError> {
        const FUNCTIONS: u8 = 245;
        let mut fan = Fan(&mut self.outputs);
        fan.put(&[FUNCTIONS])?;
        walk.pass(&mut fan)
    }

    /// Something that the target cannot hold is refused or dropped.
    fn give_up(&mut self, what: &'static str, number: u64, key: Option<&[u8]>) {
        let policies = &self.options.policies;
        let (policy, code) = match what {
            "functions" => (policies.functions, "functions"),
            "modules" | "keyMetadata" => (policies.modules, "modules"),
            "unsupportedTypes" => (policies.unsupported_types, "unsupported-types"),
            "deduplication" | "givenBackEntries" => (policies.stream_state, "stream-state"),
            _ => (policies.field_expiries, "field-expiries"),
        };
        match policy {
            Policy::Refuse => self.report.refuse(code, key),
            Policy::Drop => self.report.lost(what, number, key),
        }
    }

    /// Counts a key that was written.
    fn count_key(&mut self, shard: usize, database: u64, expires: bool) {
        self.report.keys_written += 1;
        if self.rewriter.planning
            && let Some(output) = self.outputs.get_mut(shard)
        {
            add_size(&mut output.planned.sizes, database, (1, u64::from(expires)));
        }
    }
}

/// Passes the same to several files.
struct Fan<'o, W>(&'o mut [Output<W>]);

impl<W: Write> Sink for Fan<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|output| output.put(bytes))
    }
}
