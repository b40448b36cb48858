//! Sets, hashes and sorted sets: their memory as packed collections and as tables.

use rdb_scan::{Length, Row};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        allocator::{POINTER_BYTES, Quantum},
        generation::Generation,
        settings::Settings,
    },
    structures::{
        tables::{
            BARE_ENTRY_BYTES, Growth, buckets, colliding_bytes, converted_buckets, dict_buckets,
            unmoved_buckets, value_table,
        },
        volatile::Volatile,
    },
    values::costs::{Costs, FRACTIONS, Kind, LEVEL_BYTES, MAX_LEVELS},
};

/// `zset`: the table and the skip list.
const ZSET_BYTES: u64 = 16;
/// `zskiplist`: header, tail, length, level.
const SKIPLIST_BYTES: u64 = 32;
/// An intset's header: width and length.
const INTSET_BYTES: u64 = 8;
/// A listpack's header and end.
const EMPTY_LISTPACK_BYTES: u64 = 7;

/// The sums over the rows of one value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    count: u64,
    /// Members, or fields and values, as listpack entries.
    packed: u64,
    /// The same as allocations that a table refers to, in fractions of a byte, because some are expected values.
    table: u64,
    /// The length of the longest text.
    longest: u64,
    /// The width of the widest integer, in bytes. Only relevant if there are no texts.
    width: u64,
    texts: u64,
    volatile: Volatile,
    /// The number of rows before the first one that is too long to be packed.
    short: Option<u64>,
}

