//! The memory layout of each generation of engines: one row each, with properties that the rest of the crate reads. A
//! new generation is a new row here, plus what the compiler then requires.

use super::generation::Generation;

/// The properties that differ between generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The hash tables of keys, sets, hashes and sorted sets.
    pub(crate) tables: Tables,
    /// The structure of one table, without its buckets: `dict`, with two `dictht` of four words in Redis 6.2, or
    /// `hashtable`.
    pub(crate) table_bytes: u64,
    /// Where the name of a key is stored.
    pub(crate) key_names: KeyNames,
    /// The strings that are in the same allocation as their key.
    pub(crate) embedded_strings: EmbeddedStrings,
    /// How the keys of a cluster slot are found.
    pub(crate) slot_index: SlotIndex,
    /// Whether tables are sized by the number of keys that a file announces. Valkey 8.0 creates its tables with the
    /// first key.
    pub(crate) heeds_announced_keys: bool,
    /// Whether each database keeps lists of its tables that are being moved (`rehashing` of `kvstore.c`), in list
    /// nodes.
    pub(crate) lists_moving_tables: bool,
    /// Whether ziplists stay ziplists. Later generations convert them to listpacks.
    pub(crate) keeps_ziplists: bool,
    /// Whether small sets and small lists are listpacks, scores have as few digits as possible, and the entries of a
    /// set have no room for a value (Redis 7.2).
    pub(crate) packs_small_sets: bool,
    /// Whether the entries of a set are its members, except in buckets with collisions (`dict.c` of Redis 7.2).
    pub(crate) bare_set_entries: bool,
    /// Whether members of sorted sets are inside the nodes of their skip lists.
    pub(crate) members_in_skiplists: bool,
    /// Whether hashes index their fields that expire, and databases index such hashes (`vset.c`).
    pub(crate) indexes_expiring_fields: bool,
    /// `quicklistNode`.
    pub(crate) list_node_bytes: u64,
    /// `rax`, which counts its own bytes since Valkey 8.0.
    pub(crate) rax_bytes: u64,
    /// `stream`: since Redis 7.0 with the first id, the last deleted id, and the number of entries ever added.
    pub(crate) stream_bytes: u64,
    /// `streamCG`: last id, entries read (since Redis 7.0), pending entries, consumers.
    pub(crate) group_bytes: u64,
    /// `streamConsumer`: times, name, pending entries.
    pub(crate) consumer_bytes: u64,
    /// How functions are stored.
    pub(crate) functions: Functions,
    /// Whether a load skips collections without elements (`emptykey` in `rdbLoadObject`). Redis 6.2 does so since
    /// 6.2.6; older versions keep them.
    pub(crate) skips_empty: bool,
}

/// The hash tables of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Chained dictionaries (`dict.c`).
    Dictionaries,
    /// Buckets of a cache line (`hashtable.c`).
    CacheLines,
}

/// Where the name of a key is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyNames {
    /// In an allocation of its own; the dictionary's entry has a pointer to it.
    Apart,
    /// In the dictionary's entry (`embeddedDictEntry`).
    InEntries,
    /// In the object of the value (`createObjectWithKeyAndExpire`).
    InObjects,
}

/// The strings that are in the same allocation as their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbeddedStrings {
    /// None.
    No,
    /// Those for which the allocation has at most 64 bytes (`createStringObjectWithKeyAndExpire`).
    BehindKeys,
    /// Those for which the allocation has at most 128 bytes, in place of the pointer to a value
    /// (`shouldEmbedStringObject`).
    InPlaceOfPointers,
}

/// How the keys of a cluster slot are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotIndex {
    /// By a radix tree of slots and keys (`slots_to_keys`).
    RadixTree,
    /// By links in the entries of the dictionary.
    LinkedEntries,
    /// By a table per slot (`kvstore.c`).
    TableOfSlot,
}

/// How functions are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Functions {
    /// Not at all: a file with functions is refused.
    Unknown,
    /// As references into the interpreter.
    Referenced,
    /// Compiled by a scripting engine.
    Compiled,
    /// Compiled by a scripting engine with a versioned interface.
    CompiledVersioned,
}

impl Generation {
    /// The memory layout of the generation.
    #[inline]
    pub(crate) const fn layout(self) -> &'static Layout {
        match self {
            Self::Redis6 => &REDIS_6,
            Self::Redis7 => &REDIS_7,
            Self::Valkey7 => &VALKEY_7,
            Self::Valkey8 => &VALKEY_8,
            Self::Valkey81 => &VALKEY_81,
            Self::Valkey9 => &VALKEY_9,
        }
    }

    /// Whether tables are chained dictionaries.
    #[inline]
    pub(crate) const fn has_dictionaries(self) -> bool {
        matches!(self.layout().tables, Tables::Dictionaries)
    }
}

const REDIS_6: Layout = Layout {
    tables: Tables::Dictionaries,
    table_bytes: 96,
    key_names: KeyNames::Apart,
    embedded_strings: EmbeddedStrings::No,
    slot_index: SlotIndex::RadixTree,
    heeds_announced_keys: true,
    lists_moving_tables: false,
    keeps_ziplists: true,
    packs_small_sets: false,
    bare_set_entries: false,
    members_in_skiplists: false,
    indexes_expiring_fields: false,
    list_node_bytes: 32,
    rax_bytes: 24,
    stream_bytes: 40,
    group_bytes: 32,
    consumer_bytes: 24,
    functions: Functions::Unknown,
    skips_empty: false,
};

const REDIS_7: Layout = Layout {
    table_bytes: 56,
    slot_index: SlotIndex::LinkedEntries,
    keeps_ziplists: false,
    list_node_bytes: 40,
    stream_bytes: 80,
    group_bytes: 40,
    functions: Functions::Referenced,
    skips_empty: true,
    ..REDIS_6
};

const VALKEY_7: Layout =
    Layout { packs_small_sets: true, bare_set_entries: true, consumer_bytes: 32, ..REDIS_7 };

const VALKEY_8: Layout = Layout {
    key_names: KeyNames::InEntries,
    slot_index: SlotIndex::TableOfSlot,
    heeds_announced_keys: false,
    lists_moving_tables: true,
    rax_bytes: 32,
    ..VALKEY_7
};

const VALKEY_81: Layout = Layout {
    tables: Tables::CacheLines,
    table_bytes: 72,
    key_names: KeyNames::InObjects,
    embedded_strings: EmbeddedStrings::BehindKeys,
    heeds_announced_keys: true,
    lists_moving_tables: false,
    bare_set_entries: false,
    functions: Functions::Compiled,
    ..VALKEY_8
};

const VALKEY_9: Layout = Layout {
    // One more pointer, to the iterators that must stay valid.
    table_bytes: 80,
    embedded_strings: EmbeddedStrings::InPlaceOfPointers,
    members_in_skiplists: true,
    indexes_expiring_fields: true,
    functions: Functions::CompiledVersioned,
    ..VALKEY_81
};
