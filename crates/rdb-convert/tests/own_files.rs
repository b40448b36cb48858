//! Files that no server at hand writes, written by hand: what they lose is counted, and what they keep is whole.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;
#[path = "common/converting.rs"]
mod converting;
#[path = "common/dropping.rs"]
mod dropping;
#[path = "../../rdb-scan/tests/common/server.rs"]
mod server;

use common::{Rdb, listpack, listpack_entry, listpack_of};
use converting::{convert, convert_one, written};
use dropping::DROP_ALL;
use rdb_convert::{ConvertError, Options, Plan, Report};
use rdb_scan::{
    Kind,
    walk::{Step, Walk},
};
use server::{Server, engines};

const NOW_MS: i64 = 1_800_000_000_000;

fn options(target: &str) -> Options {
    Options { now_ms: NOW_MS, ..Options::new(target.parse().unwrap()) }
}

fn dropping(target: &str) -> Options {
    Options { policies: DROP_ALL, ..options(target) }
}

fn codes(file: &[u8], options: &Options) -> Vec<&'static str> {
    Plan::of(|| Ok(file), options).unwrap().report.refused.iter().map(|refusal| refusal.code).collect()
}

fn report_of(file: &[u8]) -> Report {
    convert_one(file, &dropping("valkey-8.1")).0
}

fn keys(file: &[u8]) -> Vec<(u64, String)> {
    let mut walk = Walk::new(file).unwrap();
    let mut keys = Vec::new();
    loop {
        match walk.step().unwrap() {
            Step::End => return keys,
            Step::Record => {
                keys.push((walk.head().database, String::from_utf8_lossy(&walk.head().key).into_owned()));
            }
            _ => {}
        }
    }
}

/// The node of a stream with the entries 1-1 to 1-4.
fn node() -> Vec<u8> {
    let mut entries: Vec<u8> =
        ["4", "0", "1", "f", "0"].iter().flat_map(|text| listpack_entry(text)).collect();
    for n in 0..4 {
        let offset = n.to_string();
        entries.extend(["2", "0", offset.as_str(), "v", "4"].iter().flat_map(|text| listpack_entry(text)));
    }
    listpack_of(&entries, 25)
}

fn id(sequence: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&1u64.to_be_bytes());
    id[8..].copy_from_slice(&sequence.to_be_bytes());
    id
}

/// A stream of Redis 8.8: 1-1 and 1-2 are pending for a consumer, 1-3 was given back, and a producer is known.
fn newest_stream(producers: bool, given_back: bool) -> Vec<u8> {
    let mut rdb =
        Rdb::with_header("REDIS0014").raw(&[254, 0]).key(27, "stream").len(1).text(&id(1)).text(&node());
    rdb = rdb.len(4).len(1).len(4).len(1).len(1).len(0).len(0).len(4);
    let pending: &[u64] = if given_back { &[1, 2, 3] } else { &[1, 2] };
    rdb = rdb.len(1).text(b"group").len(1).len(3).len(3).len(pending.len() as u64);
    for sequence in pending {
        // Numbers of deliveries that take one byte and more.
        rdb = rdb.raw(&id(*sequence)).raw(&[7; 8]).len([0, 1, 100, 20_000][*sequence as usize]);
    }
    rdb = rdb.len(1).text(b"consumer").raw(&[3; 8]).raw(&[4; 8]).len(2).raw(&id(1)).raw(&id(2));
    rdb = if given_back { rdb.len(1).raw(&id(3)) } else { rdb.len(0) };
    rdb = rdb.len(100).len(100);
    rdb = if producers { rdb.len(1).text(b"producer").len(1).text(b"id").len(1).len(1) } else { rdb.len(0) };
    rdb.len(0).len(0).key(0, "behind").text(b"value").end()
}

#[test]
fn streams_of_the_newest_servers_lose_only_what_is_named() {
    let targets = ["redis-6.2", "redis-7.0", "valkey-8.0", "valkey-8.1", "valkey-9.1"];
    for target in targets {
        assert_eq!(codes(&newest_stream(false, false), &options(target)), [""; 0], "{target}");
        assert_eq!(codes(&newest_stream(true, false), &options(target)), ["stream-state"], "{target}");
        assert_eq!(codes(&newest_stream(false, true), &options(target)), ["stream-state"], "{target}");
        for (producers, given_back) in [(false, false), (true, false), (false, true), (true, true)] {
            let (report, written) = convert_one(&newest_stream(producers, given_back), &dropping(target));
            let lost = |what: &str| report.lost.get(what).map_or(0, |count| count.number);
            assert_eq!(lost("deduplication"), u64::from(producers));
            assert_eq!(lost("givenBackEntries"), u64::from(given_back));
            let Some(engine) = engines().into_iter().find(|engine| engine.name == target) else { continue };
            let mut server = Server::load(&engine, Some(&written), &[]).unwrap();
            assert_eq!(server.run(&["XLEN", "stream"]).int(), 4);
            // Each entry that is pending is a consumer's.
            let pending = server.run(&["XPENDING", "stream", "group", "-", "+", "10"]);
            assert_eq!(pending.list().len(), 2);
            assert!(pending.list().iter().all(|entry| entry.list()[1].text() == "consumer"));
            assert_eq!(server.run(&["GET", "behind"]).text(), "value");
        }
    }
}

