//! Stretches that are copied from the source, and ranges that are read, make the file that one writer makes.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;
#[path = "common/dropping.rs"]
mod dropping;
#[path = "common/places.rs"]
mod places;
#[path = "common/ranges.rs"]
mod ranges;

use std::sync::atomic::{AtomicU64, Ordering};

use common::{
    Rdb,
    in_ranges::in_ranges,
    listpack,
    mixed::{self, Pick, all_but},
    text_of,
};
use dropping::DROP_ALL;
use proptest::{collection::vec, prelude::*};
use rdb_convert::{
    ConvertError, Databases, Glob, Options, Plan, RangePlan, RecordRange, Report, Target, write,
};
use rdb_scan::{
    Boundary, Control, InspectOptions, Kind, LEAST_STRETCH_BYTES, Stretch, TypeSet, ValueType,
    inspect_with_boundaries, read_header,
};

fn options(target: &str) -> Options {
    Options { policies: DROP_ALL, now_ms: 1_000_000, ..Options::new(target.parse().unwrap()) }
}

/// Boundaries and stretches, found in ranges between the cuts. Every n-th call asks for a pause; 0 is never.
fn inspect(
    file: &[u8],
    cuts: &[usize],
    options: &InspectOptions,
    every: usize,
) -> (Vec<Boundary>, Vec<Stretch>) {
    let (whole, boundaries) = in_ranges(file, cuts, options, every, usize::MAX);
    (boundaries, whole.stretches)
}

/// What one writer makes of a file.
fn in_sequence(file: &[u8], options: &Options) -> (Report, Vec<Vec<u8>>) {
    let plan = Plan::of(|| Ok(file), options).unwrap();
    assert_eq!(plan.report.refused, []);
    let mut written = Vec::new();
    let report = write(file, options, &plan, vec![&mut written]).unwrap();
    (report, vec![written])
}

fn picks() -> impl Strategy<Value = Vec<Pick>> {
    vec((any::<u8>(), any::<u8>(), any::<u16>()), 0..300)
}

fn rounds() -> u32 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn copies_make_the_same_file(
        picks in picks(),
        magic in prop::sample::select(&["REDIS0015", "REDIS0014", "REDIS0012", "VALKEY080"][..]),
        target in prop::sample::select(Target::NAMES),
        least_bytes in prop::sample::select(&[1, 100, 1000, 20_000][..]),
        cuts in vec(any::<usize>(), 0..20),
        every in 0usize..20,
    ) {
        let file = mixed::file(magic, &picks);
        let options = options(target);
        let inspecting = mixed::options(&file, options.copied_types(), least_bytes);
        let (boundaries, stretches) = inspect(&file, &cuts, &inspecting, every);
        let (report, written) = in_sequence(&file, &options);
        let (same_report, same) = ranges::convert_around(&file, &boundaries, &stretches, &options);
        prop_assert!(same == written, "{} stretches of {target}", stretches.len());
        prop_assert_eq!(&same_report, &report);
        // What was noted for another target is not taken for this one.
        let all = mixed::options(&file, all_but(&[]), least_bytes);
        let (boundaries, stretches) = inspect(&file, &cuts, &all, every);
        let ranges = RecordRange::around(&read_header(&file).unwrap(), &boundaries, &stretches, &options);
        prop_assert!(ranges.iter().all(|range| range.stretch().is_none()));
        prop_assert!(ranges::convert_around(&file, &boundaries, &stretches, &options).1 == written);
    }
}

