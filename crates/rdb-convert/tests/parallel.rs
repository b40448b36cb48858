//! Several threads write what one does, byte for byte, and a plan knows the number of bytes.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;
#[path = "common/converting.rs"]
mod converting;
#[path = "common/places.rs"]
mod places;

use common::{Rdb, len, listpack, text_of};
use converting::convert;
use rdb_convert::{
    ConvertError, Databases, OnConflict, Options, Plan, Policies, Policy, RecordRange, Report, Survey,
    merge_plans, plan_range, preview_ranges,
};
use rdb_scan::{
    Boundary, Control, InspectOptions, Inspection, inspect_with_boundaries, read_header,
    walk::{FieldNames, Step, Walk},
};

const NOW_MS: u64 = 1_800_000_000_000;

/// A file of some 24 MB: four stretches in databases 0, 3, 0 and 1, with keys that occur in several of them, or twice
/// in one; hashes with expiries, some of them large; lists; and members that occur twice.
fn file() -> Vec<u8> {
    let mut file = Rdb::with_header("REDIS0012").raw(&[250]).text(b"redis-ver").text(b"7.4.1").0;
    file.extend([&[245][..], &text_of(b"#!lua name=lib\n")].concat());
    for (stretch, database) in [0, 3, 0, 1].into_iter().enumerate() {
        file.push(254);
        file.extend(len(database));
        for number in 0..6_000u64 {
            // Some keys are those of the stretch before.
            let shared = number.is_multiple_of(37) && (database != 0 || stretch == 2);
            let key = if shared { format!("key:{number}") } else { format!("key:{stretch}:{number}") };
            let key = text_of(key.as_bytes());
            let value = [b'v'; 700];
            if number.is_multiple_of(5) {
                file.push(252);
                file.extend((NOW_MS - 2 + number).to_le_bytes());
            }
            let table = |id: u8, rows: u64| [&[id][..], &key, &NOW_MS.to_le_bytes(), &len(rows)].concat();
            match number % 10 {
                1 => {
                    let rows = if number == 3001 { 3000 } else { 3 };
                    file.extend(table(24, rows));
                    for row in 0..rows {
                        // One in three has no expiry, one has expired.
                        file.extend(len(row % 3));
                        file.extend(text_of(format!("field:{row}").as_bytes()));
                        file.extend(text_of(&value));
                    }
                }
                2 => {
                    // Nothing of it is left.
                    file.extend([&table(24, 1)[..], &len(1), &text_of(b"field"), &text_of(&value)].concat());
                }
                3 => {
                    file.extend([&[18][..], &key, &len(1), &len(2)].concat());
                    file.extend(text_of(&listpack(&["one", "2", "-300", &"long ".repeat(100)])));
                }
                4 => {
                    file.extend([&[4][..], &key, &len(2)].concat());
                    for text in ["same", "1", "same", "2"] {
                        file.extend(text_of(text.as_bytes()));
                    }
                }
                5 => {
                    file.extend([&[20][..], &key].concat());
                    file.extend(text_of(&listpack(&["a", "b", "a"])));
                }
                _ => file.extend([&[0][..], &key, &text_of(&value)].concat()),
            }
        }
    }
    Rdb(file).end_unchecked()
}

fn inspect(file: &[u8], threads: usize) -> (Inspection, Vec<Boundary>) {
    let options = InspectOptions::default();
    inspect_with_boundaries(file, threads, &options, &|_| Control::Continue).unwrap().unwrap()
}

fn in_parallel(file: &[u8], threads: usize, options: &Options) -> (Report, Vec<Vec<u8>>) {
    let (inspection, boundaries) = inspect(file, threads);
    let ranges = RecordRange::between(&read_header(file).unwrap(), &boundaries);
    assert!(ranges.len() > 4, "{ranges:?}");
    let expiring = inspection.field_expires > 0;
    let plan = Plan::of_ranges(file, &ranges, threads, options, expiring, &|_| ()).unwrap();
    assert_eq!(plan.range_count(), ranges.len());
    let (report, files) = places::write(file, threads, options, &plan).unwrap();
    assert_eq!(report, plan.report);
    (report, files)
}

fn in_sequence(file: &[u8], options: &Options) -> (Report, Vec<Vec<u8>>) {
    let (plan, files) = convert(|| file, options);
    (plan.report, files)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let file = file();
    let drop = Policies { field_expiries: Policy::Drop, functions: Policy::Drop, ..Policies::default() };
    let of = |target: &str| Options {
        policies: drop,
        now_ms: NOW_MS.cast_signed(),
        ..Options::new(target.parse().unwrap())
    };
    let mended = |target| Options { repair: true, ..of(target) };
    let merged = |target, on_conflict| Options {
        databases: Databases::merged(),
        on_conflict,
        repair: true,
        ..of(target)
    };
    for options in [
        mended("redis-6.2"),
        Options { split: 3, ..mended("valkey-9.0") },
        merged("valkey-8.1", OnConflict::First),
        Options { split: 5, drop_expired: true, ..merged("redis-7.0", OnConflict::Last) },
        Options { databases: Databases::parse("0=drop,1=3:one:").unwrap(), ..of("valkey-8.1") },
    ] {
        let whole = in_sequence(&file, &options);
        for threads in [1, 2, 8] {
            let parallel = in_parallel(&file, threads, &options);
            assert_eq!(parallel.0, whole.0, "{threads} threads, {options:?}");
            assert!(parallel.1 == whole.1, "{threads} threads, {options:?}");
        }
    }
}

