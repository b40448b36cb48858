//! Counts of the part that is being read, in a form that is fast to add to.

use std::collections::BTreeMap;

use super::{
    BigKey, DatabaseCounts, EmptyCounts, Inspection, MAX_BIGGEST_KEYS, Part, TypeCounts,
    expiry::{IdleTimes, TimesToLive, class, idle_class},
    groups::table::GroupTable,
    keys::{KeySet, database_seed},
    slots::SlotTable,
};
use crate::{
    bytes::key_text::shown,
    fault::{Fault, Hazard},
    format::value_type::Encoding,
    inspection::{
        options::InspectOptions,
        weigh::{Weigher, Weighing, Weights},
    },
    pieces::{Mark, Pieces},
    scan::visit::{Record, Visitor},
};

/// The visitor that builds an [`Inspection`].
pub(crate) struct Tally {
    hide_keys: bool,
    now_ms: u64,
    max_compared_keys: usize,
    inspection: Inspection,
    types: [EncodingTally; Encoding::COUNT],
    slots: SlotTable,
    weighers: Vec<(String, Box<dyn Weigher>)>,
    groups: GroupTable,
    times_to_live: [u64; 8],
    idle_times: [u64; 7],
    /// Records with fewer bytes are not among the biggest.
    least_big: u64,
    /// Keys with a larger hash are not in the sample.
    sample_threshold: u64,
    elsewhere: Elsewhere,
    counts: DatabaseCounts,
    database: Option<u64>,
    /// The [`database_seed`] of the database, if the database is known.
    seed: Option<u64>,
}

/// What is known about other parts of the file, which saves work in this one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elsewhere {
    /// Keys with a larger hash cannot be in the sample of the whole file: enough smaller hashes are known.
    pub(crate) sample_ceiling: u64,
    /// Whether the file has too many keys to compare.
    pub(crate) too_many_keys: bool,
}

impl Default for Elsewhere {
    fn default() -> Self {
        Self { sample_ceiling: u64::MAX, too_many_keys: false }
    }
}

