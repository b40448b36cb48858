//! Values of every kind on both sides of every size at which a server changes their encoding.

use std::collections::BTreeSet;

use super::filling::Filling;

/// One kind of value. Each call makes another one.
#[derive(Clone, Copy)]
pub struct Shape {
    pub name: &'static str,
    pub make: fn(&mut Filling<'_>),
}

macro_rules! shapes {
    ($($name:ident),* $(,)?) => { &[$(Shape { name: stringify!($name), make: $name }),*] };
}

/// Shapes that every engine knows.
pub const SHAPES: &[Shape] = shapes![
    strings_up_to_44,
    strings_around_44_and_64,
    strings_of_100_to_300,
    strings_of_kilobytes,
    strings_that_are_empty,
    strings_with_keys_of_any_length,
    integers_of_any_width,
    integers_up_to_9999,
    hashes_of_a_few_fields,
    hashes_with_one_long_value,
    hashes_around_64_bytes,
    hashes_of_7_or_13_fields_with_a_long_value,
    hashes_of_8_or_16_fields_with_a_long_value,
    hashes_around_512_fields,
    hashes_around_128_bytes_a_field,
    hashes_of_many_short_fields,
    hashes_of_numbers,
    hashes_with_fields_of_any_length,
    sets_of_integers_of_one_width,
    sets_of_integers_around_512,
    sets_of_many_integers,
    sets_of_10_strings,
    sets_around_128_strings,
    sets_with_one_long_string,
    sets_of_12_with_one_long_string,
    sets_of_numbers_and_strings,
    sets_of_many_strings,
    zsets_of_10_members,
    zsets_around_128_members,
    zsets_around_64_bytes,
    zsets_of_many_members,
    lists_of_a_few_items,
    lists_around_one_node,
    lists_of_many_nodes,
    lists_of_integers,
    lists_of_one_large_item,
    lists_with_large_items,
    streams_of_a_few_entries,
    streams_of_several_nodes,
    streams_with_groups,
    streams_with_idle_consumers,
    streams_with_many_pending_entries,
    streams_with_deleted_entries,
    streams_without_entries,
];

/// Shapes for servers with hash fields that can expire.
pub const EXPIRING_FIELDS: &[Shape] =
    shapes![hashes_with_one_expiring_field, hashes_with_some_expiring_fields, hashes_of_expiring_fields,];

/// The same, with enough fields that a server builds radix trees of their times.
pub const MANY_EXPIRING_FIELDS: &[Shape] = shapes![
    hashes_of_many_fields_that_expire_at_once,
    hashes_of_many_fields_that_expire_within_a_minute,
    hashes_of_many_fields_that_expire_within_an_hour,
    hashes_of_many_fields_that_expire_within_a_day,
    hashes_of_many_fields_that_expire_within_years,
];

fn string(filling: &mut Filling<'_>, value: &[u8]) {
    let key = filling.key();
    filling.command(&[b"SET", &key, value]);
    filling.may_expire(&key);
}

fn strings_up_to_44(filling: &mut Filling<'_>) {
    let bytes = filling.random.within(1..=44);
    let value = filling.text(bytes);
    string(filling, &value);
}

fn strings_around_44_and_64(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[0, 19, 30, 43, 62, 79, 95]);
    let bytes = filling.random.within(around..=around + 4);
    let value = filling.text(bytes);
    string(filling, &value);
}

fn strings_of_100_to_300(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[100, 114, 126, 160, 200, 253, 300]);
    let bytes = filling.random.within(around..=around + 4);
    let value = filling.text(bytes);
    string(filling, &value);
}

fn strings_of_kilobytes(filling: &mut Filling<'_>) {
    let around = filling.random.one_of(&[1000, 4090, 5000, 8180, 16_380, 20_000, 65_530]);
    let bytes = filling.random.within(around..=around + 12);
    let value = filling.text(bytes);
    string(filling, &value);
}

fn strings_that_are_empty(filling: &mut Filling<'_>) {
    string(filling, b"");
}

