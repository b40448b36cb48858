//! The stretches of a file are those that a copy of each record shows, however the file is cut and wherever it pauses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{
    Rdb,
    in_ranges::{Slow, in_ranges, sent, sent_position},
    mixed::{Pick, all_but, file, options, stretches},
    read_with,
};
use proptest::{collection::vec, prelude::*};
use rdb_scan::{
    Control, InspectOptions, Inspected, Inspection, LEAST_STRETCH_BYTES, Position, Stretch, TypeSet,
    ValueType, inspect, inspect_with_boundaries,
};

/// What reading a file in ranges finds.
fn by_ranges(file: &[u8], cuts: &[usize], options: &InspectOptions, every: usize, step: usize) -> Inspection {
    in_ranges(file, cuts, options, every, step).0
}

/// Reads a file with a pause at every n-th call.
fn with_pauses(file: &[u8], options: &InspectOptions, every: usize, step: usize) -> Inspection {
    let (mut position, mut whole, mut calls) = (Position::default(), None::<Inspection>, 0);
    loop {
        let rest = Slow(&file[position.offset() as usize..], step);
        let inspected = inspect(rest, &position, options, &mut |_| {
            calls += 1;
            if calls % every == 0 { Control::Pause } else { Control::Continue }
        });
        let (part, next) = match inspected.unwrap() {
            Inspected::Complete(part) => (part, None),
            Inspected::Paused(part, next) => (part, Some(next)),
        };
        let part = sent(&part);
        whole = Some(match whole {
            None => part,
            Some(whole) => whole.join(part).unwrap(),
        });
        match next {
            None => return whole.unwrap(),
            Some(next) => position = sent_position(file, &next),
        }
    }
}

/// Stretches that were cut are parts of the whole ones, and nothing else differs.
#[track_caller]
fn expect_parts(file: &[u8], found: &[Stretch], whole: &[Stretch], types: TypeSet) {
    assert!(found.is_sorted_by(|one, next| one.end() <= next.offset), "{found:?}");
    for one in found {
        let around = whole.iter().find(|whole| whole.offset <= one.offset && one.end() <= whole.end());
        assert_eq!(around.map(|around| around.database), Some(one.database), "{one:?} is none of {whole:?}");
        assert_eq!(one.crc, common::crc64(&file[one.offset as usize..one.end() as usize]));
        // The same records alone have the same counts.
        let alone = Rdb::with_header(std::str::from_utf8(&file[..9]).unwrap()).database(one.database);
        let alone = alone.raw(&file[one.offset as usize..one.end() as usize]).end();
        let [again] = &stretches(&alone, types, 1)[..] else { panic!("{one:?} is not one stretch") };
        assert_eq!((again.keys, again.expires, again.crc), (one.keys, one.expires, one.crc));
    }
}

