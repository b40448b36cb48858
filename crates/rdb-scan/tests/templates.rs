//! Files of Redis 8.10 with templates, written by hand: no server that writes them was at hand.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

mod common;

use common::{
    Rdb,
    in_ranges::{header, in_ranges, sent, sent_position},
    listpack, lzf_literals, read, read_with,
};
use rdb_scan::{
    Assembly, Control, FaultCode, HazardCode, InspectOptions, Inspected, Inspection, Position,
    assemble_with_boundaries, inspect, inspect_parallel, inspect_range, inspect_up_to,
    inspect_with_boundaries, read_header,
    walk::{FieldNames, Step, Walk},
};

fn head(version: u32) -> Rdb {
    let templates =
        Rdb::with_header(&format!("REDIS{version:04}")).raw(&[250]).text(b"redis-ver").text(b"8.10.0");
    let templates = templates.raw(&[245]).text(b"#!lua name=lib\n");
    let templates = templates.raw(&[242]).len(0).len(3).text(b"age").text(b"name").text(b"email");
    templates
        .raw(&[242])
        .len(70)
        .len(2)
        .raw(&[0xc1, 0xe8, 3])
        .text(&[b'f'; 300])
        .database(0)
        .raw(&[251])
        .len(9)
        .len(0)
}

/// Hashes with templates of both kinds, among others.
fn records(mut rdb: Rdb, rounds: u32, large: &[u8]) -> Rdb {
    for round in 0..rounds {
        rdb = rdb
            .key(30, &format!("listpack:{round}"))
            .text(&listpack(&["0", "42", "Anna", "a@example.com"]))
            .key(30, &format!("compressed:{round}"))
            .raw(&lzf_literals(&listpack(&["70", "-3000", &"long ".repeat(30)])))
            .key(0, &format!("string:{round}"))
            .text(b"value")
            .key(32, &format!("values:{round}"))
            .len(0)
            .raw(&[0xc0, 42])
            .text(b"Anna")
            .raw(&lzf_literals(large))
            .raw(&[252])
            .raw(&1_900_000_000_000u64.to_le_bytes())
            .key(32, &format!("large:{round}"))
            .len(70)
            .text(large)
            .text(b"x");
    }
    rdb
}

fn file(rounds: u32, large: usize) -> Vec<u8> {
    records(head(15), rounds, &vec![b'v'; large]).end()
}

#[test]
fn hashes_with_templates_are_read_completely() {
    let inspection = read(&file(3, 100));
    assert!(inspection.is_sound(), "{:?}", inspection.faults);
    assert!(
        inspection.hazards.iter().all(|hazard| hazard.code == HazardCode::Functions),
        "{:?}",
        inspection.hazards
    );
    assert_eq!((inspection.keys, inspection.functions), (15, 1));
    let hashes = &inspection.types["hash"];
    assert_eq!((hashes.keys, hashes.elements), (12, 3 * (3 + 2 + 3 + 2)));
    assert_eq!((hashes.encodings["template-listpack"], hashes.encodings["template-array"]), (6, 6));
    // A file without templates is like any other.
    assert!(read(&Rdb::with_header("REDIS0015").filler().end()).is_sound());
}

fn options(file: &[u8]) -> InspectOptions {
    InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() }
}

fn in_parts(file: &[u8]) -> Inspection {
    let options = options(file);
    let (mut position, mut whole) = (Position::default(), None::<Inspection>);
    loop {
        let rest = &file[position.offset() as usize..];
        let inspected = inspect(rest, &position, &options, &mut |_| Control::Pause).unwrap();
        let (Inspected::Complete(part) | Inspected::Paused(part, _)) = &inspected;
        let part = sent(part);
        whole = Some(match whole {
            None => part,
            Some(whole) => whole.join(part).unwrap(),
        });
        match inspected {
            Inspected::Complete(_) => return whole.unwrap(),
            Inspected::Paused(_, next) => position = sent_position(file, &next),
        }
    }
}

#[test]
fn a_scan_continues_with_the_templates() {
    for file in [file(3, 100), file(2, 600_000)] {
        assert_eq!(in_parts(&file), read(&file));
    }
}