fn strings_with_keys_of_any_length(filling: &mut Filling<'_>) {
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

fn integers_of_any_width(filling: &mut Filling<'_>) {
    let number = filling.integer();
    string(filling, number.to_string().as_bytes());
}

fn integers_up_to_9999(filling: &mut Filling<'_>) {
    let number = filling.random.within(0..=9999);
    string(filling, number.to_string().as_bytes());
}

fn hash(filling: &mut Filling<'_>, rows: &[Vec<u8>]) {
    let key = filling.key();
    filling.fill("HSET", &key, rows, 2);
    filling.may_expire(&key);
}

fn hashes_of_a_few_fields(filling: &mut Filling<'_>) {
    let rows: Vec<_> = (0..filling.random.within(1..=20))
        .flat_map(|field| [format!("field {field}").into_bytes(), filling.word(0..=40)])
        .collect();
    hash(filling, &rows);
}

fn hashes_with_one_long_value(filling: &mut Filling<'_>) {
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

fn hashes_of_7_or_13_fields_with_a_long_value(filling: &mut Filling<'_>) {
    hashes_with_a_long_value(filling, &[7, 13]);
}

fn hashes_of_8_or_16_fields_with_a_long_value(filling: &mut Filling<'_>) {
    hashes_with_a_long_value(filling, &[8, 16]);
}

fn hashes_around_64_bytes(filling: &mut Filling<'_>) {
    let rows: Vec<_> = (0..filling.random.within(1..=12))
        .flat_map(|field| [format!("field {field}").into_bytes(), filling.word(60..=65)])
        .collect();
    hash(filling, &rows);
}

fn hashes_around_512_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(505..=520);
    let rows: Vec<_> =
        (0..count).flat_map(|field| [format!("field {field}").into_bytes(), filling.word(0..=30)]).collect();
    hash(filling, &rows);
}

fn hashes_around_128_bytes_a_field(filling: &mut Filling<'_>) {
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

fn hashes_of_many_short_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(513..=5000);
    let rows: Vec<_> =
        (0..count).flat_map(|field| [format!("{field}").into_bytes(), filling.word(0..=12)]).collect();
    hash(filling, &rows);
}

fn hashes_of_numbers(filling: &mut Filling<'_>) {
    let count = filling.random.one_of(&[10, 100, 510, 600]);
    let rows: Vec<_> = (0..count)
        .flat_map(|field| {
            [format!("{}", field * 1000).into_bytes(), filling.integer().to_string().into_bytes()]
        })
        .collect();
    hash(filling, &rows);
}

fn hashes_with_fields_of_any_length(filling: &mut Filling<'_>) {
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

fn set(filling: &mut Filling<'_>, members: &[Vec<u8>]) {
    let key = filling.key();
    filling.fill("SADD", &key, members, 1);
    filling.may_expire(&key);
}

/// Different integers. Nearly all have the same width in an intset.
fn integers(filling: &mut Filling<'_>, count: u64) -> Vec<Vec<u8>> {
    let (least, most) = filling.random.one_of(&[
        (0, 10_000),
        (32_000, 33_500),
        (100_000, 2_000_000),
        (1 << 40, 1 << 41),
        (1 << 60, 1 << 61),
    ]);
    let sign = filling.random.one_of(&["", "-"]);
    let mut all = BTreeSet::new();
    while (all.len() as u64) < count {
        all.insert(filling.random.within(least..=most));
    }
    all.into_iter().map(|number| format!("{sign}{number}").into_bytes()).collect()
}

fn strings(filling: &mut Filling<'_>, count: u64, bytes: std::ops::RangeInclusive<u64>) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let bytes = filling.random.within(bytes.clone());
            let mut member = format!("{number}-").into_bytes();
            let more = bytes.saturating_sub(member.len() as u64);
            member.extend(filling.text(more));
            member
        })
        .collect()
}

fn sets_of_integers_of_one_width(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=100);
    let members = integers(filling, count);
    set(filling, &members);
}

fn sets_of_integers_around_512(filling: &mut Filling<'_>) {
    let count = filling.random.within(508..=517);
    let members = integers(filling, count);
    set(filling, &members);
}

fn sets_of_many_integers(filling: &mut Filling<'_>) {
    let count = filling.random.within(520..=1400);
    let members = integers(filling, count);
    set(filling, &members);
}

fn sets_of_10_strings(filling: &mut Filling<'_>) {
    let members = strings(filling, 10, 1..=30);
    set(filling, &members);
}

fn sets_around_128_strings(filling: &mut Filling<'_>) {
    let count = filling.random.within(124..=132);
    let members = strings(filling, count, 1..=30);
    set(filling, &members);
}

fn sets_with_one_long_string(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=40);
    let mut members = strings(filling, count, 1..=20);
    let bytes = filling.random.within(62..=67);
    members.push(filling.text(bytes));
    set(filling, &members);
}

fn sets_of_12_with_one_long_string(filling: &mut Filling<'_>) {
    let mut members: Vec<_> = (0..11).map(|_| filling.text(12)).collect();
    members.push(filling.text(70));
    set(filling, &members);
}

fn sets_of_numbers_and_strings(filling: &mut Filling<'_>) {
    let count = filling.random.one_of(&[2, 10, 60, 120, 200, 400, 505]);
    let mut members = integers(filling, count);
    let count = filling.random.one_of(&[1, 2, 10, 60]);
    members.extend(strings(filling, count, 1..=20));
    set(filling, &members);
}

