//! Files that this crate calls broken are refused by real servers; skipped if there is no server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;
#[path = "common/filling.rs"]
mod filling;
#[path = "common/server.rs"]
mod server;

use common::{Rdb, intset, listpack, listpack_entry, listpack_of, lzf, read, stream_node};
use filling::fill_small;
use rdb_scan::HazardCode;
use server::{Server, engines};

/// Makes servers check the contents of what they load, as their checkers do.
const THOROUGH: [&str; 2] = ["--sanitize-dump-payload", "yes"];

/// Faults that Redis 6.2.5 does not check for.
const UNSEEN_BEFORE_7: [&str; 4] =
    ["an entry that is nobody's", "two consumers of one name", "zipmap: no fields", "intset: no members"];

#[test]
fn servers_refuse_what_we_call_broken() {
    for engine in engines() {
        let mut writer = Server::start(&engine, &[]);
        fill_small(&mut writer);
        let own = writer.save();
        assert!(read(&own).is_sound(), "{}", engine.name);
        assert!(Server::load(&engine, Some(&own), &THOROUGH).is_ok(), "{}: its own file", engine.name);
        let header = std::str::from_utf8(&own[..9]).unwrap();
        let cases = damaged(&own).into_iter().chain(handmade(header));
        let mut refused = 0;
        for (name, file) in cases {
            let inspection = read(&file);
            assert!(!inspection.is_sound(), "{}: {name}: called sound", engine.name);
            match Server::load(&engine, Some(&file), &THOROUGH) {
                Err(_) => refused += 1,
                // Redis checks for these since 7.0.
                Ok(_) if UNSEEN_BEFORE_7.contains(&name) && !engine.is_7 => {
                    println!("{}: skipped, it does not look for {name}", engine.name);
                }
                Ok(_) => panic!("{} loads what we call broken: {name}: {:?}", engine.name, inspection.faults),
            }
        }
        println!("{}: refuses all {refused}", engine.name);
    }
}

#[test]
fn servers_load_odd_files_that_we_call_sound() {
    for engine in engines() {
        let own = Server::start(&engine, &[]).save();
        let header = std::str::from_utf8(&own[..9]).unwrap();
        let rdb = || Rdb::with_header(header).database(0).filler();
        let packed = |type_id, pack: &[u8]| rdb().key(type_id, "key").text(pack).end();
        let long = "x".repeat(20_000);
        for (name, file, keys) in [
            ("no checksum", rdb().end_unchecked(), 1),
            ("bytes behind the end", [rdb().end(), vec![b'x'; 1000]].concat(), 1),
            (
                "a size that is wrong",
                rdb().raw(&[251]).len(1000).len(7).key(0, "filler too").text(b"value").end(),
                2,
            ),
            ("unknown AUX field", rdb().raw(&[250]).text(b"unheard of").text(b"1").end(), 1),
            (
                "listpack without a count",
                packed(16, &listpack_of(&[listpack_entry("f"), listpack_entry("v")].concat(), 0xffff)),
                2,
            ),
            ("long listpack entry", packed(16, &listpack(&["f", &long])), 2),
            ("ziplist", packed(13, &common::ziplist(&["f", "v", "n", "-300"])), 2),
            ("zipmap", packed(9, &common::zipmap(&[("f", "v")])), 2),
            ("intset", packed(11, &intset(4, &[-70_000, 5, 70_000])), 2),
            ("compressed key", rdb().raw(&[0]).raw(&lzf(b"\x02abc\xe0\x10\x02", 28)).text(b"v").end(), 2),
            ("stream of the first version", rdb().key(15, "key").raw(&common::stream(1)).end(), 2),
            (
                "length in eight bytes",
                rdb().key(0, "key").raw(&[0x81]).raw(&3u64.to_be_bytes()).raw(b"abc").end(),
                2,
            ),
        ] {
            if name.contains("listpack") && !engine.is_7 {
                println!("{}: skipped, it has no such type: {name}", engine.name);
                continue;
            }
            let inspection = read(&file);
            assert!(inspection.is_sound(), "{name}: {:?}", inspection.faults);
            assert_eq!(inspection.keys, keys, "{name}");
            let mut server = Server::load(&engine, Some(&file), &THOROUGH)
                .unwrap_or_else(|log| panic!("{} refuses what we call sound: {name}: {log}", engine.name));
            assert_eq!(
                server.run(&["DBSIZE"]).int(),
                i64::try_from(keys).unwrap(),
                "{}: {name}",
                engine.name
            );
        }
    }
}

/// Found by mutation: forward reading skips the end of the master entry and the length of an entry.
#[test]
fn only_deep_checks_see_strings_in_numbers_that_reading_skips() {
    for engine in engines() {
        let own = Server::start(&engine, &[]).save();
        let header = std::str::from_utf8(&own[..9]).unwrap();
        for node in [
            &["1", "0", "1", "field", "x", "2", "0", "0", "v", "4"][..],
            &["1", "0", "1", "field", "0", "2", "0", "0", "v", "x"],
            &["1", "0", "1", "field", "0", "2", "0", "0", "v"],
        ] {
            let stream = Rdb::with_header(header).database(0).key(15, "key").len(1).text(&[0; 16]);
            let file = stream.text(&listpack(node)).len(1).len(2).len(0).len(0).end();
            let inspection = read(&file);
            assert!(inspection.is_sound(), "{:?}", inspection.faults);
            assert_eq!(inspection.hazard_counts.get(&HazardCode::StreamNode), Some(&1));
            let deep = engine.name.starts_with("valkey-9");
            let loaded = Server::load(&engine, Some(&file), &[]).map(|mut server| {
                server.run(&["XRANGE", "key", "-", "+"]);
                server.run(&["PING"])
            });
            assert_eq!(loaded.is_err(), deep, "{}: {node:?}", engine.name);
        }
    }
}

