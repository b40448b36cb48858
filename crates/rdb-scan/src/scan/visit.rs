//! Looking at the records of a file one by one.

use std::ops::Range;

use crate::{
    fault::{Fault, Hazard},
    format::value_type::{Encoding, Kind},
    pieces::Pieces,
};

/// Sees what a scan comes across, in file order. Every method does nothing unless it is written.
///
/// Databases are `None` in a range of a file whose database is not known, up to its first record that says so.
pub trait Visitor {
    /// A key with its value has been read.
    fn record(&mut self, _record: &Record<'_>) {}

    /// Another database begins.
    fn select_database(&mut self, _database: u64) {}

    /// The file announces so many keys of the database, and so many with an expiry, for which tables are to be made.
    fn announce(&mut self, _keys: u64, _expires: u64) {}

    /// An AUX field, the value cut to 256 bytes. Both as they are in the file.
    fn aux(&mut self, _name: &[u8], _value: &[u8]) {}

    /// A library of functions, whose code is so long.
    fn function(&mut self, _code_bytes: u64) {}

    /// The library registers so many functions, as far as its text tells.
    fn functions(&mut self, _registered: u64) {}

    /// A collection without elements, whose key is told of like any other. Most servers leave such a key out.
    fn empty_collection(&mut self, _expires_at_ms: Option<i64>) {}

    /// A value or auxiliary data of a module.
    fn module(&mut self, _name: &str) {}

    /// Hash fields with an expiry of their own, since the last call.
    fn field_expires(&mut self, _fields: u64) {}

    /// Members of a value that were not compared with each other, because there are too many or one is too long.
    fn uncompared_members(&mut self, _value_elements: u64) {}

    /// What the values since the last call are made of. Only where [`crate::InspectOptions::weighings`] asks for it.
    fn pieces(&mut self, _pieces: &Pieces) {}

    /// The scan pauses inside a value: gives what is known of it, and forgets it.
    fn suspend(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The scan goes on inside a value of which another one gave this.
    fn resume(&mut self, _known: &[String]) {}

    /// Something in the file is broken. Keys are as in the file's text: [`Fault::key`] is set.
    fn fault(&mut self, _fault: Fault) {}

    /// Something is well-formed, but dangerous.
    fn hazard(&mut self, _hazard: Hazard) {}
}

/// Sees nothing.
impl Visitor for () {}

/// Both see everything.
impl<A: Visitor, B: Visitor> Visitor for (A, B) {
    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        self.0.record(record);
        self.1.record(record);
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

    fn uncompared_members(&mut self, value_elements: u64) {
        self.0.uncompared_members(value_elements);
        self.1.uncompared_members(value_elements);
    }

    fn pieces(&mut self, pieces: &Pieces) {
        self.0.pieces(pieces);
        self.1.pieces(pieces);
    }

    // Only the first one's is kept: it is that of the scan itself.
    fn suspend(&mut self) -> Vec<String> {
        self.0.suspend()
    }

    fn resume(&mut self, known: &[String]) {
        self.0.resume(known);
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
    /// Where it stands in the file, what stands before its type (expiry, idle time) included.
    pub span: Range<u64>,
    /// Its bytes in the file; none if it does not fit in the window, which holds at least 256 KiB.
    pub raw: Option<&'a [u8]>,
    /// Where its value begins, behind the key.
    pub value_start: u64,
    /// The number of its value's type in the file.
    pub type_id: u8,
    /// Its database, if it is known.
    pub database: Option<u64>,
    /// The key; of one longer than 64 KiB, the first 64 KiB.
    pub key: &'a [u8],
    /// The length of the key in bytes.
    pub key_bytes: u64,
    /// A hash of the key, the same in every process of one release.
    pub key_hash: u64,
    /// The cluster slot of the key.
    pub slot: u16,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// How its value is written.
    pub encoding: Encoding,
    /// Its elements: fields, members, list items, stream entries; 1 for a string or a module's value.
    pub elements: u64,
}

impl Record<'_> {
    /// The type of its value.
    pub fn kind(&self) -> Kind {
        self.encoding.kind()
    }

    /// Bytes in the file.
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.span.end - self.span.start
    }
}