/// A file of some 60 MB as Redis 7.4 writes it without cluster mode, without expiries of fields.
fn redis_7_4() -> Vec<u8> {
    let mut file = Rdb::with_header("REDIS0012").raw(&[250]).text(b"redis-ver").text(b"7.4.1").0;
    for (database, keys) in [(0, 100_000u64), (1, 40_000), (7, 2)] {
        file.push(254);
        file.extend(common::len(database));
        file.push(251);
        file.extend([common::len(keys), common::len(keys / 3)].concat());
        for number in 0..keys {
            if number.is_multiple_of(3) {
                file.push(252);
                file.extend((1_900_000_000_000 + number).to_le_bytes());
            }
            let key = text_of(format!("key:{database}:{number}").as_bytes());
            let text = [b'v'; 900];
            let value = match number % 8 {
                0 => [&[16][..], &key, &text_of(&listpack(&["field", "value", "other", "17"]))].concat(),
                1 => [&[17][..], &key, &text_of(&listpack(&["member", "1"]))].concat(),
                2 => [&[20][..], &key, &text_of(&listpack(&["a", "b", "1"]))].concat(),
                3 => [&[18][..], &key, &common::len(1), &common::len(2), &text_of(&listpack(&["one", "2"]))]
                    .concat(),
                4 => [&[21][..], &key, &common::stream(3)].concat(),
                5 => [&[11][..], &key, &text_of(&common::intset(2, &[-5, 1, 300]))].concat(),
                6 => [&[4][..], &key, &common::len(1), &text_of(b"field"), &text_of(&text)].concat(),
                _ => [&[0][..], &key, &text_of(&text.repeat(2))].concat(),
            };
            file.extend(value);
        }
    }
    Rdb(file).end_unchecked()
}

#[test]
fn hardly_anything_of_a_file_of_redis_7_4_is_read_for_valkey_8() {
    let file = redis_7_4();
    assert!(file.len() >= 50_000_000 && common::read(&file).is_sound(), "{}", file.len());
    for (target, percent) in [("valkey-8.0", 2), ("valkey-9.1", 2), ("redis-7.0", 100)] {
        let options = options(target);
        let inspecting = InspectOptions { copied: options.copied_types(), ..InspectOptions::default() };
        let (inspection, boundaries) =
            inspect_with_boundaries(&file[..], 2, &inspecting, &|_| Control::Continue).unwrap().unwrap();
        let stretches = &inspection.stretches;
        assert!(stretches.iter().all(|stretch| stretch.bytes >= LEAST_STRETCH_BYTES));
        let copied: u64 = stretches.iter().map(|stretch| stretch.bytes).sum();
        let outside = file.len() as u64 - copied;
        assert!(
            100 * outside <= percent * file.len() as u64,
            "{target}: {outside} bytes outside {stretches:?}"
        );
        let same = ranges::convert_around(&file, &boundaries, stretches, &options);
        assert!(same == in_sequence(&file, &options));
    }
}

/// The plan of a file around its stretches, and their bytes, all found with two threads.
fn planned_around(file: &[u8], options: &Options) -> (Plan, u64) {
    let inspecting = InspectOptions { copied: options.copied_types(), ..InspectOptions::default() };
    let (inspection, boundaries) =
        inspect_with_boundaries(file, 2, &inspecting, &|_| Control::Continue).unwrap().unwrap();
    let header = inspection.header().unwrap();
    let ranges = RecordRange::around(&header, &boundaries, &inspection.stretches, options);
    let read = AtomicU64::new(0);
    let watch = |bytes| {
        read.fetch_add(bytes, Ordering::Relaxed);
    };
    let plan = Plan::of_ranges(file, &ranges, 2, options, inspection.field_expires > 0, &watch).unwrap();
    (plan, read.into_inner())
}

#[test]
fn threads_copy_stretches() {
    let file = redis_7_4();
    for (target, read_percent) in [("valkey-8.0", 2), ("redis-7.0", 100)] {
        let options = options(target);
        let (plan, read) = planned_around(&file, &options);
        assert!(100 * read <= read_percent * file.len() as u64, "{target}: {read} bytes read");
        for threads in [1, 3] {
            let same = places::write(&file, threads, &options, &plan).unwrap();
            assert!(same == in_sequence(&file, &options), "{target}, {threads} threads");
        }
    }
}