/// A file of some 20 MB with hashes that refer to templates, the last of them as well.
fn with_templates() -> Vec<u8> {
    let mut rdb = Rdb::with_header("REDIS0015").raw(b"\xf2\x07\x02\x03age\x04name\xf2\x32\x01");
    rdb = rdb.text(&[b'f'; 300]).database(0);
    for number in 0..9_000u64 {
        if number.is_multiple_of(4_000) {
            rdb = rdb.database(number / 4_000);
        }
        let key = format!("key:{number}");
        rdb = match number % 3 {
            0 => rdb.key(30, &key).text(&listpack(&["7", "42", &"long ".repeat(300)])),
            1 => rdb.key(32, &key).len(50).text(&[b'v'; 3000]),
            _ => rdb.key(0, &key).text(&[b'v'; 2000]),
        };
    }
    rdb.key(32, "last").len(7).text(b"1").text(b"2").end_unchecked()
}

#[test]
fn hashes_with_templates_are_converted_in_ranges() {
    let file = with_templates();
    let of = |target: &str| Options::new(target.parse().unwrap());
    for options in [
        of("valkey-8.1"),
        Options { split: 2, repair: true, ..of("redis-6.2") },
        Options { databases: Databases::merged(), ..of("valkey-9.0") },
    ] {
        let whole = in_sequence(&file, &options);
        assert_eq!(whole.0.keys_rewritten, 6_001);
        for threads in [1, 2, 8] {
            assert!(in_parallel(&file, threads, &options) == whole, "{threads} threads, {options:?}");
        }
    }
}

#[test]
fn what_is_written_of_hashes_with_templates_is_inspected_in_ranges() {
    let file = with_templates();
    let options = Options::new("valkey-8.1".parse().unwrap());
    let (_, written) = in_sequence(&file, &options);
    let (inspection, boundaries) = inspect(&file, 2);
    let ranges = RecordRange::between(&inspection.header().unwrap(), &boundaries);
    let plan = Plan::of_ranges(&file[..], &ranges, 2, &options, false, &|_| ()).unwrap();
    let inspecting = InspectOptions::default();
    let previewed = preview_ranges(&file[..], 2, &options, &plan, &inspecting, &|_| ()).unwrap();
    assert_eq!(previewed, inspect(&written[0], 1).0);
}

#[test]
fn a_worker_with_other_templates_is_refused() {
    let file = with_templates();
    let options = Options::new("valkey-8.1".parse().unwrap());
    let (inspection, boundaries) = inspect(&file, 2);
    let header = inspection.header().unwrap();
    let sent = |range: &RecordRange| -> RecordRange {
        serde_json::from_slice(&serde_json::to_vec(range).unwrap()).unwrap()
    };
    let ranges: Vec<_> = RecordRange::between(&header, &boundaries).iter().map(sent).collect();
    assert!(!ranges[0].needs_templates() && ranges[1].needs_templates());
    let bytes = |range: &RecordRange| &file[range.from.offset as usize..];
    let survey = Survey::default();
    let missing = plan_range(bytes(&ranges[1]), &ranges[1], &options, &survey);
    assert!(matches!(missing, Err(ConvertError::NoTemplates { .. })), "{missing:?}");
    let mut other = file.clone();
    other[13] = b'A';
    let changed = ranges[1].clone().with_templates(&FieldNames::of_head(&other[..], u64::MAX).unwrap());
    assert!(matches!(changed, Err(ConvertError::Changed(_))), "{changed:?}");
    // Nor do the plans of two files make one.
    let head = FieldNames::of_head(&file[..], u64::MAX).unwrap();
    let mut plans: Vec<_> = ranges
        .iter()
        .map(|range| range.clone().with_templates(&head).unwrap())
        .map(|range| plan_range(bytes(&range), &range, &options, &survey).unwrap())
        .collect();
    merge_plans(plans.clone(), &options, &survey).unwrap();
    plans[1].range.header = inspect(&other, 2).0.header().unwrap();
    let mixed = merge_plans(plans, &options, &survey);
    assert!(matches!(mixed, Err(ConvertError::Changed(_))), "{mixed:?}");
}

#[test]
fn the_first_or_the_last_of_a_key_stays() {
    // The database of the key that stays is known by its value.
    let mut rdb = Rdb::new();
    for (database, value) in [(3, "a"), (0, "b"), (3, "c"), (1, "d")] {
        rdb = rdb.database(database).key(0, "key").text(value.as_bytes());
    }
    let file = rdb.end();
    for (on_conflict, expected) in [(OnConflict::First, "a"), (OnConflict::Last, "d")] {
        let databases = Databases::merged();
        let options =
            Options { databases, on_conflict, repair: true, ..Options::new("valkey-8.1".parse().unwrap()) };
        let (report, files) = in_sequence(&file, &options);
        assert_eq!((report.keys_written, report.conflicts.number), (1, 1));
        assert!(files[0].windows(4).any(|text| text == [b'e', b'y', 1, expected.as_bytes()[0]]));
    }
}

#[test]
fn boundaries_are_those_of_records() {
    let file = file();
    let mut records = Vec::new();
    let mut walk = Walk::new(&file[..]).unwrap();
    let mut database = 0;
    loop {
        match walk.step().unwrap() {
            Step::End => break,
            Step::Database(selected) => database = selected,
            _ => {}
        }
        records.push(Boundary { offset: walk.head().offset, database });
    }
    for threads in [1, 2, 8] {
        let (inspection, boundaries) = inspect(&file, threads);
        assert!(inspection.is_sound());
        assert!(boundaries.iter().all(|boundary| records.contains(boundary)), "{boundaries:?}");
        assert!(boundaries.is_sorted_by(|one, next| one.offset < next.offset));
        assert!(boundaries.len() > 4, "{threads} threads");
    }
}
