//! Handmade broken and dangerous files: each fault and hazard is found and named.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{
    Rdb, all_types,
    broken::{codes, contradicts, expect, hazards, packed, record},
    broken_groups, listpack, lzf, read, read_with, stream_node, text_of, ziplist,
};
use rdb_scan::{Crc, FaultCode, HazardCode, InspectOptions};

#[test]
fn other_files_are_named() {
    for (start, name) in [
        (&b"\x1f\x8b\x08"[..], "gzip"),
        (b"\x28\xb5\x2f\xfd\0", "zstd"),
        (b"PK\x03\x04", "zip"),
        (b"*2\r\n$6\r\nSELECT\r\n", "append-only"),
        (b"file appendonly.aof.1.base.rdb seq 1 type b\n", "manifest"),
        (b"{\"a\": 1}\n", "plain text"),
        (b"\0\0\0\0\0\0\0\0\0\0", "zeros"),
        (b"\x01\x02\x80", "expected REDIS"),
    ] {
        let inspection = read(start);
        let fault = &inspection.faults[0];
        assert_eq!(fault.code, FaultCode::NotAnRdb);
        assert!(fault.message.contains(name), "{}", fault.message);
        assert_eq!(inspection.rdb, None);
    }
    assert_eq!(codes(b""), [FaultCode::EmptyFile]);
}

#[test]
fn unknown_versions_are_named_with_their_number() {
    for header in ["REDIS0000", "VALKEY011", "REDISabcd"] {
        assert_eq!(
            codes(&Rdb::with_header(header).filler().end()),
            [FaultCode::RdbVersionUnknown],
            "{header}"
        );
    }
    assert!(read(&Rdb::with_header("VALKEY011").end()).faults[0].message.contains("VALKEY011"));
    assert_eq!(read(&Rdb::with_header("VALKEY011").end()).rdb.unwrap().version, 11);
    for version in 5..=14 {
        assert_eq!(codes(&Rdb::with_header(&format!("REDIS{version:04}")).filler().end()), [], "{version}");
    }
    for version in 1..5 {
        let file = Rdb::with_header(&format!("REDIS{version:04}")).filler().raw(&[255]).0;
        assert_eq!(read(&file).rdb.unwrap().crc, Crc::Absent);
        assert!(read(&file).is_sound());
    }
}

#[test]
fn a_newer_version_is_read_up_to_the_first_record_that_came_with_it() {
    for header in ["REDIS0016", "REDIS0099", "VALKEY081"] {
        let newer = || Rdb::with_header(header).filler();
        let inspection = read(&newer().end());
        assert_eq!((inspection.faults.as_slice(), inspection.keys), (&[][..], 1), "{header}");
        assert_eq!(inspection.hazards[0].code, HazardCode::NewerFormat);
        assert!(inspection.hazards[0].message.contains(header), "{}", inspection.hazards[0].message);
        let inspection = read(&newer().raw(&[241]).filler().end());
        assert_eq!(inspection.faults[0].code, FaultCode::RdbVersionUnknown, "{header}");
        assert_eq!(inspection.keys, 1);
    }
}

#[test]
fn records_of_other_products_are_named() {
    for (record, name) in [
        (record().key(32, "set"), "Dragonfly"),
        (record().key(64, "job"), "KeyDB"),
        (record().raw(&[201]), "Dragonfly"),
    ] {
        let inspection = read(&Rdb::new().filler().raw(&record.0).raw(&[9; 40]).end());
        assert_eq!(inspection.faults[0].code, FaultCode::ForeignRecord);
        assert!(inspection.faults[0].message.contains(name), "{}", inspection.faults[0].message);
    }
}

#[test]
fn what_stands_before_a_key_holds_whatever_comes_between() {
    let expiry = [&[252][..], &4_000_000_000_000i64.to_le_bytes()].concat();
    let aux = || Rdb(Vec::new()).raw(&[250]).text(b"mvcc-tstamp").text(b"1").0;
    let module = Rdb(Vec::new()).raw(&[247]).module_id("ReJSON-RL", 3).len(2).len(1).len(0).0;
    for between in
        [aux(), [aux(), aux()].concat(), vec![254, 0], vec![251, 1, 1], vec![248, 9], vec![121, 3], module]
    {
        let start = Rdb::new().database(0).0;
        let file = Rdb(start.clone()).raw(&expiry).raw(&between).filler().key(0, "other").text(b"v").end();
        let inspection = read(&file);
        assert_eq!(inspection.faults, []);
        assert_eq!((inspection.keys, inspection.expires), (2, 1), "{between:?}");
    }
    // The last of several expiries counts. One before the end belongs to no key.
    let file = Rdb::new().raw(&expiry).raw(&aux()).raw(&[253, 1, 0, 0, 0]).filler().raw(&expiry).end();
    let options = InspectOptions { now_ms: 2_000, ..InspectOptions::default() };
    assert_eq!(read_with(&file, &options).already_expired, 1);
}