fn picks() -> impl Strategy<Value = Vec<Pick>> {
    vec((any::<u8>(), any::<u8>(), any::<u16>()), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stretches_are_those_of_a_copy(
        picks in picks(),
        magic in prop::sample::select(&["REDIS0015", "REDIS0014", "REDIS0010", "VALKEY080"][..]),
        least_bytes in prop::sample::select(&[1, 100, 1000, 20_000][..]),
        missing in vec(prop::sample::select(ValueType::ALL), 0..4),
        cuts in vec(any::<usize>(), 0..20),
        every in 0usize..20,
        step in prop::sample::select(&[50, 777, 5000, usize::MAX][..]),
    ) {
        let file = file(magic, &picks);
        let missing: Vec<_> = missing.into_iter().filter(|one| *one != ValueType::String).collect();
        let types = all_but(&missing);
        let options = options(&file, types, least_bytes);
        let whole = read_with(&file, &options);
        prop_assert!(whole.is_sound(), "{:?}", whole.faults);
        let expected = stretches(&file, types, least_bytes);
        prop_assert_eq!(&whole.stretches, &expected);
        prop_assert_eq!(&with_pauses(&file, &options, usize::MAX, step), &whole);
        prop_assert_eq!(&by_ranges(&file, &cuts, &options, 0, step), &whole);
        let whole = stretches(&file, types, 1);
        expect_parts(&file, &by_ranges(&file, &cuts, &options, every, step).stretches, &whole, types);
        if every > 0 {
            expect_parts(&file, &with_pauses(&file, &options, every, step).stretches, &whole, types);
        }
    }
}

#[test]
fn a_large_file_is_one_stretch_whatever_reads_it() {
    let mut rdb = Rdb::new().database(3);
    for number in 0..60_000 {
        rdb = rdb.key(0, &format!("key:{number}")).text(&[b'v'; 700]);
        if number == 20_000 {
            rdb = rdb.database(1);
        }
    }
    let file = rdb.end_unchecked();
    let types = TypeSet::from_iter([ValueType::String]);
    let options = options(&file, types, LEAST_STRETCH_BYTES);
    let expected = stretches(&file, types, LEAST_STRETCH_BYTES);
    assert_eq!(
        expected.iter().map(|one| (one.database, one.keys)).collect::<Vec<_>>(),
        [(3, 20_001), (1, 39_999)]
    );
    assert_eq!(read_with(&file, &options).stretches, expected);
    let (whole, boundaries) =
        inspect_with_boundaries(&file[..], 2, &options, &|_| Control::Continue).unwrap().unwrap();
    assert!(boundaries.len() > 3);
    assert_eq!(whole.stretches, expected);
    let cuts: Vec<_> = (1..7).map(|part| file.len() * part / 7).collect();
    assert_eq!(by_ranges(&file, &cuts, &options, 0, usize::MAX).stretches, expected);
    // Nothing is noted unless it is asked for, and never without strings.
    for copied in [TypeSet::default(), TypeSet::from_iter([ValueType::HashTable])] {
        assert_eq!(read_with(&file, &InspectOptions { copied, ..options.clone() }).stretches, []);
    }
}

#[test]
fn a_part_notes_a_thousand_stretches_at_most() {
    let mut rdb = Rdb::new();
    for number in 0..1500 {
        rdb = rdb.database(number % 2).key(0, &format!("key:{number}")).text(b"value");
    }
    let file = rdb.end();
    let types = TypeSet::from_iter([ValueType::String]);
    let options = options(&file, types, 1);
    let expected = stretches(&file, types, 1);
    assert_eq!(expected.len(), 1500);
    assert_eq!(read_with(&file, &options).stretches, &expected[..1000]);
    assert_eq!(by_ranges(&file, &[file.len() / 2], &options, 0, usize::MAX).stretches, expected);
}

/// Ranges around stretches are read with the templates before the first key.
#[test]
fn only_templates_after_the_first_key_forbid_stretches() {
    let template = |rdb: Rdb, id| rdb.raw(&[242]).len(id).len(1).text(b"field");
    let keys = |rdb, from| {
        (from..from + 100).fold(rdb, |rdb: Rdb, number| rdb.key(0, &format!("key:{number}")).text(b"value"))
    };
    let begin = || Rdb::with_header("REDIS0015");
    for (file, number) in [
        (keys(begin(), 0).end(), 1),
        (keys(template(begin(), 1), 0).end(), 1),
        (keys(keys(template(begin(), 1), 0).key(32, "hash").len(1).text(b"value"), 100).end(), 2),
        (keys(template(keys(template(begin(), 1), 0), 2), 100).end(), 0),
    ] {
        let options = options(&file, TypeSet::from_iter([ValueType::String]), 1);
        let whole = read_with(&file, &options);
        assert!(whole.is_sound(), "{:?}", whole.faults);
        assert_eq!(whole.stretches.len(), number);
        for cut in 1..file.len() {
            assert_eq!(by_ranges(&file, &[cut], &options, 0, usize::MAX), whole, "cut at {cut}");
        }
    }
}
