//! Members that occur twice in one value: whether servers find them depends on the form in which they keep the value.

use crate::{
    bytes::cursor::{Cursor, Text},
    fault::HazardCode,
    format::value_type::{Encoding, Kind, ValueType},
};

/// The hazard of a duplicate member. Servers that make a table of the value find it; few check a value that stays
/// packed. The sizes are the defaults up to which servers keep values packed (`hash-max-listpack-entries` and others).
pub(super) fn duplicate_code(encoding: Encoding, elements: u64, value: Option<&[u8]>) -> HazardCode {
    const HASH_ENTRIES: u64 = 512;
    const SMALL_ENTRIES: u64 = 128;
    match (encoding.kind(), encoding.name()) {
        (Kind::Hash, "listpack" | "listpack-expiry") if elements <= HASH_ENTRIES => {
            HazardCode::DuplicatePackedMember
        }
        (Kind::Zset | Kind::Set, "listpack") if elements <= SMALL_ENTRIES => {
            HazardCode::DuplicatePackedMember
        }
        (Kind::Hash, "ziplist") if elements <= HASH_ENTRIES => HazardCode::DuplicateZiplistMember,
        (Kind::Zset, "ziplist") if elements <= SMALL_ENTRIES => HazardCode::DuplicateZiplistMember,
        // Hashes of Redis. Those of Valkey become tables (`RDB_TYPE_HASH_2`).
        (Kind::Hash, "hashtable-expiry")
            if encoding == Encoding::Value(ValueType::HashExpiries) && elements <= HASH_ENTRIES =>
        {
            HazardCode::DuplicatePackedMember
        }
        (Kind::Hash, "hashtable") if elements <= HASH_ENTRIES && value.is_some_and(stays_packed) => {
            HazardCode::DuplicatePackedMember
        }
        _ => HazardCode::DuplicateMember,
    }
}

/// Whether all strings of a table are short enough for a listpack (`hash-max-listpack-value`).
fn stays_packed(value: &[u8]) -> bool {
    const LONGEST: u64 = 64;
    let mut cursor = Cursor::new(value, 0, None);
    if cursor.number().is_err() {
        return false;
    }
    while !cursor.rest().is_empty() {
        let Ok(text) = cursor.text() else { return false };
        if let Text::Raw(bytes) | Text::Lzf { packed: bytes, .. } = text {
            cursor.pass(bytes);
        }
        if text.length().bytes() > LONGEST {
            return false;
        }
    }
    true
}
