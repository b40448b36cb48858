//! Places in a file that are worth a trial: where the next bytes can be those of a record.

use std::ops::RangeInclusive;

use crate::{
    bytes::{cursor::Cursor, stop::Result},
    format::{
        Magic,
        opcode::{Body, Opcode},
        value_type::{Layout, TableRow, ValueType},
    },
};

/// Records with longer keys are not tried: in most data, bytes that read so are no key.
const MAX_KEY_BYTES: usize = 1 << 10;
/// What looks like a key is text of at least this many bytes, without control characters.
const LEAST_KEY_BYTES: usize = 4;
const EXPIRE_TIME_MS: u8 = Opcode::ExpireTimeMs.id();
const EXPIRE_TIME: u8 = Opcode::ExpireTime.id();
const SELECT_DB: u8 = Opcode::SelectDb.id();
const RESIZE_DB: u8 = Opcode::ResizeDb.id();
/// Places with more opcodes before the type are not tried: servers write at most six, and bytes that all read like one
/// would be read again from each place.
const MAX_PREFIXES: usize = 16;
/// The number of places that are checked at once, by instructions that process many bytes.
const BLOCK_PLACES: usize = 64;

/// Places where a record with a likely key, including its prefixes, may begin. `templated` is whether it may refer to a
/// template.
pub(super) fn likely_places(
    bytes: &[u8],
    places: usize,
    templated: bool,
) -> impl Iterator<Item = usize> + '_ {
    let blocks = (0..places.min(bytes.len())).step_by(BLOCK_PLACES);
    let max_id = if templated { ValueType::MAX_TEMPLATED_ID } else { ValueType::MAX_ID };
    let may_begin = move |place: &usize| may_begin_likely(bytes.get(*place..).unwrap_or_default(), templated);
    blocks.flat_map(move |block| places_of(begin_likely(bytes, block, max_id), block)).filter(may_begin)
}

/// The places of a block that pass a check of three bytes, one bit each. Nearly all fail here.
fn begin_likely(bytes: &[u8], block: usize, max_id: u8) -> u64 {
    let Some(bytes) = bytes.get(block..block + BLOCK_PLACES + 2) else { return u64::MAX };
    let mut may = [0u8; BLOCK_PLACES];
    for ((may, first), (second, third)) in may.iter_mut().zip(bytes).zip(bytes[1..].iter().zip(&bytes[2..])) {
        let within = |byte: &u8, bounds: RangeInclusive<u8>| u8::from(bounds.contains(byte));
        // A type, the length of a key, and the first character of a short key.
        let short = within(second, 4..=0x3f) & within(third, b' '..=0xff);
        let typed = within(first, 0..=max_id) & (short | within(second, 0x40..=0x44));
        // The opcodes of `is_short`, as ranges, which are faster.
        let enterprise = within(first, 107..=107) | within(first, 121..=121);
        let short = within(first, 244..=244) | within(first, 248..=249) | within(first, 251..=254);
        *may = typed | enterprise | short;
    }
    may.iter().rev().fold(0, |bits, may| bits << 1 | u64::from(*may))
}

fn places_of(bits: u64, block: usize) -> impl Iterator<Item = usize> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let place = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (place < BLOCK_PLACES).then_some(block + place)
    })
}

/// Places where any record may begin.
pub(super) fn any_places(bytes: &[u8], places: usize, templated: bool) -> impl Iterator<Item = usize> + '_ {
    let may_begin = move |place: &usize| may_begin(bytes.get(*place..).unwrap_or_default(), templated);
    (0..places.min(bytes.len())).filter(may_begin)
}

/// Whether a type has this number.
fn is_type(id: u8, templated: bool) -> bool {
    ValueType::is_id(id) || (templated && ValueType::with_template(id).is_some())
}

/// Whether a record may begin with these bytes: a fast check that saves most trials.
fn may_begin(bytes: &[u8], templated: bool) -> bool {
    let may_follow = |id| is_type(id, templated) || Opcode::is_id(id);
    let Some(first) = bytes.first_chunk::<12>() else { return true };
    match first[0] {
        // A type, then a key: plain, as an integer, or compressed.
        id if is_type(id, templated) => may_begin_key(bytes, id),
        // Milliseconds up to the year 10000 leave the upper bytes zero. A type or another opcode follows.
        EXPIRE_TIME_MS => first[7] == 0 && first[8] == 0 && may_follow(first[9]),
        EXPIRE_TIME => may_follow(first[5]),
        // A database, or its table sizes: numbers, not text.
        SELECT_DB | RESIZE_DB => first[1] >> 6 != 3,
        id => Opcode::is_id(id),
    }
}

/// Whether a key can follow within a few bytes.
fn is_short(opcode: Opcode) -> bool {
    opcode != Opcode::Eof && opcode.body() != Body::Other
}

