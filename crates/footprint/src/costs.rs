//! What the rows of a table take, looked up by the lengths of their texts.
use rdb_scan::Row;

use crate::generation::Generation;
use crate::keys::EXPIRY_BYTES;
use crate::rows::Kind;
use crate::settings::Settings;
use crate::strings::{own_sds, sds, sds8};
use crate::tables::ENTRY_BYTES;

/// Field and value up to this are one allocation from Valkey 8.1 on (`EMBED_VALUE_MAX_ALLOC_SIZE`).
const ENTRY_LIMIT_BYTES: u64 = 128;
const POINTER_BYTES: u64 = 8;
/// Expected sizes are counted in fractions of a byte.
pub(crate) const FRACTIONS: u64 = 256;
/// The costs of rows are looked up for members up to this length.
const LOOKED_UP_BYTES: usize = 256;

/// Those of fields with their values, by both at once, for texts shorter than this.
const SHORTEST_BYTES: usize = 64;

/// So many rows are looked at together.
const FEW_ROWS: usize = 64;
/// A skip list node's level: forward pointer and span.
pub(crate) const LEVEL_BYTES: u64 = 16;
/// The levels of a skip list's head (`ZSKIPLIST_MAXLEVEL`).
pub(crate) const MAX_LEVELS: u64 = 32;

/// Where a table has the value of a row.
#[derive(Debug, Clone, Copy)]
enum Value {
    None,
    Apart,
    WithField,
}

/// What rows cost under some settings, looked up for short texts.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    pub(crate) settings: Settings,
    /// A string of its own, by its length.
    strings: [u32; LOOKED_UP_BYTES],
    /// What a field and a value take in one allocation, by their lengths, and that allocation by the sum; nothing beyond
    /// the limit.
    fields: [u16; LOOKED_UP_BYTES],
    values: [u16; LOOKED_UP_BYTES],
    together: [u32; ENTRY_LIMIT_BYTES as usize + 2],
    /// A field that is too long for that together with its value, by its length.
    apart: [u32; LOOKED_UP_BYTES],
    /// A field with its value, by both lengths.
    pairs: Box<[u16; SHORTEST_BYTES * SHORTEST_BYTES]>,
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
            pairs: Box::new([0; SHORTEST_BYTES * SHORTEST_BYTES]),
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
        let pairs = (0..SHORTEST_BYTES as u64)
            .flat_map(|field| (0..SHORTEST_BYTES as u64).map(move |value| (field, value)));
        for (place, (field, value)) in pairs.enumerate() {
            costs.pairs[place] = if dictionary {
                costs.string(field) + costs.string(value)
            } else {
                costs.field(field, value)
            } as u16;
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
        if !matches!(value, Value::None)
            && let Some(lengths) = Row::short_texts::<{ SHORTEST_BYTES as u32 }>(rows)
        {
            let place = |(field, value)| usize::from(field) * SHORTEST_BYTES + usize::from(value);
            return lengths
                .map(|row| u64::from(self.pairs[place(row) % (SHORTEST_BYTES * SHORTEST_BYTES)]))
                .sum();
        }
        let Some(lengths) = Row::short_texts::<{ LOOKED_UP_BYTES as u32 }>(rows) else {
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
