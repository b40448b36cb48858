//! The stretches of a file are those that a copy of each record shows, however the file is cut and wherever it pauses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::io::{
    Read, {self},
};

use common::{
    Rdb,
    mixed::{Pick, all_but, file, options, stretches},
    read_with,
};
use proptest::{collection::vec, prelude::*};
use rdb_scan::{
    Assembly, Control, InspectOptions, Inspected, Inspection, LEAST_STRETCH_BYTES, Position, RangeInspection,
    Stretch, TypeSet, ValueType, assemble, inspect, inspect_range, inspect_up_to, inspect_with_boundaries,
    read_header,
};
use serde::{Serialize, de::DeserializeOwned};

/// A source that returns little at a time, so that records end and begin anywhere in memory.
struct Slow<'f>(&'f [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

fn sent<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

/// Reads a file in ranges, and gaps until there are none. A watcher asks for a pause at every n-th call; 0 is never.
fn by_ranges(file: &[u8], cuts: &[usize], options: &InspectOptions, every: usize, step: usize) -> Inspection {
    let header = read_header(file).unwrap();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % file.len()).chain([0, file.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut calls = 0;
    let mut watch = |_: &_| {
        calls += 1;
        if every > 0 && calls % every == 0 { Control::Pause } else { Control::Continue }
    };
    let range = |cut: &[usize]| cut[0] as u64..cut[1] as u64;
    let mut ranges: Vec<RangeInspection> = cuts
        .windows(2)
        .map(|cut| {
            inspect_range(Slow(&file[cut[0]..], step), range(cut), &header, options, &mut watch).unwrap()
        })
        .map(|range| sent(&range))
        .collect();
    for round in 0..100 {
        match assemble(&ranges, file.len() as u64, round) {
            Assembly::Whole(whole) => return *whole,
            Assembly::Gaps(gaps) => {
                for gap in gaps {
                    let source = Slow(&file[gap.start.offset() as usize..], step);
                    let read =
                        inspect_up_to(source, &gap.start, gap.end, options, &mut |_| Control::Continue);
                    ranges.push(sent(&read.unwrap()));
                }
            }
        }
    }
    panic!("no end of gaps");
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
            Some(next) => position = sent(&next),
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
        magic in prop::sample::select(&["REDIS0014", "REDIS0010", "VALKEY080"][..]),
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

/// A hash that refers to a template cannot be read without it, so no range of such a file is on its own.
#[test]
fn a_file_with_templates_has_no_stretches() {
    let of = |templates: bool| {
        let rdb = Rdb::with_header("REDIS0015");
        let rdb = if templates { rdb.raw(&[242]).len(1).len(1).text(b"field") } else { rdb };
        (0..100).fold(rdb, |rdb, number| rdb.key(0, &format!("key:{number}")).text(b"value")).end()
    };
    for (templates, number) in [(false, 1), (true, 0)] {
        let file = of(templates);
        let options = options(&file, TypeSet::from_iter([ValueType::String]), 1);
        assert_eq!(read_with(&file, &options).stretches.len(), number);
        assert_eq!(by_ranges(&file, &[file.len() / 2], &options, 0, usize::MAX).stretches.len(), number);
    }
}
