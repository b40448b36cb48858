//! The contents of sound files are counted correctly.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{Rdb, all_types, listpack, lzf, lzf_literals, read, read_with};
use rdb_scan::{Crc, HazardCode, InspectOptions, Magic, key_slot, read_header};

#[test]
fn every_type_and_opcode_is_read() {
    let inspection = read(&all_types());
    assert_eq!(inspection.faults, []);
    assert_eq!(inspection.keys, 37);
    assert_eq!((inspection.expires, inspection.field_expires, inspection.stream_state), (2, 3, 3));
    assert_eq!(inspection.functions, 1);
    assert_eq!(inspection.modules.get("ReJSON-RL"), Some(&2));
    assert_eq!(inspection.databases.keys().copied().collect::<Vec<_>>(), [0, 3]);
    assert_eq!(inspection.databases[&3].keys, 6);
    let counts = |kind: &str| {
        let counts = &inspection.types[kind];
        (counts.keys, counts.elements)
    };
    assert_eq!(counts("string"), (11, 11));
    assert_eq!(counts("list"), (4, 2 + 6 + 3 + 3));
    assert_eq!(counts("set"), (3, 2 + 3 + 3));
    assert_eq!(counts("zset"), (4, 3 + 1 + 2 + 2));
    assert_eq!(counts("hash"), (8, 1 + 2 + 2 + 5 + 1 + 1 + 2 + 2));
    assert_eq!(counts("stream"), (5, 10));
    assert_eq!(counts("module"), (1, 1));
    assert_eq!(counts("array"), (1, 4));
    assert_eq!(inspection.types["string"].encodings["lzf"], 1);
    let rdb = inspection.rdb.clone().unwrap();
    assert_eq!((rdb.version, rdb.magic, rdb.crc), (14, Magic::Redis, Crc::Ok));
    assert_eq!(rdb.bytes, all_types().len() as u64);
    let by_slot: u64 = inspection.slots.iter().map(|(_, count)| count.bytes).sum();
    let by_type: u64 = inspection.types.values().map(|counts| counts.bytes).sum();
    assert_eq!(by_slot, by_type);
}

#[test]
fn valkey_gives_type_22_and_opcode_243_a_meaning_of_their_own() {
    let file = Rdb::with_header("VALKEY080")
        .raw(&[243])
        .text(&[b'x'; 40])
        .len(1)
        .len(0)
        .len(100)
        .key(22, "hash")
        .len(2)
        .text(b"a")
        .text(b"1")
        .raw(&(-1i64).to_le_bytes())
        .text(b"b")
        .text(b"2")
        .raw(&4_000_000_000_000i64.to_le_bytes())
        .end();
    let inspection = read(&file);
    assert_eq!(inspection.faults, []);
    assert_eq!(inspection.field_expires, 1);
    assert_eq!(inspection.types["hash"].elements, 2);
    assert_eq!(inspection.hazards[0].code, HazardCode::SlotImport);
    assert_eq!(inspection.rdb.unwrap().magic, Magic::Valkey);
}

#[test]
fn a_compressed_key_counts_in_the_slot_of_its_text() {
    let key = "{tag}".to_owned() + &"x".repeat(100_000);
    let file = Rdb::new().raw(&[0]).raw(&lzf_literals(key.as_bytes())).text(b"value").end();
    let inspection = read(&file);
    assert_eq!(inspection.faults, []);
    assert_eq!(inspection.slots.slot(key_slot(b"tag")).keys, 1);
    let shown = inspection.biggest[0].key.clone().unwrap();
    assert!(shown.starts_with("{tag}xxx") && shown.ends_with('…') && shown.len() < 300, "{shown}");
}

