//! Random files of keys of every type, with everything between and in them that ends a stretch, and the stretches that
//! they have.

use rdb_scan::{
    InspectOptions, Stretch, TypeSet, ValueType,
    walk::{Sink, Step, Walk},
};

use super::{Rdb, all_types, crc64};

/// The next thing in a file: what it is, which of its kind, and how large.
pub type Pick = (u8, u8, u16);

/// The records of a file with every type of Redis: type and value.
fn values() -> Vec<(u8, Vec<u8>)> {
    let file = all_types();
    let mut walk = Walk::new(&file[..]).unwrap();
    let mut values = Vec::new();
    loop {
        match walk.step().unwrap() {
            Step::End => return values,
            Step::Record => {
                let mut value = Vec::new();
                walk.pass(&mut value).unwrap();
                values.push((walk.head().value_type.id(), value));
            }
            _ => {}
        }
    }
}

/// A file that begins in database 0.
pub fn file(header: &str, picks: &[Pick]) -> Vec<u8> {
    let mut values = values();
    // Valkey has none of the later types of Redis.
    values.retain(|(id, _)| header.starts_with("REDIS") || *id <= 21);
    let mut rdb = Rdb::with_header(header).raw(&[250]).text(b"redis-ver").text(b"7.4.1");
    let templated = header == "REDIS0015";
    if templated {
        rdb = rdb.raw(b"\xf2\x07\x02\x03age\x04name\xf2\x32\x01").text(&[b'f'; 300]);
    }
    for (number, (what, which, size)) in picks.iter().enumerate() {
        let text = |bytes: u16| format!("{number} is text. ").repeat(usize::from(bytes) / 10).into_bytes();
        rdb = match which % 16 {
            // What precedes a key is copied with it, however a number is stored.
            0 => rdb.raw(&[252]).raw(&(1_000_000 + i64::from(*size)).to_le_bytes()),
            1 => rdb.raw(&[253]).raw(&1_900_000_000i32.to_le_bytes()),
            2 => rdb.raw(&[248]).len(u64::from(*size)),
            3 => rdb.raw(&[248, 0x80, 0, 0, 0, 3]),
            4 => rdb.raw(&[249, *which]),
            _ => rdb,
        };
        rdb = match what {
            0..120 => rdb.key(0, &format!("key:{number}")).text(&text(size % 600)),
            120..140 => rdb.key(4, &format!("hash:{number}")).len(1).text(b"field").text(&text(size % 3000)),
            140 => rdb.key(0, &format!("long:{number}")).text(&text(*size)),
            // Keys that are stored with a long length, and compressed.
            141..150 => {
                rdb.raw(&[0, 0x80, 0, 0, 0, 8]).raw(format!("odd:{number:04}").as_bytes()).text(b"value")
            }
            150..155 => {
                let key = super::lzf_literals(format!("compressed:{number}:{number}:{number}").as_bytes());
                rdb.raw(&[0]).raw(&key).text(b"value")
            }
            155..160 => rdb.database(u64::from(which % 3)),
            160..165 => rdb.database(u64::from(which % 3)).raw(&[251]).len(u64::from(*size)).len(1),
            165 => rdb.raw(&[250]).text(b"ctime").raw(&[0xc0, 5]),
            166 => rdb.raw(&[250]).text(b"lua").text(&text(*size)),
            167..170 if header.starts_with("REDIS") => {
                rdb.raw(&[244]).len(u64::from(*size % 16384)).len(1).len(0)
            }
            170 => rdb.raw(&[245]).text(b"#!lua name=lib\n"),
            171 => rdb.raw(&[247]).module_id("ReJSON-RL", 3).len(2).len(1).len(0),
            172 => rdb.raw(&[121]).len(7).key(0, &format!("enterprise:{number}")).text(b"value"),
            173 if header.starts_with("REDIS") => {
                let rdb = rdb.raw(&[243]).len(1).raw(&[0; 4]).len(2).len(5).len(0);
                rdb.key(0, &format!("metadata:{number}")).text(b"value")
            }
            // As KeyDB has it: a field between an expiry and its key.
            174 => {
                let rdb =
                    rdb.raw(&[252]).raw(&9_000_000i64.to_le_bytes()).raw(&[250]).text(b"mvcc").text(b"1");
                rdb.key(0, &format!("keydb:{number}")).text(b"value")
            }
            175..190 if templated => {
                rdb.key(32, &format!("values:{number}")).len(7).raw(&[0xc0, *which]).text(&text(*size))
            }
            190..195 if templated => {
                let values = super::listpack(&["50", &which.to_string()]);
                rdb.key(30, &format!("listpack:{number}")).text(&values)
            }
            175..200 => rdb.key(0, &format!("integer:{number}")).raw(&[0xc1, *which, 1]),
            _ => {
                let (id, value) = &values[usize::from(*size) % values.len()];
                rdb.key(*id, &format!("value:{number}")).raw(value)
            }
        };
    }
    // A prefix that precedes no key would be one of the end.
    rdb.filler().end()
}

pub fn options(file: &[u8], copied: TypeSet, least_stretch_bytes: u64) -> InspectOptions {
    let size_bytes = Some(file.len() as u64);
    InspectOptions { size_bytes, copied, least_stretch_bytes, ..InspectOptions::default() }
}

/// All types but some.
pub fn all_but(types: &[ValueType]) -> TypeSet {
    ValueType::ALL.iter().copied().filter(|one| !types.contains(one)).collect()
}

/// Keeps what is passed on.
struct Kept(Vec<u8>);

impl Sink for Kept {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// The stretches of a file, found by comparing what a copy of each record would be with the record.
pub fn stretches(file: &[u8], types: TypeSet, least_bytes: u64) -> Vec<Stretch> {
    let mut walk = Walk::new(file).unwrap();
    let mut found: Vec<Stretch> = Vec::new();
    let mut end = 0;
    loop {
        match walk.step().unwrap() {
            Step::End => break,
            Step::Record => {
                let mut value = Kept(Vec::new());
                walk.pass(&mut value).unwrap();
                let head = walk.head();
                let id = [head.value_type.id()];
                let copy = [&head.prefixes[..], &id, &head.raw_key, &value.0].concat();
                let record = &file[head.offset as usize..walk.offset() as usize];
                if copy != record || !types.contains(head.value_type) || id[0] > 28 {
                    continue;
                }
                if end != head.offset {
                    let (offset, database) = (head.offset, head.database);
                    found.push(Stretch { offset, bytes: 0, database, keys: 0, expires: 0, types, crc: 0 });
                }
                end = walk.offset();
                let last = found.last_mut().unwrap();
                last.bytes = end - last.offset;
                last.keys += 1;
                last.expires += u64::from(head.expires_at_ms.is_some());
            }
            _ => {}
        }
    }
    found.retain(|one| one.bytes >= least_bytes);
    for one in &mut found {
        one.crc = crc64(&file[one.offset as usize..one.end() as usize]);
    }
    found
}
