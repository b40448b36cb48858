//! Handmade broken and dangerous packed collections: each fault and hazard is found and named.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::{
    Rdb,
    broken::{codes, contradicts, expect, hazards, packed, record},
    intset, listpack, listpack_entry, listpack_of, ziplist, zipmap,
};
use rdb_scan::{FaultCode, HazardCode};

#[test]
fn listpacks_are_walked() {
    let good = listpack(&["a", "1"]);
    let change = |at: usize, byte: u8| {
        let mut pack = good.clone();
        pack[at] = byte;
        packed(16, &pack)
    };
    expect(FaultCode::BadListpack, change(0, 13)); // total
    contradicts(HazardCode::ListpackCount, change(4, 3));
    expect(FaultCode::BadListpack, change(6, 0xbf)); // entry overruns
    expect(FaultCode::BadListpack, change(6, 0xf5)); // no encoding
    expect(FaultCode::BadListpack, change(8, 9)); // back length
    contradicts(HazardCode::ListpackCount, {
        let early = [listpack(&["a", "1"]), vec![0xff]].concat();
        packed(16, &[&[early.len() as u8], &early[1..]].concat())
    });
    expect(FaultCode::BadListpack, change(11, 0)); // no end
    expect(FaultCode::BadListpack, packed(16, b""));
    expect(FaultCode::BadListpack, packed(16, &good[..5]));
    expect(FaultCode::BadListpack, packed(16, &listpack(&["a", "1", "b"]))); // odd
    let half = hazards(&Rdb::new().raw(&packed(16, &listpack(&["a"])).0).end());
    assert_eq!(half, [HazardCode::EmptyCollection, HazardCode::ListpackCount]);
    expect(FaultCode::BadListpack, packed(17, &listpack(&["a"])));
    expect(FaultCode::BadListpack, packed(25, b"").raw(&[0; 9]));
    expect(FaultCode::BadListpack, packed(23, &listpack(&["f", "v", "soon"])));
    expect(FaultCode::BadListpack, record().key(16, "key").raw(&[0xc0, 1]));
    let hint = listpack_of(&[listpack_entry("a"), listpack_entry("b")].concat(), 0xffff);
    assert_eq!(codes(&Rdb::new().key(16, "hint").text(&hint).end()), []);
    // The length after an entry has up to five bytes.
    for length in [1, 63, 64, 125, 126, 127, 4095, 4096, 16_376, 16_377, 16_378, 70_000] {
        let long = "x".repeat(length);
        let file = Rdb::new().key(16, "hash").text(&listpack(&["a", &long])).end();
        assert_eq!(codes(&file), [], "{length}");
    }
}

#[test]
fn ziplists_are_walked() {
    let good = ziplist(&["a", "1"]);
    let change = |at: usize, byte: u8| {
        let mut list = good.clone();
        list[at] = byte;
        packed(13, &list)
    };
    expect(FaultCode::BadZiplist, change(0, 99)); // total
    expect(FaultCode::BadZiplist, change(4, 10)); // tail
    contradicts(HazardCode::ZiplistCount, change(8, 3));
    expect(FaultCode::BadZiplist, change(10, 1)); // length of the one before
    expect(FaultCode::BadZiplist, change(11, 0x3f)); // entry overruns
    expect(FaultCode::BadZiplist, change(11, 0x90)); // no encoding
    expect(FaultCode::BadZiplist, packed(10, &good[..9]));
    expect(FaultCode::BadZiplist, packed(12, &ziplist(&["a"])));
    expect(FaultCode::BadZiplist, record().key(14, "key").len(1).text(&good[..9]));
    let long = "x".repeat(20_000);
    assert_eq!(codes(&Rdb::new().key(10, "list").text(&ziplist(&["a", &long, "b", "1000"])).end()), []);
}

#[test]
fn intsets_are_ordered() {
    contradicts(HazardCode::IntsetOrder, packed(11, &intset(2, &[2, 1])));
    contradicts(HazardCode::IntsetOrder, packed(11, &intset(4, &[1, 1])));
    expect(FaultCode::BadIntset, packed(11, &intset(2, &[])));
    expect(FaultCode::BadIntset, packed(11, &[3, 0, 0, 0, 0, 0, 0, 0]));
    expect(FaultCode::BadIntset, packed(11, &[2, 0, 0, 0, 9, 0, 0, 0, 1, 0]));
    expect(FaultCode::BadIntset, packed(11, b"\x02"));
    let many: Vec<i64> = (-20_000..20_000).collect();
    assert_eq!(codes(&Rdb::new().key(11, "set").text(&intset(8, &many)).end()), []);
}

#[test]
fn zipmaps_are_walked() {
    let good = zipmap(&[("a", "1")]);
    expect(FaultCode::BadZipmap, packed(9, &good[..good.len() - 1]));
    expect(FaultCode::BadZipmap, packed(9, &[&[2], &good[1..]].concat()));
    expect(FaultCode::BadZipmap, packed(9, &[&good[..], &[0]].concat()));
    expect(FaultCode::BadZipmap, packed(9, b""));
    expect(FaultCode::BadZipmap, packed(9, b"\x00\xff"));
    expect(FaultCode::BadZipmap, packed(9, b"\x01\x09a"));
}

#[test]
fn quicklist_containers_are_known() {
    expect(FaultCode::BadQuicklist, record().key(18, "key").len(1).len(3).text(b"a"));
    expect(FaultCode::BadQuicklist, record().key(18, "key").len(1).len(0).text(b"a"));
    expect(FaultCode::BadQuicklist, record().key(18, "key").len(1).len(1).text(b""));
}
