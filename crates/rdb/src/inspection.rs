//! The result of a scan, and how the results of neighbouring parts become one.
use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Hazard, HazardCode};
use crate::slot::SlotCounts;

/// The version of the shape of [`Inspection`] and [`crate::Report`].
pub const SCHEMA: u32 = 1;
/// At most this many databases are named, those with the lowest numbers.
pub const MAX_NAMED_DATABASES: usize = 1024;
/// At most this many of the biggest keys are kept.
pub const MAX_BIGGEST_KEYS: usize = 10;
/// At most this many AUX fields or module names are kept, the first in alphabetical order.
pub(crate) const MAX_NAMES: usize = 64;
const MAX_FAULTS: usize = 100;
const MAX_HAZARDS_PER_CODE: u64 = 10;

/// What a scan found between two offsets of a file.
///
/// Every list and map in it is bounded, so that its JSON stays below 1 MiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The version of this shape, [`SCHEMA`].
    pub schema: u32,
    /// File offset of the first byte that was read.
    pub start: u64,
    /// File offset after the last byte that was read; where the next part begins.
    pub end: u64,
    /// Whether the file ended here, soundly or by a fault: there is no next part.
    pub complete: bool,
    /// The file itself; none if it is not an RDB file.
    pub rdb: Option<RdbInfo>,
    /// Keys, those already expired included.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Keys whose expiry had passed at [`crate::InspectOptions::now_ms`].
    pub already_expired: u64,
    /// Hash fields with an expiry of their own.
    pub field_expires: u64,
    /// Keys by database, the lowest [`MAX_NAMED_DATABASES`] that hold any.
    pub databases: BTreeMap<u64, DatabaseCounts>,
    /// The sum of all databases beyond those.
    #[serde(default, skip_serializing_if = "DatabaseCounts::is_empty")]
    pub other_databases: DatabaseCounts,
    /// Counts by type: `string`, `list`, `set`, `zset`, `hash`, `stream`, `module`, `array`.
    pub types: BTreeMap<String, TypeCounts>,
    /// Keys and bytes by cluster slot.
    pub slots: SlotCounts,
    /// AUX fields, at most 64, values cut to 256 bytes; of several with one name, the first.
    pub aux: BTreeMap<String, String>,
    /// Libraries of functions.
    pub functions: u64,
    /// Values and auxiliary data by module type name, at most 64 names.
    pub modules: BTreeMap<String, u64>,
    /// The biggest keys by bytes in the file, biggest first, at most [`MAX_BIGGEST_KEYS`].
    pub biggest: Vec<BigKey>,
    /// What is broken, in file order, at most 100.
    pub faults: Vec<Fault>,
    /// What is dangerous, in file order, at most ten of each code.
    pub hazards: Vec<Hazard>,
    /// How often each hazard occurs in all.
    pub hazard_counts: BTreeMap<HazardCode, u64>,
}

/// The file itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RdbInfo {
    /// The RDB version, also if it is not a known one.
    pub version: u32,
    /// Who writes this format.
    pub magic: Magic,
    /// Bytes from the header up to the end of the scan: checksum included, trailing bytes not.
    pub bytes: u64,
    /// What the checksum says.
    pub crc: Crc,
}

/// The first letters of a file, which decide what its types and opcodes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Magic {
    /// Written by Redis, or by Valkey up to 8.1.
    #[default]
    Redis,
    /// Written by Valkey from 9.0 on.
    Valkey,
}

/// What the checksum at the end of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crc {
    /// It is that of the bytes.
    Ok,
    /// The file has none: written with checksums switched off, or before version 5.
    Absent,
    /// The bytes are not those that were written.
    Mismatch,
    /// The end was not reached.
    #[default]
    Unchecked,
}

/// The keys of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseCounts {
    /// Keys, those already expired included.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
}

/// The keys of one type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeCounts {
    /// Keys of this type.
    pub keys: u64,
    /// Their elements: fields, members, list items, stream entries; 1 for a string or a module value.
    pub elements: u64,
    /// Bytes of their records in the file, with prefixes and keys.
    pub bytes: u64,
    /// Keys by how the file encodes them, such as `listpack` or `hashtable`.
    pub encodings: BTreeMap<String, u64>,
}

/// One of the biggest keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BigKey {
    /// The key, escaped and cut to 256 bytes; none when keys are hidden.
    pub key: Option<String>,
    /// The database that holds it.
    pub database: u64,
    /// Its type, as in [`Inspection::types`].
    pub kind: String,
    /// Bytes of its record in the file.
    pub bytes: u64,
    /// Its elements, as in [`TypeCounts::elements`].
    pub elements: u64,
}

/// Two inspections are not neighbours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// There is a gap or an overlap between them.
    #[error("a part that ends at offset {end} cannot be joined with one that begins at offset {start}")]
    NotNeighbours {
        /// Where the first part ends.
        end: u64,
        /// Where the second one begins.
        start: u64,
    },
    /// The first part already reached the end of the file or a fault.
    #[error("nothing follows offset {end}, where the file ended or broke")]
    AlreadyComplete {
        /// Where the first part ends.
        end: u64,
    },
    /// The parts are of different files or were made by different releases.
    #[error("the parts at offset {end} disagree about schema, magic or version")]
    DifferentFiles {
        /// Where the first part ends.
        end: u64,
    },
}

