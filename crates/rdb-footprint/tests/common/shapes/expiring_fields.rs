//! Hashes with fields that expire.

use crate::common::filling::Filling;

/// Sets random expiries of fields: years ahead, within a span of `apart_ms` milliseconds.
fn expire_fields(filling: &mut Filling<'_>, key: &[u8], fields: &[Vec<u8>], apart_ms: u64) {
    const SOME_YEAR_MS: u64 = 4_000_000_000_000;
    for field in fields {
        let at = (SOME_YEAR_MS + filling.random.within(0..=apart_ms)).to_string();
        filling.command(&[b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", b"1", field]);
    }
}

fn hash_with_expiring_fields(filling: &mut Filling<'_>, count: u64, expiring: u64, apart_ms: u64) {
    let fields: Vec<_> = (0..count)
        .map(|field| {
            let bytes = filling.random.one_of(&[0, 0, 0, 20, 30, 100]);
            let mut name = format!("field {field}").into_bytes();
            name.extend(filling.text(bytes));
            name
        })
        .collect();
    let rows: Vec<_> = fields
        .iter()
        .flat_map(|field| {
            let longest = filling.random.one_of(&[10, 40, 120, 130]);
            [field.clone(), filling.word(0..=longest)]
        })
        .collect();
    let key = filling.key();
    filling.fill("HSET", &key, &rows, 2);
    let fields: Vec<_> = fields.into_iter().take(expiring as usize).collect();
    expire_fields(filling, &key, &fields, apart_ms);
    filling.may_expire(&key);
}

pub(super) fn hashes_with_one_expiring_field(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=10);
    hash_with_expiring_fields(filling, count, 1, 1 << 40);
}

pub(super) fn hashes_with_some_expiring_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(2..=100);
    let expiring = filling.random.within(1..=count);
    hash_with_expiring_fields(filling, count, expiring, 1 << 40);
}

pub(super) fn hashes_of_expiring_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(100..=127);
    hash_with_expiring_fields(filling, count, count, 1 << 40);
}

fn many_expiring_fields(filling: &mut Filling<'_>, apart_ms: u64) {
    let count = filling.random.within(128..=2000);
    hash_with_expiring_fields(filling, count, count, apart_ms);
}

pub(super) fn hashes_of_many_fields_that_expire_at_once(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 10);
}

pub(super) fn hashes_of_many_fields_that_expire_within_a_minute(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 60_000);
}

pub(super) fn hashes_of_many_fields_that_expire_within_an_hour(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 3_600_000);
}

pub(super) fn hashes_of_many_fields_that_expire_within_a_day(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 86_400_000);
}

pub(super) fn hashes_of_many_fields_that_expire_within_years(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 1 << 37);
}
