//! The memory of the rows of a table, looked up by the lengths of their texts.

use rdb_scan::{Length, Row};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{allocator::POINTER_BYTES, settings::Settings},
    structures::{
        strings::{own_sds, sds, sds8},
        tables::ENTRY_BYTES,
    },
    values::keys::EXPIRY_BYTES,
};

/// A field and its value up to this size are one allocation since Valkey 8.1 (`EMBED_VALUE_MAX_ALLOC_SIZE`).
const ENTRY_LIMIT_BYTES: u64 = 128;
/// Expected sizes are counted in units of 1/256 byte.
pub(crate) const FRACTIONS: u64 = 256;
/// Texts shorter than this are looked up by length.
const LOOKED_UP_BYTES: usize = 256;
/// Fields with their values, both shorter than this, are looked up by both lengths.
const SHORTEST_BYTES: usize = 64;
/// The number of rows that are processed together.
const FEW_ROWS: usize = 64;
/// The most rows for which two sums are computed in one.
const SUMMED_ROWS: usize = 1 << 16;
/// A skip list node's level: forward pointer and span.
pub(crate) const LEVEL_BYTES: u64 = 16;
/// The levels of a skip list's head (`ZSKIPLIST_MAXLEVEL`).
pub(crate) const MAX_LEVELS: u64 = 32;

/// The kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[default]
    Set,
    Hash,
    Zset,
}

/// The memory of rows under some settings, precomputed for short texts.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    pub(crate) settings: Settings,
    /// A separate string, by length.
    strings: [u32; LOOKED_UP_BYTES],
    /// A separate string in the upper half and its listpack entry in the lower half, by length.
    packed_strings: [u64; LOOKED_UP_BYTES],
    /// A field with its value, by both lengths.
    pairs: Box<[u16; SHORTEST_BYTES * SHORTEST_BYTES]>,
    /// A member of a sorted set in table and skip list, by length, in fractions of a byte.
    zset_members: [u32; LOOKED_UP_BYTES],
    /// A dictionary entry with a value; 0 without dictionaries.
    entry: u64,
}

impl Costs {
    pub(crate) fn new(settings: Settings) -> Self {
        let Settings { generation, quantum, .. } = settings;
        let dictionary = generation.has_dictionaries();
        let entry = if dictionary { quantum.allocation(ENTRY_BYTES) } else { 0 };
        let mut costs = Self {
            settings,
            strings: [0; LOOKED_UP_BYTES],
            packed_strings: [0; LOOKED_UP_BYTES],
            pairs: Box::new([0; SHORTEST_BYTES * SHORTEST_BYTES]),
            zset_members: [0; LOOKED_UP_BYTES],
            entry,
        };
        for (bytes, (string, member)) in (0..).zip(costs.strings.iter_mut().zip(&mut costs.zset_members)) {
            *string = own_sds(bytes, quantum) as u32;
            *member = zset_member(bytes, &settings) as u32;
        }
        for (bytes, both) in (0..).zip(&mut costs.packed_strings) {
            *both = own_sds(bytes, quantum) << 32 | Length::text(bytes).packed_bytes();
        }
        for place in 0..costs.pairs.len() {
            let (field, value) = (place / SHORTEST_BYTES, place % SHORTEST_BYTES);
            costs.pairs[place] = costs.pair(field as u64, value as u64) as u16;
        }
        costs
    }

    /// The memory of rows in a table, without its buckets, in fractions of a byte.
    pub(crate) fn rows(&self, kind: Kind, rows: &[Row]) -> u64 {
        // In small groups, so that a long text slows few of them down.
        let parts = rows.chunks(FEW_ROWS);
        let (strings, has_entries): (u64, _) = match kind {
            Kind::Zset => return rows.iter().map(|row| self.zset_member(row.member.bytes())).sum(),
            Kind::Set => (parts.map(|rows| self.members(rows)).sum(), self.set_has_entries()),
            Kind::Hash => (parts.map(|rows| self.pairs(rows)).sum(), true),
        };
        let entries = if has_entries { rows.len() as u64 * self.entry } else { 0 };
        FRACTIONS * (strings + entries)
    }

