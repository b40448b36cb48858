//! The numbers of the format: opcodes, value types, and those of other products.

pub(crate) mod lzf;
pub(crate) mod opcode;
pub(crate) mod slot;
pub(crate) mod type_set;
pub(crate) mod value_type;

use serde::{Deserialize, Serialize};

/// What another product writes under this id, if neither Redis nor Valkey uses the id in any known version. Sources:
/// the constants of the products, `rdb_extensions.h` of Dragonfly and `rdb.h` of KeyDB.
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

/// The size of magic and version.
pub(crate) const HEADER_BYTES: usize = 9;

/// Longer keys, AUX fields and names are not walked.
pub const MAX_WALKED_KEY_BYTES: u64 = 16 << 20;

/// Files of this version and later end with a checksum.
pub(crate) const FIRST_VERSION_WITH_CRC: u32 = 5;

/// The first letters of a file. They decide what its types and opcodes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Magic {
    /// Written by Redis, and by Valkey before 9.0.
    #[default]
    Redis,
    /// Written by Valkey since 9.0.
    Valkey,
}
