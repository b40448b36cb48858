//! Writes the seeds of all targets to `fuzz/corpus`: files from the tests' own writer, and the given files.
//!
//! `cargo run --manifest-path fuzz/Cargo.toml --example seeds -- NAME.rdb...`
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

#[path = "../../crates/rdb-scan/tests/common/mod.rs"]
mod common;

use common::{Rdb, all_types, intset, listpack, lzf, lzf_literals, stream, stream_node, ziplist, zipmap};

fn main() -> io::Result<()> {
    let mut files = vec![
        ("all-types".to_owned(), all_types()),
        ("smallest".to_owned(), Rdb::new().end_unchecked()),
        ("valkey".to_owned(), valkey()),
        ("many-keys".to_owned(), many_keys()),
        ("compressed".to_owned(), compressed()),
        ("templates".to_owned(), templates()),
        ("early".to_owned(), Rdb::with_header("REDIS0003").filler().key(3, "z").len(0).raw(&[255]).0),
    ];
    for path in env::args().skip(1).map(PathBuf::from) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, fs::read(path)?));
    }
    for (name, file) in files {
        write("whole_file", &name, &[&[17], &file[..]].concat())?;
        // For Valkey 8.1 with everything dropped that can be; for Redis 6.2, merged, mended and split.
        write("convert", &name, &[&[5, 31, 0, 0], &file[..]].concat())?;
        write("convert", &format!("{name}-merged"), &[&[0, 31, 0x85, 1], &file[..]].concat())?;
        write("ranges_and_joins", &name, &[&[3, 40, 0, 200, 1, 90, 3], &file[..]].concat())?;
        // Every second request is answered with a pause.
        write("ranges_and_joins", &format!("{name}-paused"), &[&[18, 0, 2, 100, 0], &file[..]].concat())?;
    }
    write("ranges_and_joins", "cut-at-a-record", &[&[1, 12, 0], &Rdb::new().filler().0[..]].concat())?;
    write("ranges_and_joins", "records-in-a-value", &records_in_a_value())?;
    let tokens = |text: Vec<u8>| text[if text[1] < 64 { 3 } else { 5 }..].to_vec();
    for (name, packed) in [
        ("literals", tokens(lzf_literals(&[b'x'; 60]))),
        ("reference", tokens(lzf(b"\x02abc\x20\x02\x40\x01\xe0\x07\x00", 25))),
        ("long-reference", tokens(lzf(b"\x00a\xe0\xff\x00\xe0\xff\x00", 1))),
        ("far", [&[0, b'a'], &b"\xe0\xff\x00".repeat(32)[..], b"\x3f\xff\xff\x03\xff"].concat()),
        ("cut", b"\x05ab".to_vec()),
    ] {
        write("lzf", &format!("{name}-six-times"), &[&[7, 0, 5], &packed.repeat(6)[..]].concat())?;
        write("lzf", name, &[&[7, 0, 0], &packed[..]].concat())?;
    }
    let long = "long ".repeat(40);
    let texts = ["a", "1", "-5", "300", "-2000", "30000", "-1234567", "8388608", "99999999999", &long];
    let pairs = ["a", "1", "b", "2.5"];
    for (name, kind, bytes) in [
        ("list", 0, listpack(&texts)),
        ("set", 1, listpack(&texts)),
        ("set-twice", 1, listpack(&["7", "a", "7"])),
        ("hash", 2, listpack(&texts)),
        ("hash-expiry", 3, listpack(&["f", "v", "1700000000000", "g", "v", "0"])),
        ("zset", 4, listpack(&pairs)),
        ("stream-node", 5, stream_node()),
        ("ziplist", 6, ziplist(&texts)),
        ("ziplist-hash", 7, ziplist(&texts)),
        ("ziplist-zset", 8, ziplist(&pairs)),
        ("zipmap", 9, zipmap(&[("a", "1"), ("b", &"x".repeat(200))])),
        ("intset-2", 10, intset(2, &[-5, 1, 300])),
        ("intset-8", 10, intset(8, &[i64::MIN, -1, i64::MAX])),
        ("empty", 0, listpack(&[])),
    ] {
        write("listpack", name, &[&[kind, 20], &bytes[..]].concat())?;
    }
    Ok(())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

fn valkey() -> Vec<u8> {
    Rdb::with_header("VALKEY080")
        .raw(&[250])
        .text(b"slot-info")
        .text(b"12,1,0,0")
        .raw(&[243])
        .text(&[b'a'; 40])
        .len(1)
        .len(0)
        .len(10)
        .database(0)
        .key(22, "hash")
        .len(1)
        .text(b"f")
        .text(b"v")
        .raw(&1_800_000_000_000i64.to_le_bytes())
        .filler()
        .key(21, "stream")
        .raw(&stream(3))
        .end()
}

/// Hashes that refer to templates.
fn templates() -> Vec<u8> {
    let rdb = Rdb::with_header("REDIS0015").raw(b"\xf2\0\x02\x03age\x04name").database(0);
    let rdb =
        rdb.key(30, "listpack").text(&listpack(&["0", "42", "Anna"])).key(32, "values").len(0).text(b"42");
    rdb.text(b"Anna").filler().end()
}

/// A file with enough records that boundaries between them can be found.
fn many_keys() -> Vec<u8> {
    let mut rdb = Rdb::new();
    for index in 0..60 {
        if index % 25 == 0 {
            rdb = rdb.database(index / 25);
        }
        if index % 3 == 0 {
            rdb = rdb.raw(&[252]).raw(&(1_800_000_000_000 + index as i64).to_le_bytes());
        }
        rdb = match index % 4 {
            0 => rdb.key(0, &format!("string:{index}")).text(b"value"),
            1 => rdb.key(16, &format!("hash:{index}")).text(&listpack(&["a", "1"])),
            2 => rdb.key(18, &format!("list:{index}")).len(1).len(2).text(&listpack(&["a", "b"])),
            _ => rdb.key(4, &format!("hash:{index}")).len(1).text(b"field").text(b"value"),
        };
    }
    rdb.end()
}

/// A file with consecutive compressed strings, in every place where a reader expects strings.
fn compressed() -> Vec<u8> {
    let long = "long ".repeat(20);
    let repeated = lzf(b"\x02abc\xe0\x40\x02\x1fabcdefghijklmnopqrstuvwxyzabcdef", 3 + 73 + 32);
    let mut rdb = Rdb::new();
    for index in 0..6 {
        let pack = lzf_literals(&listpack(&[&format!("f{index}"), &long]));
        rdb = rdb
            .key(0, &format!("string:{index}"))
            .raw(&repeated)
            .key(16, &format!("hash:{index}"))
            .raw(&pack)
            .key(18, &format!("list:{index}"))
            .len(3)
            .len(2)
            .raw(&pack)
            .len(1)
            .raw(&repeated)
            .len(2)
            .raw(&pack);
    }
    rdb.end()
}

/// A value that looks like records of another database, and a cut at its beginning.
fn records_in_a_value() -> Vec<u8> {
    let value = Rdb(Vec::new()).database(1).key(0, "fake").text(b"x").key(0, "fake too").text(b"x").0;
    let start = Rdb::new().database(0).key(0, "real").len(value.len() as u64);
    let cut = start.0.len() as u16;
    let mut rdb = start.raw(&value);
    for index in 0..20 {
        rdb = rdb.key(0, &format!("key:{index}")).text(b"value");
    }
    [&[1], &cut.to_le_bytes()[..], &rdb.end_unchecked()].concat()
}
