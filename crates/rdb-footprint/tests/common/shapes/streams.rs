//! Streams.

use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::common::filling::Filling;

/// Adds `count` entries with the same fields, except for some. Consecutive ids are up to 100,000 ms apart. Returns the
/// ids.
fn entries(filling: &mut Filling<'_>, key: &[u8], count: u64, bytes: RangeInclusive<u64>) -> Vec<String> {
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

pub(super) fn streams_of_a_few_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    let count = filling.random.within(1..=30);
    entries(filling, &key, count, 0..=60);
    filling.may_expire(&key);
}

pub(super) fn streams_of_several_nodes(filling: &mut Filling<'_>) {
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

pub(super) fn streams_with_groups(filling: &mut Filling<'_>) {
    let key = filling.key();
    let count = filling.random.within(1..=60);
    entries(filling, &key, count, 0..=30);
    groups(filling, &key, 3, 3, 10);
    filling.may_expire(&key);
}

pub(super) fn streams_with_idle_consumers(filling: &mut Filling<'_>) {
    let key = filling.key();
    entries(filling, &key, 3, 0..=30);
    groups(filling, &key, 3, 12, 0);
    filling.may_expire(&key);
}

pub(super) fn streams_with_many_pending_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    let ids = entries(filling, &key, 600, 0..=10);
    groups(filling, &key, 2, 4, 400);
    for id in ids.iter().step_by(3) {
        filling.command(&[b"XACK", &key, b"group", id.as_bytes()]);
    }
    filling.may_expire(&key);
}

pub(super) fn streams_with_deleted_entries(filling: &mut Filling<'_>) {
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

pub(super) fn streams_without_entries(filling: &mut Filling<'_>) {
    let key = filling.key();
    for id in entries(filling, &key, 2, 0..=10) {
        filling.command(&[b"XDEL", &key, id.as_bytes()]);
    }
    groups(filling, &key, 1, 2, 0);
    filling.may_expire(&key);
}
