//! A conversion, record by record. A plan and a writing are the same, but for where the bytes go.

use std::{
    collections::BTreeMap,
    io::{
        Read, Write, {self},
    },
};

use rdb_scan::{
    Magic, SLOTS, ValueType, key_slot,
    walk::{Head, Sink, Step, Walk, WalkError, push_number},
};
use thiserror::Error;

use crate::{
    OnConflict, Options, Plan, Policy, Report,
    conflicts::{Duplicates, MAX_COMPARED_KEYS},
    filter::why_dropped,
    output::{Output, WriteFailed, push_text},
    rewrite::{Fields, LARGE_BYTES, MAX_GIVEN_BACK, Rewriter, Way},
};

/// AUX fields that are kept: the others say something about the server that wrote them, or about the file.
const KEPT_AUX: [&[u8]; 6] = [b"redis-ver", b"valkey-ver", b"redis-bits", b"ctime", b"used-mem", b"lua"];
/// No server holds a longer key.
const MAX_KEY_BYTES: usize = 512 << 20;

/// Why a conversion ended early.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// The source could not be read.
    #[error("failed to read: {0}")]
    Read(io::Error),
    /// A new file could not be written.
    #[error("failed to write: {0}")]
    Write(io::Error),
    /// The source is broken.
    #[error(transparent)]
    Broken(WalkError),
    /// Too many keys would have to be compared.
    #[error(
        "{keys} keys would have to be compared with those of other databases; at most {MAX_COMPARED_KEYS} can be"
    )]
    TooManyKeys {
        /// The number of keys.
        keys: u64,
    },
    /// Too many values would have to be mended.
    #[error("a member occurs twice in more than {MAX_GIVEN_BACK} values")]
    TooManyRepairs,
    /// The source is not the one of the plan.
    #[error("the source has changed since it was read first: {0}")]
    Changed(String),
    /// The plan refuses the conversion.
    #[error("the conversion is refused")]
    Refused,
}

impl From<WalkError> for ConvertError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Io(error) => error.into(),
            broken @ WalkError::Broken { .. } => Self::Broken(broken),
        }
    }
}

impl From<io::Error> for ConvertError {
    fn from(error: io::Error) -> Self {
        let is_ours = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<WriteFailed>);
        if is_ours { Self::Write(error) } else { Self::Read(error) }
    }
}

/// Writes new files, one writer for each of [`Options::split`], from the source of a plan.
///
/// # Errors
/// [`ConvertError::Refused`] before anything is written if the plan refuses; those of reading and writing; and
/// [`ConvertError::Changed`] if the source is not the one of the plan.
pub fn write<R: Read, W: Write>(
    source: R,
    options: &Options,
    plan: &Plan,
    writers: Vec<W>,
) -> Result<Report, ConvertError> {
    if !plan.report.refused.is_empty() {
        return Err(ConvertError::Refused);
    }
    let outputs = writers.into_iter().map(|writer| Output::new(Some(writer))).collect();
    let mut conversion = Conversion::new(options, outputs, &plan.duplicates, plan.magic);
    conversion.rewriter.planning = false;
    conversion.rewriter.facts = plan.facts.clone();
    conversion.sizes.clone_from(&plan.sizes);
    let report = conversion.run(source)?.report;
    let planned = Report { bytes_written: report.bytes_written, ..plan.report.clone() };
    if report != planned {
        let message = format!(
            "{} keys were read and {} written; planned were {} and {}",
            report.keys_read, report.keys_written, planned.keys_read, planned.keys_written
        );
        return Err(ConvertError::Changed(message));
    }
    Ok(report)
}

/// The state of a conversion.
pub(crate) struct Conversion<'p, W> {
    options: &'p Options,
    outputs: Vec<Output<W>>,
    pub(crate) rewriter: Rewriter,
    pub(crate) report: Report,
    /// Keys and expiries by output and database.
    pub(crate) sizes: BTreeMap<(usize, u64), (u64, u64)>,
    duplicates: &'p Duplicates,
    /// How often each of these has occurred.
    occurred: Vec<u32>,
    magic: Magic,
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

impl<'p, W: Write> Conversion<'p, W> {
    pub(crate) fn new(
        options: &'p Options,
        outputs: Vec<Output<W>>,
        duplicates: &'p Duplicates,
        magic: Magic,
    ) -> Self {
        let stream_version = match options.target.version() {
            ..10 => 1,
            10 => 2,
            _ => 3,
        };
        let mut rewriter = Rewriter::new(options.now_ms, stream_version);
        rewriter.keeps_expiries = magic == Magic::Valkey;
        rewriter.repairs = options.repair;
        Self {
            options,
            outputs,
            rewriter,
            report: Report::default(),
            sizes: BTreeMap::new(),
            duplicates,
            occurred: vec![0; duplicates.len()],
            magic,
            head: Vec::new(),
            buffered: Vec::new(),
        }
    }

