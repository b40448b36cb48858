//! The result of a scan.

mod cause;
mod expiry;
pub(crate) mod groups;
pub(crate) mod inspect;
mod join;
mod keys;
mod options;
mod report;
mod sample;
mod slots;
mod tally;
pub(crate) mod weigh;
pub(crate) mod writer;

use std::{cmp::Ordering, collections::BTreeMap};

pub use expiry::{IdleTimes, TimesToLive};
pub use groups::{KeyGroup, KeyGroups, MAX_GROUPS, MAX_START_DEPTH, shorter_start};
pub use join::JoinError;
use keys::KeySet;
pub use report::{DatabaseReport, OtherDatabases, Report};
use sample::KeySample;
pub use sample::Prefix;
use serde::{Deserialize, Serialize};
pub use slots::{SlotCount, SlotCounts};
pub(crate) use tally::{Elsewhere, Tally};

use crate::{
    fault::{Cause, Fault, Hazard, HazardCode},
    format::Magic,
    inspection::weigh::Weights,
    reading::{
        header::{Header, MAX_NAMES},
        looks_like::Beginning,
        position::{Boundary, Position},
    },
    scan::{
        stretch::Stretch,
        template::{Digest, Templates},
    },
};

/// The version of the JSON of [`Inspection`], [`crate::RangeInspection`] and [`Position`]. Other versions are not read.
///
/// Version 2: a position stores the value's type and a string's form separately. Version 3: `streamState`. Version 4:
/// `stretches`. Version 5: digests of templates. Version 6: `groups`, `idleTimes`.
pub const SCHEMA: u32 = 6;
/// The version of the JSON of [`crate::Report`].
pub const REPORT_SCHEMA: u32 = 1;
/// At most this many databases are listed: those with the lowest numbers.
pub const MAX_NAMED_DATABASES: usize = 1024;
/// At most this many of the biggest keys are kept, however many are requested.
pub const MAX_BIGGEST_KEYS: usize = 1000;
pub(crate) const MAX_FAULTS: usize = 100;
pub(crate) const MAX_HAZARDS_PER_CODE: u64 = 10;

/// What a scan found between two offsets of a file.
///
/// Every list and map in it is bounded, and so is its JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The version of this JSON, [`SCHEMA`].
    pub schema: u32,
    /// File offset of the first byte that was read.
    pub start: u64,
    /// File offset after the last byte that was read; the next part begins here.
    pub end: u64,
    /// Whether the file ended here, soundly or with a fault: there is no next part.
    pub complete: bool,
    /// Properties of the file; none if it is not an RDB file.
    pub rdb: Option<RdbInfo>,
    /// Keys, including those already expired.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Keys whose expiry had passed at [`crate::InspectOptions::now_ms`].
    pub already_expired: u64,
    /// The keys among them that are collections without elements. Servers that skip those do not have these keys: Redis
    /// since 6.2.6 and all of Valkey.
    #[serde(default, skip_serializing_if = "EmptyCounts::is_none")]
    pub empty: EmptyCounts,
    /// Hash fields with an expiry of their own.
    pub field_expires: u64,
    /// Idempotent producers (Redis 8.6) and given-back entries (Redis 8.8) of streams.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stream_state: u64,
    /// Keys with an expiry by the time left to them.
    #[serde(default)]
    pub times_to_live: TimesToLive,
    /// Keys by the time since they were last used, if the file has it.
    #[serde(default, skip_serializing_if = "IdleTimes::is_none")]
    pub idle_times: IdleTimes,
    /// Keys by database: the lowest [`MAX_NAMED_DATABASES`] that have any.
    pub databases: BTreeMap<u64, DatabaseCounts>,
    /// The highest database that the file selects, with or without keys. A server with fewer databases aborts.
    #[serde(default)]
    pub highest_database: u64,
    /// The sum of all databases beyond those.
    #[serde(default, skip_serializing_if = "DatabaseCounts::is_empty")]
    pub other_databases: DatabaseCounts,
    /// Counts by type: `string`, `list`, `set`, `zset`, `hash`, `stream`, `module`, `array`.
    pub types: BTreeMap<String, TypeCounts>,
    /// Keys and bytes by cluster slot.
    pub slots: SlotCounts,
    /// AUX fields, at most 64, with values cut to 256 bytes. If a name occurs several times, the first value.
    pub aux: BTreeMap<String, String>,
    /// Libraries of functions.
    pub functions: u64,
    /// Bytes of their code.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub function_bytes: u64,
    /// Values and auxiliary data by module type name, at most 64 names.
    pub modules: BTreeMap<String, u64>,
    /// The biggest keys by bytes in the file, biggest first, as many as were requested.
    pub biggest: Vec<BigKey>,
    /// What was not compared, because there is too much of it.
    #[serde(default)]
    pub unchecked: Unchecked,
    /// The weight of the file by each of [`crate::InspectOptions::weighings`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<Weights>,
    /// What keys weigh by database, encoding and the start of their names. Empty without
    /// [`crate::InspectOptions::weighings`]. If keys are hidden, only by database and encoding.
    #[serde(default, skip_serializing_if = "KeyGroups::is_empty")]
    pub groups: KeyGroups,
    /// The stretches in file order, each as long as it can be: at most 1,000 that one worker has read, of at least
    /// [`crate::InspectOptions::least_stretch_bytes`] each. Empty if [`crate::InspectOptions::copied`] is, and if
    /// templates follow the first key, which no server writes.
    ///
    /// A part of a file may also have smaller ones at its start and its end, which its neighbors may continue. A pause
    /// inside a record ends a stretch before that record, and the next one begins after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<Stretch>,
    /// Faults in file order, at most 100.
    pub faults: Vec<Fault>,
    /// Hazards in file order, at most ten of each code.
    pub hazards: Vec<Hazard>,
    /// The total number of each hazard.
    pub hazard_counts: BTreeMap<HazardCode, u64>,
    // State that is needed to join parts.
    pub(crate) part: Part,
}

