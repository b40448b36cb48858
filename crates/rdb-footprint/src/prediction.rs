//! The memory of a server: keys and values by slot, and the tables of keys and expiries.

mod alone;
mod chance;

use std::collections::BTreeMap;

pub use alone::Keys;

use rdb_scan::Inspection;
use serde::Serialize;

use crate::{
    engine::{generation::Generation, layout::SlotIndex, settings::Settings},
    prediction::chance::{expected, scaled, share},
    structures::tables::{Growth, buckets, structure, unmoved_buckets},
};

/// The size of the links to neighbors in the same slot, which dictionary entries have in cluster mode before Valkey 8.0
/// (`clusterDictEntryMetadata`).
const SLOT_LINKS_BYTES: u64 = 16;
/// Smaller tables have moved to their successor within seconds. From this size on, a table is still there when the load
/// ends.
const SLOW_MOVE_BUCKETS: u64 = 1 << 21;
/// The metadata of a `kvstore` at the end of each of its tables (`kvstoreHashtableMetadata`). For Valkey 8.0 it is
/// measured: tables of a cluster's slots take 80 bytes there, not 64.
const STORE_METADATA_BYTES: u64 = 16;
/// No server announces more keys, and none loads a file that does.
const MAX_ANNOUNCED: u64 = 1 << 40;
/// The stores of a database in Valkey 9: keys, expiries, keys with fields that expire. Database 0 always has them.
const STORES_OF_A_DATABASE: u64 = 3;
/// `listNode`: one for each table that is being moved.
const LIST_NODE_BYTES: u64 = 24;

/// The memory that a file uses once it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Footprint {
    /// The settings that the footprint is for.
    #[serde(skip)]
    pub settings: Settings,
    /// Whether cluster mode is on.
    pub cluster_mode: bool,
    /// The keys of the files by slot, one entry per slot, including keys that will not be loaded: their slots are not
    /// known.
    #[serde(skip)]
    slot_keys: Vec<u64>,
    /// The number of keys that will be loaded.
    #[serde(skip)]
    live_keys: u64,
    /// The bytes of keys and values by slot.
    #[serde(skip)]
    slot_bytes: Vec<u64>,
    /// The memory of function libraries, which every shard has.
    #[serde(skip)]
    function_bytes: u64,
    #[serde(skip)]
    databases: Vec<Database>,
    /// The number of keys with fields that expire. Valkey 9 also keeps tables of these keys.
    volatile_keys: u64,
    /// The number of databases that a server creates only once they get keys.
    #[serde(skip)]
    later_databases: u64,
}