#[test]
fn positions_name_the_templates_and_do_not_hold_them() {
    let file = file(100, 100);
    let inspected = inspect(&file[..], &Position::default(), &options(&file), &mut |_| Control::Pause);
    let Inspected::Paused(_, mut position) = inspected.unwrap() else { panic!("complete") };
    // On to a place behind the first key.
    for _ in 0..20 {
        let rest = &file[position.offset() as usize..];
        let inspected = inspect(rest, &position, &options(&file), &mut |_| Control::Pause).unwrap();
        let Inspected::Paused(_, next) = inspected else { panic!("complete") };
        position = next;
    }
    let json = serde_json::to_string(&position).unwrap();
    assert!(json.len() < 1000, "{json}");
    let sent: Position = serde_json::from_str(&json).unwrap();
    assert!(sent.needs_templates());
    let rest = &file[sent.offset() as usize..];
    let error = inspect(rest, &sent, &options(&file), &mut |_| Control::Continue).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
    // Another name of a field is another head.
    let mut other = file.clone();
    let place = other.windows(3).position(|text| text == b"age").unwrap();
    other[place] = b'A';
    let other = FieldNames::of_head(&other[..], u64::MAX).unwrap();
    let error = sent.clone().with_templates(&other).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    sent.with_templates(&FieldNames::of_head(&file[..], u64::MAX).unwrap()).unwrap();
}

#[test]
fn ranges_with_the_templates_are_read_on_their_own() {
    let file = file(100, 20_000);
    let (size, whole) = (file.len() as u64, read_with(&file, &options(&file)));
    let header = header(&file);
    let cuts = [0, size / 3, size / 2, size];
    let ranges = cuts.windows(2).map(|range| {
        let source = &file[range[0] as usize..];
        let range = range[0]..range[1];
        let read = inspect_range(source, range, &header, &options(&file), &mut |_| Control::Continue);
        sent(&read.unwrap())
    });
    let (assembly, boundaries) = assemble_with_boundaries(&ranges.collect::<Vec<_>>(), size, 0);
    assert_eq!(assembly, Assembly::Whole(Box::new(whole)), "nothing is read twice");
    assert_eq!(boundaries.len(), 2);
}

/// A range that was read with other templates, or with none, is read again from the one before it.
#[test]
fn ranges_with_other_templates_are_refused() {
    let file = file(100, 20_000);
    let (size, whole) = (file.len() as u64, read_with(&file, &options(&file)));
    let mut other = file.clone();
    let place = other.windows(3).position(|text| text == b"age").unwrap();
    other[place] = b'A';
    for header in [read_header(&file).unwrap(), header(&other)] {
        let read = |source: &[u8], range, header: &_| {
            inspect_range(source, range, header, &options(&file), &mut |_| Control::Continue).unwrap()
        };
        let middle = size / 2;
        let mut ranges =
            vec![read(&file, 0..middle, &header), read(&file[middle as usize..], middle..size, &header)];
        let (Assembly::Gaps(gaps), _) = assemble_with_boundaries(&ranges, size, 0) else {
            panic!("they were joined")
        };
        let [gap] = &gaps[..] else { panic!("{gaps:?}") };
        let source = &file[gap.start.offset() as usize..];
        let rest = inspect_up_to(source, &gap.start, size, &options(&file), &mut |_| Control::Continue);
        ranges.push(rest.unwrap());
        assert_eq!(assemble_with_boundaries(&ranges, size, 3).0, Assembly::Whole(Box::new(whole.clone())));
    }
}

/// Loaders take templates anywhere, and so does reading, though not in ranges.
#[test]
fn templates_after_the_first_key_are_read_in_sequence() {
    let template = |rdb: Rdb, id: u64| rdb.raw(&[242]).len(id).len(1).text(b"late");
    let rdb = template(records(head(15), 40, &[b'v'; 900]), 5);
    let rdb = (0..40).fold(rdb, |rdb, key| rdb.key(32, &format!("late:{key}")).len(5).text(&[b'v'; 900]));
    let file = records(template(rdb, 6), 40, &[b'v'; 900]).end();
    let whole = read_with(&file, &options(&file));
    assert!(whole.is_sound(), "{:?}", whole.faults);
    for cut in (1..file.len()).step_by(file.len() / 97) {
        let (found, boundaries) = in_ranges(&file, &[cut, file.len() / 3], &options(&file), 0, usize::MAX);
        assert_eq!(found, whole, "cut at {cut}");
        let late = file.windows(6).position(|text| text == b"\xf2\x05\x01\x04la").unwrap();
        assert!(boundaries.iter().all(|boundary| boundary.offset <= late as u64), "{boundaries:?}");
    }
    assert_eq!(in_parts(&file), whole);
    // An id that a later template takes again is a fault, also if a range did not know of the first.
    let again = template(records(template(records(head(15), 40, b"v"), 5), 40, b"v"), 5).filler().end();
    let whole = read_with(&again, &options(&again));
    assert_eq!(whole.faults.len(), 1);
    for cut in (1..again.len()).step_by(again.len() / 97) {
        assert_eq!(in_ranges(&again, &[cut], &options(&again), 0, usize::MAX).0, whole, "cut at {cut}");
    }
}