#[test]
fn back_references_are_followed_over_the_whole_window() {
    // 10 bytes of listpack header and value, repeated by references that overlap themselves.
    let long = "a".repeat(200_000);
    let pack = listpack(&["key", &long]);
    let start = pack.iter().position(|byte| *byte == b'a').unwrap() + 1;
    let mut tokens = Vec::new();
    for run in pack[..start].chunks(32) {
        tokens.push(run.len() as u8 - 1);
        tokens.extend(run);
    }
    let mut left = long.len() - 1;
    while left > 0 {
        let piece = left.min(264);
        match piece {
            1 | 2 => {
                tokens.push(piece as u8 - 1);
                tokens.extend(std::iter::repeat_n(b'a', piece));
            }
            3..=8 => tokens.extend([(piece as u8 - 2) << 5, 0]),
            _ => tokens.extend([0xe0, (piece - 9) as u8, 0]),
        }
        left -= piece;
    }
    let rest = &pack[start + long.len() - 1..];
    tokens.push(rest.len() as u8 - 1);
    tokens.extend(rest);
    let inspection = read(&Rdb::new().key(16, "hash").raw(&lzf(&tokens, pack.len() as u64)).end());
    assert_eq!(inspection.faults, []);
    assert_eq!(inspection.types["hash"].elements, 1);
}

#[test]
fn expired_keys_are_counted_against_the_given_time() {
    let file = all_types();
    let at =
        |now_ms| read_with(&file, &InspectOptions { now_ms, ..InspectOptions::default() }).already_expired;
    assert_eq!((at(0), at(999_999_999), at(1_000_000_000), at(u64::MAX / 2)), (0, 0, 1, 2));
}

#[test]
fn hidden_keys_appear_nowhere() {
    let file = Rdb::new().key(2, "secret").len(2).text(b"twin").text(b"twin").key(4, "secret").len(9).0;
    let open = read_with(&file, &InspectOptions::default());
    let hidden = read_with(&file, &InspectOptions { hide_keys: true, ..InspectOptions::default() });
    assert!(serde_json::to_string(&open).unwrap().contains("secret"));
    assert!(!serde_json::to_string(&hidden).unwrap().contains("secret"));
    assert_eq!(hidden.faults.len() + hidden.hazards.len() + hidden.biggest.len(), 3);
}

#[test]
fn the_header_is_read_from_any_prefix() {
    let file = all_types();
    let header = read_header(&file[..200]).unwrap();
    assert_eq!((header.version, header.aux["redis-ver"].as_str()), (14, "8.8.0"));
    for cut in 9..file.len() {
        assert_eq!(read_header(&file[..cut]).unwrap().version, 14);
    }
    assert_eq!(read_header(b"REDIS00").unwrap_err().code.as_str(), "truncated");
    assert_eq!(read_header(b"REDIS0000").unwrap_err().code.as_str(), "rdb-version-unknown");
    // Of a newer version, at least the version itself and the writer are reported.
    assert_eq!(read_header(b"REDIS0099\xfa\x09redis-ver\x03X.Y").unwrap().aux["redis-ver"], "X.Y");
}

#[test]
fn the_report_has_the_shape_that_scripts_rely_on() {
    let file = Rdb::new().database(0).key(16, "h").text(&listpack(&["a", "1"])).end();
    let report = serde_json::to_value(read(&file).report()).unwrap();
    assert_eq!(
        report,
        serde_json::json!({
            "schema": 1,
            "rdb": {"version": 10, "magic": "REDIS", "bytes": file.len(), "crc": "ok"},
            "keys": 1, "expires": 0, "alreadyExpired": 0,
            "timesToLive": {
                "expired": 0, "minute": 0, "hour": 0, "day": 0, "week": 0, "month": 0, "year": 0, "longer": 0,
            },
            "databases": [{"index": 0, "keys": 1, "expires": 0}],
            "types": {"hash": {"keys": 1, "elements": 1, "bytes": 16, "encodings": {"listpack": 1}}},
            "fieldExpires": 0, "aux": {}, "functions": 0, "modules": {},
            "biggest": [{"key": "h", "database": 0, "kind": "hash", "bytes": 16, "elements": 1}],
            "prefixes": [], "unchecked": {"keys": 0, "values": 0, "members": 0},
            "faults": [], "hazards": [], "hazardCounts": {},
        })
    );
}