#[test]
fn what_a_target_cannot_hold_is_refused_all_at_once_or_dropped() {
    let module = Rdb::new().module_id("tst-type1", 1).0;
    let file = Rdb::with_header("REDIS0014")
        .raw(&[254, 0])
        // Auxiliary data of a module, a slot's number of keys, a value of a module, an array.
        .raw(&[247])
        .raw(&module[9..])
        .len(2)
        .len(1)
        .len(0)
        .raw(&[244])
        .len(5)
        .len(1)
        .len(0)
        .raw(&[245])
        .text(b"#!lua name=lib\n")
        .key(7, "module")
        .raw(&module[9..])
        .len(0)
        .key(28, "array")
        .len(1)
        .len(0)
        .len(7)
        .len(0)
        .text(b"one")
        .raw(&[243])
        .len(1)
        .raw(&[1, 2, 3, 4])
        .len(0)
        .key(0, "described")
        .text(b"value")
        .filler()
        .end();
    assert_eq!(codes(&file, &options("redis-6.2")), ["modules", "functions", "unsupported-types"]);
    assert_eq!(codes(&file, &options("valkey-8.1")), ["modules", "unsupported-types"]);
    let refused = Plan::of(|| Ok(&file[..]), &options("valkey-8.1")).unwrap();
    assert_eq!(refused.report.refused[0].count.number, 3);
    assert_eq!(refused.report.refused[0].count.keys, [b"module".to_vec(), b"described".to_vec()]);
    let written = written(&file[..], &options("valkey-8.1"), &refused);
    assert!(matches!(written, Err(ConvertError::Refused)));
    let (report, written) = convert_one(&file, &dropping("redis-6.2"));
    assert_eq!(keys(&written), [(0, "described".to_owned()), (0, "filler".to_owned())]);
    assert_eq!((report.keys_read, report.keys_written), (4, 2));
    let lost: Vec<_> = report.lost.iter().map(|(what, count)| (*what, count.number)).collect();
    assert_eq!(lost, [("functions", 1), ("keyMetadata", 1), ("modules", 1), ("slotInfo", 1)]);
    let dropped: Vec<_> = report.dropped.iter().map(|(what, count)| (*what, count.number)).collect();
    assert_eq!(dropped, [("module", 1), ("unsupportedType", 1)]);
}

#[test]
fn hashes_with_templates_become_plain_ones() {
    let file = Rdb::with_header("REDIS0015")
        .raw(b"\xf2\x07\x02\x03age\x04name")
        .raw(&[254, 0])
        .key(30, "listpack")
        .text(&listpack(&["7", "42", "Anna"]))
        .key(32, "values")
        .len(7)
        .raw(&[0xc0, 42])
        .text(b"Anna")
        .filler()
        .end();
    let plain = b"\x02\x03age\xc0\x2a\x04name\x04Anna";
    let expected = Rdb::with_header("REDIS0011")
        .raw(&[254, 0, 251, 3, 0])
        .key(4, "listpack")
        .raw(plain)
        .key(4, "values")
        .raw(plain)
        .filler()
        .end();
    for target in ["redis-6.2", "redis-7.0", "valkey-8.1", "valkey-9.1"] {
        let (report, written) = convert_one(&file, &options(target));
        assert_eq!(written[9..written.len() - 8], expected[9..expected.len() - 8], "{target}");
        assert_eq!((report.keys_written, report.keys_rewritten), (3, 2));
        assert!(report.lost.is_empty() && report.dropped.is_empty());
        let Some(engine) = engines().into_iter().find(|engine| engine.name == target) else { continue };
        let mut server = Server::load(&engine, Some(&written), &[]).unwrap();
        for key in ["listpack", "values"] {
            assert_eq!(server.run(&["HGET", key, "age"]).text(), "42", "{target}");
            assert_eq!(server.run(&["HGET", key, "name"]).text(), "Anna", "{target}");
        }
    }
}