#[test]
fn a_stretch_that_was_changed_is_not_copied_unnoticed() {
    let mut file = redis_7_4();
    let options = options("valkey-8.0");
    let (plan, _) = planned_around(&file, &options);
    let middle = file.len() / 2;
    // Within a value: no record looks any different.
    let at = middle + file[middle..].windows(50).position(|bytes| bytes == [b'v'; 50]).unwrap();
    file[at] = b'w';
    let changed = places::write(&file, 2, &options, &plan);
    assert!(matches!(changed, Err(ConvertError::Changed(_))), "{changed:?}");
}

#[test]
fn ranges_and_stretches_alternate_and_cover_the_file() {
    let file = Rdb::new().database(1).filler().database(2).filler().filler().database(1).filler().end();
    let options = options("valkey-8.1");
    let types = options.copied_types();
    let (_, stretches) = inspect(&file, &[], &mixed::options(&file, types, 1), 0);
    let header = read_header(&file).unwrap();
    let ranges = RecordRange::around(&header, &ranges::boundaries(&file), &stretches, &options);
    let shown: Vec<_> = ranges
        .iter()
        .map(|range| (range.from.offset, range.from.database, range.end, range.stretch().map(|one| one.keys)))
        .collect();
    assert_eq!(
        shown,
        [
            (9, 0, Some(11), None),
            (11, 1, Some(25), Some(1)),
            (25, 1, Some(27), None),
            (27, 2, Some(55), Some(2)),
            (55, 2, Some(57), None),
            (57, 1, Some(71), Some(1)),
            (71, 1, None, None),
        ]
    );
    // Those that overlap or are out of order, of an unknown database, or of no types are ignored.
    let strange: Vec<_> = stretches
        .iter()
        .rev()
        .cloned()
        .chain([
            Stretch { offset: 60, ..stretches[2].clone() },
            Stretch { offset: 0, ..stretches[0].clone() },
            Stretch { offset: 100, database: u64::MAX, ..stretches[0].clone() },
            Stretch { offset: 200, types: TypeSet::default(), ..stretches[0].clone() },
            Stretch { offset: 300, bytes: 0, ..stretches[0].clone() },
        ])
        .collect();
    let around = RecordRange::around(&header, &[], &strange, &options);
    assert_eq!(around.iter().filter(|range| range.stretch().is_some()).count(), 1);
    assert_eq!(RangePlan::of_stretch(&ranges[0], &options), None);
    // A range that another version wrote is none of a stretch, and its stretch is that of its place.
    let mut value = serde_json::to_value(&ranges[1]).unwrap();
    value["end"] = 26.into();
    assert_eq!(serde_json::from_value::<RecordRange>(value.clone()).unwrap().stretch(), None);
    value.as_object_mut().unwrap().remove("stretch");
    assert_eq!(serde_json::from_value::<RecordRange>(value).unwrap().stretch(), None);
}

#[test]
fn nothing_is_copied_unread_if_single_keys_matter() {
    let plain = options("valkey-8.1");
    let types = plain.copied_types();
    assert!(
        [ValueType::String, ValueType::Stream3, ValueType::SetListpack]
            .iter()
            .all(|one| types.contains(*one))
    );
    assert!(!types.contains(ValueType::HashExpiriesValkey) && !types.contains(ValueType::Stream4));
    assert!(!options("redis-7.0").copied_types().contains(ValueType::SetListpack));
    let glob = || vec![Glob::new("a*")];
    for other in [
        Options { databases: Databases::merged(), ..plain.clone() },
        Options { databases: Databases::parse("1=2").unwrap(), ..plain.clone() },
        Options { include: glob(), ..plain.clone() },
        Options { exclude: glob(), ..plain.clone() },
        Options { drop_expired: true, ..plain.clone() },
        Options { repair: true, ..plain.clone() },
        Options { only: vec![Kind::String], ..plain.clone() },
        Options { slots: Some(0..=5), ..plain.clone() },
        Options { split: 2, ..plain.clone() },
    ] {
        assert_eq!(other.copied_types(), TypeSet::default(), "{other:?}");
    }
}
