//! Values in the encodings of older versions.

mod list;
mod members;
mod packed;
mod stream;
mod table;
mod template;

use std::collections::{BTreeMap, HashSet};

use rdb_scan::{
    FaultCode, ValueType,
    walk::{WalkError, push_number},
};
use serde::{Deserialize, Serialize};

use crate::{
    ConvertError, RecordRange,
    encoded::{MAX_PAIRS, pairs},
    output::push_text,
};

/// A packed collection, or a field that loses its expiry, is rewritten in memory up to this many bytes.
pub const MAX_PACKED_BYTES: u64 = 64 << 20;
/// At most this many entries of streams that consumers gave back are dropped.
pub const MAX_GIVEN_BACK: usize = MAX_PAIRS;
/// A hash that loses expiries is counted beforehand if it takes more bytes than this.
pub(crate) const LARGE_BYTES: u64 = 1 << 20;

/// The way in which a value is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A packed collection becomes a table.
    Packed,
    /// A table of fields with expiries becomes another.
    Table,
    /// Values get the names of their fields from a template.
    Template,
    /// Nodes of a list become ziplists.
    List,
    /// A stream loses what its version added.
    Stream { from: u8 },
}

impl Way {
    /// The way in which a stream is written with its true length.
    pub(crate) fn of_stream(value_type: ValueType) -> Option<Self> {
        match version_of(value_type) {
            0 => None,
            from => Some(Self::Stream { from }),
        }
    }

    /// The way for a type that the target does not read; none if there is none.
    pub(crate) fn of(value_type: ValueType) -> Option<Self> {
        Some(match value_type {
            ValueType::HashListpack
            | ValueType::ZsetListpack
            | ValueType::SetListpack
            | ValueType::HashListpackExpiries
            | ValueType::HashListpackExpiriesPreGa => Self::Packed,
            ValueType::HashExpiries | ValueType::HashExpiriesPreGa | ValueType::HashExpiriesValkey => {
                Self::Table
            }
            ValueType::HashTemplateListpack | ValueType::HashTemplateValues => Self::Template,
            ValueType::ListQuicklist => Self::List,
            ValueType::Stream2 => Self::Stream { from: 2 },
            ValueType::Stream3 => Self::Stream { from: 3 },
            ValueType::Stream4 => Self::Stream { from: 4 },
            ValueType::Stream5 => Self::Stream { from: 5 },
            _ => return None,
        })
    }
}

/// What a first reading has to know for a second one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    /// The number of fields that stay in a large hash, by the offset of its record.
    #[serde(with = "pairs")]
    pub(crate) large: BTreeMap<u64, u64>,
    /// Entries that consumers gave back, by the record's offset and the group's index, in ascending order.
    #[serde(with = "pairs")]
    pub(crate) given_back: BTreeMap<(u64, u64), Vec<[u8; 16]>>,
    pub(crate) given_back_ids: usize,
    /// The true length of streams that have a wrong one, by the record's offset.
    #[serde(with = "pairs")]
    pub(crate) lengths: BTreeMap<u64, u64>,
    /// The number of different members of values in which one occurs twice, by the record's offset.
    #[serde(with = "pairs")]
    pub(crate) different: BTreeMap<u64, u64>,
}

impl Facts {
    /// Adds those of the range that follows.
    pub(crate) fn merge(&mut self, mut next: Self) -> Result<(), ConvertError> {
        self.large.append(&mut next.large);
        self.given_back_ids += next.given_back.values().map(Vec::len).sum::<usize>();
        self.given_back.append(&mut next.given_back);
        self.lengths.append(&mut next.lengths);
        self.different.append(&mut next.different);
        for (number, what) in [
            (self.large.len(), "hashes of more than 1 MiB that lose expiries"),
            (self.given_back_ids, "entries of streams that consumers gave back"),
            (self.lengths.len(), "streams with a wrong length"),
            (self.different.len(), "values in which a member occurs twice"),
        ] {
            if number > MAX_GIVEN_BACK {
                return Err(ConvertError::TooMany { what, most: MAX_GIVEN_BACK });
            }
        }
        Ok(())
    }

    /// Those of the records of a range.
    pub(crate) fn of_range(&self, range: &RecordRange) -> Self {
        let (from, end) = (range.from.offset, range.end.unwrap_or(u64::MAX));
        let part =
            |facts: &BTreeMap<u64, u64>| facts.range(from..end).map(|(at, fact)| (*at, *fact)).collect();
        let given_back: BTreeMap<_, _> =
            self.given_back.range((from, 0)..(end, 0)).map(|(at, ids)| (*at, ids.clone())).collect();
        Self {
            large: part(&self.large),
            given_back_ids: given_back.values().map(Vec::len).sum(),
            given_back,
            lengths: part(&self.lengths),
            different: part(&self.different),
        }
    }
}

