//! The walk and the collected strings, compared with rdb-scan on a file with every supported type.
use std::time::Duration;

use crc_fast::{CrcAlgorithm, checksum};
use rdb_scan::{Control, InspectOptions, Inspected, Kind, Position, Record, Visitor, scan};

use super::{collect::Collected, measure, measure_threads, walk::walk};

/// Counts the same things as the walk.
#[derive(Default)]
struct Counted {
    keys: u64,
    key_bytes: usize,
    /// Members that could be duplicates. Those of an intset cannot.
    members: u64,
}

impl Visitor for Counted {
    fn record(&mut self, record: &Record<'_>) {
        self.keys += 1;
        self.key_bytes += record.key.len();
        let has_members = matches!(record.kind(), Kind::Set | Kind::Zset | Kind::Hash);
        if has_members && record.encoding.name() != "intset" {
            self.members += record.elements;
        }
    }
}

#[test]
fn the_walk_finds_the_keys_and_members_that_our_reader_finds() {
    let file = file();
    let (start, options) = (Position::default(), InspectOptions::default());
    let (inspected, counted) =
        scan(&file[..], &start, &options, Counted::default(), &mut |_| Control::Continue).unwrap();
    let Inspected::Complete(inspection) = inspected else { panic!("no pause was requested") };
    assert!(inspection.is_sound(), "{:?}", inspection.faults);

    let mut collected = Collected::default();
    assert_eq!(walk(&file, &mut ()), Some(counted.keys));
    assert_eq!(walk(&file, &mut collected), Some(counted.keys));
    assert_eq!(collected.keys.len() as u64, counted.keys);
    assert_eq!(collected.keys.iter().map(<[u8]>::len).sum::<usize>(), counted.key_bytes);
    assert_eq!(collected.members.len() as u64, counted.members);
    assert_eq!(collected.values.iter().sum::<u64>(), counted.members);
    assert_eq!((collected.proven.len(), collected.opened.len()), (1, 2));
    // A hash, a sorted set, a set, two nodes of a list, and one node of each of three streams.
    assert_eq!(collected.listpacks.len(), 8);
}

#[test]
fn a_walk_ends_where_bytes_are_missing_and_at_what_it_does_not_know() {
    let file = file();
    // The walk does not read the checksum.
    let end = file.len() - 8;
    assert!((0..end).all(|bytes| walk(&file[..bytes], &mut ()).is_none()));
    assert_eq!(walk(b"REDIS0010\x07\x01k", &mut ()), None);
}

#[test]
fn everything_is_measured_and_nothing_sound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.rdb");
    std::fs::write(&path, file()).unwrap();
    let limits = measure(&path, 1).unwrap();
    assert_eq!(limits.bytes, file().len() as u64);
    assert!(limits.tokens.is_some() && limits.entries.is_some() && limits.members.is_some());
    // Two strings with two tokens each, and one with three.
    assert_eq!(limits.lzf_tokens, 7);
    let text =
        super::summary(&[("all".to_owned(), limits.clone())]) + &super::loops(&[("all".to_owned(), limits)]);
    assert_eq!(text.lines().count(), 6);
    let of_two = measure_threads(&path, 1).unwrap();
    assert!(of_two.one > Duration::ZERO && of_two.two > Duration::ZERO && of_two.late[0] <= of_two.late[1]);
    assert!(super::threads(&[("all".to_owned(), of_two)]).lines().last().unwrap().starts_with("| all |"));
}