impl Footprint {
    /// The footprint of files that are loaded together, such as the shards of a cluster.
    ///
    /// Returns `None` if an inspection was not weighed by these settings ([`rdb_scan::InspectOptions::weighings`]).
    pub fn of<'i>(
        inspections: impl IntoIterator<Item = &'i Inspection>,
        settings: Settings,
        cluster_mode: bool,
    ) -> Option<Self> {
        let id = settings.id();
        let mut slot_keys = vec![0; rdb_scan::SLOTS];
        let mut slot_bytes = vec![0; rdb_scan::SLOTS];
        let mut databases = BTreeMap::<u64, Database>::new();
        let (mut volatile_keys, mut live_keys, mut function_bytes) = (0, 0, 0);
        for inspection in inspections {
            let weights = inspection.weights.iter().find(|weights| weights.id == id)?;
            // Each shard of a cluster saves the same libraries.
            function_bytes = weights.everywhere().max(function_bytes);
            for (slot, bytes) in weights.slots() {
                if let Some(sum) = slot_bytes.get_mut(usize::from(*slot)) {
                    *sum += bytes;
                }
            }
            // Expired keys are not loaded, nor are empty collections. Their slots and databases are not known, so all
            // are scaled.
            let (gone, gone_expires) = not_loaded(inspection, settings.generation);
            let live = 1.0 - share(gone, inspection.keys);
            let live_expires = 1.0 - share(gone_expires, inspection.expires);
            for (slot, count) in inspection.slots.iter() {
                if let Some(sum) = slot_keys.get_mut(usize::from(slot)) {
                    *sum += count.keys;
                }
            }
            live_keys += scaled(inspection.keys, live);
            if settings.generation.layout().indexes_expiring_fields {
                volatile_keys += scaled(keys_with_volatile_fields(inspection), live);
            }
            let others = std::iter::once((u64::MAX, inspection.other_databases));
            let counts = inspection.databases.iter().map(|(index, counts)| (*index, *counts)).chain(others);
            for (index, counts) in counts.filter(|(_, counts)| counts.keys > 0) {
                let sum = databases.entry(index).or_default();
                sum.keys += scaled(counts.keys, live);
                sum.expires += scaled(counts.expires, live_expires);
                sum.announced_keys += counts.announced_keys;
                sum.announced_expires += counts.announced_expires;
            }
        }
        let later_databases = databases.keys().filter(|index| **index > 0).count() as u64;
        let databases = databases.into_values().collect();
        Some(Self {
            settings,
            cluster_mode,
            slot_keys,
            live_keys,
            slot_bytes,
            function_bytes,
            databases,
            volatile_keys,
            later_databases,
        })
    }

    /// A footprint with only the bytes of each slot, without keys, tables and functions.
    pub fn of_slots(settings: Settings, cluster_mode: bool, slot_bytes: &[u64]) -> Self {
        let mut slot_bytes = slot_bytes.to_vec();
        slot_bytes.resize(rdb_scan::SLOTS, 0);
        let slot_keys = vec![0; rdb_scan::SLOTS];
        Self {
            settings,
            cluster_mode,
            slot_keys,
            live_keys: 0,
            slot_bytes,
            function_bytes: 0,
            databases: Vec::new(),
            volatile_keys: 0,
            later_databases: 0,
        }
    }

    /// `used_memory` once everything is loaded into one server, minus that of an empty server.
    pub fn used_memory_bytes(&self) -> u64 {
        let bytes: u64 = self.slot_bytes.iter().sum();
        let tables = self.tables(&self.databases, 0..rdb_scan::SLOTS);
        bytes + self.cluster_bytes(0..rdb_scan::SLOTS) + tables + self.function_bytes
    }

    /// The part of [`Self::used_memory_bytes`] that is keys and values, without tables and functions.
    pub fn data_bytes(&self) -> u64 {
        self.slot_bytes.iter().sum()
    }

    /// As [`Self::used_memory_bytes`], for a shard with these slots.
    pub fn shard_bytes(&self, slots: std::ops::Range<usize>) -> u64 {
        let sum = |of: &[u64]| of.get(slots.clone()).unwrap_or_default().iter().sum::<u64>();
        let all_keys: u64 = self.slot_keys.iter().sum();
        let keys = share(sum(&self.slot_keys), all_keys);
        let databases: Vec<_> = self.databases.iter().map(|database| database.part(keys)).collect();
        let (cluster, tables) = (self.cluster_bytes(slots.clone()), self.tables(&databases, slots.clone()));
        sum(&self.slot_bytes) + cluster + tables + self.function_bytes
    }

    /// The number of keys in a shard with these slots.
    pub fn shard_keys(&self, slots: std::ops::Range<usize>) -> u64 {
        let live = share(self.live_keys, self.slot_keys.iter().sum());
        scaled(self.slot_keys.get(slots).unwrap_or_default().iter().sum(), live)
    }

    /// The approximate memory of each slot: its keys and values, and their share of the tables.
    pub fn slot_weights(&self) -> Vec<u64> {
        let used = self.used_memory_bytes();
        let linear = self.slot_bytes.iter().sum::<u64>() + self.function_bytes;
        let keys: u64 = self.slot_keys.iter().sum();
        let per_key = share(used - linear.min(used), keys);
        let weights = self.slot_bytes.iter().zip(&self.slot_keys);
        weights.map(|(bytes, keys)| bytes + scaled(*keys, per_key)).collect()
    }

    /// The memory per key that only cluster mode needs.
    fn cluster_bytes(&self, slots: std::ops::Range<usize>) -> u64 {
        if !self.cluster_mode {
            return 0;
        }
        let Settings { generation, quantum, .. } = self.settings;
        let keys = self.shard_keys(slots);
        match generation.layout().slot_index {
            // A node for the rest of the key, a leaf, a share of forks. Prefixes that keys share are ignored: this is
            // the size for names of common length.
            SlotIndex::RadixTree => keys * (quantum.allocation(24) + quantum.allocation(8) + 16),
            SlotIndex::LinkedEntries => {
                let more = quantum.allocation(crate::structures::tables::ENTRY_BYTES + SLOT_LINKS_BYTES)
                    - quantum.allocation(crate::structures::tables::ENTRY_BYTES);
                keys * more
            }
            SlotIndex::TableOfSlot => 0,
        }
    }

    /// The tables of keys and of expiries.
    fn tables(&self, databases: &[Database], slots: std::ops::Range<usize>) -> u64 {
        let Settings { generation, quantum, .. } = self.settings;
        // Fields that expire are assumed to be spread evenly.
        let volatile = share(self.volatile_keys, self.live_keys);
        if self.cluster_mode && generation.layout().slot_index == SlotIndex::TableOfSlot {
            let all_keys = self.slot_keys.get(slots.clone()).unwrap_or_default().iter().sum();
            // Slots with the same number of keys take the same memory.
            let mut slots_of = BTreeMap::<u64, u64>::new();
            for keys in self.slot_keys.get(slots).unwrap_or_default() {
                *slots_of.entry(*keys).or_default() += 1;
            }
            let of_database = |database: &Database| {
                let (part, expiring) =
                    (share(database.keys, all_keys), share(database.expires, database.keys));
                let of_slots =
                    |(keys, slots): (&u64, &u64)| slots * self.slot_tables(*keys, part, [expiring, volatile]);
                slots_of.iter().map(of_slots).sum::<u64>()
            };
            let stores = self.later_databases * STORES_OF_A_DATABASE * slot_store_bytes(quantum);
            return stores + databases.iter().map(of_database).sum::<u64>();
        }
        let mut bytes = 0;
        for Database { keys, expires, announced_keys, announced_expires } in databases {
            // Setting an expiry looks up its key, which also moves a bucket.
            let steps = 1.0 + share(*expires, *keys);
            bytes +=
                self.table(*keys, *announced_keys, steps) + self.table(*expires, *announced_expires, 1.0);
            bytes += self.table(scaled(*keys, volatile), 0, 1.0);
        }
        if generation.layout().lists_moving_tables {
            bytes += databases.len() as u64 * 2 * quantum.allocation(LIST_NODE_BYTES);
        }
        bytes
    }

    /// The table of all keys, or of all keys with an expiry. `announced` is the number in the file.
    fn table(&self, entries: u64, announced: u64, steps_per_entry: f64) -> u64 {
        let Settings { generation, quantum, .. } = self.settings;
        if entries == 0 {
            return 0;
        }
        let own =
            if generation.layout().slot_index == SlotIndex::TableOfSlot { self.table_structure() } else { 0 };
        if !generation.layout().heeds_announced_keys {
            let moving = unmoved_buckets(entries, steps_per_entry);
            let old = if moving >= SLOW_MOVE_BUCKETS { quantum.allocation(8 * moving) } else { 0 };
            return own + old + buckets(generation, quantum, entries, Growth::OneByOne);
        }
        own + buckets(generation, quantum, entries, Growth::Announced(announced.min(MAX_ANNOUNCED)))
    }

    /// The tables of a slot with this many keys, in a database that has the share `part` of them. The shares `further`
    /// of those are in further tables.
    fn slot_tables(&self, keys: u64, part: f64, further: [f64; 2]) -> u64 {
        let Settings { generation, quantum, .. } = self.settings;
        let own = self.table_structure();
        let table = |entries| {
            if entries == 0 { 0 } else { own + buckets(generation, quantum, entries, Growth::OneByOne) }
        };
        let of_keys = if part < 1.0 { expected(keys, part, table) } else { table(keys) };
        of_keys + further.map(|share| expected(keys, part * share, table)).iter().sum::<u64>()
    }

    /// The structure of one table of a `kvstore`, with the store's metadata.
    fn table_structure(&self) -> u64 {
        structure(self.settings.generation, self.settings.quantum, STORE_METADATA_BYTES)
    }
}

