//! Sets, hashes and sorted sets: what they take packed, and as a table.
use rdb_scan::Length;
use serde::{Deserialize, Serialize};

use crate::allocator::Quantum;
use crate::generation::Generation;
use crate::settings::Settings;
use crate::strings::{EXPIRY_BYTES, own_sds, sds, sds8};
use crate::tables::{BARE_ENTRY_BYTES, ENTRY_BYTES, colliding_entries, dict_buckets, value_table};

/// Field and value up to this are one allocation from Valkey 8.1 on (`EMBED_VALUE_MAX_ALLOC_SIZE`).
const ENTRY_LIMIT_BYTES: u64 = 128;
const POINTER_BYTES: u64 = 8;
/// `zset`: the table and the skip list.
const ZSET_BYTES: u64 = 16;
/// `zskiplist`: header, tail, length, level.
const SKIPLIST_BYTES: u64 = 32;
/// A skip list node's level: forward pointer and span.
const LEVEL_BYTES: u64 = 16;
/// The levels of a skip list's head (`ZSKIPLIST_MAXLEVEL`).
const MAX_LEVELS: u64 = 32;
/// An intset's header: width and length.
const INTSET_BYTES: u64 = 8;
/// A listpack's header and end.
const EMPTY_LISTPACK_BYTES: u64 = 7;
/// Expected sizes are counted in fractions of a byte.
pub(crate) const FRACTIONS: u64 = 256;
/// The costs of rows are looked up for members up to this length.
const LOOKED_UP_BYTES: usize = 160;

/// What kind of rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[default]
    Set,
    Hash,
    Zset,
}

/// The rows of one value, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    count: u64,
    /// Members, or fields and values, as entries of a listpack.
    packed: u64,
    /// The same as allocations that a table points to, in fractions of a byte where they are expected values.
    table: u64,
    /// The longest text.
    longest: u64,
    /// The bytes of the widest integer; none once there was a text.
    width: u64,
    texts: u64,
    expiring: u64,
}

/// What rows cost under some settings.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    settings: Settings,
    /// A string of its own, by its length.
    strings: [u32; LOOKED_UP_BYTES],
    /// What a member of a sorted set takes in table and skip list, by its length, in fractions of a byte.
    zset_members: [u32; LOOKED_UP_BYTES],
}

impl Costs {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut costs = Self { settings, strings: [0; LOOKED_UP_BYTES], zset_members: [0; LOOKED_UP_BYTES] };
        for bytes in 0..LOOKED_UP_BYTES {
            costs.strings[bytes] = own_sds(bytes as u64, settings.quantum) as u32;
            costs.zset_members[bytes] = zset_member(bytes as u64, &settings) as u32;
        }
        costs
    }

    #[inline]
    fn string(&self, bytes: u64) -> u64 {
        match self.strings.get(bytes as usize) {
            Some(cost) => u64::from(*cost),
            None => own_sds(bytes, self.settings.quantum),
        }
    }

    /// What a row takes as part of a table, without the table's buckets.
    #[inline]
    pub(crate) fn row(&self, kind: Kind, member: Length, value: Length, expires: bool) -> u64 {
        match kind {
            Kind::Set => self.set_member(member.bytes()),
            Kind::Hash => self.field(member.bytes(), value.bytes(), expires),
            Kind::Zset => match self.zset_members.get(member.bytes() as usize) {
                Some(cost) => u64::from(*cost),
                None => zset_member(member.bytes(), &self.settings),
            },
        }
    }

    #[inline]
    fn set_member(&self, member: u64) -> u64 {
        let entry = if self.settings.generation < Generation::Valkey7 {
            self.settings.quantum.allocation(ENTRY_BYTES)
        } else {
            0
        };
        FRACTIONS * (entry + self.string(member))
    }

    #[inline]
    fn field(&self, field: u64, value: u64, expires: bool) -> u64 {
        let quantum = self.settings.quantum;
        FRACTIONS
            * if self.settings.generation.has_dictionaries() {
                quantum.allocation(ENTRY_BYTES) + self.string(field) + self.string(value)
            } else {
                let expiry = if expires { EXPIRY_BYTES } else { 0 };
                // A header of type 5 has no room to say that there is an expiry.
                let plain = if expires { sds8(field) } else { sds(field) };
                let together = plain + sds8(value) + expiry;
                if together <= ENTRY_LIMIT_BYTES {
                    quantum.allocation(together)
                } else {
                    quantum.allocation(POINTER_BYTES + sds8(field) + expiry) + self.string(value)
                }
            }
    }
}

/// A member of a sorted set in its table and its skip list, in fractions of a byte.
fn zset_member(member: u64, settings: &Settings) -> u64 {
    let Settings { quantum, generation, .. } = *settings;
    match generation {
        Generation::Valkey9 => {
            levels(|levels| quantum.allocation(16 + LEVEL_BYTES * levels + 1 + sds(member)))
        }
        _ => {
            let entry = if generation.has_dictionaries() { quantum.allocation(ENTRY_BYTES) } else { 0 };
            FRACTIONS * (own_sds(member, quantum) + entry)
                + levels(|levels| quantum.allocation(24 + LEVEL_BYTES * levels))
        }
    }
}

