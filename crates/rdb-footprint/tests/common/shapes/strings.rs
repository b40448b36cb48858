//! Strings.

use crate::common::filling::Filling;

fn string(filling: &mut Filling<'_>, value: &[u8]) {
    let key = filling.key();
    filling.command(&[b"SET", &key, value]);
    filling.may_expire(&key);
}

pub(super) fn strings_up_to_44(filling: &mut Filling<'_>) {
    let bytes = filling.random.within(1..=44);
    let value = filling.text(bytes);
    string(filling, &value);
}

pub(super) fn strings_around_44_and_64(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[0, 19, 30, 43, 62, 79, 95]);
    let bytes = filling.random.within(around..=around + 4);
    let value = filling.text(bytes);
    string(filling, &value);
}

pub(super) fn strings_of_100_to_300(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[100, 114, 126, 160, 200, 253, 300]);
    let bytes = filling.random.within(around..=around + 4);
    let value = filling.text(bytes);
    string(filling, &value);
}

pub(super) fn strings_of_kilobytes(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[1000, 4090, 5000, 8180, 16_380, 20_000, 65_530]);
    let bytes = filling.random.within(around..=around + 12);
    let value = filling.text(bytes);
    string(filling, &value);
}

pub(super) fn strings_that_are_empty(filling: &mut Filling<'_>) {
    string(filling, b"");
}

pub(super) fn strings_with_keys_of_any_length(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[1, 12, 20, 29, 44, 62, 90, 125, 200, 253, 1000]);
    let bytes = filling.random.within(around..=around + 4);
    let mut key = filling.key();
    while (key.len() as u64) < bytes {
        key.push(b'k');
    }
    let value = filling.word(1..=60);
    filling.command(&[b"SET", &key, &value]);
    filling.may_expire(&key);
}

pub(super) fn integers_of_any_width(filling: &mut Filling<'_>) {
    let number = filling.integer();
    string(filling, number.to_string().as_bytes());
}

pub(super) fn integers_up_to_9999(filling: &mut Filling<'_>) {
    let number = filling.random.within(0..=9999);
    string(filling, number.to_string().as_bytes());
}
