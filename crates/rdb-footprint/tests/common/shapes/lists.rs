//! Lists.

use crate::common::filling::Filling;

fn list(filling: &mut Filling<'_>, items: &[Vec<u8>]) {
    let key = filling.key();
    filling.fill("RPUSH", &key, items, 1);
    filling.may_expire(&key);
}

pub(super) fn lists_of_a_few_items(filling: &mut Filling<'_>) {
    let items: Vec<_> = (0..filling.random.within(1..=20)).map(|_| filling.word(0..=70)).collect();
    list(filling, &items);
}

pub(super) fn lists_around_one_node(filling: &mut Filling<'_>) {
    let bytes = filling.random.within(8000..=8300);
    let mut items = Vec::new();
    let mut sum = 0;
    while sum < bytes {
        items.push(filling.word(0..=100));
        sum += items.last().unwrap().len() as u64 + 2;
    }
    list(filling, &items);
}

pub(super) fn lists_of_many_nodes(filling: &mut Filling<'_>) {
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

pub(super) fn lists_of_integers(filling: &mut Filling<'_>) {
    let items: Vec<_> =
        (0..filling.random.within(1..=3000)).map(|_| filling.integer().to_string().into_bytes()).collect();
    list(filling, &items);
}

pub(super) fn lists_of_one_large_item(filling: &mut Filling<'_>) {
    let bytes = filling.random.one_of(&[4000, 8150, 8180, 8185, 8192, 8193, 8200, 9000, 20_000]);
    let bytes = filling.random.within(bytes..=bytes + 12);
    let item = filling.text(bytes);
    list(filling, &[item]);
}

pub(super) fn lists_with_large_items(filling: &mut Filling<'_>) {
    let items: Vec<_> = (0..filling.random.within(2..=12))
        .map(|_| {
            let bytes = filling.random.one_of(&[10, 100, 3000, 5000, 8000, 8190, 8193, 12_000, 40_000]);
            filling.text(bytes)
        })
        .collect();
    list(filling, &items);
}