/// A file with keys of every type, and everything that can be between keys.
fn file() -> Vec<u8> {
    let mut file = b"REDIS0011\xfa\x09redis-ver\x057.2.0\xfe\x00\xfb\x20\x01".to_vec();
    // The same letter 24 times: a literal byte, and a reference of 23 bytes at distance 1.
    let lzf = b"\xc3\x05\x18\x00a\xe0\x0e\x00";
    let mut number = 0;
    let mut key = |type_id: u8, value: &[u8]| {
        number += 1;
        file.push(type_id);
        file.extend_from_slice(&text(format!("key:{number}").as_bytes()));
        file.extend_from_slice(value);
    };
    key(0, &text(b"value"));
    key(0, &text(&[b'v'; 100]));
    key(0, b"\xc1\x39\x30");
    key(0, lzf);
    key(1, &[&[2][..], &text(b"one"), &text(b"two")].concat());
    key(2, &[&[3][..], &text(b"a"), b"\xc0\x07", lzf].concat());
    key(4, &[&[2][..], &text(b"f"), &text(b"v"), &text(b"g"), &text(b"v")].concat());
    key(5, &[&[1][..], &text(b"m"), &1.5_f64.to_le_bytes()].concat());
    key(11, &text(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0]));
    key(16, &text(&listpack(&[Ok("f"), Ok("v"), Err(5), Ok("w")])));
    key(17, &text(&listpack(&[Ok("m"), Err(1), Ok("n"), Err(2)])));
    key(20, &text(&listpack(&[Ok("m"), Err(1), Ok("n")])));
    key(
        18,
        &[&[3, 2][..], &text(&listpack(&[Ok("one")])), &[1], &text(b"plain"), &[2], &packed_list()].concat(),
    );
    for (type_id, version) in [(15, 1), (19, 2), (21, 3)] {
        key(type_id, &stream(version));
    }
    file.extend_from_slice(b"\xfc\x00\x00\x00\x00\x00\x01\x00\x00\xf9\x05");
    file.extend_from_slice(b"\x00\x04last\x01v");
    file.push(0xff);
    let crc = checksum(CrcAlgorithm::Crc64Redis, &file);
    file.extend_from_slice(&crc.to_le_bytes());
    file
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let header = if length < 64 { vec![length as u8] } else { (0x4000 | length).to_be_bytes().to_vec() };
    [&header[..], bytes].concat()
}

/// Builds a listpack of short strings and numbers below 128.
fn listpack(entries: &[Result<&str, u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        match entry {
            Ok(text) => {
                let length = text.len() as u8;
                body.push(0x80 | length);
                body.extend_from_slice(text.as_bytes());
                body.push(length + 1);
            }
            Err(number) => body.extend_from_slice(&[*number, 1]),
        }
    }
    let total = u32::try_from(body.len() + 7).unwrap();
    let count = u16::try_from(entries.len()).unwrap();
    [&total.to_le_bytes()[..], &count.to_le_bytes(), &body, &[0xff]].concat()
}

/// A compressed listpack of ten equal numbers: its header and first entry, then a reference to that entry.
fn packed_list() -> Vec<u8> {
    let contents = listpack(&[Err(7); 10]);
    let literal = &contents[..8];
    let packed = [&[7][..], literal, &[0xe0, 18 - 9, 1], &[0, 0xff]].concat();
    [&[0xc3, packed.len() as u8, contents.len() as u8][..], &packed].concat()
}

/// A stream with one node of one entry, and one group with that entry pending for its consumer.
fn stream(version: u8) -> Vec<u8> {
    let id = [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1];
    let node = listpack(&[Err(1), Err(0), Err(1), Ok("f"), Err(0), Err(2), Err(0), Err(0), Ok("v"), Err(4)]);
    let mut value = [&[1][..], &text(&id), &text(&node), &[1, 5, 1]].concat();
    if version >= 2 {
        value.extend_from_slice(&[5, 1, 0, 0, 1]);
    }
    value.extend_from_slice(b"\x01\x05group\x05\x01");
    if version >= 2 {
        value.push(1);
    }
    let time = [0; 8];
    value.extend_from_slice(&[&[1][..], &id, &time, &[1], &[1], &text(b"consumer"), &time].concat());
    if version >= 3 {
        value.extend_from_slice(&time);
    }
    value.extend_from_slice(&[&[1][..], &id].concat());
    value
}