#[test]
fn slots_on_their_way_are_refused_whatever_the_policies_are() {
    let import = Rdb::with_header("VALKEY080")
        .raw(&[254, 0, 243])
        .text(&[b'a'; 40])
        .len(1)
        .len(1)
        .len(2)
        .filler()
        .end();
    for target in ["redis-7.0", "valkey-8.1", "valkey-9.0"] {
        assert_eq!(codes(&import, &dropping(target)), ["slot-import"]);
    }
}

#[test]
fn expired_fields_do_not_come_back() {
    let past = NOW_MS - 1;
    let later = NOW_MS + 1;
    let at = |number: i64| number.to_string();
    let packed = listpack(&["gone", "1", &at(past), "stays", "2", &at(later), "plain", "3", "0"]);
    let least = past.cast_unsigned();
    let file = Rdb::with_header("REDIS0012")
        .raw(&[254, 0])
        .key(25, "packed")
        .raw(&least.to_le_bytes())
        .text(&packed)
        .key(24, "table")
        .raw(&least.to_le_bytes())
        .len(3)
        .len(1)
        .text(b"gone")
        .text(b"1")
        .len(3)
        .text(b"stays")
        .text(b"2")
        .len(0)
        .text(b"plain")
        .text(b"3")
        .key(25, "all packed")
        .raw(&least.to_le_bytes())
        .text(&listpack(&["gone", "1", &at(past)]))
        .key(24, "all")
        .raw(&least.to_le_bytes())
        .len(1)
        .len(1)
        .text(b"gone")
        .text(b"1")
        .filler()
        .end();
    assert_eq!(codes(&file, &options("valkey-8.1")), ["field-expiries"]);
    let (report, written) = convert_one(&file, &dropping("valkey-8.1"));
    assert_eq!(report.lost["expiredFields"].number, 4);
    assert_eq!(report.lost["fieldExpiries"].number, 2);
    assert_eq!(report.dropped["expiredFields"].number, 2);
    assert_eq!(keys(&written).len(), 3);
    let (report, newest) = convert_one(&file, &options("valkey-9.0"));
    assert_eq!(report.lost.len() + report.dropped.len(), 0);
    assert!(newest.starts_with(b"VALKEY080"));
    assert_eq!(keys(&newest).len(), 5);
    // And back, from Valkey's own encoding.
    let (again, written_again) = convert_one(&newest, &dropping("valkey-8.1"));
    assert_eq!(again.keys_written, 3);
    assert_eq!(keys(&written_again), keys(&written));
    assert_eq!(again.lost, report_of(&file).lost);
}

#[test]
fn a_large_hash_that_loses_fields_has_the_right_count() {
    let past = (NOW_MS - 1).cast_unsigned();
    let mut file =
        Rdb::with_header("REDIS0012").raw(&[254, 0]).key(24, "large").raw(&past.to_le_bytes()).len(200_000);
    for field in 0..200_000u32 {
        let expiry = [0, 1, 5][field as usize % 3];
        file = file.len(expiry).text(format!("field {field}").as_bytes()).text(b"value");
    }
    let file = file.filler().end();
    let (report, written) = convert_one(&file, &dropping("valkey-8.1"));
    assert_eq!(report.lost["expiredFields"].number, 66_667);
    assert_eq!(common::read(&written).types["hash"].elements, 200_000 - 66_667);
    assert_eq!(keys(&written).len(), 2);
}

#[test]
fn filters_and_shards_divide_the_keys() {
    let mut rdb = Rdb::with_header("REDIS0011").raw(&[254, 0]);
    for n in 0..1000 {
        rdb = rdb
            .key(0, &format!("user:{n}"))
            .text(b"value")
            .raw(&[252])
            .raw(&(NOW_MS + n % 2 * 2 - 1).to_le_bytes())
            .key(4, &format!("cart:{n}"))
            .len(1)
            .text(b"a")
            .text(b"b");
    }
    let file = rdb.end();
    let only = Options { only: vec![Kind::Hash], drop_expired: true, ..options("valkey-8.1") };
    let (report, _) = convert_one(&file, &only);
    assert_eq!(
        (report.keys_written, report.dropped["type"].number, report.dropped["expired"].number),
        (500, 1000, 500)
    );
    let named = Options {
        include: vec![rdb_convert::Glob::new("user:*")],
        exclude: vec![rdb_convert::Glob::new("*9")],
        ..options("valkey-8.1")
    };
    let (report, _) = convert_one(&file, &named);
    assert_eq!(
        (report.keys_written, report.dropped["excluded"].number, report.dropped["notIncluded"].number),
        (900, 200, 900)
    );
    let split = Options { split: 3, ..options("valkey-8.1") };
    let (_, files) = convert(|| &file[..], &split);
    let firsts = [0u32, 5461, 10922, 16384];
    let mut all = 0;
    for (place, written) in files.iter().enumerate() {
        for (_, key) in keys(written) {
            let slot = u32::from(rdb_scan::key_slot(key.as_bytes()));
            assert!((firsts[place]..firsts[place + 1]).contains(&slot), "{slot} in {place}");
            all += 1;
        }
    }
    assert_eq!(all, 2000);
}