#[test]
fn checksums_are_checked() {
    let mut wrong = Rdb::new().filler().end();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(codes(&wrong), [FaultCode::CrcMismatch]);
    assert_eq!(read(&wrong).rdb.unwrap().crc, Crc::Mismatch);
    let unchecked = read(&Rdb::new().filler().end_unchecked());
    assert!(unchecked.is_sound());
    assert_eq!(unchecked.rdb.unwrap().crc, Crc::Absent);
    let good = Rdb::new().filler().end();
    assert_eq!(codes(&good[..good.len() - 8]), [FaultCode::Truncated]);
    assert_eq!(codes(&good[..good.len() - 4]), [FaultCode::Truncated]);
    assert_eq!(codes(&Rdb::new().filler().0), [FaultCode::Truncated]);
    assert_eq!(codes(b"REDIS0010"), [FaultCode::Truncated]);
}

#[test]
fn unknown_records_stop_the_scan() {
    expect(FaultCode::UnknownOpcode, record().raw(&[230]));
    expect(FaultCode::UnknownOpcode, record().raw(&[242]));
    expect(FaultCode::UnknownType, record().key(42, "key"));
    expect(FaultCode::UnknownType, record().key(8, "key"));
    expect(FaultCode::UnknownType, record().key(6, "key"));
    let valkey = Rdb::with_header("VALKEY080").key(24, "key").raw(&[0; 8]).len(0).end();
    assert_eq!(codes(&valkey), [FaultCode::UnknownType]);
}

#[test]
fn lengths_are_not_believed() {
    let huge = [1 << 40, 1 << 60, 1 << 62, u64::MAX];
    for length in huge {
        expect(FaultCode::BadLength, record().raw(&[0]).len(length));
        expect(FaultCode::BadLength, record().key(0, "key").len(length));
        expect(FaultCode::BadLength, record().key(0, "key").raw(&[0xc3]).len(5).len(length).raw(b"\0a\0b\0"));
    }
    for type_id in [1, 2, 3, 4, 5, 14, 15, 18] {
        expect(FaultCode::BadLength, record().key(type_id, "key").len(1 << 60));
        expect(FaultCode::Truncated, record().key(type_id, "key").len(1 << 32));
    }
    expect(FaultCode::Truncated, record().key(0, "key").len(3_000_000_000));
    expect(FaultCode::BadLength, record().raw(&[0, 0x82]));
    expect(FaultCode::BadLength, record().key(0, "key").raw(&[0xc4]));
    expect(FaultCode::BadLength, record().key(1, "key").raw(&[0xc0, 1]));
}

#[test]
fn compressed_strings_must_give_what_they_declare() {
    let value = |tokens: &[u8], declared| record().key(0, "key").raw(&lzf(tokens, declared));
    expect(FaultCode::BadLzf, value(b"\x00a", 2)); // too little
    expect(FaultCode::BadLzf, value(b"\x01ab", 1)); // too much
    expect(FaultCode::BadLzf, value(b"\x05ab", 6)); // literal cut
    expect(FaultCode::BadLzf, value(b"\x00a\x20", 4)); // reference cut
    expect(FaultCode::BadLzf, value(b"\x00a\xe0\x01", 11)); // long reference cut
    expect(FaultCode::BadLzf, value(b"\x00a\x20\x01", 4)); // before the start
    expect(FaultCode::BadLzf, value(b"\x20\x00", 3)); // nothing before it
    expect(FaultCode::BadLzf, value(b"\x00a", 20_000_000_000));
    expect(FaultCode::BadLzf, record().key(16, "key").raw(&lzf(b"\x00a", 20_000_000_000)));
    let mut more = vec![6];
    more.extend(listpack(&[]));
    more.extend(b"\x00a");
    expect(FaultCode::BadLzf, record().key(20, "key").raw(&lzf(&more, 7)));
}

#[test]
fn a_string_that_the_file_cannot_hold_is_told_with_its_key() {
    let inspection = read(&Rdb::new().filler().key(0, "the key").len(99_999).0);
    assert_eq!(inspection.faults[0].code, FaultCode::Truncated);
    assert_eq!(inspection.faults[0].key.as_deref(), Some("the key"));
}

