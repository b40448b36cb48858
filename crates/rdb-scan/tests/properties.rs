//! Properties that hold for any file, any cut and any flipped bit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::io::Read;

use common::{Rdb, all_types, lzf_literals, read, read_with, tape::tape, text_of};
use proptest::prelude::*;
use rdb_scan::{Control, FaultCode, InspectOptions, Inspected, Inspection, Position, inspect};

/// Reads a file in parts. Each pauses as soon as it can, and passes through JSON as between processes.
fn in_parts(file: &[u8], options: &InspectOptions) -> (Inspection, usize) {
    let (mut whole, mut position, mut parts) = (Inspection::default(), Position::default(), 0);
    loop {
        let source = &file[position.offset() as usize..];
        let inspected = inspect(source, &position, options, &mut |_| Control::Pause).unwrap();
        parts += 1;
        let (part, next) = match inspected {
            Inspected::Complete(part) => (part, None),
            Inspected::Paused(part, next) => (part, Some(next)),
        };
        let part: Inspection = serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap();
        whole = whole.join(part).unwrap();
        match next {
            None => return (whole, parts),
            Some(next) => position = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap(),
        }
    }
}

#[test]
fn pausing_at_every_record_gives_what_one_pass_gives() {
    let file = all_types();
    let known = InspectOptions {
        size_bytes: Some(file.len() as u64),
        now_ms: 2_000_000_000,
        hide_keys: true,
        weighings: tape(),
        ..InspectOptions::default()
    };
    for options in [InspectOptions::default(), known] {
        let (joined, parts) = in_parts(&file, &options);
        assert!(parts > 40, "{parts}");
        assert_eq!(joined, read_with(&file, &options));
    }
}

#[test]
fn pausing_keeps_every_bound() {
    // More databases, AUX fields, modules, hazards and big keys than are kept.
    let mut rdb = Rdb::new();
    for index in 0..1100u64 {
        let other = index * 7919 % 1100;
        rdb = rdb.database(other).raw(&[250]).text(format!("aux{other:04}").as_bytes()).text(b"1");
        rdb = rdb.key(7, "module").module_id(&format!("mod-a{other:04}"), 1).len(0);
        rdb = rdb.key(0, &format!("key{index}")).text(&vec![b'x'; (other % 50) as usize]);
    }
    let file = rdb.end();
    let (joined, _) = in_parts(&file, &InspectOptions::default());
    let whole = read_with(&file, &InspectOptions::default());
    assert_eq!(joined, whole);
    assert_eq!((whole.databases.len(), whole.other_databases.keys), (1024, 152));
    assert!(serde_json::to_string(&whole).unwrap().len() < 1 << 20);
}

#[test]
fn parts_that_are_not_neighbours_do_not_join() {
    let file = all_types();
    let start = Position::default();
    let options = InspectOptions::default();
    let Inspected::Paused(first, _) = inspect(&file[..], &start, &options, &mut |_| Control::Pause).unwrap()
    else {
        panic!("not paused")
    };
    let whole = read(&file);
    assert!(first.clone().join(whole.clone()).is_err());
    assert!(first.clone().join(first.clone()).is_err());
    assert!(whole.clone().join(first).is_err());
    assert!(Inspection::default().join(whole.clone()).unwrap() == whole);
}

#[test]
fn every_truncation_is_found() {
    let file = all_types();
    for cut in 0..file.len() {
        let part = &file[..cut];
        let blind = read_with(part, &InspectOptions::default());
        for inspection in [read(part), blind] {
            let codes: Vec<_> = inspection.faults.iter().map(|fault| fault.code).collect();
            let expected = if cut == 0 { FaultCode::EmptyFile } else { FaultCode::Truncated };
            assert_eq!(codes, [expected], "cut at {cut}: {:?}", inspection.faults);
        }
    }
}

#[test]
fn every_flipped_bit_is_found_by_structure_or_checksum() {
    let mut file = all_types();
    // Only a trailer that means "not checked" hides a flip, and no single bit makes one.
    for bit in 0..file.len() * 8 {
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(!read(&file).is_sound(), "bit {bit}");
        file[bit / 8] ^= 1 << (bit % 8);
    }
}

/// Returns at most this many bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let step = self.1.min(buffer.len());
        self.0.read(&mut buffer[..step])
    }
}