/// Well-formed records that no possible target reads.
#[test]
fn servers_refuse_what_we_call_foreign() {
    for engine in engines() {
        let own = Server::start(&engine, &[]).save();
        let header = std::str::from_utf8(&own[..9]).unwrap();
        let rdb = || Rdb::with_header(header).database(0).filler();
        let functions = rdb().raw(&[246]).text(b"library").text(b"LUA").len(0).text(b"code").end();
        for (name, file) in [
            ("slot of a cluster", rdb().raw(&[121]).len(67).key(0, "key").text(b"value").end()),
            ("last use in RAM", rdb().raw(&[107]).len(67).key(0, "key").text(b"value").end()),
            ("functions of a release candidate", functions),
        ] {
            let inspection = read(&file);
            assert!(inspection.is_sound(), "{name}: {:?}", inspection.faults);
            assert_eq!(inspection.hazard_counts.get(&HazardCode::ForeignRecord), Some(&1), "{name}");
            assert!(Server::load(&engine, Some(&file), &[]).is_err(), "{} loads {name}", engine.name);
        }
    }
}

/// Damage to a whole file.
fn damaged(own: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let end = own.len();
    let mut flipped = own.to_vec();
    flipped[end - 1] ^= 1;
    let mut changed = own.to_vec();
    changed[end / 2] ^= 0x10;
    vec![
        ("nothing but a header", own[..9].to_vec()),
        ("cut in the middle", own[..end / 2].to_vec()),
        ("cut before the end mark", own[..end - 9].to_vec()),
        ("cut before the checksum", own[..end - 8].to_vec()),
        ("cut in the checksum", own[..end - 3].to_vec()),
        ("another checksum", flipped),
        ("another byte", changed),
    ]
}

/// Records with one fault each, and a correct checksum.
fn handmade(header: &str) -> Vec<(&'static str, Vec<u8>)> {
    let record = |type_id| Rdb::with_header(header).database(0).filler().key(type_id, "key");
    let file = |rdb: Rdb| rdb.key(0, "behind").text(b"value").end();
    let packed = |type_id, pack: &[u8]| file(record(type_id).text(pack));
    let hash = listpack(&["f", "v"]);
    let with = |at: usize, byte: u8| {
        let mut pack = hash.clone();
        pack[at] = byte;
        packed(16, &pack)
    };
    let stream = |node: &[&str]| {
        file(record(15).len(1).text(&[1; 16]).text(&listpack(node)).len(1).len(1).len(0).len(0))
    };
    let groups =
        common::broken_groups().into_iter().map(|(name, groups)| (name, file(record(15).stream_of(&groups))));
    let mut files = vec![
        ("listpack: total", with(0, 14)),
        ("listpack: entry over the end", with(6, 0xbf)),
        ("listpack: no such encoding", with(6, 0xf5)),
        ("listpack: length behind", with(8, 9)),
        ("listpack: no end", with(hash.len() - 1, 0)),
        ("listpack: field without value", packed(16, &listpack(&["f", "v", "g"]))),
        ("listpack: no bytes", packed(16, b"")),
        ("intset: no members", packed(11, &intset(2, &[]))),
        ("intset: width", packed(11, &[3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0])),
        ("intset: count", packed(11, &[2, 0, 0, 0, 9, 0, 0, 0, 1, 0])),
        (
            "ziplist: tail",
            packed(13, &{
                let mut pack = common::ziplist(&["f", "v"]);
                pack[4] = 0xff;
                pack
            }),
        ),
        ("zipmap: value over the end", packed(9, b"\x01\x01f\x09\x00v\xff")),
        ("compressed: too little", file(record(0).raw(&lzf(b"\x00a", 9)))),
        ("compressed: before the start", file(record(0).raw(&lzf(b"\x00a\x20\x09\x00a", 5)))),
        ("zipmap: no fields", packed(9, b"\x00\xff")),
        ("quicklist: plain node without bytes", file(record(18).len(1).len(1).text(b""))),
        ("quicklist: container", file(record(18).len(1).len(3).text(b"a"))),
        ("score: not a number", file(record(5).len(1).text(b"a").raw(&f64::NAN.to_le_bytes()))),
        (
            "stream: key of a node",
            file(record(15).len(1).text(b"short").text(&stream_node()).len(2).len(1).len(0).len(0)),
        ),
        ("stream: fields missing", stream(&["1", "0", "9", "field", "0"])),
        ("string over the end", file(record(0).len(1 << 40))),
        ("no such length", file(record(0).raw(&[0xc4]))),
        ("no such type", file(record(42).text(b""))),
        ("no such opcode", file(Rdb::with_header(header).database(0).filler().raw(&[200]))),
    ];
    files.extend(groups);
    files
}