/// What was not compared, because there is too much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unchecked {
    /// Keys that were not compared with each other: none of the file's keys or all.
    pub keys: u64,
    /// Values with members that were not compared with each other.
    pub values: u64,
    /// The elements of those values.
    pub members: u64,
}

/// Keys of collections without elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmptyCounts {
    /// All such keys.
    pub keys: u64,
    /// Those with an expiry.
    pub expires: u64,
    /// Those whose expiry had passed.
    pub already_expired: u64,
}

impl EmptyCounts {
    fn is_none(&self) -> bool {
        self.keys == 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.keys = self.keys.saturating_add(other.keys);
        self.expires = self.expires.saturating_add(other.expires);
        self.already_expired = self.already_expired.saturating_add(other.already_expired);
    }
}

/// State that a part of a file needs to be joined with its neighbors.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    /// The number of biggest keys to keep.
    pub(crate) top: usize,
    /// The least size of a stretch; none are noted if it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) least_stretch_bytes: u64,
    /// Whether the part begins, and ends, inside a record.
    pub(crate) begins_inside: bool,
    pub(crate) ends_inside: bool,
    /// CRC64 of the bytes from the start to the end or the end mark, and their number.
    #[serde(with = "crate::bytes::encoded")]
    pub(crate) crc: u64,
    pub(crate) crc_bytes: u64,
    /// The checksum stored in the file, if any.
    #[serde(with = "crate::bytes::encoded::optional")]
    pub(crate) stored_crc: Option<u64>,
    /// The offset of the end mark.
    pub(crate) end_mark: u64,
    /// The database at the start, if it is known, and at the end.
    pub(crate) first_database: Option<u64>,
    pub(crate) last_database: Option<u64>,
    /// The keys before the first record that names their database.
    pub(crate) unresolved: DatabaseCounts,
    /// The biggest of these keys. Their order is known once their database is.
    pub(crate) unresolved_biggest: Vec<BigKey>,
    pub(crate) keys: KeySet,
    pub(crate) sample: KeySample,
    /// What the first bytes of the file show about it; only in its first part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beginning: Option<Beginning>,
    /// The digest of the templates before the part, unless it begins with the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_templates: Option<Digest>,
    /// The templates up to the end of the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) templates: Option<Templates>,
    /// What the record in which reading ended shows about the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suspect: Option<Cause>,
    /// The offset from which on all bytes up to the end are zeros; none if the file broke off elsewhere than among
    /// zeros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zeros_from: Option<u64>,
}

/// Properties of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RdbInfo {
    /// The RDB version, even if it is unknown.
    pub version: u32,
    /// The magic, which names the product that writes this format.
    pub magic: Magic,
    /// Bytes from the header up to the end of the scan, including the checksum but no trailing bytes.
    pub bytes: u64,
    /// The result of the checksum.
    pub crc: Crc,
}

