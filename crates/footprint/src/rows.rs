//! Sets, hashes and sorted sets: what they take packed, and as a table.
use rdb_scan::{Length, Row};
use serde::{Deserialize, Serialize};

use crate::allocator::Quantum;
use crate::generation::Generation;
use crate::keys::EXPIRY_BYTES;
use crate::settings::Settings;
use crate::strings::{own_sds, sds, sds8};
use crate::tables::{
    BARE_ENTRY_BYTES, ENTRY_BYTES, Growth, buckets, colliding_bytes, converted_buckets, dict_buckets,
    unmoved_buckets, value_table,
};
use crate::volatile::Volatile;

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
const LOOKED_UP_BYTES: usize = 256;

/// So many rows are looked at together.
const FEW_ROWS: usize = 16;

/// Where a table has the value of a row.
#[derive(Debug, Clone, Copy)]
enum Value {
    None,
    Apart,
    WithField,
}

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
    volatile: Volatile,
    /// How many rows came before the first that is too long to be packed.
    short: Option<u64>,
}

/// What rows cost under some settings, looked up for short texts.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    settings: Settings,
    /// A string of its own, by its length.
    strings: [u32; LOOKED_UP_BYTES],
    /// What a field and a value take in one allocation, by their lengths, and that allocation by the sum; nothing beyond
    /// the limit.
    fields: [u16; LOOKED_UP_BYTES],
    values: [u16; LOOKED_UP_BYTES],
    together: [u32; ENTRY_LIMIT_BYTES as usize + 2],
    /// A field that is too long for that together with its value, by its length.
    apart: [u32; LOOKED_UP_BYTES],
    /// What a member of a sorted set takes in table and skip list, by its length, in fractions of a byte.
    zset_members: [u32; LOOKED_UP_BYTES],
    /// The entry of a dictionary with a value; nothing where there is none.
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
            fields: [0; LOOKED_UP_BYTES],
            values: [0; LOOKED_UP_BYTES],
            together: [0; ENTRY_LIMIT_BYTES as usize + 2],
            apart: [0; LOOKED_UP_BYTES],
            zset_members: [0; LOOKED_UP_BYTES],
            entry,
        };
        for (bytes, (string, member)) in (0..).zip(costs.strings.iter_mut().zip(&mut costs.zset_members)) {
            *string = own_sds(bytes, quantum) as u32;
            *member = zset_member(bytes, &settings) as u32;
        }
        for (bytes, (field, value)) in (0..).zip(costs.fields.iter_mut().zip(&mut costs.values)) {
            (*field, *value) = (sds(bytes) as u16, sds8(bytes) as u16);
        }
        for (bytes, apart) in (0..).zip(&mut costs.apart) {
            *apart = quantum.allocation(POINTER_BYTES + sds8(bytes)) as u32;
        }
        // Behind the limit there is nothing.
        for (bytes, together) in (0..=ENTRY_LIMIT_BYTES).zip(&mut costs.together) {
            *together = quantum.allocation(bytes) as u32;
        }
        costs
    }

    /// What rows take as part of a table, without its buckets, in fractions of a byte.
    pub(crate) fn rows(&self, kind: Kind, rows: &[Row]) -> u64 {
        let generation = self.settings.generation;
        if kind == Kind::Zset {
            return rows.iter().map(|row| self.zset_member(row.member.bytes())).sum();
        }
        let (value, entry) = match kind {
            Kind::Hash if generation.has_dictionaries() => (Value::Apart, self.entry),
            Kind::Hash => (Value::WithField, 0),
            _ => (Value::None, if generation < Generation::Valkey7 { self.entry } else { 0 }),
        };
        // In small parts, so that a long text makes few of them slow.
        let strings: u64 = rows.chunks(FEW_ROWS).map(|rows| self.strings(value, rows)).sum();
        FRACTIONS * (strings + rows.len() as u64 * entry)
    }

    #[inline]
    fn strings(&self, value: Value, rows: &[Row]) -> u64 {
        let Some(lengths) = Row::short_texts(rows) else {
            let strings = |row: &Row| match (value, row.member.bytes(), row.value.bytes()) {
                (Value::None, member, _) => self.string(member),
                (Value::Apart, field, value) => self.string(field) + self.string(value),
                (Value::WithField, field, value) => self.field(field, value),
            };
            return rows.iter().map(strings).sum();
        };
        match value {
            Value::None => lengths.map(|(member, _)| self.short_string(member)).sum(),
            Value::Apart => {
                lengths.map(|(field, value)| self.short_string(field) + self.short_string(value)).sum()
            }
            Value::WithField => lengths.map(|(field, value)| self.short_field(field, value)).sum(),
        }
    }

    /// What a field that expires takes, with its value, in fractions of a byte.
    pub(crate) fn expiring_field(&self, Row { member, value }: Row) -> u64 {
        let quantum = self.settings.quantum;
        // A header of type 5 has no room to say that there is an expiry.
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
            Ok(bytes) => self.short_string(bytes),
            Err(_) => own_sds(bytes, self.settings.quantum),
        }
    }

    #[inline]
    fn short_string(&self, bytes: u8) -> u64 {
        u64::from(self.strings[usize::from(bytes)])
    }

    /// A field and its value, from Valkey 8.1 on (`hashTypeCreateEntry`, `entryCreate`).
    fn field(&self, field: u64, value: u64) -> u64 {
        let together = sds(field) + sds8(value);
        if together <= ENTRY_LIMIT_BYTES {
            return self.settings.quantum.allocation(together);
        }
        self.settings.quantum.allocation(POINTER_BYTES + sds8(field)) + self.string(value)
    }

    /// The same without a branch, which would often be taken for the wrong one.
    #[inline]
    fn short_field(&self, field: u8, value: u8) -> u64 {
        let (field, value) = (usize::from(field), usize::from(value));
        let together = u64::from(self.fields[field] + self.values[value]);
        let one = self.together[together.min(ENTRY_LIMIT_BYTES + 1) as usize];
        let two = (self.apart[field] + self.strings[value]) * u32::from(together > ENTRY_LIMIT_BYTES);
        u64::from(one + two)
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
    if generation == Generation::Valkey9 {
        return levels(|levels| quantum.allocation(16 + LEVEL_BYTES * levels + 1 + sds(member)));
    }
    let entry = if generation.has_dictionaries() { quantum.allocation(ENTRY_BYTES) } else { 0 };
    FRACTIONS * (own_sds(member, quantum) + entry)
        + levels(|levels| quantum.allocation(24 + LEVEL_BYTES * levels))
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
    /// Whether none was added.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds rows of a value, which may be kept packed if it is `small` enough for that.
    #[inline]
    pub(crate) fn add(&mut self, kind: Kind, rows: &[Row], small: bool, costs: &Costs) {
        let old_scores = kind == Kind::Zset && costs.settings.generation < Generation::Valkey7;
        self.table += costs.rows(kind, rows);
        if small {
            for (row, before) in rows.iter().zip(self.count..) {
                let mut row = *row;
                // Before Redis 7.2 fractions are written with 17 digits (`%.17g`), however few would do.
                if old_scores && !row.value.is_integer() {
                    row.value = Length::text(18);
                }
                self.pack(kind, row);
                if self.short.is_none() && self.longest > costs.settings.thresholds.hash_value {
                    self.short = Some(before);
                }
            }
        }
        self.count += rows.len() as u64;
    }

    fn pack(&mut self, kind: Kind, Row { member, value }: Row) {
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
            }
            Kind::Zset => self.packed += value.packed_bytes(),
        }
    }

    /// Adds a field that expires: a hash with one is never packed.
    pub(crate) fn add_expiring(&mut self, row: Row, costs: &Costs) {
        self.count += 1;
        self.table += costs.expiring_field(row);
    }

    /// When a field expires that does.
    pub(crate) fn add_expiry(&mut self, at_ms: u64) {
        self.volatile.add(at_ms);
    }

    /// What was missing in a length.
    pub(crate) fn add_beyond(&mut self, bytes: u64) {
        self.table += FRACTIONS * bytes;
    }

    /// Whether a table of so many rows may be kept packed.
    pub(crate) fn may_be_packed(kind: Kind, count: u64, settings: &Settings) -> bool {
        let thresholds = &settings.thresholds;
        count
            <= match kind {
                Kind::Hash => thresholds.hash_entries,
                Kind::Zset => thresholds.zset_entries,
                Kind::Set => thresholds.set_entries.max(thresholds.set_intset_entries),
            }
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
        let packs = self.count <= entries && self.longest <= longest && self.volatile.is_empty();
        if packs {
            return quantum.allocation(EMPTY_LISTPACK_BYTES + self.packed);
        }
        match self.short {
            // It begins packed, and becomes a table when a row is too long.
            Some(short) if kind == Kind::Hash => {
                let expected = buckets(*generation, *quantum, self.count, Growth::Expected);
                self.as_table(kind, settings) - expected
                    + converted_buckets(*generation, *quantum, short, self.count)
            }
            _ => self.as_table(kind, settings),
        }
    }

    /// The bytes of a value that the file holds as one packed collection of so many bytes.
    pub(crate) fn unpacked(&self, kind: Kind, packed_bytes: u64, elements: u64, settings: &Settings) -> u64 {
        let thresholds = &settings.thresholds;
        // The length of texts is not looked at, but their number is.
        let entries = match kind {
            Kind::Hash => thresholds.hash_entries,
            Kind::Zset => thresholds.zset_entries,
            Kind::Set => thresholds.set_entries,
        };
        if elements <= entries {
            return settings.quantum.allocation(packed_bytes);
        }
        // Before Valkey 7.2 such a sorted set's table is not made for its members, but grows (`zsetConvert`).
        let grows = kind == Kind::Zset && settings.generation < Generation::Valkey7;
        let unmoved = if grows { unmoved_buckets(elements, 1.0) } else { 0 };
        let unmoved = if unmoved > 0 { settings.quantum.allocation(POINTER_BYTES * unmoved) } else { 0 };
        self.as_table(kind, settings) + unmoved
    }

    /// An intset of so many bytes, which is kept up to a number of members.
    pub(crate) fn intset(&self, bytes: u64, members: u64, settings: &Settings) -> u64 {
        if members <= settings.thresholds.set_intset_entries {
            return settings.quantum.allocation(bytes);
        }
        self.as_table(Kind::Set, settings)
    }

    /// The bytes as a table.
    fn as_table(&self, kind: Kind, settings: &Settings) -> u64 {
        let Settings { generation, quantum, .. } = *settings;
        let rows = self.table / FRACTIONS;
        match kind {
            Kind::Hash => {
                // In Valkey 9 they have a pointer to the set of fields that expire.
                let metadata = if generation == Generation::Valkey9 { POINTER_BYTES } else { 0 };
                rows + value_table(generation, quantum, self.count, metadata) + self.volatile.bytes(settings)
            }
            Kind::Zset => {
                rows + value_table(generation, quantum, self.count, 0) + skiplist(generation, quantum)
            }
            Kind::Set if matches!(generation, Generation::Valkey7 | Generation::Valkey8) => {
                let entry = quantum.allocation(BARE_ENTRY_BYTES);
                rows + value_table(generation, quantum, self.count, 0)
                    + colliding_bytes(self.count, dict_buckets(self.count), entry)
            }
            Kind::Set => rows + value_table(generation, quantum, self.count, 0),
        }
    }
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