impl Elsewhere {
    /// What is known once this part of the file has been read.
    pub(crate) fn of(inspection: &Inspection) -> Self {
        let Part { sample, keys, .. } = &inspection.part;
        Self { sample_ceiling: sample.threshold(), too_many_keys: keys.is_overflown() }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct EncodingTally {
    keys: u64,
    elements: u64,
    bytes: u64,
}

impl Tally {
    pub(crate) fn new(options: &InspectOptions, database: Option<u64>) -> Self {
        let mut tally = Self {
            hide_keys: options.hide_keys,
            now_ms: options.now_ms,
            max_compared_keys: options.max_compared_keys,
            inspection: Inspection::default(),
            types: [EncodingTally::default(); Encoding::COUNT],
            slots: SlotTable::new(),
            weighers: options.weighings.iter().map(Weighing::begin).collect(),
            groups: GroupTable::new(options),
            times_to_live: [0; 8],
            idle_times: [0; 7],
            least_big: 0,
            sample_threshold: u64::MAX,
            elsewhere: Elsewhere::default(),
            counts: DatabaseCounts::default(),
            database,
            seed: database.map(database_seed),
        };
        tally.inspection.part.top = options.top.min(MAX_BIGGEST_KEYS);
        tally.begin();
        tally
    }

    /// Skips what other parts of the file make superfluous.
    pub(crate) fn rely_on(&mut self, elsewhere: Elsewhere) {
        self.elsewhere = elsewhere;
        self.begin();
    }

    /// Drops the counts and the database.
    pub(crate) fn restart(&mut self) {
        self.database = None;
        self.seed = None;
        self.take();
    }

    /// The inspection since the start or the last call.
    pub(crate) fn take(&mut self) -> Inspection {
        self.close_database();
        if self.database.is_none() {
            self.set_unresolved_aside();
        }
        let part = Part { top: self.inspection.part.top, ..Part::default() };
        let next = Inspection { part, ..Inspection::default() };
        let mut inspection = std::mem::replace(&mut self.inspection, next);
        inspection.part.last_database = self.database;
        inspection.times_to_live = TimesToLive::from_classes(std::mem::take(&mut self.times_to_live));
        inspection.idle_times = IdleTimes::from_classes(std::mem::take(&mut self.idle_times));
        if self.now_ms > 0 {
            inspection.already_expired = inspection.times_to_live.expired;
        }
        inspection.part.sample.settle();
        inspection.slots = self.slots.take();
        inspection.groups = self.groups.take();
        let weighers = self.weighers.iter_mut();
        inspection.weights = weighers
            .map(|(id, weigher)| Weights::new(id.clone(), weigher.take(), weigher.take_everywhere()))
            .collect();
        inspection.types = self.take_types();
        self.begin();
        inspection
    }

    fn begin(&mut self) {
        let part = &mut self.inspection.part;
        part.first_database = self.database;
        part.keys = KeySet::new(self.max_compared_keys);
        if self.elsewhere.too_many_keys {
            part.keys.overflow();
        }
        self.least_big = if part.top == 0 { u64::MAX } else { 0 };
        self.sample_threshold = self.elsewhere.sample_ceiling;
    }

    fn take_types(&mut self) -> BTreeMap<String, TypeCounts> {
        let mut types: BTreeMap<String, TypeCounts> = BTreeMap::new();
        let tallies = std::mem::replace(&mut self.types, [EncodingTally::default(); Encoding::COUNT]);
        let tallies = Encoding::all().map(|encoding| (encoding, tallies[encoding.index()]));
        for (encoding, tally) in tallies.filter(|(_, tally)| tally.keys > 0) {
            let counts = types.entry(encoding.kind().name().to_owned()).or_default();
            counts.keys += tally.keys;
            counts.elements = counts.elements.saturating_add(tally.elements);
            counts.bytes += tally.bytes;
            *counts.encodings.entry(encoding.name().to_owned()).or_default() += tally.keys;
        }
        types
    }

    fn close_database(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        if counts.is_empty() {
            return;
        }
        self.inspection.keys += counts.keys;
        self.inspection.expires += counts.expires;
        match self.database {
            Some(database) => self.inspection.add_database(database, counts),
            None => self.inspection.part.unresolved.add(counts),
        }
    }

    fn set_unresolved_aside(&mut self) {
        self.inspection.part.unresolved_biggest = std::mem::take(&mut self.inspection.biggest);
        self.least_big = if self.inspection.part.top == 0 { u64::MAX } else { 0 };
    }

    /// Whether a record as long as the last of the biggest may precede it. If all records are equally long, nearly all
    /// keys come after it, so this has to be fast.
    fn may_be_big(&self, record: &Record<'_>) -> bool {
        let last = self.inspection.biggest.last().and_then(|last| last.key.as_deref());
        let Some(last) = last.filter(|_| self.inspection.biggest.len() >= self.inspection.part.top) else {
            return true;
        };
        // Keys are compared in their escaped form, so only bytes that are not escaped are decided here.
        for (byte, shown) in record.key.iter().zip(last.as_bytes()) {
            if !matches!(byte, b' '..=b'~') || matches!(byte, b'\\' | b'"') {
                return true;
            }
            if byte != shown {
                return byte < shown;
            }
        }
        true
    }

    #[cold]
    fn remember_big(&mut self, record: &Record<'_>) {
        let key = BigKey {
            key: (!self.hide_keys).then(|| shown(record.key, record.key_bytes)),
            database: record.database.unwrap_or(Fault::UNKNOWN_DATABASE),
            kind: record.kind().name().to_owned(),
            bytes: record.bytes(),
            elements: record.elements,
        };
        let top = self.inspection.part.top;
        let biggest = &mut self.inspection.biggest;
        let place = biggest.partition_point(|other| other.by_size(&key).is_lt());
        biggest.insert(place, key);
        biggest.truncate(top);
        if biggest.len() == top {
            self.least_big = biggest.last().map_or(0, |last| last.bytes);
        }
    }

    #[cold]
    fn sample(&mut self, record: &Record<'_>) {
        if self.hide_keys {
            self.sample_threshold = 0;
            return;
        }
        let sample = &mut self.inspection.part.sample;
        sample.add(record);
        self.sample_threshold = sample.threshold().min(self.elsewhere.sample_ceiling);
    }
}

impl Visitor for Tally {
    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        let bytes = record.bytes();
        if let Some(tally) = self.types.get_mut(record.encoding.index()) {
            tally.keys += 1;
            tally.elements = tally.elements.saturating_add(record.elements);
            tally.bytes += bytes;
        }
        self.counts.keys += 1;
        if let Some(expires_at_ms) = record.expires_at_ms {
            self.counts.expires += 1;
            self.times_to_live[class(expires_at_ms, self.now_ms) & 7] += 1;
        }
        if let Some(seconds) = record.idle_seconds {
            self.idle_times[idle_class(seconds) % 7] += 1;
        }
        self.slots.add(record.slot, bytes);
        if bytes >= self.least_big && (bytes > self.least_big || self.may_be_big(record)) {
            self.remember_big(record);
        }
        if record.key_hash <= self.sample_threshold {
            self.sample(record);
        }
        self.inspection.part.keys.push(record.key_hash, record.span.start, self.seed);
    }

    #[inline(always)]
    fn mark(&mut self, record: &Record<'_>) -> Option<Mark> {
        self.groups.mark(record)
    }

    fn select_database(&mut self, database: u64) {
        self.close_database();
        if self.database.is_none() {
            self.set_unresolved_aside();
        }
        self.inspection.highest_database = self.inspection.highest_database.max(database);
        self.database = Some(database);
        self.seed = Some(database_seed(database));
    }

    fn announce(&mut self, keys: u64, expires: u64) {
        let (announced_keys, announced_expires) = (keys, expires);
        self.counts.add(DatabaseCounts { announced_keys, announced_expires, ..DatabaseCounts::default() });
    }

    fn aux(&mut self, name: &[u8], value: &[u8]) {
        let (name, value) = (shown(name, name.len() as u64), shown(value, value.len() as u64));
        self.inspection.add_aux(name, value);
    }

    fn function(&mut self, code_bytes: u64) {
        self.inspection.functions += 1;
        self.inspection.function_bytes = self.inspection.function_bytes.saturating_add(code_bytes);
        for (_, weigher) in &mut self.weighers {
            weigher.library(code_bytes);
        }
    }

    fn functions(&mut self, registered: u64) {
        for (_, weigher) in &mut self.weighers {
            weigher.functions(registered);
        }
    }

    fn empty_collection(&mut self, expires_at_ms: Option<i64>) {
        let has_expired = |at_ms| self.now_ms > 0 && class(at_ms, self.now_ms) == 0;
        self.inspection.empty.add(EmptyCounts {
            keys: 1,
            expires: u64::from(expires_at_ms.is_some()),
            already_expired: u64::from(expires_at_ms.is_some_and(has_expired)),
        });
    }

    fn module(&mut self, name: &str) {
        self.inspection.add_module(name.to_owned(), 1);
    }

    fn field_expires(&mut self, fields: u64) {
        self.inspection.field_expires += fields;
    }

    fn stream_state(&mut self, number: u64) {
        self.inspection.stream_state += number;
    }

    fn uncompared_members(&mut self, value_elements: u64) {
        self.inspection.unchecked.values += 1;
        self.inspection.unchecked.members += value_elements;
    }

    fn pieces(&mut self, pieces: &Pieces) {
        for (place, (_, weigher)) in self.weighers.iter_mut().enumerate() {
            weigher.weigh(pieces);
            weigher.marked(&mut |mark, weight| self.groups.add(place, mark, weight));
        }
        self.groups.tidy();
    }

    fn suspend(&mut self) -> Vec<String> {
        self.weighers.iter_mut().map(|(_, weigher)| weigher.suspend()).collect()
    }

    fn resume(&mut self, known: &[String]) {
        for ((_, weigher), known) in self.weighers.iter_mut().zip(known) {
            weigher.resume(known);
        }
    }

    fn expires(&self) -> u64 {
        self.inspection.expires + self.counts.expires
    }

    fn fault(&mut self, fault: Fault) {
        if self.inspection.faults.len() < super::MAX_FAULTS {
            self.inspection.faults.push(fault);
        }
    }

    fn hazard(&mut self, hazard: Hazard) {
        self.inspection.add_hazard(hazard);
    }
}