impl Default for Inspection {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            start: 0,
            end: 0,
            complete: false,
            rdb: None,
            keys: 0,
            expires: 0,
            already_expired: 0,
            field_expires: 0,
            databases: BTreeMap::new(),
            other_databases: DatabaseCounts::default(),
            types: BTreeMap::new(),
            slots: SlotCounts::default(),
            aux: BTreeMap::new(),
            functions: 0,
            modules: BTreeMap::new(),
            biggest: Vec::new(),
            faults: Vec::new(),
            hazards: Vec::new(),
            hazard_counts: BTreeMap::new(),
        }
    }
}

impl Inspection {
    /// Whether the file was read to its end and nothing in it is broken.
    pub fn is_sound(&self) -> bool {
        self.complete && self.faults.is_empty()
    }

    /// This part and the one that follows it, as one. Equal to what one pass over both gives.
    ///
    /// # Errors
    /// If `next` does not begin where this part ends, or nothing can follow this part.
    pub fn join(mut self, next: Self) -> Result<Self, JoinError> {
        let end = self.end;
        if next.start != end {
            return Err(JoinError::NotNeighbours { end, start: next.start });
        }
        if self.complete {
            return Err(JoinError::AlreadyComplete { end });
        }
        let agree = match (&self.rdb, &next.rdb) {
            (Some(one), Some(other)) => (one.version, one.magic) == (other.version, other.magic),
            _ => end == 0,
        };
        if self.schema != next.schema || !agree {
            return Err(JoinError::DifferentFiles { end });
        }
        self.end = next.end;
        self.complete = next.complete;
        self.rdb = next.rdb;
        self.keys = self.keys.saturating_add(next.keys);
        self.expires = self.expires.saturating_add(next.expires);
        self.already_expired = self.already_expired.saturating_add(next.already_expired);
        self.field_expires = self.field_expires.saturating_add(next.field_expires);
        self.functions = self.functions.saturating_add(next.functions);
        self.other_databases.add(next.other_databases);
        for (index, counts) in next.databases {
            self.add_database(index, counts);
        }
        for (kind, counts) in next.types {
            self.types.entry(kind).or_default().add(counts);
        }
        self.slots.add_all(&next.slots);
        for (name, value) in next.aux {
            self.add_aux(name, value);
        }
        for (name, count) in next.modules {
            self.add_module(name, count);
        }
        self.biggest.extend(next.biggest);
        self.biggest.sort_by(BigKey::by_size);
        self.biggest.truncate(MAX_BIGGEST_KEYS);
        self.faults.extend(next.faults);
        self.faults.truncate(MAX_FAULTS);
        self.join_hazards(next.hazards, next.hazard_counts);
        Ok(self)
    }

    fn join_hazards(&mut self, hazards: Vec<Hazard>, counts: BTreeMap<HazardCode, u64>) {
        let mut listed: BTreeMap<HazardCode, u64> = BTreeMap::new();
        self.hazards.extend(hazards);
        self.hazards.retain(|hazard| {
            let count = listed.entry(hazard.code).or_default();
            *count += 1;
            *count <= MAX_HAZARDS_PER_CODE
        });
        for (code, count) in counts {
            let sum = self.hazard_counts.entry(code).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    pub(crate) fn add_hazard(&mut self, hazard: Hazard) {
        let count = self.hazard_counts.entry(hazard.code).or_default();
        *count = count.saturating_add(1);
        if *count <= MAX_HAZARDS_PER_CODE {
            self.hazards.push(hazard);
        }
    }

    // Each of these keeps the first N in order, not the first N seen: only so does a join of parts equal one pass.

    pub(crate) fn add_database(&mut self, index: u64, counts: DatabaseCounts) {
        self.databases.entry(index).or_default().add(counts);
        if self.databases.len() > MAX_NAMED_DATABASES
            && let Some((_, last)) = self.databases.pop_last()
        {
            self.other_databases.add(last);
        }
    }

    pub(crate) fn add_aux(&mut self, name: String, value: String) {
        self.aux.entry(name).or_insert(value);
        if self.aux.len() > MAX_NAMES {
            self.aux.pop_last();
        }
    }

    pub(crate) fn add_module(&mut self, name: String, count: u64) {
        let sum = self.modules.entry(name).or_default();
        *sum = sum.saturating_add(count);
        if self.modules.len() > MAX_NAMES {
            self.modules.pop_last();
        }
    }
}

impl DatabaseCounts {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.keys = self.keys.saturating_add(other.keys);
        self.expires = self.expires.saturating_add(other.expires);
    }
}

impl TypeCounts {
    fn add(&mut self, other: Self) {
        self.keys = self.keys.saturating_add(other.keys);
        self.elements = self.elements.saturating_add(other.elements);
        self.bytes = self.bytes.saturating_add(other.bytes);
        for (encoding, keys) in other.encodings {
            let sum = self.encodings.entry(encoding).or_default();
            *sum = sum.saturating_add(keys);
        }
    }
}

impl BigKey {
    /// Biggest first; every field takes part, so that the order never depends on how a file was cut.
    pub(crate) fn by_size(&self, other: &Self) -> Ordering {
        let bytes = other.bytes.cmp(&self.bytes);
        bytes.then_with(|| {
            (&self.key, self.database, &self.kind, self.elements).cmp(&(
                &other.key,
                other.database,
                &other.kind,
                other.elements,
            ))
        })
    }
}