/// The result of the checksum at the end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crc {
    /// It matches the bytes.
    Ok,
    /// The file has none: checksums were switched off, or the RDB version is below 5.
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
    /// Keys, including those already expired.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// The number of keys that the file announces (RESIZEDB). Servers size their tables for it. 0 if there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub announced_keys: u64,
    /// The number of keys with an expiry that the file announces (RESIZEDB).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub announced_expires: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The keys of one type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeCounts {
    /// Keys of this type.
    pub keys: u64,
    /// Elements: fields, members, list items, stream entries; 1 for a string or a module value.
    pub elements: u64,
    /// Bytes of the records in the file, including prefixes and keys.
    pub bytes: u64,
    /// Keys by encoding in the file, such as `listpack` or `hashtable`.
    pub encodings: BTreeMap<String, u64>,
}

/// One of the biggest keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BigKey {
    /// The key, escaped and cut to 256 bytes; none if keys are hidden.
    pub key: Option<String>,
    /// The database of the key.
    pub database: u64,
    /// Type of the key.
    pub kind: String,
    /// Bytes of the record in the file.
    pub bytes: u64,
    /// Elements: fields, members, list items, stream entries; 1 for a string or a module value.
    pub elements: u64,
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
            empty: EmptyCounts::default(),
            field_expires: 0,
            stream_state: 0,
            databases: BTreeMap::new(),
            highest_database: 0,
            other_databases: DatabaseCounts::default(),
            types: BTreeMap::new(),
            slots: SlotCounts::default(),
            aux: BTreeMap::new(),
            functions: 0,
            function_bytes: 0,
            modules: BTreeMap::new(),
            biggest: Vec::new(),
            faults: Vec::new(),
            hazards: Vec::new(),
            hazard_counts: BTreeMap::new(),
            times_to_live: TimesToLive::default(),
            idle_times: IdleTimes::default(),
            groups: KeyGroups::default(),
            unchecked: Unchecked::default(),
            weights: Vec::new(),
            stretches: Vec::new(),
            part: Part::default(),
        }
    }
}

impl Inspection {
    /// Version and magic of the file, and which templates it has: what [`crate::walk`] needs to begin at a boundary.
    /// None if it is not an RDB file.
    pub fn header(&self) -> Option<Header> {
        let templates = self.part.templates.as_ref().map(Templates::without_fields);
        self.rdb.as_ref().map(|&RdbInfo { version, magic, .. }| Header {
            version,
            magic,
            templates,
            ..Header::default()
        })
    }

    /// The position at the end, which is a record boundary.
    pub(crate) fn end_position(&self) -> Position {
        let header = self.rdb.as_ref().map(|rdb| Header {
            version: rdb.version,
            magic: rdb.magic,
            aux: BTreeMap::new(),
            templates: self.part.templates.clone(),
        });
        Position { offset: self.end, database: self.part.last_database, header, inside: None, suspect: None }
    }

    /// The boundary at the end, if this begins with the file and something follows that can be read on its own.
    pub(crate) fn boundary(&self) -> Option<Boundary> {
        // The head has all templates, and it ends at the first key.
        let alone = self.part.templates.as_ref().is_none_or(|all| self.keys > 0 && !all.has_late());
        let between = self.start == 0 && !self.complete && !self.part.ends_inside && alone;
        let database = self.part.last_database.filter(|_| between)?;
        Some(Boundary { offset: self.end, database })
    }

    /// Whether the file was read to its end and has no fault.
    pub fn is_sound(&self) -> bool {
        self.complete && self.faults.is_empty()
    }

    /// Adds a hazard that was found by other means. Hazards stay in file order.
    pub fn tell_hazard(&mut self, hazard: Hazard) {
        self.add_hazard(hazard);
        self.hazards.sort_by_key(|hazard| hazard.offset);
    }

    pub(crate) fn add_hazard(&mut self, hazard: Hazard) {
        let count = self.hazard_counts.entry(hazard.code).or_default();
        *count = count.saturating_add(1);
        if *count <= MAX_HAZARDS_PER_CODE {
            self.hazards.push(hazard);
        }
    }

    // Each of these keeps the first N in order, not the first N seen: only then does a join of parts equal one pass.

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
        self.announced_keys = self.announced_keys.max(other.announced_keys);
        self.announced_expires = self.announced_expires.max(other.announced_expires);
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
    /// Orders the biggest key first. Compares every field, so that the order never depends on how a file was cut.
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
