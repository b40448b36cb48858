//! What a reading up to a fault shows of the damage.

use std::{cell::Cell, collections::VecDeque, ops::Range};

use super::{EXPIRY_BYTES, MAX_DAMAGED, MAX_DOUBTFUL, search::is_expiry};
use crate::{
    bytes::cursor::Cursor,
    fault::{Fault, FaultCode, Hazard, HazardCode},
    format::{
        Magic,
        opcode::{Body, Opcode},
        value_type::{Kind, ValueType},
    },
    parts::boundary::{Unlikely, is_text},
    scan::visit::{Record, Visitor},
};

/// The search begins after this many records before the fault: what reads like records may be the inside of a value.
const SUSPECT_RECORDS: usize = 4;
/// Records before a fault whose keys are no text are misread, unless more than one in this many is like that before.
const ONE_UNLIKELY_IN: u64 = 8;
/// Servers have this many databases by default.
const DEFAULT_DATABASES: u64 = 16;

/// Where faults are, and the last records before them.
pub(super) struct Damage<'c> {
    /// Set where nothing that follows counts. The reading may then end.
    pub(super) ended: &'c Cell<bool>,
    pub(super) database: u64,
    /// The offset of a fault whose record has not ended.
    pub(super) open: Option<u64>,
    pub(super) broken: Vec<(Range<u64>, u64)>,
    pub(super) last: VecDeque<Suspect>,
    /// Where the records begin that follow the last key that is text.
    no_text_from: Option<u64>,
    pub(super) seen: Seen,
    /// The number of records that are no text since the last one that is.
    no_texts_since: u64,
    /// The number of records.
    pub(super) records: u64,
    /// Where the last record ends, or where the reading begins.
    end: u64,
    /// A database that was selected before the next record, and not announced.
    selected: Option<Selected>,
    /// A database that was selected before the next record, if its number is doubtful.
    doubtful: Option<u64>,
    pub(super) all_doubtful: Vec<(u64, u64)>,
    /// The size of a database was the first that was read, without the database.
    pub(super) begins_announced: bool,
    /// More follows the end mark than servers, tools and storage leave there.
    pub(super) has_trailing: bool,
}

/// What the sound part of a file shows about the rest.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The numbers of keys, and of those that are no text.
    keys: u64,
    no_texts: u64,
    /// The types of values, one bit each.
    types: u64,
    /// Whether the sizes of databases are announced.
    announces: bool,
}

impl Seen {
    /// Whether keys are text, with few exceptions.
    pub(super) fn has_texts(self) -> bool {
        self.keys > 0 && self.no_texts * ONE_UNLIKELY_IN <= self.keys
    }
}

/// The selection of a database whose size has not been announced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selected {
    /// Where the record before it ends.
    pub(super) at: u64,
    /// The database before it.
    pub(super) before: u64,
    /// Whether servers write this number here.
    pub(super) is_next: bool,
}

/// A record that may be misread.
#[derive(Debug, Clone)]
pub(super) struct Suspect {
    pub(super) span: Range<u64>,
    /// The offset of its type: expiry, idle time and frequency precede it.
    pub(super) type_at: u64,
}

impl Suspect {
    fn of(record: &Record<'_>) -> Self {
        // Of a record that is not in memory, only the expiry is known.
        let expiry_bytes = if record.expires_at_ms.is_some() { EXPIRY_BYTES } else { 0 };
        let mut type_at = record.span.start + if record.raw.is_none() { expiry_bytes } else { 0 };
        let mut cursor = Cursor::new(record.raw.unwrap_or_default(), record.span.start, None);
        while let Ok(id) = cursor.u8()
            && id > ValueType::MAX_TEMPLATED_ID
            && let Some(body) = Opcode::of(id, Magic::Redis).map(Opcode::body)
        {
            let passed = match body {
                Body::Bytes(bytes) => cursor.take(bytes).map(drop),
                Body::Numbers(numbers) => (0..numbers).try_for_each(|_| cursor.number().map(drop)),
                Body::Other => break,
            };
            if passed.is_err() {
                break;
            }
            type_at = cursor.offset();
        }
        Self { span: record.span.clone(), type_at }
    }
}

impl<'c> Damage<'c> {
    pub(super) fn new(ended: &'c Cell<bool>, from: u64, database: u64, seen: Seen) -> Self {
        Self {
            ended,
            database,
            open: None,
            broken: Vec::new(),
            last: VecDeque::new(),
            no_text_from: None,
            seen,
            no_texts_since: 0,
            records: 0,
            end: from,
            selected: None,
            doubtful: None,
            all_doubtful: Vec::new(),
            begins_announced: false,
            has_trailing: false,
        }
    }