#[test]
fn fields_expire_at_a_time_or_never() {
    let valkey = |expiry: i64| {
        let hash = Rdb::with_header("VALKEY080").key(22, "hash").len(1).text(b"field").text(b"value");
        read(&hash.raw(&expiry.to_le_bytes()).end())
    };
    assert!(valkey(-1).is_sound());
    assert_eq!(valkey(-2).faults[0].code, FaultCode::BadValue);

    let late = 1u64 << 48;
    let hash = |least: u64, expiry: u64| {
        record().key(24, "hash").raw(&least.to_le_bytes()).len(1).len(expiry).text(b"field").text(b"value")
    };
    expect(FaultCode::BadValue, hash(late + 1, 0));
    expect(FaultCode::BadValue, hash(late - 1, 2));
    assert!(read(&Rdb::new().raw(&hash(late - 1, 1).0).end()).is_sound());
    expect(FaultCode::BadValue, record().key(22, "hash").len(1).len(late).text(b"field").text(b"value"));

    let listpack = |fields: &[&str]| record().key(25, "hash").raw(&[0; 8]).text(&listpack(fields));
    assert!(
        read(&Rdb::new().raw(&listpack(&["a", "1", "7", "b", "2", "7", "c", "3", "0"]).0).end()).is_sound()
    );
    expect(FaultCode::BadListpack, listpack(&["a", "1", "7", "b", "2", "6"]));
    expect(FaultCode::BadListpack, listpack(&["a", "1", "0", "b", "2", "7"]));
    expect(FaultCode::BadValue, listpack(&["a", "1", "-1"]));
    expect(FaultCode::BadValue, listpack(&["a", "1", &late.to_string()]));
}

#[test]
fn scores_are_numbers() {
    expect(FaultCode::BadScore, record().key(5, "key").len(1).text(b"a").raw(&f64::NAN.to_le_bytes()));
    expect(FaultCode::BadScore, record().key(3, "key").len(1).text(b"a").raw(&[253]));
    expect(FaultCode::BadScore, record().key(3, "key").len(1).text(b"a").text(b"one"));
    expect(FaultCode::BadScore, record().key(3, "key").len(1).text(b"a").text(b"4e@"));
    contradicts(HazardCode::ScoreTail, record().key(3, "key").len(1).text(b"a").text(b"4\xfc"));
    contradicts(HazardCode::PackedScore, packed(17, &listpack(&["a", "nan"])));
    contradicts(HazardCode::PackedScore, packed(12, &ziplist(&["a", "-nan"])));
}

#[test]
fn streams_are_walked() {
    let start = |key: &[u8], node: &[u8]| record().key(15, "key").len(1).text(key).text(node);
    expect(FaultCode::BadStream, start(b"short", &stream_node()));
    let nothing = record().key(15, "key").len(0).len(5).len(0).len(0).len(0);
    contradicts(HazardCode::StreamWithoutNodes, nothing);
    for node in [
        &["1", "0", "9", "field", "0"][..], // fields missing
        &["1", "0", "-9", "field", "0"],
        &["1", "0", "one", "field", "0"],
        &[],
    ] {
        expect(FaultCode::BadStream, start(&[1; 16], &listpack(node)));
    }
    let stream = |node: &[u8], entries| start(&[1; 16], node).len(entries).len(1).len(0).len(0);
    contradicts(HazardCode::StreamLength, stream(&stream_node(), 3));
    // A string in place of a number that forward reading skips: the end of the master entry, or the length of an entry.
    for node in [
        &["1", "0", "1", "field", "x", "2", "0", "0", "v", "4"][..],
        &["1", "0", "1", "field", "0", "2", "0", "0", "v", "x"],
        &["1", "0", "1", "field", "0", "2", "0", "0", "v"],
    ] {
        contradicts(HazardCode::StreamNode, stream(&listpack(node), 1));
    }
    for node in [
        &["2", "0", "1", "field", "0", "2", "0", "0", "v", "4"][..], // an entry less
        &["1", "0", "1", "field", "0", "2", "0", "0", "v", "5"],     // wrong parts
        &["one", "0", "1", "field", "0", "2", "0", "0", "v", "4"],
        &["1", "0", "1", "field", "1", "2", "0", "0", "v", "4"], // no end of the master entry
        &["1", "1", "1", "field", "0", "2", "0", "0", "v", "4"], // none deleted
        &["9223372036854775807", "1", "1", "field", "0", "2", "0", "0", "v", "4"],
    ] {
        contradicts(HazardCode::StreamNode, stream(&listpack(node), 1));
    }
    contradicts(
        HazardCode::EmptyStreamNode,
        stream(&listpack(&["0", "1", "1", "field", "0", "3", "0", "0", "v", "4"]), 0),
    );
    let twice = record().key(15, "key").len(2).text(&[1; 16]).text(&stream_node());
    expect(FaultCode::BadStream, twice.text(&[1; 16]).text(&stream_node()).len(4).len(1).len(0).len(0));
}

