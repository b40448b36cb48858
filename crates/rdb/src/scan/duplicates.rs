//! A member that is twice in one value: whether servers find it depends on the form in which they keep the value.
use crate::cursor::{Cursor, Text};
use crate::fault::HazardCode;
use crate::format::{Encoding, Kind};

/// Which servers find a member that is there twice. Those that make a table of the value do; one that stays packed is
/// looked at by few. Sizes are the defaults at which a server makes tables (`hash-max-listpack-entries` and others).
pub(super) fn duplicate_code(encoding: Encoding, elements: u64, value: Option<&[u8]>) -> HazardCode {
    const HASH_ENTRIES: u64 = 512;
    const SMALL_ENTRIES: u64 = 128;
    const INTSET_ENTRIES: u64 = 512;
    match (encoding.kind(), encoding.name()) {
        (Kind::Hash, "listpack") if elements <= HASH_ENTRIES => HazardCode::DuplicatePackedMember,
        (Kind::Zset | Kind::Set, "listpack") if elements <= SMALL_ENTRIES => {
            HazardCode::DuplicatePackedMember
        }
        (Kind::Hash, "ziplist") if elements <= HASH_ENTRIES => HazardCode::DuplicateZiplistMember,
        (Kind::Zset, "ziplist") if elements <= SMALL_ENTRIES => HazardCode::DuplicateZiplistMember,
        (Kind::Hash, "hashtable")
            if elements <= HASH_ENTRIES && value.is_some_and(|value| stays_packed(value)) =>
        {
            HazardCode::DuplicatePackedMember
        }
        (Kind::Set, "hashtable") if elements <= INTSET_ENTRIES && value.is_some_and(holds_integers) => {
            HazardCode::DuplicateInteger
        }
        _ => HazardCode::DuplicateMember,
    }
}

/// The strings of a table: their lengths, and their texts where they are written as they are.
fn strings(value: &[u8]) -> impl Iterator<Item = (Text, &[u8])> {
    let mut cursor = Cursor::new(value, 0, None);
    let started = cursor.number().is_ok();
    std::iter::from_fn(move || {
        let text = cursor.text().ok().filter(|_| started)?;
        let bytes = match text {
            Text::Raw(bytes) | Text::Lzf { packed: bytes, .. } => cursor.take(bytes as usize).ok()?,
            Text::Int(_) => &[],
        };
        Some((text, bytes))
    })
}

/// Whether all strings of a table are short enough for a listpack (`hash-max-listpack-value`).
fn stays_packed(value: &[u8]) -> bool {
    const LONGEST: u64 = 64;
    strings(value).all(|(text, _)| text.length().bytes() <= LONGEST)
}

/// Whether all strings of a table are integers.
fn holds_integers(value: &[u8]) -> bool {
    strings(value).all(|(text, bytes)| {
        matches!(text, Text::Int(_))
            || std::str::from_utf8(bytes)
                .is_ok_and(|text| text.parse::<i64>().is_ok_and(|number| number.to_string() == text))
    })
}