    /// Where records begin that are misread, since the fault follows them and their keys are no text, unlike others.
    pub(super) fn misread_from(&self) -> Option<u64> {
        self.no_text_from.filter(|_| self.seen.has_texts())
    }

    /// Whether servers may write this database after the present one.
    pub(super) fn is_next(&self, database: u64) -> bool {
        (self.database + 1..DEFAULT_DATABASES).contains(&database)
    }

    /// Where keys may be no text: not before a fault that follows a text.
    pub(super) fn unlikely(&self, fault: u64) -> Unlikely {
        Unlikely { from: if self.no_texts_since == 0 { fault } else { 0 }, types: self.seen.types }
    }

    /// The database that was selected directly before the fault, if no server writes it so: in a file that announces
    /// each, this one is not.
    pub(super) fn selected(&self) -> Option<Selected> {
        self.selected.filter(|selected| (self.seen.announces || !selected.is_next) && !self.ended.get())
    }
}

impl Visitor for Damage<'_> {
    fn record(&mut self, record: &Record<'_>) {
        if self.ended.get() {
            return;
        }
        let unannounced = self.selected.take().filter(|_| self.seen.announces);
        if let Some(selected) = unannounced.filter(|selected| !selected.is_next) {
            // No server writes it, so the inside of a value was read.
            self.database = selected.before;
            self.open.get_or_insert(selected.at);
            self.ended.set(true);
            return;
        }
        if swallowed_expiry(record) {
            self.open = Some(self.open.unwrap_or(record.span.start));
            self.ended.set(true);
            return;
        }
        if self.open.take() == Some(record.span.start) && self.broken.len() < MAX_DAMAGED {
            self.broken.push((record.span.clone(), self.database));
        }
        let unannounced = unannounced.map(|_| self.database);
        if let Some(database) = self.doubtful.take().or(unannounced)
            && self.all_doubtful.len() < MAX_DOUBTFUL
        {
            self.all_doubtful.push((record.span.start, database));
        }
        if self.last.len() == SUSPECT_RECORDS {
            self.last.pop_front();
        }
        let suspect = Suspect::of(record);
        self.records += 1;
        if !record.key.is_empty() && is_text(record.key) {
            self.seen.keys += 1 + self.no_texts_since;
            self.seen.no_texts += self.no_texts_since;
            (self.no_texts_since, self.no_text_from) = (0, None);
            self.seen.types |= 1u64.checked_shl(record.type_id.into()).unwrap_or(0);
        } else {
            self.no_texts_since += 1;
            self.no_text_from.get_or_insert(record.span.start);
        }
        self.last.push_back(suspect);
        self.end = record.span.end;
    }

    fn select_database(&mut self, database: u64) {
        if self.ended.get() {
            return;
        }
        let is_next = self.is_next(database);
        // The first one may be 0.
        let is_first = database == 0 && self.seen.keys == 0 && self.records == 0;
        let is_next = is_next || is_first;
        self.doubtful = (!is_next).then_some(database);
        // What was selected and holds no record does not count.
        let Selected { at, before, .. } =
            self.selected.unwrap_or(Selected { at: self.end, before: self.database, is_next });
        self.selected = Some(Selected { at, before, is_next });
        self.database = database;
    }

    fn announce(&mut self, keys: u64, expires: u64) {
        if self.ended.get() {
            return;
        }
        self.begins_announced |=
            self.records == 0 && self.selected.is_none() && (1..=keys).contains(&expires.max(1));
        (self.selected, self.seen.announces) = (None, true);
    }

    fn fault(&mut self, fault: Fault) {
        if fault.code != FaultCode::CrcMismatch && !self.ended.get() {
            self.open.get_or_insert(fault.offset);
        }
    }

    fn hazard(&mut self, hazard: Hazard) {
        self.has_trailing |= hazard.code == HazardCode::TrailingBytes;
    }
}

/// Whether the expiry of the next record has been read as the end of this one.
fn swallowed_expiry(record: &Record<'_>) -> bool {
    let last = record.raw.and_then(|raw| raw.last_chunk::<{ EXPIRY_BYTES as usize }>());
    // Fields of hashes may end with an expiry themselves.
    last.is_some_and(|last| is_expiry(last)) && record.kind() != Kind::Hash
}
