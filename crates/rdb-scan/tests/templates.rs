//! Files of Redis 8.10 with templates, written by hand: no server that writes them was at hand.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

mod common;

use common::{Rdb, listpack, lzf_literals, read, read_with};
use rdb_scan::{
    Assembly, Control, FaultCode, HazardCode, InspectOptions, Inspected, Inspection, Position,
    assemble_with_boundaries, inspect, inspect_parallel, inspect_range, inspect_up_to, read_header,
    walk::{Step, Walk},
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

fn in_parts(file: &[u8]) -> Inspection {
    let options = InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() };
    let (mut position, mut whole) = (Position::default(), None::<Inspection>);
    loop {
        let rest = &file[position.offset() as usize..];
        let inspected = inspect(rest, &position, &options, &mut |_| Control::Pause).unwrap();
        let (Inspected::Complete(part) | Inspected::Paused(part, _)) = &inspected;
        let part: Inspection = serde_json::from_slice(&serde_json::to_vec(part).unwrap()).unwrap();
        whole = Some(match whole {
            None => part,
            Some(whole) => whole.join(part).unwrap(),
        });
        match inspected {
            Inspected::Complete(_) => return whole.unwrap(),
            Inspected::Paused(_, next) => {
                position = serde_json::from_slice(&serde_json::to_vec(&next).unwrap()).unwrap();
            }
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
fn ranges_without_the_templates_are_read_from_the_one_before() {
    let file = file(100, 20_000);
    let size = file.len() as u64;
    let options = InspectOptions { size_bytes: Some(size), ..InspectOptions::default() };
    let header = read_header(&file).unwrap();
    let cut = [0, size / 3, size / 2, size];
    let mut ranges: Vec<_> = cut
        .windows(2)
        .map(|range| {
            let source = &file[range[0] as usize..];
            inspect_range(source, range[0]..range[1], &header, &options, &mut |_| Control::Continue).unwrap()
        })
        .collect();
    for round in 0..9 {
        let (assembly, boundaries) = assemble_with_boundaries(&ranges, size, round);
        assert_eq!(boundaries, [], "none of which can be read on its own");
        match assembly {
            Assembly::Whole(whole) => {
                assert_eq!(*whole, read_with(&file, &options));
                return;
            }
            Assembly::Gaps(gaps) => {
                for gap in gaps {
                    let source = &file[gap.start.offset() as usize..];
                    let read =
                        inspect_up_to(source, &gap.start, gap.end, &options, &mut |_| Control::Continue);
                    ranges.push(read.unwrap());
                }
            }
        }
    }
    panic!("the ranges do not meet");
}

#[test]
fn threads_read_what_one_pass_does() {
    let file = file(200, 30_000);
    let options = InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() };
    let parallel = inspect_parallel(&file[..], 3, &options, &|_| Control::Continue).unwrap().unwrap();
    assert_eq!(parallel, read_with(&file, &options));
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
    assert_eq!(*walk.templates().of(0).unwrap(), [b"age".to_vec(), b"name".to_vec(), b"email".to_vec()]);
    assert_eq!(walk.templates().of(70).unwrap()[0], b"1000");
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
