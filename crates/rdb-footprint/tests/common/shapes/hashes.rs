//! Hashes.

use crate::common::filling::Filling;

fn hash(filling: &mut Filling<'_>, rows: &[Vec<u8>]) {
    let key = filling.key();
    filling.fill("HSET", &key, rows, 2);
    filling.may_expire(&key);
}

pub(super) fn hashes_of_a_few_fields(filling: &mut Filling<'_>) {
    let rows: Vec<_> = (0..filling.random.within(1..=20))
        .flat_map(|field| [format!("field {field}").into_bytes(), filling.word(0..=40)])
        .collect();
    hash(filling, &rows);
}

pub(super) fn hashes_with_one_long_value(filling: &mut Filling<'_>) {
    let bytes = filling.random.one_of(&[65, 66, 100, 120, 150, 300]);
    let rows = [
        b"a".to_vec(),
        filling.word(1..=20),
        b"b".to_vec(),
        filling.text(bytes),
        b"c".to_vec(),
        filling.word(1..=20),
    ];
    hash(filling, &rows);
}

/// Tables of these sizes are about to grow. The fields differ in each hash: the same fields would collide alike in all
/// of them.
fn hashes_with_a_long_value(filling: &mut Filling<'_>, counts: &[u64]) {
    let count = filling.random.one_of(counts);
    let long = filling.random.within(0..=count - 1);
    let rows: Vec<_> = (0..count)
        .flat_map(|field| {
            let bytes = if field == long { 70 } else { 5 };
            [filling.text(12), filling.text(bytes)]
        })
        .collect();
    hash(filling, &rows);
}

pub(super) fn hashes_of_7_or_13_fields_with_a_long_value(filling: &mut Filling<'_>) {
    hashes_with_a_long_value(filling, &[7, 13]);
}

pub(super) fn hashes_of_8_or_16_fields_with_a_long_value(filling: &mut Filling<'_>) {
    hashes_with_a_long_value(filling, &[8, 16]);
}

pub(super) fn hashes_around_64_bytes(filling: &mut Filling<'_>) {
    let rows: Vec<_> = (0..filling.random.within(1..=12))
        .flat_map(|field| [format!("field {field}").into_bytes(), filling.word(60..=65)])
        .collect();
    hash(filling, &rows);
}

pub(super) fn hashes_around_512_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(505..=520);
    let rows: Vec<_> =
        (0..count).flat_map(|field| [format!("field {field}").into_bytes(), filling.word(0..=30)]).collect();
    hash(filling, &rows);
}

pub(super) fn hashes_around_128_bytes_a_field(filling: &mut Filling<'_>) {
    let count = filling.random.within(3..=60);
    let mut rows = Vec::new();
    for field in 0..count {
        let bytes = filling.random.one_of(&[12, 20, 31, 32, 60]);
        let mut name = format!("{field}.").into_bytes();
        name.extend(filling.text(bytes));
        let left = 120 - name.len() as u64;
        rows.extend([name, filling.text(0)]);
        let around = filling.random.within(left - 6..=left + 6);
        *rows.last_mut().unwrap() = filling.text(around);
    }
    hash(filling, &rows);
}

pub(super) fn hashes_of_many_short_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(513..=5000);
    let rows: Vec<_> =
        (0..count).flat_map(|field| [format!("{field}").into_bytes(), filling.word(0..=12)]).collect();
    hash(filling, &rows);
}

pub(super) fn hashes_of_numbers(filling: &mut Filling<'_>) {
    let count = filling.random.one_of(&[10, 100, 510, 600]);
    let rows: Vec<_> = (0..count)
        .flat_map(|field| {
            [format!("{}", field * 1000).into_bytes(), filling.integer().to_string().into_bytes()]
        })
        .collect();
    hash(filling, &rows);
}

pub(super) fn hashes_with_fields_of_any_length(filling: &mut Filling<'_>) {
    let mut rows = Vec::new();
    for field in 0..filling.random.within(2..=30) {
        let around = filling.random.one_of(&[1, 29, 62, 125, 253, 1000]);
        let mut name = format!("{field}.").into_bytes();
        let bytes = filling.random.within(around..=around + 4);
        name.extend(filling.text(bytes));
        let value = filling.random.one_of(&[0, 1, 20, 31, 64, 100, 250, 300]);
        rows.extend([name, filling.text(value)]);
    }
    hash(filling, &rows);
}
