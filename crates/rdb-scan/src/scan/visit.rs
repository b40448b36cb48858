//! Visiting the records of a file one by one.

use std::ops::Range;

use crate::{
    fault::{Fault, Hazard},
    format::value_type::{Encoding, Kind},
    pieces::{Mark, Pieces},
};

/// Receives everything that a scan finds, in file order. The default methods do nothing.
///
/// [`Record::database`] is `None` in a range of a file that does not name its database, up to the first record that
/// does.
pub trait Visitor {
    /// A key and its value have been read.
    fn record(&mut self, _record: &Record<'_>) {}

    /// Whether the weight of the record that was just read is asked for, by [`crate::Weigher::marked`].
    #[doc(hidden)]
    fn mark(&mut self, _record: &Record<'_>) -> Option<Mark> {
        None
    }

    /// Another database begins.
    fn select_database(&mut self, _database: u64) {}

    /// The file announces this many keys of the database, and this many with an expiry, so that servers can size their
    /// tables.
    fn announce(&mut self, _keys: u64, _expires: u64) {}

    /// An AUX field, with the value cut to 256 bytes. Neither is escaped.
    fn aux(&mut self, _name: &[u8], _value: &[u8]) {}

    /// A library of functions with this many bytes of code.
    fn function(&mut self, _code_bytes: u64) {}

    /// The library registers this many functions, as far as its text shows.
    fn functions(&mut self, _registered: u64) {}

    /// A collection without elements. Its key is reported like any other. Most servers skip such a key.
    fn empty_collection(&mut self, _expires_at_ms: Option<i64>) {}

    /// A value or auxiliary data of a module.
    fn module(&mut self, _name: &str) {}

    /// Hash fields with an expiry of their own, since the last call.
    fn field_expires(&mut self, _fields: u64) {}

    /// Idempotent producers and given-back entries of streams, since the last call.
    fn stream_state(&mut self, _number: u64) {}

    /// A value with this many elements, of which some were not compared with each other: there are too many, or one is
    /// too long.
    fn uncompared_members(&mut self, _value_elements: u64) {}

    /// The pieces of the values since the last call. Only if there are [`crate::InspectOptions::weighings`].
    fn pieces(&mut self, _pieces: &Pieces) {}

    /// The scan pauses inside a value. Returns what is known about the value, and drops it.
    fn suspend(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The scan continues inside a value, for which another visitor returned this.
    fn resume(&mut self, _known: &[String]) {}

    /// The keys with an expiry so far, if they are counted: those of a stretch are a difference.
    #[doc(hidden)]
    fn expires(&self) -> u64 {
        0
    }

    /// Something in the file is broken.
    fn fault(&mut self, _fault: Fault) {}

    /// Something is well-formed but dangerous.
    fn hazard(&mut self, _hazard: Hazard) {}
}

/// Ignores everything.
impl Visitor for () {}

/// Both receive everything.
impl<A: Visitor, B: Visitor> Visitor for (A, B) {
    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        self.0.record(record);
        self.1.record(record);
    }

    // The weighers are those of the first.
    #[inline(always)]
    fn mark(&mut self, record: &Record<'_>) -> Option<Mark> {
        self.0.mark(record)
    }

    fn select_database(&mut self, database: u64) {
        self.0.select_database(database);
        self.1.select_database(database);
    }

    fn announce(&mut self, keys: u64, expires: u64) {
        self.0.announce(keys, expires);
        self.1.announce(keys, expires);
    }

    fn aux(&mut self, name: &[u8], value: &[u8]) {
        self.0.aux(name, value);
        self.1.aux(name, value);
    }

    fn function(&mut self, code_bytes: u64) {
        self.0.function(code_bytes);
        self.1.function(code_bytes);
    }

    fn functions(&mut self, registered: u64) {
        self.0.functions(registered);
        self.1.functions(registered);
    }

    fn empty_collection(&mut self, expires_at_ms: Option<i64>) {
        self.0.empty_collection(expires_at_ms);
        self.1.empty_collection(expires_at_ms);
    }

    fn module(&mut self, name: &str) {
        self.0.module(name);
        self.1.module(name);
    }

    fn field_expires(&mut self, fields: u64) {
        self.0.field_expires(fields);
        self.1.field_expires(fields);
    }

    fn stream_state(&mut self, number: u64) {
        self.0.stream_state(number);
        self.1.stream_state(number);
    }

    fn uncompared_members(&mut self, value_elements: u64) {
        self.0.uncompared_members(value_elements);
        self.1.uncompared_members(value_elements);
    }

    fn pieces(&mut self, pieces: &Pieces) {
        self.0.pieces(pieces);
        self.1.pieces(pieces);
    }

    // Only the state of the first is kept: it is the one of the scan itself.
    fn suspend(&mut self) -> Vec<String> {
        self.0.suspend()
    }

    fn resume(&mut self, known: &[String]) {
        self.0.resume(known);
    }

    fn expires(&self) -> u64 {
        self.0.expires()
    }

    fn fault(&mut self, fault: Fault) {
        self.0.fault(fault.clone());
        self.1.fault(fault);
    }

    fn hazard(&mut self, hazard: Hazard) {
        self.0.hazard(hazard.clone());
        self.1.hazard(hazard);
    }
}

/// One key with its value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The record's range in the file, including what precedes its type (expiry, idle time).
    pub span: Range<u64>,
    /// The record's bytes in the file; none if they do not fit in the window, which holds at least 256 KiB.
    pub raw: Option<&'a [u8]>,
    /// The offset of the value, after the key.
    pub value_start: u64,
    /// The number of the value's type in the file.
    pub type_id: u8,
    /// The database, if it is known.
    pub database: Option<u64>,
    /// The key; its first 64 KiB if it is longer.
    pub key: &'a [u8],
    /// The length of the key in bytes.
    pub key_bytes: u64,
    /// A hash of the key, the same in every process of one release.
    pub key_hash: u64,
    /// The cluster slot of the key.
    pub slot: u16,
    /// The expiry in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// The time since the key was last used when the file was written, in seconds, if the file has it.
    pub idle_seconds: Option<u64>,
    /// The encoding of the value.
    pub encoding: Encoding,
    /// Elements: fields, members, list items, stream entries; 1 for a string or a module value.
    pub elements: u64,
}

impl Record<'_> {
    /// The data type of the value.
    pub fn kind(&self) -> Kind {
        self.encoding.kind()
    }

    /// The size of the record in the file, in bytes.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.span.end - self.span.start
    }
}