#[test]
fn tables_of_texts_in_every_form_are_read_however_they_arrive() {
    // Strings in every form side by side in one table, and enough of them that the bytes in memory end everywhere.
    let form = |number: usize| {
        let text = format!("text {number} ").repeat(1 + number % 5);
        match number % 11 {
            3 | 8 => lzf_literals(text.repeat(3).as_bytes()),
            4 => vec![0xc1, number as u8, (number >> 8) as u8],
            5 => [&[0xc2], &(number as u32 * 77_777).to_le_bytes()[..]].concat(),
            7 if number.is_multiple_of(29) => text_of(text.repeat(500).as_bytes()),
            9 if number.is_multiple_of(31) => lzf_literals(text.repeat(2000).as_bytes()),
            _ => text_of(text.as_bytes()),
        }
    };
    let mut rdb = Rdb::new();
    let mut elements = 0;
    for (index, rows) in [3, 40, 65, 150, 300, 511, 700, 2000].into_iter().cycle().take(32).enumerate() {
        for (type_id, parts) in [(2, 1), (4, 2), (5, 1)] {
            rdb = rdb.key(type_id, &format!("key:{type_id}:{index}")).len(rows);
            for row in 0..rows as usize {
                let first = 3 * index + row * parts;
                let texts = (first..first + parts).map(|number| form(number * 13 + type_id as usize));
                rdb = rdb.raw(&texts.collect::<Vec<_>>().concat());
                if type_id == 5 {
                    rdb = rdb.raw(&f64::from(row as u32).to_le_bytes());
                }
            }
            elements += rows;
        }
    }
    let file = rdb.end();
    let options = InspectOptions { weighings: tape(), ..InspectOptions::default() };
    let whole = read_with(&file, &options);
    assert!(whole.is_sound(), "{:?}", whole.faults);
    assert_eq!(whole.keys, 96);
    assert_eq!(whole.types.values().map(|counts| counts.elements).sum::<u64>(), elements);
    for step in [500, 4096, 10_007, 100_000, 262_145, file.len()] {
        let source = Dribble(&file, step);
        let inspected = inspect(source, &Position::default(), &options, &mut |_| Control::Continue).unwrap();
        // Not printed: both are long.
        assert!(inspected == Inspected::Complete(whole.clone()), "{} bytes by {step}", file.len());
    }
    assert!(in_parts(&file, &options).0 == whole);
}

#[test]
fn the_way_bytes_arrive_changes_nothing() {
    let file = all_types();
    let options = InspectOptions { weighings: tape(), ..InspectOptions::default() };
    let expect_same = |file: &[u8], step| {
        let whole = read_with(file, &options);
        let source = Dribble(file, step);
        let inspected = inspect(source, &Position::default(), &options, &mut |_| Control::Continue).unwrap();
        assert_eq!(inspected, Inspected::Complete(whole), "{} bytes by {step}", file.len());
    };
    for step in [1, 2, 3, 7, 64, 1000] {
        expect_same(&file, step);
    }
    // Nor does it change the message of a fault, wherever the file is truncated.
    for cut in 1..file.len() {
        expect_same(&file[..cut], 1 + cut % 3);
    }
}

#[test]
fn errors_of_the_source_are_not_faults_of_the_file() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("connection reset"))
        }
    }
    let file = all_types();
    let source = file[..100].chain(Failing);
    let options = InspectOptions::default();
    let error = inspect(source, &Position::default(), &options, &mut |_| Control::Continue).unwrap_err();
    assert_eq!(error.to_string(), "connection reset");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..400), type_id in 0u8..30) {
        read(&noise);
        read(&[b"REDIS0014", &noise[..]].concat());
        read(&[b"VALKEY080", &noise[..]].concat());
        read(&Rdb::new().key(type_id, "key").raw(&noise).0);
        read(&Rdb::new().key(type_id, "key").text(&noise).0);
    }

    #[test]
    fn damage_without_a_checksum_never_panics(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = all_types();
        for (place, byte) in damage {
            *place.get_mut(&mut file) = byte;
        }
        let end = file.len() - 8;
        file[end..].fill(0);
        let options = InspectOptions::default();
        let whole = read_with(&file, &options);
        let (joined, _) = in_parts(&file, &options);
        prop_assert_eq!(joined, whole);
    }
}