fn sets_of_many_strings(filling: &mut Filling<'_>) {
    let count = filling.random.within(150..=4000);
    let members = strings(filling, count, 4..=40);
    set(filling, &members);
}

fn zset(filling: &mut Filling<'_>, members: Vec<Vec<u8>>) {
    let fractional = filling.random.one_in(2);
    let rows: Vec<_> = members
        .into_iter()
        .flat_map(|member| {
            let number = filling.random.within(0..=1_000_000);
            let score = if fractional { format!("{}", number as f64 / 7.0) } else { number.to_string() };
            [score.into_bytes(), member]
        })
        .collect();
    let key = filling.key();
    filling.fill("ZADD", &key, &rows, 2);
    filling.may_expire(&key);
}

fn zsets_of_10_members(filling: &mut Filling<'_>) {
    let members = strings(filling, 10, 1..=30);
    zset(filling, members);
}

fn zsets_around_128_members(filling: &mut Filling<'_>) {
    let count = filling.random.within(124..=132);
    let members =
        if filling.random.one_in(4) { integers(filling, count) } else { strings(filling, count, 1..=30) };
    zset(filling, members);
}

fn zsets_around_64_bytes(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=20);
    let members = strings(filling, count, 60..=65);
    zset(filling, members);
}

fn zsets_of_many_members(filling: &mut Filling<'_>) {
    let count = filling.random.within(150..=3000);
    let members = strings(filling, count, 4..=70);
    zset(filling, members);
}

fn list(filling: &mut Filling<'_>, items: &[Vec<u8>]) {
    let key = filling.key();
    filling.fill("RPUSH", &key, items, 1);
    filling.may_expire(&key);
}

fn lists_of_a_few_items(filling: &mut Filling<'_>) {
    let items: Vec<_> = (0..filling.random.within(1..=20)).map(|_| filling.word(0..=70)).collect();
    list(filling, &items);
}

fn lists_around_one_node(filling: &mut Filling<'_>) {
    let bytes = filling.random.within(8000..=8300);
    let mut items = Vec::new();
    let mut sum = 0;
    while sum < bytes {
        items.push(filling.word(0..=100));
        sum += items.last().unwrap().len() as u64 + 2;
    }
    list(filling, &items);
}

fn lists_of_many_nodes(filling: &mut Filling<'_>) {
    let longest = filling.random.one_of(&[10, 40, 200, 3000]);
    let bytes = filling.random.within(10_000..=100_000);
    let mut items = Vec::new();
    let mut sum = 0;
    while sum < bytes {
        items.push(filling.word(0..=longest));
        sum += items.last().unwrap().len() as u64 + 2;
    }
    list(filling, &items);
}

fn lists_of_integers(filling: &mut Filling<'_>) {
    let items: Vec<_> =
        (0..filling.random.within(1..=3000)).map(|_| filling.integer().to_string().into_bytes()).collect();
    list(filling, &items);
}

fn lists_of_one_large_item(filling: &mut Filling<'_>) {
    let bytes = filling.random.one_of(&[4000, 8150, 8180, 8185, 8192, 8193, 8200, 9000, 20_000]);
    let bytes = filling.random.within(bytes..=bytes + 12);
    let item = filling.text(bytes);
    list(filling, &[item]);
}

fn lists_with_large_items(filling: &mut Filling<'_>) {
    let items: Vec<_> = (0..filling.random.within(2..=12))
        .map(|_| {
            let bytes = filling.random.one_of(&[10, 100, 3000, 5000, 8000, 8190, 8193, 12_000, 40_000]);
            filling.text(bytes)
        })
        .collect();
    list(filling, &items);
}

/// Adds `count` entries with the same fields, except for some. Consecutive ids are up to 100,000 ms apart. Returns the
/// ids.
fn entries(
    filling: &mut Filling<'_>,
    key: &[u8],
    count: u64,
    bytes: std::ops::RangeInclusive<u64>,
) -> Vec<String> {
    let mut time = 1_700_000_000_000 + filling.random.within(0..=1_000_000);
    let apart = filling.random.one_of(&[0, 1, 1000, 100_000]);
    let mut ids = Vec::new();
    for number in 0..count {
        time += filling.random.within(0..=apart);
        let id = format!("{time}-{number}");
        let (first, second) = (filling.word(bytes.clone()), filling.integer().to_string());
        let other: &[u8] = if filling.random.one_in(10) { b"of its own" } else { b"number" };
        filling.command(&[b"XADD", key, id.as_bytes(), b"text", &first, other, second.as_bytes()]);
        ids.push(id);
    }
    ids
}