#[test]
fn damaged_heads_are_read_in_ranges_as_in_one_pass() {
    let file = file(20, 100);
    let end = file.windows(2).position(|bytes| bytes == [251, 9]).unwrap();
    for at in 9..end + 40 {
        for change in [1, 0x40, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] ^= change;
            let whole = read_with(&damaged, &options(&damaged));
            let cuts = [at + 3, end + 100, file.len() / 2];
            let found = in_ranges(&damaged, &cuts, &options(&damaged), 3, usize::MAX).0;
            assert_eq!(found, whole, "byte {at} changed by {change}");
        }
        let cut = &file[..at];
        let whole = read_with(cut, &options(cut));
        assert_eq!(in_ranges(cut, &[at / 2], &options(cut), 0, usize::MAX).0, whole, "cut at {at}");
    }
}

#[test]
fn threads_read_what_one_pass_does() {
    let file = file(300, 30_000);
    let options = options(&file);
    let parallel = inspect_parallel(&file[..], 3, &options, &|_| Control::Continue).unwrap().unwrap();
    assert_eq!(parallel, read_with(&file, &options));
    for threads in [1, 3] {
        let cut = inspect_with_boundaries(&file[..], threads, &options, &|_| Control::Continue);
        let (inspection, boundaries) = cut.unwrap().unwrap();
        assert_eq!(inspection, parallel);
        assert!(boundaries.len() >= 2, "{boundaries:?}");
    }
}

#[test]
fn a_walk_knows_the_fields() {
    let file = file(2, 100);
    let mut walk = Walk::new(&file[..]).unwrap();
    let mut keys = 0;
    loop {
        match walk.step().unwrap() {
            Step::End => break,
            Step::Record => keys += 1,
            _ => {}
        }
    }
    assert_eq!(keys, 10);
    assert!(walk.templates().of(0).unwrap().iter().eq([&b"age"[..], b"name", b"email"]));
    assert_eq!(walk.templates().of(70).unwrap().iter().next(), Some(&b"1000"[..]));
    assert!(walk.templates().of(1).is_none());
}

#[test]
fn what_contradicts_a_template_is_a_fault() {
    let broken = [
        ("another template", head(15).key(32, "key").len(5).text(b"v").filler()),
        ("another template in a listpack", head(15).key(30, "key").text(&listpack(&["5", "v"])).filler()),
        ("too few values", head(15).key(30, "key").text(&listpack(&["0", "v", "v"])).filler()),
        ("too many values", head(15).key(30, "key").text(&listpack(&["70", "v", "v", "v"])).filler()),
        ("no number", head(15).key(30, "key").text(&listpack(&["x", "v", "v"])).filler()),
        ("no fields", Rdb::with_header("REDIS0015").raw(&[242, 0, 0]).filler()),
        ("one template twice", Rdb::with_header("REDIS0015").raw(b"\xf2\0\x01\x01f\xf2\0\x01\x01g").filler()),
    ];
    for (name, rdb) in broken {
        let inspection = read(&rdb.end());
        assert_eq!(inspection.faults.len(), 1, "{name}: {:?}", inspection.faults);
        assert!(matches!(inspection.faults[0].code, FaultCode::BadValue | FaultCode::BadListpack), "{name}");
    }
    // Before RDB 15 there are none.
    let codes = |rdb: Rdb| read(&rdb.end()).faults.iter().map(|fault| fault.code).collect::<Vec<_>>();
    assert_eq!(codes(head(14)), [FaultCode::UnknownOpcode]);
    let listed = Rdb::with_header("REDIS0014").key(30, "key").text(&listpack(&["0", "v"]));
    assert_eq!(codes(listed), [FaultCode::ForeignRecord]);
    // These occur in the payloads of DUMP only.
    for id in [29, 31] {
        let codes = codes(head(15).key(id, "key").len(1));
        assert!(matches!(codes[..], [FaultCode::UnknownType | FaultCode::ForeignRecord]), "{codes:?}");
    }
}
