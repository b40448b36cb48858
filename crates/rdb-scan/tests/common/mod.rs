//! RDB files written byte by byte, and shortcuts to read them.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]
#![allow(clippy::cast_sign_loss, reason = "the format wants the low bits of negative numbers")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

pub mod broken;
pub mod in_ranges;
pub mod mixed;
pub mod tape;

use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position, inspect};

/// Reads a whole file of known size.
pub fn read(file: &[u8]) -> Inspection {
    let options = InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() };
    read_with(file, &options)
}

pub fn read_with(file: &[u8], options: &InspectOptions) -> Inspection {
    match inspect(file, &Position::default(), options, &mut |_| Control::Continue).unwrap() {
        Inspected::Complete(inspection) => inspection,
        Inspected::Paused(..) => panic!("paused without being asked to"),
    }
}

/// CRC64 as Redis computes it, one bit at a time: slow, but obviously independent of the crate.
pub fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
        })
    })
}

/// A file under construction.
#[derive(Clone)]
pub struct Rdb(pub Vec<u8>);

impl Rdb {
    pub fn new() -> Self {
        Self(b"REDIS0010".to_vec())
    }

    pub fn with_header(header: &str) -> Self {
        Self(header.as_bytes().to_vec())
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A stream in the first version of its encoding, with consumer groups.
    pub fn stream_of(self, groups: &[Group<'_>]) -> Self {
        let stream = self.len(1).text(&[1; 16]).text(&stream_node()).len(2).len(1000).len(0);
        groups.iter().fold(stream.len(groups.len() as u64), |stream, (name, pending, consumers)| {
            let group = stream.text(name.as_bytes()).len(1000).len(0).len(pending.len() as u64);
            let group = pending.iter().fold(group, |group, id| group.raw(&[*id; 16]).raw(&[2; 8]).len(1));
            consumers.iter().fold(group.len(consumers.len() as u64), |group, (name, owned)| {
                let consumer = group.text(name.as_bytes()).raw(&[3; 8]).len(owned.len() as u64);
                owned.iter().fold(consumer, |consumer, id| consumer.raw(&[*id; 16]))
            })
        })
    }

    pub fn len(self, length: u64) -> Self {
        self.raw(&len(length))
    }

    pub fn text(self, text: &[u8]) -> Self {
        self.raw(&text_of(text))
    }

    /// The type byte and the key.
    pub fn key(self, type_id: u8, name: &str) -> Self {
        self.raw(&[type_id]).text(name.as_bytes())
    }

    pub fn database(self, index: u64) -> Self {
        self.raw(&[254]).len(index)
    }

    /// Adds a string, as a record before or after the one under test.
    pub fn filler(self) -> Self {
        self.key(0, "filler").text(b"value")
    }

    /// A module type id.
    pub fn module_id(self, name: &str, version: u64) -> Self {
        const CHARACTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let id = name.chars().fold(0, |id, c| id << 6 | CHARACTERS.find(c).unwrap() as u64);
        self.len(id << 10 | version)
    }

    /// End mark and checksum.
    pub fn end(mut self) -> Vec<u8> {
        self.0.push(255);
        let crc = crc64(&self.0);
        self.raw(&crc.to_le_bytes()).0
    }

    /// End mark and "not checked".
    pub fn end_unchecked(self) -> Vec<u8> {
        self.raw(&[255]).raw(&[0; 8]).0
    }
}

pub fn len(length: u64) -> Vec<u8> {
    match length {
        0..64 => vec![length as u8],
        64..16384 => vec![0x40 | (length >> 8) as u8, length as u8],
        16384..=0xffff_ffff => [&[0x80], &(length as u32).to_be_bytes()[..]].concat(),
        _ => [&[0x81], &length.to_be_bytes()[..]].concat(),
    }
}

pub fn text_of(text: &[u8]) -> Vec<u8> {
    [len(text.len() as u64), text.to_vec()].concat()
}

/// A compressed string with these tokens and this declared size.
pub fn lzf(tokens: &[u8], declared: u64) -> Vec<u8> {
    [vec![0xc3], len(tokens.len() as u64), len(declared), tokens.to_vec()].concat()
}

/// A string compressed into literal runs only.
pub fn lzf_literals(text: &[u8]) -> Vec<u8> {
    let runs = text.chunks(32).map(|run| [&[run.len() as u8 - 1], run].concat());
    lzf(&runs.collect::<Vec<_>>().concat(), text.len() as u64)
}

/// One listpack entry, as a server writes it: an integer if the text is one.
pub fn listpack_entry(text: &str) -> Vec<u8> {
    let entry = match text.parse::<i64>() {
        Ok(number @ 0..=127) => vec![number as u8],
        Ok(number @ -4096..=4095) => {
            let raw = (number as u16) & 0x1fff;
            vec![0xc0 | (raw >> 8) as u8, raw as u8]
        }
        Ok(number) if i16::try_from(number).is_ok() => [&[0xf1], &(number as i16).to_le_bytes()[..]].concat(),
        Ok(number) if i32::try_from(number).is_ok() => [&[0xf3], &(number as i32).to_le_bytes()[..]].concat(),
        Ok(number) => [&[0xf4], &number.to_le_bytes()[..]].concat(),
        Err(_) => match text.len() {
            length @ 0..64 => [&[0x80 | length as u8], text.as_bytes()].concat(),
            length @ 64..4096 => [&[0xe0 | (length >> 8) as u8, length as u8], text.as_bytes()].concat(),
            length => [&[0xf0], &(length as u32).to_le_bytes()[..], text.as_bytes()].concat(),
        },
    };
    let back = match entry.len() {
        length @ 0..=127 => vec![length as u8],
        length @ 128..16383 => vec![(length >> 7) as u8, (length & 127) as u8 | 128],
        length => vec![(length >> 14) as u8, (length >> 7 & 127) as u8 | 128, (length & 127) as u8 | 128],
    };
    [entry, back].concat()
}

pub fn listpack(texts: &[&str]) -> Vec<u8> {
    let entries: Vec<u8> = texts.iter().flat_map(|text| listpack_entry(text)).collect();
    listpack_of(&entries, texts.len() as u16)
}

pub fn listpack_of(entries: &[u8], count: u16) -> Vec<u8> {
    let total = 7 + entries.len() as u32;
    [&total.to_le_bytes(), &count.to_le_bytes()[..], entries, &[0xff]].concat()
}

pub fn ziplist(texts: &[&str]) -> Vec<u8> {
    let mut entries = Vec::new();
    let (mut last_bytes, mut tail) = (0usize, 10);
    for text in texts {
        let mut entry = if last_bytes < 254 {
            vec![last_bytes as u8]
        } else {
            [&[254], &(last_bytes as u32).to_le_bytes()[..]].concat()
        };
        match text.parse::<i64>() {
            Ok(number @ 0..=12) => entry.push(0xf1 + number as u8),
            Ok(number) if i8::try_from(number).is_ok() => entry.extend([0xfe, number as u8]),
            Ok(number) if i16::try_from(number).is_ok() => {
                entry.push(0xc0);
                entry.extend((number as i16).to_le_bytes());
            }
            Ok(number) => {
                entry.push(0xe0);
                entry.extend(number.to_le_bytes());
            }
            Err(_) if text.len() < 64 => {
                entry.push(text.len() as u8);
                entry.extend(text.as_bytes());
            }
            Err(_) if text.len() < 16384 => {
                entry.extend([0x40 | (text.len() >> 8) as u8, text.len() as u8]);
                entry.extend(text.as_bytes());
            }
            Err(_) => {
                entry.push(0x80);
                entry.extend((text.len() as u32).to_be_bytes());
                entry.extend(text.as_bytes());
            }
        }
        tail = 10 + entries.len();
        last_bytes = entry.len();
        entries.extend(entry);
    }
    let total = 11 + entries.len() as u32;
    let count = texts.len() as u16;
    [&total.to_le_bytes(), &(tail as u32).to_le_bytes()[..], &count.to_le_bytes(), &entries, &[0xff]].concat()
}

pub fn intset(width: u32, members: &[i64]) -> Vec<u8> {
    let mut set = [width.to_le_bytes(), (members.len() as u32).to_le_bytes()].concat();
    for member in members {
        set.extend(&member.to_le_bytes()[..width as usize]);
    }
    set
}

pub fn zipmap(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut map = vec![fields.len() as u8];
    for (field, value) in fields {
        map.push(field.len() as u8);
        map.extend(field.as_bytes());
        // Two unused bytes follow each value.
        map.extend([value.len() as u8, 2]);
        map.extend(value.as_bytes());
        map.extend([0, 0]);
    }
    map.push(255);
    map
}

/// A stream node with two live entries that have the master's fields, and a deleted one with fields of its own.
pub fn stream_node() -> Vec<u8> {
    listpack(&[
        "2", "1", "1", "field", "0", // the master entry
        "2", "0", "0", "a value", "4", // flags, time, sequence, value, parts
        "1", "1", "0", "1", "other", "b", "6", // deleted, with fields of its own
        "2", "2", "0", "c value", "4",
    ])
}

/// A stream without its type and key, in this version of its encoding.
pub fn stream(version: u8) -> Vec<u8> {
    let mut rdb = Rdb(Vec::new()).len(1).text(&[1; 16]).text(&stream_node()).len(2).len(1000).len(0);
    if version >= 2 {
        rdb = rdb.len(1000).len(0).len(1001).len(0).len(3);
    }
    rdb = rdb.len(1).text(b"group").len(1000).len(0);
    if version >= 2 {
        rdb = rdb.len(2);
    }
    let pending = if version >= 5 { 3 } else { 2 };
    rdb = rdb.len(pending);
    for id in 1..=pending as u8 {
        rdb = rdb.raw(&[id; 16]).raw(&[2; 8]).len(1);
    }
    rdb = rdb.len(2);
    for (consumer, id) in [(b"first", 2), (b"other", 1)] {
        rdb = rdb.text(consumer).raw(&[3; 8]);
        if version >= 3 {
            rdb = rdb.raw(&[4; 8]);
        }
        rdb = rdb.len(1).raw(&[id; 16]);
    }
    if version >= 5 {
        rdb = rdb.len(1).raw(&[3; 16]);
    }
    if version >= 4 {
        rdb = rdb.len(100).len(10).len(1).text(b"producer").len(1).text(b"id").len(1000).len(0).len(1).len(0);
    }
    rdb.0
}

/// A consumer group: its name, its pending entries, and its consumers with theirs.
pub type Group<'a> = (&'a str, &'a [u8], &'a [(&'a str, &'a [u8])]);

/// Consumer groups that servers refuse or crash on, with what is wrong with them.
pub fn broken_groups() -> Vec<(&'static str, Vec<Group<'static>>)> {
    vec![
        ("an entry that is not pending", vec![("group", &[1, 2], &[("a", &[1]), ("b", &[3])])]),
        ("an entry more than are pending", vec![("group", &[1], &[("a", &[1]), ("b", &[2])])]),
        ("an entry that is pending twice", vec![("group", &[1, 2, 2], &[("a", &[1, 2]), ("b", &[2])])]),
        ("an entry twice with a consumer", vec![("group", &[1, 2], &[("a", &[1, 1])])]),
        ("two consumers of one name", vec![("group", &[1, 2], &[("a", &[1]), ("a", &[2])])]),
        ("two groups of one name", vec![("group", &[], &[]), ("group", &[], &[])]),
    ]
}

/// A file with every type and opcode of Redis up to RDB 14, and at least one key of each type.
pub fn all_types() -> Vec<u8> {
    let long = "long ".repeat(40);
    Rdb::with_header("REDIS0014")
        .raw(&[250])
        .text(b"redis-ver")
        .text(b"8.8.0")
        .raw(&[250])
        .text(b"redis-bits")
        .raw(&[0xc0, 64])
        .raw(&[245])
        .text(b"#!lua name=lib\n")
        .raw(&[247])
        .module_id("ReJSON-RL", 3)
        .len(2)
        .len(1)
        .len(0)
        .database(0)
        .raw(&[251])
        .len(30)
        .len(3)
        .raw(&[244])
        .len(12)
        .len(1)
        .len(0)
        .key(0, "string")
        .text(b"value")
        .key(0, "int8")
        .raw(&[0xc0, 0xff])
        .key(0, "int16")
        .raw(&[0xc1, 0, 1])
        .key(0, "int32")
        .raw(&[0xc2, 0, 0, 1, 0])
        .key(0, "lzf")
        .raw(&lzf(&[0, b'a', 0xe0, 11, 0], 21))
        .raw(&[0])
        .raw(&lzf_literals(long.as_bytes()))
        .text(b"under a compressed key")
        .raw(&[253])
        .raw(&1_000_000i32.to_le_bytes())
        .key(0, "expires in seconds")
        .text(b"1")
        .raw(&[252])
        .raw(&4_000_000_000_000i64.to_le_bytes())
        .raw(&[249, 7])
        .key(0, "expires in ms")
        .text(b"2")
        .raw(&[248])
        .len(1000)
        .key(0, "idle")
        .text(b"3")
        .raw(&[243])
        .len(1)
        .raw(&[0; 4])
        .len(2)
        .len(5)
        .len(0)
        .key(0, "metadata")
        .text(b"4")
        .key(1, "list")
        .len(2)
        .text(b"a")
        .text(b"b")
        .key(2, "set")
        .len(2)
        .text(b"a")
        .raw(&[0xc0, 1])
        .key(3, "zset text")
        .len(3)
        .text(b"a")
        .text(b"1.5")
        .text(b"b")
        .raw(&[254])
        .text(b"c")
        .raw(&[255])
        .key(4, "hash")
        .len(1)
        .text(b"field")
        .text(b"value")
        .key(5, "zset")
        .len(1)
        .text(b"a")
        .raw(&1.5f64.to_le_bytes())
        .key(7, "module")
        .module_id("ReJSON-RL", 3)
        .len(1)
        .len(7)
        .len(2)
        .len(7)
        .len(3)
        .raw(&[0; 4])
        .len(4)
        .raw(&[0; 8])
        .len(5)
        .text(b"{}")
        .len(0)
        .key(9, "zipmap")
        .text(&zipmap(&[("a", "1"), ("b", "2")]))
        .key(10, "list ziplist")
        .text(&ziplist(&["a", "5", "-100", "1000", "123456789012", &long]))
        .key(11, "intset")
        .text(&intset(2, &[-5, 1, 300]))
        .key(12, "zset ziplist")
        .text(&ziplist(&["a", "1", "b", "2.5"]))
        .key(13, "hash ziplist")
        .text(&ziplist(&["a", "1", "b", &long]))
        .key(14, "quicklist ziplist")
        .len(2)
        .text(&ziplist(&["a"]))
        .text(&ziplist(&["b", "c"]))
        .key(15, "stream")
        .raw(&stream(1))
        .key(16, "hash listpack")
        .text(&listpack(&["a", "1", "b", "-2000", "c", "30000", "d", "-1234567", "e", "99999999999"]))
        .key(17, "zset listpack")
        .raw(&lzf_literals(&listpack(&["a", "1", "b", "2.5"])))
        .key(18, "quicklist")
        .len(2)
        .len(1)
        .text(b"plain")
        .len(2)
        .text(&listpack(&["a", &long]))
        .key(19, "stream 2")
        .raw(&stream(2))
        .key(20, "set listpack")
        .text(&listpack(&["a", "b", "1"]))
        .key(21, "stream 3")
        .raw(&stream(3))
        .key(22, "hash pre-GA")
        .len(1)
        .len(1_700_000_000_000)
        .text(b"f")
        .text(b"v")
        .key(23, "listpack pre-GA")
        .text(&listpack(&["f", "v", "0"]))
        .database(3)
        .key(24, "hash expiry")
        .raw(&[0; 8])
        .len(2)
        .len(0)
        .text(b"f")
        .text(b"v")
        .len(5)
        .text(b"g")
        .text(b"v")
        .key(25, "listpack expiry")
        .raw(&[0; 8])
        .text(&listpack(&["f", "v", "1700000000000", "g", "v", "0"]))
        .key(26, "stream 4")
        .raw(&stream(4))
        .key(27, "stream 5")
        .raw(&stream(5))
        .key(28, "array")
        .len(4)
        .len(1)
        .len(9)
        .len(0)
        .len(0)
        .text(b"a")
        .len(1)
        .len(1)
        .raw(&[0; 8])
        .len(2)
        .len(2)
        .raw(&[0; 8])
        .len(3)
        .len(3)
        .text(b"b")
        .raw(&[107])
        .len(67)
        .key(0, "enterprise")
        .text(b"5")
        .end()
}