fn streams_of_a_few_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    let count = filling.random.within(1..=30);
    entries(filling, &key, count, 0..=60);
    filling.may_expire(&key);
}

fn streams_of_several_nodes(filling: &mut Filling<'_>) {
    let key = filling.key();
    let count = filling.random.within(90..=700);
    let longest = filling.random.one_of(&[10, 100, 1000]);
    entries(filling, &key, count, 0..=longest);
    filling.may_expire(&key);
}

/// Names, some of which are prefixes of others.
fn names(filling: &mut Filling<'_>, count: u64) -> Vec<String> {
    let all = [
        "group",
        "group-1",
        "group-10",
        "group-11",
        "group-2",
        "gr",
        "another group with a long name",
        "x",
        "consumer",
    ];
    let start = filling.random.next() as usize;
    (0..count as usize)
        .map(|number| match all.get((start + number) % 12) {
            Some(name) => (*name).to_owned(),
            None => format!("worker-{}-of-host-{}", filling.random.within(1..=3), number + 12),
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn groups(filling: &mut Filling<'_>, key: &[u8], most: u64, consumers: u64, reading: u64) {
    let count = filling.random.within(1..=most);
    for group in names(filling, count) {
        filling.command(&[b"XGROUP", b"CREATE", key, group.as_bytes(), b"0"]);
        let count = filling.random.within(0..=consumers);
        for consumer in names(filling, count) {
            if reading == 0 || filling.random.one_in(3) {
                filling.command(&[b"XGROUP", b"CREATECONSUMER", key, group.as_bytes(), consumer.as_bytes()]);
                continue;
            }
            let count = filling.random.within(1..=reading).to_string();
            filling.command(&[
                b"XREADGROUP",
                b"GROUP",
                group.as_bytes(),
                consumer.as_bytes(),
                b"COUNT",
                count.as_bytes(),
                b"STREAMS",
                key,
                b">",
            ]);
        }
    }
}

fn streams_with_groups(filling: &mut Filling<'_>) {
    let key = filling.key();
    let count = filling.random.within(1..=60);
    entries(filling, &key, count, 0..=30);
    groups(filling, &key, 3, 3, 10);
    filling.may_expire(&key);
}

fn streams_with_idle_consumers(filling: &mut Filling<'_>) {
    let key = filling.key();
    entries(filling, &key, 3, 0..=30);
    groups(filling, &key, 3, 12, 0);
    filling.may_expire(&key);
}

fn streams_with_many_pending_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    let ids = entries(filling, &key, 600, 0..=10);
    groups(filling, &key, 2, 4, 400);
    for id in ids.iter().step_by(3) {
        filling.command(&[b"XACK", &key, b"group", id.as_bytes()]);
    }
    filling.may_expire(&key);
}

fn streams_with_deleted_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    let count = filling.random.within(10..=500);
    let ids = entries(filling, &key, count, 0..=60);
    groups(filling, &key, 2, 3, 50);
    let kept = filling.random.one_of(&[2, 3, 10]);
    for id in ids.iter().take(ids.len() / 2).chain(ids.iter().step_by(kept)) {
        filling.command(&[b"XDEL", &key, id.as_bytes()]);
    }
    filling.may_expire(&key);
}

fn streams_without_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    for id in entries(filling, &key, 2, 0..=10) {
        filling.command(&[b"XDEL", &key, id.as_bytes()]);
    }
    groups(filling, &key, 1, 2, 0);
    filling.may_expire(&key);
}

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

fn hashes_with_one_expiring_field(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=10);
    hash_with_expiring_fields(filling, count, 1, 1 << 40);
}

fn hashes_with_some_expiring_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(2..=100);
    let expiring = filling.random.within(1..=count);
    hash_with_expiring_fields(filling, count, expiring, 1 << 40);
}

fn hashes_of_expiring_fields(filling: &mut Filling<'_>) {
    let count = filling.random.within(100..=127);
    hash_with_expiring_fields(filling, count, count, 1 << 40);
}

fn many_expiring_fields(filling: &mut Filling<'_>, apart_ms: u64) {
    let count = filling.random.within(128..=2000);
    hash_with_expiring_fields(filling, count, count, apart_ms);
}

fn hashes_of_many_fields_that_expire_at_once(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 10);
}

fn hashes_of_many_fields_that_expire_within_a_minute(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 60_000);
}

fn hashes_of_many_fields_that_expire_within_an_hour(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 3_600_000);
}

fn hashes_of_many_fields_that_expire_within_a_day(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 86_400_000);
}

fn hashes_of_many_fields_that_expire_within_years(filling: &mut Filling<'_>) {
    many_expiring_fields(filling, 1 << 37);
}