    pub(crate) fn run<R: Read>(mut self, source: R) -> Result<Self, ConvertError> {
        let mut walk = Walk::new(source)?;
        let version = if self.magic == Magic::Valkey { 80 } else { self.options.target.version() };
        for output in &mut self.outputs {
            output.header(self.magic, version)?;
        }
        loop {
            match walk.step()? {
                Step::Record => self.record(&mut walk)?,
                Step::Aux => self.aux(walk.aux())?,
                Step::Database(_) | Step::Announced(..) => {}
                Step::Functions if self.options.target.has_functions() => self.functions(&mut walk)?,
                Step::Functions | Step::FunctionsPreGa => self.give_up("functions", 1, None),
                Step::ModuleAux(_) => self.give_up("modules", 1, None),
                Step::SlotInfo => self.report.lost("slotInfo", 1, None),
                Step::SlotImport => self.report.refuse(
                    "slot-import",
                    "slots were on their way into the cluster; make a backup after the migration",
                    None,
                ),
                Step::End => break,
            }
        }
        self.report.repaired("uncheckedKeys", self.duplicates.unchecked, None);
        for output in &mut self.outputs {
            output.end()?;
            self.report.bytes_written += output.bytes();
        }
        if self.rewriter.planning {
            self.report.bytes_written = 0;
        }
        Ok(self)
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

    /// Something that the target cannot hold is refused or dropped. Returns whether it is refused.
    fn give_up(&mut self, what: &'static str, number: u64, key: Option<&[u8]>) {
        let policies = &self.options.policies;
        let (policy, code, remedy) = match what {
            "functions" => (policies.functions, "functions", "drop them by the policy functions"),
            "modules" | "keyMetadata" => {
                (policies.modules, "modules", "drop their keys and data by the policy modules")
            }
            "unsupportedTypes" => (
                policies.unsupported_types,
                "unsupported-types",
                "drop their keys by the policy unsupportedTypes",
            ),
            "streamState" | "deduplication" | "givenBackEntries" => {
                (policies.stream_state, "stream-state", "drop it by the policy streamState; the streams stay")
            }
            _ => (
                policies.field_expiries,
                "field-expiries",
                "seed Valkey 9.0 or later, which keeps them, or drop them by the policy fieldExpiries",
            ),
        };
        match policy {
            Policy::Refuse => self.report.refuse(code, remedy, key),
            Policy::Drop => self.report.lost(what, number, key),
        }
    }

    fn record<R: Read>(&mut self, walk: &mut Walk<R>) -> Result<(), ConvertError> {
        self.report.keys_read += 1;
        let head = walk.head();
        let Some((database, prefix)) = self.options.databases.of(head.database) else {
            self.report.dropped("database", &head.key);
            return Ok(());
        };
        if let Some(reason) = why_gone(self.options, head) {
            self.report.dropped(reason, &head.key);
            return Ok(());
        }
        let prefix = prefix.to_vec();
        if head.key.len() + prefix.len() > MAX_KEY_BYTES {
            self.report.refuse(
                "key-too-long",
                "use a shorter prefix: a key has at most 512 MB",
                Some(&head.key),
            );
            return Ok(());
        }
        let way = if self.options.target.reads(head.value_type, self.magic) {
            Way::of_stream(head.value_type).filter(|_| self.options.repair)
        } else {
            let Some(way) = Way::of(head.value_type) else {
                let module = head.value_type == ValueType::Module;
                self.give_up(if module { "modules" } else { "unsupportedTypes" }, 1, Some(&head.key));
                return Ok(());
            };
            Some(way)
        };
        if head.metadata > 0 {
            self.give_up("keyMetadata", head.metadata, Some(&head.key));
        }
        if self.options.repair && walk.is_empty_collection()? {
            self.report.repaired("emptyCollections", 1, Some(&walk.head().key));
            return Ok(());
        }
        let head = walk.head();
        if self.is_superseded(database, &prefix, &head.key) {
            return Ok(());
        }
        let shard = self.shard(&prefix, &head.key);
        let Self { outputs, sizes, rewriter, .. } = self;
        let planning = rewriter.planning;
        let output = &mut outputs[shard];
        let expires = head.expires_at_ms.is_some();
        output.select(database, || sizes.get(&(shard, database)).filter(|_| !planning).copied())?;
        let compared = self.options.repair && way.is_none() && Rewriter::compares(head.value_type);
        let written = match way {
            None if compared && (planning || rewriter.facts.different.contains_key(&head.offset)) => {
                self.different(walk, shard, &prefix)?;
                Written::Kept
            }
            None => {
                let id = head.value_type.id();
                begin(&mut self.head, head, id, &prefix);
                output.put(&self.head)?;
                if head.value_type == ValueType::HashExpiriesValkey {
                    let (_, mut body) = walk.body(output);
                    self.report.field_expiries_kept += rewriter.copied(&mut body)?;
                    body.keep()?;
                } else {
                    walk.pass(output)?;
                }
                Written::Kept
            }
            Some(way) => {
                self.report.keys_rewritten += 1;
                self.rewrite(walk, way, shard, &prefix)?
            }
        };
        if let Written::Nothing = written {
            self.report.keys_rewritten -= 1;
            self.report.dropped("expiredFields", &walk.head().key);
            return Ok(());
        }
        self.report.keys_written += 1;
        if planning {
            let sizes = self.sizes.entry((shard, database)).or_default();
            sizes.0 += 1;
            sizes.1 += u64::from(expires);
        }
        Ok(())
    }

    /// The file that a key goes to: each has an equal share of the slots.
    fn shard(&self, prefix: &[u8], key: &[u8]) -> usize {
        let files = self.outputs.len().max(1);
        if files == 1 {
            return 0;
        }
        let slot = if prefix.is_empty() { key_slot(key) } else { key_slot(&[prefix, key].concat()) };
        // The first slot of file n is n * slots / files, rounded down.
        (((usize::from(slot) + 1) * files - 1) / SLOTS).min(files - 1)
    }

    /// Whether another key with this name goes into the new file, and this one does not.
    fn is_superseded(&mut self, database: u64, prefix: &[u8], key: &[u8]) -> bool {
        let Some(place) = self.duplicates.place(database, prefix, key) else { return false };
        let Some(occurred) = self.occurred.get_mut(place) else { return false };
        *occurred = occurred.saturating_add(1);
        let (first, last) = (*occurred == 1, *occurred == self.duplicates.count(place));
        let key = [prefix, key].concat();
        if self.options.repair && self.options.databases.is_keep() {
            self.report.repaired("duplicateKeys", u64::from(!first), Some(&key));
            return !first;
        }
        if first {
            self.report.conflict(&key);
        }
        let superseded = match self.options.on_conflict {
            OnConflict::Refuse => {
                if first {
                    let remedy =
                        "keep the first or the last of them by onConflict, or give a database a prefix";
                    self.report.refuse("conflicts", remedy, Some(&key));
                }
                return false;
            }
            OnConflict::First => !first,
            OnConflict::Last => !last,
        };
        if superseded {
            self.report.dropped("conflict", &key);
        }
        superseded
    }

    fn rewrite<R: Read>(
        &mut self,
        walk: &mut Walk<R>,
        way: Way,
        shard: usize,
        prefix: &[u8],
    ) -> Result<Written, ConvertError> {
        let value_type = walk.head().value_type;
        let id = self.rewriter.id(value_type);
        begin(&mut self.head, walk.head(), id, prefix);
        let Self { outputs, rewriter, .. } = self;
        let output = &mut outputs[shard];
        let offset = walk.head().offset;
        let fields = match way {
            Way::Packed => {
                let fields = {
                    let mut ignored = ();
                    rewriter.packed(&mut walk.body(&mut ignored).1, value_type, offset)?
                };
                if fields.kept > 0 {
                    output.put(&self.head)?;
                    output.put(&rewriter.out)?;
                }
                fields
            }
            Way::Table => self.table(walk, shard)?,
            Way::List => {
                output.put(&self.head)?;
                let (_, mut body) = walk.body(output);
                rewriter.list(&mut body, offset)?;
                body.keep()?;
                return Ok(Written::Kept);
            }
            Way::Stream { from } => {
                output.put(&self.head)?;
                let (_, mut body) = walk.body(output);
                let loss = rewriter.stream(&mut body, from, offset)?;
                body.keep()?;
                let key = walk.head().key.clone();
                let mended = rewriter.facts.lengths.contains_key(&offset);
                self.report.repaired("streamLengths", u64::from(mended), Some(&key));
                self.report.lost("streamHistory", u64::from(loss.history), Some(&key));
                self.report.lost("groupEntriesRead", loss.entries_read, Some(&key));
                self.report.lost("consumerActiveTimes", loss.active_times, Some(&key));
                if loss.producers > 0 {
                    self.give_up("deduplication", loss.producers, Some(&key));
                }
                if loss.given_back > 0 {
                    self.give_up("givenBackEntries", loss.given_back, Some(&key));
                }
                return Ok(Written::Kept);
            }
        };
        self.report.repaired("duplicateMembers", fields.repeated, Some(&walk.head().key));
        if !self.rewriter.keeps_expiries && fields.expiring + fields.expired > 0 {
            let key = walk.head().key.clone();
            if self.options.policies.field_expiries == Policy::Refuse {
                self.give_up("fieldExpiries", fields.expiring, Some(&key));
            } else {
                self.report.lost("fieldExpiries", fields.expiring, Some(&key));
                self.report.lost("expiredFields", fields.expired, Some(&key));
            }
        } else {
            self.report.field_expiries_kept += fields.expiring;
        }
        Ok(if fields.kept == 0 && fields.expired > 0 { Written::Nothing } else { Written::Kept })
    }

    /// Writes a value with the first of each member, or finds out whether one occurs twice.
    fn different<R: Read>(
        &mut self,
        walk: &mut Walk<R>,
        shard: usize,
        prefix: &[u8],
    ) -> Result<(), ConvertError> {
        let (value_type, offset) = (walk.head().value_type, walk.head().offset);
        let id = self.rewriter.id(value_type);
        begin(&mut self.head, walk.head(), id, prefix);
        let Self { outputs, rewriter, head, .. } = self;
        let fields = if rewriter.planning {
            let mut ignored = ();
            let fields = rewriter.different(&mut walk.body(&mut ignored).1, value_type, offset, None)?;
            if fields.repeated > 0 {
                if rewriter.facts.different.len() >= MAX_GIVEN_BACK {
                    return Err(ConvertError::TooManyRepairs);
                }
                rewriter.facts.different.insert(offset, fields.kept);
            }
            fields
        } else {
            let output = &mut outputs[shard];
            output.put(head)?;
            let count = rewriter.facts.different.get(&offset).copied();
            let (_, mut body) = walk.body(output);
            let fields = rewriter.different(&mut body, value_type, offset, count)?;
            body.keep()?;
            fields
        };
        if fields.repeated > 0 {
            self.report.keys_rewritten += 1;
            self.report.repaired("duplicateMembers", fields.repeated, Some(&walk.head().key));
        }
        Ok(())
    }

    /// Writes a hash whose fields have expiries.
    fn table<R: Read>(&mut self, walk: &mut Walk<R>, shard: usize) -> Result<Fields, ConvertError> {
        let Self { outputs, rewriter, head, buffered, .. } = self;
        let output = &mut outputs[shard];
        let (value_type, offset) = (walk.head().value_type, walk.head().offset);
        let count = if rewriter.planning { None } else { rewriter.facts.large.get(&offset).copied() };
        if rewriter.keeps_expiries || count.is_some_and(|kept| kept > 0) {
            output.put(head)?;
            let (_, mut body) = walk.body(output);
            let fields = rewriter.table(&mut body, value_type, count)?;
            body.keep()?;
            return Ok(fields);
        }
        if rewriter.planning || count == Some(0) {
            let mut bytes = Counter(0);
            let fields = rewriter.table(&mut walk.body(&mut bytes).1, value_type, None)?;
            if rewriter.planning && bytes.0 > LARGE_BYTES {
                rewriter.facts.large.insert(offset, fields.kept);
            }
            return Ok(fields);
        }
        buffered.clear();
        // A hash that is larger than it was in the plan ends here, and not the memory.
        let mut bounded = Bounded(buffered);
        let (_, mut body) = walk.body(&mut bounded);
        let fields = rewriter.table(&mut body, value_type, None)?;
        body.keep()?;
        if fields.kept > 0 {
            push_number(head, fields.kept);
            output.put(head)?;
            output.put(buffered)?;
        }
        Ok(fields)
    }
}

/// Why a key goes whatever its value is; none if it stays, or stands in the way.
pub(crate) fn why_gone(options: &Options, head: &Head) -> Option<&'static str> {
    why_dropped(options, head).or_else(|| {
        let is_convertible =
            options.target.reads(head.value_type, Magic::Valkey) || Way::of(head.value_type).is_some();
        match head.value_type {
            ValueType::Module if options.policies.modules == Policy::Drop => Some("module"),
            ValueType::Module => None,
            _ if !is_convertible && options.policies.unsupported_types == Policy::Drop => {
                Some("unsupportedType")
            }
            _ => None,
        }
    })
}

/// Writes what precedes a value: prefixes, type and key.
fn begin(out: &mut Vec<u8>, head: &Head, id: u8, prefix: &[u8]) {
    out.clear();
    out.extend_from_slice(&head.prefixes);
    out.push(id);
    if prefix.is_empty() {
        out.extend_from_slice(&head.raw_key);
    } else {
        push_text(out, &[prefix, &head.key].concat());
    }
}

/// Passes the same to several files.
struct Fan<'o, W>(&'o mut [Output<W>]);

impl<W: Write> Sink for Fan<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|output| output.put(bytes))
    }
}

/// Counts bytes.
struct Counter(u64);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
}

/// Keeps bytes, as many as a hash may have that is not counted beforehand.
struct Bounded<'b>(&'b mut Vec<u8>);

impl Sink for Bounded<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if (self.0.len() + bytes.len()) as u64 > LARGE_BYTES {
            return Err(io::Error::other("a hash is larger than when it was read first"));
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
