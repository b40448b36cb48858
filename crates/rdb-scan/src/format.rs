//! The numbers of the format: opcodes, value types, and what each type is called.

pub(crate) mod lzf;
pub(crate) mod slot;
pub(crate) mod value_type;

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