/// Whether these bytes may begin a record with a likely key, including its prefixes.
fn may_begin_likely(bytes: &[u8], templated: bool) -> bool {
    key_behind_prefixes(bytes, templated).is_ok_and(|key| key.is_some_and(is_likely_key))
}

fn key_behind_prefixes(bytes: &[u8], templated: bool) -> Result<Option<&[u8]>> {
    let mut cursor = Cursor::new(bytes, 0, None);
    for _ in 0..=MAX_PREFIXES {
        let id = cursor.u8()?;
        if is_type(id, templated) {
            return Ok(cursor.plain().filter(|key| key.len() <= MAX_KEY_BYTES));
        }
        match Opcode::of(id, Magic::Redis).filter(|opcode| is_short(*opcode)).map(Opcode::body) {
            Some(Body::Bytes(bytes)) => drop(cursor.take(bytes)?),
            Some(Body::Numbers(numbers)) => (0..numbers).try_for_each(|_| cursor.number().map(drop))?,
            Some(Body::Other) | None => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether a key and then a value of this type may follow.
fn may_begin_key(bytes: &[u8], id: u8) -> bool {
    let mut cursor = Cursor::new(bytes.get(1..).unwrap_or_default(), 0, None);
    let Some(key) = cursor.plain() else {
        // An integer or compressed. A key that is not complete here is too long to be tried.
        return matches!(bytes.get(1), Some(0xc0..=0xc3));
    };
    // A value begins with a count or a string header. Only a string can be stored as an integer.
    match cursor.rest().first() {
        _ if !(1..=MAX_KEY_BYTES).contains(&key.len()) => false,
        None | Some(0..=0x81) => true,
        Some(0xc0..=0xc2) => id == ValueType::String.id(),
        Some(0xc3) => {
            let layout = ValueType::of(id, Magic::Redis)
                .or_else(|| ValueType::with_template(id))
                .map(ValueType::layout);
            matches!(
                layout,
                Some(
                    Layout::Text
                        | Layout::TemplateListpack
                        | Layout::Packed(_)
                        | Layout::Table(TableRow::ExpiryFieldAndValue { .. })
                )
            )
        }
        _ => false,
    }
}

/// Whether a key looks like one.
pub(crate) fn is_likely_key(key: &[u8]) -> bool {
    key.len() >= LEAST_KEY_BYTES && is_text(key)
}

/// Whether a key is text without control characters.
pub(crate) fn is_text(key: &[u8]) -> bool {
    key.iter().all(|byte| !byte.is_ascii_control()) && std::str::from_utf8(key).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_of_a_block_are_the_short_opcodes_of_the_table() {
        for id in ValueType::MAX_ID + 1..=u8::MAX {
            let short = Opcode::of(id, Magic::Redis).is_some_and(is_short);
            let mut bytes = [0xff; BLOCK_PLACES + 2];
            bytes[0] = id;
            bytes[1] = 0xff;
            assert_eq!(begin_likely(&bytes, 0, ValueType::MAX_ID) & 1 == 1, short, "{id}");
        }
    }

    /// Each of these bytes reads like an opcode of Redis Enterprise with a number.
    #[test]
    fn a_long_key_of_opcodes_is_not_read_again_from_each_place() {
        let bytes = vec![b'k'; 4 << 20];
        assert_eq!(likely_places(&bytes, bytes.len(), false).count(), 0);
    }

    #[test]
    fn likely_places_are_those_that_a_look_at_each_finds() {
        // Keys after each kind of prefix, with lengths of both kinds, and noise between them.
        let mut bytes = Vec::new();
        let mut noise = 1u32;
        for round in 0..400 {
            let prefix: &[u8] = match round % 5 {
                0 => &[252, 1, 2, 3, 4, 5, 6, 0, 0],
                1 => &[254, 3, 251, 9, 2],
                2 => &[248, 77, 249, 5],
                3 => &[244, 0, 1, 0],
                _ => &[],
            };
            bytes.extend_from_slice(prefix);
            bytes.push(round as u8 % 33);
            let key = "key:".repeat(1 + round % 30);
            if key.len() < 64 {
                bytes.push(key.len() as u8);
            } else {
                bytes.extend([0x40, key.len() as u8]);
            }
            bytes.extend_from_slice(key.as_bytes());
            for _ in 0..round % 90 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bytes.push((noise >> 24) as u8);
            }
        }
        let ends = [bytes.len(), bytes.len() - 1, 65, 66, 5, 0];
        for (end, templated) in ends.into_iter().flat_map(|end| [(end, false), (end, true)]) {
            let bytes = &bytes[..end];
            let each: Vec<_> =
                (0..end).filter(|place| may_begin_likely(&bytes[*place..], templated)).collect();
            let blocks: Vec<_> = likely_places(bytes, end, templated).collect();
            assert_eq!(blocks, each, "of {end} bytes");
        }
    }
}