#[test]
fn pending_entries_of_a_stream_are_those_of_its_consumers() {
    for (name, groups) in broken_groups() {
        let file = Rdb::new().key(15, "key").stream_of(&groups).key(0, "behind").text(b"value").end();
        let inspection = read(&file);
        let faults = &inspection.faults;
        assert_eq!(faults.len(), 1, "{name}: {faults:?}");
        assert_eq!(faults[0].code, FaultCode::BadStream, "{name}: {faults:?}");
        // The record after it is read.
        assert_eq!(inspection.keys, 2, "{name}");
    }
}

#[test]
fn pending_entries_may_come_in_any_order_and_one_that_is_nobodys_is_told() {
    let stream = |groups: &[common::Group<'_>]| record().key(15, "key").stream_of(groups);
    for groups in [
        &[("group", &[2, 1][..], &[("b", &[2][..]), ("a", &[1])][..])][..],
        &[("z", &[1, 3, 2], &[("a", &[3, 1]), ("b", &[2])]), ("a", &[], &[])],
    ] {
        assert_eq!(hazards(&Rdb::new().raw(&stream(groups).0).end()), []);
    }
    contradicts(HazardCode::OrphanedPending, stream(&[("group", &[1, 2], &[("a", &[1])])]));
}

#[test]
fn modules_are_walked() {
    expect(FaultCode::BadModule, record().key(7, "key").module_id("ReJSON-RL", 3).len(6));
    expect(FaultCode::BadModule, record().raw(&[247]).module_id("ReJSON-RL", 3).len(3));
    let inspection = read(&Rdb::new().key(7, "key").module_id("MBbloom--", 2).len(0).end());
    assert!(inspection.hazards[0].message.contains("MBbloom--"), "{:?}", inspection.hazards);
}

#[test]
fn arrays_are_walked() {
    let array = || Rdb::with_header("REDIS0014").key(28, "key").len(1);
    assert_eq!(codes(&array().len(2).raw(&[0; 20]).end()), [FaultCode::BadArray]);
    assert_eq!(codes(&array().len(0).len(0).len(4).raw(&[0; 20]).end()), [FaultCode::BadArray]);
}

#[test]
fn faults_name_record_database_and_key() {
    let before = Rdb::new().database(7).filler().0;
    let file = Rdb(before.clone()).raw(&[252]).raw(&[1; 8]).key(16, "broken\n").text(b"").end();
    let inspection = read(&file);
    let fault = &inspection.faults[0];
    assert_eq!((fault.offset, fault.database), (before.len() as u64, 7));
    assert_eq!(fault.key.as_deref(), Some("broken\\x0a"));
    assert_eq!(inspection.rdb.unwrap().crc, Crc::Ok);
}

#[test]
fn reading_goes_on_behind_a_broken_string() {
    let file = Rdb::new()
        .key(16, "first")
        .text(b"broken")
        .key(0, "second")
        .raw(&lzf(b"\x05ab", 6))
        .key(18, "third")
        .len(2)
        .len(2)
        .text(b"also broken")
        .len(2)
        .text(&listpack(&["a"]))
        .filler()
        .end();
    let inspection = read(&file);
    let found: Vec<_> =
        inspection.faults.iter().map(|fault| (fault.code, fault.key.as_deref().unwrap())).collect();
    let expected =
        [(FaultCode::BadListpack, "first"), (FaultCode::BadLzf, "second"), (FaultCode::BadListpack, "third")];
    assert_eq!(found, expected);
    assert_eq!(inspection.keys, 4);
    assert_eq!(inspection.rdb.unwrap().crc, Crc::Ok);
}

#[test]
fn a_key_that_occurs_twice_is_found_in_its_database_alone() {
    let twice = Rdb::new().filler().database(1).filler().key(0, "1").text(b"").key(0, "other").text(b"");
    assert_eq!(hazards(&twice.clone().end()), []);
    let again = twice.0.len() as u64;
    let inspection = read(&twice.raw(&[0, 0xc0, 1]).text(b"the key 1 as an integer").filler().end());
    let found: Vec<_> = inspection.hazards.iter().map(|hazard| (hazard.code, hazard.offset)).collect();
    assert_eq!(found[0], (HazardCode::DuplicateKey, again));
    assert_eq!(found.len(), 2);
    assert!(inspection.hazards[1].message.contains("already at offset"), "{}", inspection.hazards[1].message);
}

#[test]
fn hazards_are_named() {
    use HazardCode::{
        DatabaseNumber, DuplicateMember, DuplicatePackedMember, DuplicateZiplistMember, EmptyCollection,
        Functions, HugeResizedb, ModuleData,
    };

    assert_eq!(hazards(&Rdb::new().database(15).filler().end()), []);
    assert_eq!(hazards(&Rdb::new().database(16).filler().end()), [DatabaseNumber]);
    let far = read(&Rdb::new().database(1 << 40).filler().end());
    assert!(far.hazards[0].message.contains("1099511627776"));
    assert_eq!(hazards(&Rdb::new().raw(&[251]).len(1 << 20).len(0).filler().end()), []);
    for keys in [1 << 34, 1 << 60] {
        assert_eq!(hazards(&Rdb::new().raw(&[251]).len(keys).len(0).filler().end()), [HugeResizedb]);
    }
    assert_eq!(hazards(&Rdb::new().raw(&[251]).len(1).len(1).filler().end()), []);
    assert_eq!(hazards(&Rdb::new().raw(&[245]).text(b"code").end()), [Functions]);
    assert_eq!(hazards(&Rdb::new().key(7, "key").module_id("ReJSON-RL", 3).len(0).end()), [ModuleData]);
    for type_id in [1, 2, 3, 4, 5] {
        assert_eq!(hazards(&Rdb::new().key(type_id, "key").len(0).end()), [EmptyCollection]);
    }
    assert_eq!(hazards(&Rdb::new().key(16, "key").text(&listpack(&[])).end()), [EmptyCollection]);
    let table = |type_id, texts: &[&str]| {
        let rdb = Rdb::new().key(type_id, "key").len(if type_id == 4 { 2 } else { texts.len() as u64 });
        texts.iter().fold(rdb, |rdb, text| rdb.text(text.as_bytes())).end()
    };
    let long = "x".repeat(65);
    assert_eq!(hazards(&table(2, &["a", "a"])), [DuplicateMember]);
    assert_eq!(hazards(&table(4, &["a", "1", "a", "2"])), [DuplicatePackedMember]);
    assert_eq!(hazards(&table(4, &["a", &long, "a", "2"])), [DuplicateMember]);
    for pack in [listpack(&["a", "1", "a", "2"]), listpack(&["7", "1", "7", "2"])] {
        for type_id in [16, 17] {
            assert_eq!(hazards(&Rdb::new().key(type_id, "key").text(&pack).end()), [DuplicatePackedMember]);
        }
    }
    // Hashes with expiries: small ones of Redis stay packed, those of Valkey become tables.
    let fields = [("a", "1"), ("a", "2")];
    let redis = Rdb::new().key(24, "key").raw(&4_102_444_800_000u64.to_le_bytes()).len(2);
    let redis = fields
        .iter()
        .fold(redis, |rdb, (field, value)| rdb.len(1).text(field.as_bytes()).text(value.as_bytes()));
    assert_eq!(hazards(&redis.end()), [DuplicatePackedMember]);
    let valkey = Rdb::with_header("VALKEY080").database(0).key(22, "key").len(2);
    let valkey = fields
        .iter()
        .fold(valkey, |rdb, (field, value)| rdb.text(field.as_bytes()).text(value.as_bytes()).raw(&[255; 8]));
    assert_eq!(hazards(&valkey.end()), [DuplicateMember]);
    let pack = ziplist(&["a", "1", "a", "2"]);
    assert_eq!(hazards(&Rdb::new().key(13, "key").text(&pack).end()), [DuplicateZiplistMember]);
}

#[test]
fn hazards_are_listed_ten_times_and_counted_all() {
    let mut rdb = Rdb::new();
    for index in 0..25 {
        rdb = rdb.key(2, &format!("empty{index}")).len(0);
    }
    let inspection = read(&rdb.raw(&[245]).text(b"code").end());
    assert_eq!(inspection.hazard_counts[&HazardCode::EmptyCollection], 25);
    assert_eq!(inspection.hazards.len(), 11);
    assert_eq!(text_of(b""), [0]);
    assert!(read(&all_types()).is_sound());
}