/// The keys of a database that will be loaded, and those that the file announces for its tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Database {
    keys: u64,
    expires: u64,
    announced_keys: u64,
    announced_expires: u64,
}

impl Database {
    /// A share of the database.
    fn part(self, share: f64) -> Self {
        Self {
            keys: scaled(self.keys, share),
            expires: scaled(self.expires, share),
            announced_keys: scaled(self.announced_keys, share),
            announced_expires: scaled(self.announced_expires, share),
        }
    }
}

/// The arrays of a `kvstore` with an entry per slot: pointers to tables, and sums of keys (`hashtables`,
/// `hashtable_size_index`).
fn slot_store_bytes(quantum: crate::Quantum) -> u64 {
    let slots = rdb_scan::SLOTS as u64;
    quantum.allocation(8 * slots) + quantum.allocation(8 * (slots + 1))
}

/// The number of keys of a file that will not be loaded, and how many of them have an expiry.
fn not_loaded(inspection: &Inspection, generation: Generation) -> (u64, u64) {
    let (expired, empty) = (inspection.already_expired, inspection.empty);
    if !generation.layout().skips_empty {
        return (expired, expired);
    }
    let more = |empties: u64| expired.saturating_add(empties.saturating_sub(empty.already_expired));
    (more(empty.keys), more(empty.expires))
}

/// The number of hashes that are stored with the expiries of their fields.
fn keys_with_volatile_fields(inspection: &Inspection) -> u64 {
    let hashes = inspection.types.get("hash").map(|hashes| &hashes.encodings);
    hashes.and_then(|encodings| encodings.get("hashtable-expiry")).copied().unwrap_or(0)
}