/// What a skip list node takes on average, in fractions of a byte: each level has the next one with a chance of a
/// quarter (`ZSKIPLIST_P`).
fn levels(bytes: impl Fn(u64) -> u64) -> u64 {
    let mut expected = 0.0;
    let mut chance = 0.75;
    for levels in 1..=MAX_LEVELS {
        expected += chance * bytes(levels) as f64;
        chance /= 4.0;
    }
    (expected * FRACTIONS as f64).round() as u64
}

impl Rows {
    /// Adds a row.
    #[inline]
    pub(crate) fn add(&mut self, kind: Kind, member: Length, value: Length, expires: bool, costs: &Costs) {
        self.count += 1;
        self.table += costs.row(kind, member, value, expires);
        self.packed += member.packed_bytes();
        self.longest = self.longest.max(member.bytes());
        match kind {
            Kind::Set => match member.integer_width() {
                Some(width) => self.width = self.width.max(width),
                None => self.texts += 1,
            },
            Kind::Hash => {
                self.packed += value.packed_bytes();
                self.longest = self.longest.max(value.bytes());
                self.expiring += u64::from(expires);
            }
            Kind::Zset => self.packed += value.packed_bytes(),
        }
    }

    /// What was missing in a length.
    pub(crate) fn add_beyond(&mut self, bytes: u64) {
        self.table += FRACTIONS * bytes;
    }

    /// The bytes of a value that the file holds row by row, without its object.
    pub(crate) fn loaded(&self, kind: Kind, settings: &Settings) -> u64 {
        let Settings { thresholds, generation, quantum, .. } = settings;
        let (entries, longest) = match kind {
            Kind::Hash => (thresholds.hash_entries, thresholds.hash_value),
            Kind::Zset => (thresholds.zset_entries, thresholds.zset_value),
            Kind::Set => {
                if self.texts == 0 && self.count <= thresholds.set_intset_entries && self.count > 0 {
                    return quantum.allocation(INTSET_BYTES + self.width * self.count);
                }
                if *generation < Generation::Valkey7 {
                    return self.as_table(kind, settings);
                }
                // A larger set begins as a table.
                let most = thresholds.set_entries.min(thresholds.set_intset_entries);
                (most, thresholds.set_value)
            }
        };
        let packs = self.count <= entries && self.longest <= longest && self.expiring == 0;
        if packs {
            quantum.allocation(EMPTY_LISTPACK_BYTES + self.packed)
        } else {
            self.as_table(kind, settings)
        }
    }

    /// The bytes of a value that the file holds as one packed collection of so many bytes.
    pub(crate) fn unpacked(&self, kind: Kind, packed_bytes: u64, settings: &Settings) -> u64 {
        let thresholds = &settings.thresholds;
        // The length of texts is not looked at, but their number is.
        let entries = match kind {
            Kind::Hash => thresholds.hash_entries,
            Kind::Zset => thresholds.zset_entries,
            Kind::Set => thresholds.set_entries,
        };
        if self.count <= entries {
            settings.quantum.allocation(packed_bytes)
        } else {
            self.as_table(kind, settings)
        }
    }

    /// The bytes as a table.
    fn as_table(&self, kind: Kind, settings: &Settings) -> u64 {
        let Settings { generation, quantum, .. } = *settings;
        let rows = self.table / FRACTIONS;
        match kind {
            Kind::Hash => {
                // Valkey 9 keeps the fields that expire in a set of their own (`vset.c`).
                let metadata = if generation == Generation::Valkey9 { POINTER_BYTES } else { 0 };
                let volatile = if self.expiring > 0 {
                    quantum.allocation(POINTER_BYTES * (self.expiring + 1))
                } else {
                    0
                };
                rows + value_table(generation, quantum, self.count, metadata) + volatile
            }
            Kind::Zset => {
                rows + value_table(generation, quantum, self.count, 0) + skiplist(generation, quantum)
            }
            Kind::Set if matches!(generation, Generation::Valkey7 | Generation::Valkey8) => {
                let entries = colliding_entries(self.count, dict_buckets(self.count));
                rows + value_table(generation, quantum, self.count, 0)
                    + entries * quantum.allocation(BARE_ENTRY_BYTES)
            }
            Kind::Set => rows + value_table(generation, quantum, self.count, 0),
        }
    }
}

/// An intset of so many bytes, which is kept up to a number of members.
pub(crate) fn intset(bytes: u64, members: u64, settings: &Settings) -> u64 {
    if members <= settings.thresholds.set_intset_entries {
        return settings.quantum.allocation(bytes);
    }
    // The members are not told; their width bounds their digits.
    let digits = match bytes.saturating_sub(INTSET_BYTES) / members.max(1) {
        ..=2 => 5,
        3..=4 => 10,
        _ => 19,
    };
    let costs = Costs::new(*settings);
    let mut rows = Rows::default();
    rows.count = members;
    rows.table = members.saturating_mul(costs.row(Kind::Set, Length::text(digits), Length::default(), false));
    rows.as_table(Kind::Set, settings)
}

/// The structures of an empty skip list.
fn skiplist(generation: Generation, quantum: Quantum) -> u64 {
    let head = if generation == Generation::Valkey9 {
        // One structure, whose head keeps length and tail where nodes have score and pointer.
        quantum.allocation(16 + LEVEL_BYTES * MAX_LEVELS)
    } else {
        quantum.allocation(SKIPLIST_BYTES) + quantum.allocation(24 + LEVEL_BYTES * MAX_LEVELS)
    };
    quantum.allocation(ZSET_BYTES) + head
}