    /// The members of a small set: their memory in a table as in [`Self::rows`], their size in a listpack, and the
    /// length of the longest; none if they are not all short texts.
    pub(crate) fn short_members(&self, rows: &[Row]) -> Option<(u64, u64, u64)> {
        // The two halves of a sum do not overflow into each other.
        let rows = Some(rows).filter(|rows| rows.len() <= SUMMED_ROWS)?;
        let lengths = Row::short_texts::<{ LOOKED_UP_BYTES as u32 }>(rows)?;
        let (sum, longest) = lengths.fold((0, 0), |(sum, longest), (member, _)| {
            (sum + self.packed_strings[usize::from(member)], longest.max(member))
        });
        let entries = if self.set_has_entries() { rows.len() as u64 * self.entry } else { 0 };
        Some((FRACTIONS * ((sum >> 32) + entries), sum & u64::from(u32::MAX), u64::from(longest)))
    }

    /// Whether a member of a set has an entry with room for a value.
    fn set_has_entries(&self) -> bool {
        !self.settings.generation.layout().packs_small_sets
    }

    fn members(&self, rows: &[Row]) -> u64 {
        match Row::short_texts::<{ LOOKED_UP_BYTES as u32 }>(rows) {
            Some(lengths) => lengths.map(|(member, _)| u64::from(self.strings[usize::from(member)])).sum(),
            None => rows.iter().map(|row| self.string(row.member.bytes())).sum(),
        }
    }

    fn pairs(&self, rows: &[Row]) -> u64 {
        match Row::short_texts::<{ SHORTEST_BYTES as u32 }>(rows) {
            Some(lengths) => {
                let place = |(field, value)| usize::from(field) * SHORTEST_BYTES + usize::from(value);
                lengths
                    .map(|pair| u64::from(self.pairs[place(pair) % (SHORTEST_BYTES * SHORTEST_BYTES)]))
                    .sum()
            }
            None => rows.iter().map(|row| self.pair(row.member.bytes(), row.value.bytes())).sum(),
        }
    }

    /// A field with its value, without a dictionary entry.
    fn pair(&self, field: u64, value: u64) -> u64 {
        let quantum = self.settings.quantum;
        if self.settings.generation.has_dictionaries() {
            return self.string(field) + self.string(value);
        }
        // Since Valkey 8.1 (`hashTypeCreateEntry`, `entryCreate`).
        let together = sds(field) + sds8(value);
        if together <= ENTRY_LIMIT_BYTES {
            quantum.allocation(together)
        } else {
            quantum.allocation(POINTER_BYTES + sds8(field)) + self.string(value)
        }
    }

    /// A field that expires with its value, in fractions of a byte.
    pub(crate) fn expiring_field(&self, Row { member, value }: Row) -> u64 {
        let quantum = self.settings.quantum;
        // A header of type 5 has no room for the flag of an expiry.
        let together = sds8(member.bytes()) + sds8(value.bytes()) + EXPIRY_BYTES;
        FRACTIONS
            * if together <= ENTRY_LIMIT_BYTES {
                quantum.allocation(together)
            } else {
                quantum.allocation(POINTER_BYTES + sds8(member.bytes()) + EXPIRY_BYTES)
                    + self.string(value.bytes())
            }
    }

    fn string(&self, bytes: u64) -> u64 {
        match u8::try_from(bytes) {
            Ok(place) => u64::from(self.strings[usize::from(place)]),
            Err(_) => own_sds(bytes, self.settings.quantum),
        }
    }

    #[inline]
    fn zset_member(&self, bytes: u64) -> u64 {
        match u8::try_from(bytes) {
            Ok(place) => u64::from(self.zset_members[usize::from(place)]),
            Err(_) => zset_member(bytes, &self.settings),
        }
    }
}

/// A member of a sorted set in its table and its skip list, in fractions of a byte.
fn zset_member(member: u64, settings: &Settings) -> u64 {
    let Settings { quantum, generation, .. } = *settings;
    if generation.layout().members_in_skiplists {
        return levels(|levels| quantum.allocation(16 + LEVEL_BYTES * levels + 1 + sds(member)));
    }
    let entry = if generation.has_dictionaries() { quantum.allocation(ENTRY_BYTES) } else { 0 };
    FRACTIONS * (own_sds(member, quantum) + entry)
        + levels(|levels| quantum.allocation(24 + LEVEL_BYTES * levels))
}

/// The average memory of a skip list node, in fractions of a byte. Each level is followed by another with a probability
/// of a quarter (`ZSKIPLIST_P`).
fn levels(bytes: impl Fn(u64) -> u64) -> u64 {
    let mut expected = 0.0;
    let mut chance = 0.75;
    for levels in 1..=MAX_LEVELS {
        expected += chance * bytes(levels) as f64;
        chance /= 4.0;
    }
    (expected * FRACTIONS as f64).round() as u64
}