/// What was found in a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fields {
    /// Fields or members that stay.
    pub(crate) kept: u64,
    /// Fields among them that had an expiry.
    pub(crate) expiring: u64,
    /// Fields that had expired, and are left out.
    pub(crate) expired: u64,
    /// Members that occurred before, and are left out.
    pub(crate) repeated: u64,
}

impl Fields {
    /// Whether nothing is left, because everything had expired.
    pub(crate) fn is_nothing(self) -> bool {
        self.kept == 0 && self.expired > 0
    }
}

/// How values are written.
#[derive(Debug)]
pub(crate) struct Rewriter {
    pub(crate) now_ms: i64,
    /// Whether hash fields keep their expiry, as Valkey 9 has it.
    pub(crate) keeps_expiries: bool,
    /// The newest version of streams that the target reads.
    pub(crate) stream_version: u8,
    /// Whether the lengths of streams are compared with their entries, and members with each other.
    pub(crate) repairs: bool,
    /// Whether facts are collected, and not used.
    pub(crate) planning: bool,
    pub(crate) facts: Facts,
    packed: Vec<u8>,
    text: Vec<u8>,
    rows: Vec<u8>,
    /// Hashes of the members so far.
    seen: HashSet<u128>,
    /// What [`Rewriter::packed`] has written.
    pub(crate) out: Vec<u8>,
}

impl Rewriter {
    pub(crate) fn new(now_ms: i64, stream_version: u8) -> Self {
        Self {
            now_ms,
            keeps_expiries: false,
            stream_version,
            repairs: false,
            planning: true,
            facts: Facts::default(),
            packed: Vec::new(),
            text: Vec::new(),
            rows: Vec::new(),
            seen: HashSet::new(),
            out: Vec::new(),
        }
    }

    /// The number of the type that a value becomes.
    pub(crate) fn id(&self, value_type: ValueType) -> u8 {
        let id = match value_type {
            ValueType::ZsetListpack => ValueType::ZsetTable,
            ValueType::SetListpack => ValueType::SetTable,
            ValueType::HashListpackExpiries
            | ValueType::HashListpackExpiriesPreGa
            | ValueType::HashExpiries
            | ValueType::HashExpiriesPreGa
            | ValueType::HashExpiriesValkey
                if self.keeps_expiries =>
            {
                ValueType::HashExpiriesValkey
            }
            ValueType::HashListpack
            | ValueType::HashListpackExpiries
            | ValueType::HashListpackExpiriesPreGa
            | ValueType::HashExpiries
            | ValueType::HashExpiriesPreGa
            | ValueType::HashExpiriesValkey
            | ValueType::HashTemplateListpack
            | ValueType::HashTemplateValues => ValueType::HashTable,
            ValueType::ListQuicklist => ValueType::ListQuicklistZiplist,
            ValueType::Stream2 | ValueType::Stream3 | ValueType::Stream4 | ValueType::Stream5 => {
                match self.stream_version.min(version_of(value_type)) {
                    1 => ValueType::Stream1,
                    2 => ValueType::Stream2,
                    _ => ValueType::Stream3,
                }
            }
            other => other,
        };
        id.id()
    }
}

/// Appends a number as text, as an integer if it has at most 32 bits.
fn push_integer(out: &mut Vec<u8>, number: i64) {
    if let Ok(number) = i8::try_from(number) {
        out.extend([0xc0, number.cast_unsigned()]);
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xc1);
        out.extend(number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xc2);
        out.extend(number.to_le_bytes());
    } else {
        push_text(out, number.to_string().as_bytes());
    }
}

/// The version of a stream's encoding; 0 for other types.
fn version_of(value_type: ValueType) -> u8 {
    match value_type {
        ValueType::Stream1 => 1,
        ValueType::Stream2 => 2,
        ValueType::Stream3 => 3,
        ValueType::Stream4 => 4,
        ValueType::Stream5 => 5,
        _ => 0,
    }
}

fn counted(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_number(&mut bytes, number);
    bytes
}

fn broken<T>(code: FaultCode, offset: u64, message: impl Into<String>) -> Result<T, WalkError> {
    Err(WalkError::Broken { code, offset, message: message.into() })
}
