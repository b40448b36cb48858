//! Sets and sorted sets.

use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::common::filling::Filling;

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

fn strings(filling: &mut Filling<'_>, count: u64, bytes: RangeInclusive<u64>) -> Vec<Vec<u8>> {
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

pub(super) fn sets_of_integers_of_one_width(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=100);
    let members = integers(filling, count);
    set(filling, &members);
}

pub(super) fn sets_of_integers_around_512(filling: &mut Filling<'_>) {
    let count = filling.random.within(508..=517);
    let members = integers(filling, count);
    set(filling, &members);
}

pub(super) fn sets_of_many_integers(filling: &mut Filling<'_>) {
    let count = filling.random.within(520..=1400);
    let members = integers(filling, count);
    set(filling, &members);
}

pub(super) fn sets_of_10_strings(filling: &mut Filling<'_>) {
    let members = strings(filling, 10, 1..=30);
    set(filling, &members);
}

pub(super) fn sets_around_128_strings(filling: &mut Filling<'_>) {
    let count = filling.random.within(124..=132);
    let members = strings(filling, count, 1..=30);
    set(filling, &members);
}

pub(super) fn sets_with_one_long_string(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=40);
    let mut members = strings(filling, count, 1..=20);
    let bytes = filling.random.within(62..=67);
    members.push(filling.text(bytes));
    set(filling, &members);
}

pub(super) fn sets_of_12_with_one_long_string(filling: &mut Filling<'_>) {
    let mut members: Vec<_> = (0..11).map(|_| filling.text(12)).collect();
    members.push(filling.text(70));
    set(filling, &members);
}

pub(super) fn sets_of_numbers_and_strings(filling: &mut Filling<'_>) {
    let count = filling.random.one_of(&[2, 10, 60, 120, 200, 400, 505]);
    let mut members = integers(filling, count);
    let count = filling.random.one_of(&[1, 2, 10, 60]);
    members.extend(strings(filling, count, 1..=20));
    set(filling, &members);
}

pub(super) fn sets_of_many_strings(filling: &mut Filling<'_>) {
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

pub(super) fn zsets_of_10_members(filling: &mut Filling<'_>) {
    let members = strings(filling, 10, 1..=30);
    zset(filling, members);
}

pub(super) fn zsets_around_128_members(filling: &mut Filling<'_>) {
    let count = filling.random.within(124..=132);
    let members =
        if filling.random.one_in(4) { integers(filling, count) } else { strings(filling, count, 1..=30) };
    zset(filling, members);
}

pub(super) fn zsets_around_64_bytes(filling: &mut Filling<'_>) {
    let count = filling.random.within(1..=20);
    let members = strings(filling, count, 60..=65);
    zset(filling, members);
}

pub(super) fn zsets_of_many_members(filling: &mut Filling<'_>) {
    let count = filling.random.within(150..=3000);
    let members = strings(filling, count, 4..=70);
    zset(filling, members);
}
