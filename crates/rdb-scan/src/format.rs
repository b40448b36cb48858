//! The numbers of the format: opcodes, value types, and what each type is called.

pub(crate) mod lzf;
pub(crate) mod slot;

use serde::{Deserialize, Serialize};

/// Under the magic REDIS, metadata of a key; under VALKEY, a slot on its way into the cluster.
pub(crate) const KEY_META_OR_SLOT_IMPORT: u8 = 243;
pub(crate) const SLOT_INFO: u8 = 244;
pub(crate) const FUNCTION2: u8 = 245;
pub(crate) const FUNCTION_PRE_GA: u8 = 246;
pub(crate) const MODULE_AUX: u8 = 247;
pub(crate) const IDLE: u8 = 248;
pub(crate) const FREQ: u8 = 249;
pub(crate) const AUX: u8 = 250;
pub(crate) const RESIZEDB: u8 = 251;
pub(crate) const EXPIRETIME_MS: u8 = 252;
pub(crate) const EXPIRETIME: u8 = 253;
pub(crate) const SELECTDB: u8 = 254;
pub(crate) const EOF: u8 = 255;
/// Redis Enterprise writes it before a key: when the key was last used in RAM.
pub(crate) const ENTERPRISE_RAM_LRU: u8 = 107;
/// The type of module values in 4.0 release candidates, which cannot be walked.
pub(crate) const MODULE_PRE_GA: u8 = 6;

/// Redis Enterprise writes it before a key: the key's cluster slot.
pub(crate) const ENTERPRISE_SLOT: u8 = 121;

/// What another product writes under this id, and nobody else up to the versions known here. Sources: the constants of
/// their files, `rdb_extensions.h` of Dragonfly and `rdb.h` of KeyDB.
pub(crate) fn foreign(id: u8) -> Option<&'static str> {
    Some(match id {
        30 => "a JSON value of Dragonfly",
        31 => "a hash with expiring fields of Dragonfly",
        32 => "a set with expiring members of Dragonfly",
        33 => "a Bloom filter of Dragonfly",
        64 => "a job of KeyDB's KEYDB.CRON",
        200 => "the end of a full sync of Dragonfly",
        201 | 202 => "a compressed blob of Dragonfly",
        203 => "the end of a compressed blob of Dragonfly",
        210 | 211 => "a journal of Dragonfly",
        220 => "a record of Dragonfly",
        _ => return None,
    })
}

/// Magic and version.
pub(crate) const HEADER_BYTES: usize = 9;

/// From this version on, a file ends with a checksum.
pub(crate) const FIRST_VERSION_WITH_CRC: u32 = 5;

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

/// The types that users know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A string, an integer or a bitmap.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    Zset,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
    /// A value that only a module understands.
    Module,
    /// An array (Redis 8.8).
    Array,
}

impl Kind {
    /// The name that `TYPE` gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
            Self::Module => "module",
            Self::Array => "array",
        }
    }
}

/// How a value is written: its type in the file and, for a string, the form of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(u8);

impl Encoding {
    /// How many there are.
    pub const COUNT: usize = 32;
    pub(crate) const RAW: Self = Self(0);
    /// Under the magic REDIS alone: hashes of a release candidate.
    pub(crate) const HASH_PRE_GA: Self = Self(22);
    pub(crate) const HASH_LISTPACK_PRE_GA: Self = Self(23);
    pub(crate) const INT: Self = Self(29);
    pub(crate) const LZF: Self = Self(30);

    /// Every encoding there is, ascending by [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }

    /// The encoding of a type of the file that [`is_known`].
    #[inline]
    pub(crate) fn of_type(type_id: u8) -> Self {
        Self(type_id & 31)
    }

    /// A number below [`Self::COUNT`].
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0 & 31)
    }

    /// The type of the value.
    pub fn kind(self) -> Kind {
        match self.0 {
            1 | 10 | 14 | 18 => Kind::List,
            2 | 11 | 20 => Kind::Set,
            3 | 5 | 12 | 17 => Kind::Zset,
            4 | 9 | 13 | 16 | 22..=25 => Kind::Hash,
            15 | 19 | 21 | 26 | 27 => Kind::Stream,
            7 => Kind::Module,
            28 => Kind::Array,
            _ => Kind::String,
        }
    }

    /// What it is called in reports, such as `listpack` or `hashtable`. Two types may have one name.
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "raw",
            29 => "int",
            30 => "lzf",
            1 => "linkedlist",
            2 | 4 => "hashtable",
            3 => "skiplist-text",
            5 => "skiplist",
            7 => "module",
            9 => "zipmap",
            10 | 12 | 13 => "ziplist",
            11 => "intset",
            14 => "quicklist-ziplist",
            15 => "listpacks",
            16 | 17 | 20 => "listpack",
            18 => "quicklist",
            19 => "listpacks-2",
            21 => "listpacks-3",
            22 | 24 => "hashtable-expiry",
            23 | 25 => "listpack-expiry",
            26 => "listpacks-4",
            27 => "listpacks-5",
            28 => "array",
            _ => "unknown",
        }
    }
}

/// Whether a byte names a value type under this magic.
#[inline]
pub(crate) fn is_known(type_id: u8, magic: Magic) -> bool {
    match type_id {
        0..=5 | 7 | 9..=22 => true,
        23..=28 => magic == Magic::Redis,
        _ => false,
    }
}