#[test]
fn a_source_that_changes_is_found() {
    let file = Rdb::with_header("REDIS0011").filler().end();
    let other = Rdb::with_header("REDIS0011").filler().key(0, "more").text(b"value").end();
    let plan = Plan::of(|| Ok(&file[..]), &options("valkey-8.1")).unwrap();
    let written = written(&other[..], &options("valkey-8.1"), &plan);
    assert!(matches!(written, Err(ConvertError::Changed(_))));
}

#[test]
fn no_cut_and_no_change_of_a_file_panics_or_goes_unseen() {
    let files = [
        newest_stream(true, true),
        Rdb::with_header("REDIS0012")
            .raw(&[254, 0])
            .key(25, "packed")
            .raw(&[1; 8])
            .text(&listpack(&["a", "1", "0"]))
            .key(18, "list")
            .len(1)
            .len(2)
            .text(&listpack(&["a", "70000", "-5"]))
            .key(17, "zset")
            .text(&listpack(&["a", "1.5"]))
            .end(),
    ];
    for file in files {
        // Behind the header: another version may have no checksum.
        for at in 9..file.len() {
            let cut = &file[..at];
            let _ = Plan::of(|| Ok(cut), &dropping("redis-6.2"));
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                let end = changed.len();
                if at < end - 8 {
                    assert!(Plan::of(|| Ok(&changed[..]), &dropping("redis-6.2")).is_err(), "byte {at}");
                    // Without a checksum, whatever is written can be read.
                    changed[end - 8..].fill(0);
                    if let Ok(plan) = Plan::of(|| Ok(&changed[..]), &dropping("redis-6.2"))
                        && plan.report.refused.is_empty()
                    {
                        let written = written(&changed[..], &dropping("redis-6.2"), &plan);
                        for file in written.unwrap_or_default() {
                            assert_eq!(keys(&file).len() as u64, plan.report.keys_written);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_ends_a_load_is_mended_on_request() {
    let file = Rdb::with_header("REDIS0011")
        .raw(&[254, 0, 251])
        .len(1 << 34)
        .len(0)
        .key(0, "twice")
        .text(b"first")
        .key(4, "empty")
        .len(0)
        .key(16, "empty packed")
        .text(&listpack(&[]))
        .key(2, "set")
        .len(3)
        .text(b"a")
        .text(b"b")
        .text(b"a")
        .key(4, "hash")
        .len(2)
        .text(b"f")
        .text(b"1")
        .text(b"f")
        .text(b"2")
        .key(16, "packed")
        .text(&listpack(&["f", "1", "7", "3", "f", "2", "7", "4"]))
        .key(0, "twice")
        .text(b"second")
        .raw(&[254, 7, 254, 3])
        .key(21, "stream")
        .len(1)
        .text(&id(1))
        .text(&node())
        .len(99)
        .len(1)
        .len(4)
        .len(1)
        .len(1)
        .len(0)
        .len(0)
        .len(4)
        .len(0)
        .key(0, "twice")
        .text(b"in another database")
        .end();
    for target in ["redis-6.2", "redis-7.0", "valkey-8.1"] {
        let (report, written) = convert_one(&file, &Options { repair: true, ..options(target) });
        let repaired: Vec<_> = report.repaired.iter().map(|(what, count)| (*what, count.number)).collect();
        assert_eq!(
            repaired,
            [("duplicateKeys", 1), ("duplicateMembers", 4), ("emptyCollections", 2), ("streamLengths", 1)]
        );
        let expected = [(0, "twice"), (0, "set"), (0, "hash"), (0, "packed"), (3, "stream"), (3, "twice")];
        assert_eq!(keys(&written), expected.map(|(database, key)| (database, key.to_owned())));
        assert!(common::read(&written).hazards.is_empty(), "{:?}", common::read(&written).hazards);
        let Some(engine) = engines().into_iter().find(|engine| engine.name == target) else { continue };
        let mut server = Server::load(&engine, Some(&written), &[]).unwrap();
        assert_eq!(server.run(&["GET", "twice"]).text(), "first");
        assert_eq!(server.run(&["SCARD", "set"]).int(), 2);
        assert_eq!(server.run(&["HLEN", "packed"]).int(), 2);
        assert_eq!(server.run(&["HGET", "hash", "f"]).text(), "1");
        assert_eq!(server.run(&["HGET", "packed", "7"]).text(), "3");
        server.run(&["SELECT", "3"]);
        assert_eq!(server.run(&["XLEN", "stream"]).int(), 4);
    }
}