impl Rows {
    /// Whether no row was added.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds rows of a value. It may be packed once loaded if it is `small`.
    #[inline]
    pub(crate) fn add(&mut self, kind: Kind, rows: &[Row], small: bool, costs: &Costs) {
        if small
            && kind == Kind::Set
            && let Some((table, packed, longest)) = costs.short_members(rows)
        {
            self.table += table;
            self.packed += packed;
            self.longest = self.longest.max(longest);
            self.texts += rows.len() as u64;
            self.count += rows.len() as u64;
            return;
        }
        let old_scores = kind == Kind::Zset && !costs.settings.generation.layout().packs_small_sets;
        self.table += costs.rows(kind, rows);
        if small {
            for (row, before) in rows.iter().zip(self.count..) {
                let mut row = *row;
                // Before Redis 7.2, fractions are written with 17 digits (`%.17g`), even if fewer would do.
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

    /// Adds members of a set or sorted set: pairs of a length and the number of members with it.
    pub(crate) fn add_members(
        &mut self,
        kind: Kind,
        lengths: impl Iterator<Item = (u64, u64)>,
        small: bool,
        costs: &Costs,
    ) {
        for (bytes, count) in lengths {
            let row = Row { member: Length::text(bytes), value: Length::default() };
            if small {
                (0..count).for_each(|_| self.add(kind, &[row], small, costs));
            } else {
                self.table += count * costs.rows(kind, &[row]);
                self.count += count;
            }
        }
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

    /// Adds a field that expires. A hash with one is never packed.
    pub(crate) fn add_expiring(&mut self, row: Row, costs: &Costs) {
        self.count += 1;
        self.table += costs.expiring_field(row);
    }

    /// Adds the expiry of a field.
    pub(crate) fn add_expiry(&mut self, at_ms: u64) {
        self.volatile.add(at_ms);
    }

    /// Adds the bytes that a length did not hold.
    pub(crate) fn add_beyond(&mut self, bytes: u64) {
        self.table += FRACTIONS * bytes;
    }

    /// Whether a table of `count` rows may be packed once loaded.
    pub(crate) fn may_be_packed(kind: Kind, count: u64, settings: &Settings) -> bool {
        let thresholds = &settings.thresholds;
        count
            <= match kind {
                Kind::Hash => thresholds.hash_entries,
                Kind::Zset => thresholds.zset_entries,
                Kind::Set => thresholds.set_entries.max(thresholds.set_intset_entries),
            }
    }

    /// The bytes of a value that the file stores row by row, without its object.
    pub(crate) fn loaded(&self, kind: Kind, settings: &Settings) -> u64 {
        let Settings { thresholds, generation, quantum, .. } = settings;
        let (entries, longest) = match kind {
            Kind::Hash => (thresholds.hash_entries, thresholds.hash_value),
            Kind::Zset => (thresholds.zset_entries, thresholds.zset_value),
            Kind::Set => {
                if self.texts == 0 && self.count <= thresholds.set_intset_entries && self.count > 0 {
                    return quantum.allocation(INTSET_BYTES + self.width * self.count);
                }
                if !generation.layout().packs_small_sets {
                    return self.as_table(kind, settings);
                }
                // A larger set starts as a table.
                let most = thresholds.set_entries.min(thresholds.set_intset_entries);
                (most, thresholds.set_value)
            }
        };
        let packs = self.count <= entries && self.longest <= longest && self.volatile.is_empty();
        if packs {
            return quantum.allocation(EMPTY_LISTPACK_BYTES + self.packed);
        }
        match self.short {
            // It starts packed, and becomes a table once a row is too long.
            Some(short) if kind == Kind::Hash => {
                let expected = buckets(*generation, *quantum, self.count, Growth::Expected);
                self.as_table(kind, settings) - expected
                    + converted_buckets(*generation, *quantum, short, self.count)
            }
            _ => self.as_table(kind, settings),
        }
    }

    /// The bytes of a value that the file stores as one packed collection of `packed_bytes` bytes.
    pub(crate) fn unpacked(&self, kind: Kind, packed_bytes: u64, elements: u64, settings: &Settings) -> u64 {
        let thresholds = &settings.thresholds;
        // Servers check the number of texts here, but not their lengths.
        let entries = match kind {
            Kind::Hash => thresholds.hash_entries,
            Kind::Zset => thresholds.zset_entries,
            Kind::Set => thresholds.set_entries,
        };
        if elements <= entries {
            return settings.quantum.allocation(packed_bytes);
        }
        // Before Valkey 7.2, the table of such a sorted set is not created for its members, but grows (`zsetConvert`).
        let grows = kind == Kind::Zset && !settings.generation.layout().packs_small_sets;
        let unmoved = if grows { unmoved_buckets(elements, 1.0) } else { 0 };
        let unmoved = if unmoved > 0 { settings.quantum.allocation(POINTER_BYTES * unmoved) } else { 0 };
        self.as_table(kind, settings) + unmoved
    }

    /// An intset of `bytes` bytes, which is kept up to a number of members.
    pub(crate) fn intset(&self, bytes: u64, members: u64, settings: &Settings) -> u64 {
        if members <= settings.thresholds.set_intset_entries {
            return settings.quantum.allocation(bytes);
        }
        self.as_table(Kind::Set, settings)
    }

    /// The bytes of the value as a table.
    fn as_table(&self, kind: Kind, settings: &Settings) -> u64 {
        let Settings { generation, quantum, .. } = *settings;
        let rows = self.table / FRACTIONS;
        match kind {
            Kind::Hash => {
                // A pointer to the set of fields that expire.
                let metadata = if generation.layout().indexes_expiring_fields { POINTER_BYTES } else { 0 };
                rows + value_table(generation, quantum, self.count, metadata) + self.volatile.bytes(settings)
            }
            Kind::Zset => {
                rows + value_table(generation, quantum, self.count, 0) + skiplist(generation, quantum)
            }
            Kind::Set if generation.layout().bare_set_entries => {
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
    let head = if generation.layout().members_in_skiplists {
        // One structure: its head holds length and tail in place of a node's score and pointer.
        quantum.allocation(16 + LEVEL_BYTES * MAX_LEVELS)
    } else {
        quantum.allocation(SKIPLIST_BYTES) + quantum.allocation(24 + LEVEL_BYTES * MAX_LEVELS)
    };
    quantum.allocation(ZSET_BYTES) + head
}
