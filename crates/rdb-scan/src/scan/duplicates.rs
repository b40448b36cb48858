//! A member that is twice in one value: whether servers find it depends on the form in which they keep the value.

use crate::{
    bytes::cursor::{Cursor, Text},
    fault::HazardCode,
    format::value_type::{Encoding, Kind, ValueType},
};

/// Which servers find a member that is there twice. Those that make a table of the value do; one that stays packed is
/// looked at by few. Sizes are the defaults at which a server makes tables (`hash-max-listpack-entries` and others).
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
        // Those of Redis; those of Valkey become tables (`RDB_TYPE_HASH_2`).
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
