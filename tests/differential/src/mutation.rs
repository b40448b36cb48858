//! Mutations: one or two faults in a file that a server wrote.

use crate::{
    file::{File, Record, Token, crc64, length_bytes},
    packed::{Form, Packed},
    random::Random,
};

/// A mutated file and how it was mutated.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The kinds of mutations, in order.
    pub what: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Number of records with a key if the file is read to its end.
    pub keys: usize,
}

/// Mutates a file in one or two ways.
pub fn mutate(file: &File, random: &mut Random) -> Mutant {
    let mut file = file.clone();
    let mut what = Vec::new();
    for _ in 0..if random.once_in(5) { 2 } else { 1 } {
        // Some mutations do not apply to the chosen part; others are tried.
        for _ in 0..20 {
            if let Some(name) = once(&mut file, random) {
                what.push(name);
                break;
            }
        }
    }
    let keys = file.records.iter().filter(|record| record.is_key).count();
    Mutant { what: what.join(" + "), bytes: file.bytes(), keys }
}

fn once(file: &mut File, random: &mut Random) -> Option<String> {
    match random.below(100) {
        0..8 => whole(file, random),
        8..22 => among_records(file, random),
        _ => {
            // Chooses the type first, so that the many strings do not dominate.
            let mut types: Vec<u8> = file.records.iter().map(|record| record.type_id).collect();
            types.sort_unstable();
            types.dedup();
            let type_id = *random.of(&types)?;
            let of_type: Vec<usize> =
                (0..file.records.len()).filter(|index| file.records[*index].type_id == type_id).collect();
            let record = file.records.get_mut(*random.of(&of_type)?)?;
            let done = match random.below(3) {
                0 => in_series(record, random),
                1 => in_packed(record, random),
                _ => in_tokens(record, random),
            }?;
            Some(format!("{type_id}: {done}"))
        }
    }
}

fn whole(file: &mut File, random: &mut Random) -> Option<String> {
    let name = match random.below(6) {
        0 => {
            file.checksum = false;
            "no checksum"
        }
        1 => {
            file.cut = 1 + random.below(40);
            "cut"
        }
        2 => {
            file.behind = vec![[0, b'x', 0xff][random.below(3)]; 1 + random.below(60)];
            "bytes after the end"
        }
        3 => {
            file.behind = file.bytes();
            "the same after the end"
        }
        4 => {
            let last = file.header.last_mut()?;
            *last = b'0' + random.below(10) as u8;
            "version"
        }
        _ => {
            let mut bytes = file.bytes();
            let crc = crc64(&bytes).to_le_bytes();
            let end = bytes.len();
            bytes.get_mut(end.checked_sub(8)?..)?.copy_from_slice(&crc);
            file.cut = 8;
            file.behind = bytes[end - 8..].to_vec();
            "wrong checksum"
        }
    };
    Some(name.to_owned())
}

fn among_records(file: &mut File, random: &mut Random) -> Option<String> {
    let at = random.below(file.records.len());
    let type_id = file.records.get(at)?.type_id;
    let raw = |bytes: Vec<u8>| Record {
        type_id: 200,
        is_key: false,
        tokens: vec![Token::Fixed(bytes)],
        type_at: 0,
        series: Vec::new(),
    };
    let name = match random.below(13) {
        0 => {
            let record = file.records.get(at)?.clone();
            file.records.insert(random.below(file.records.len()), record);
            return Some(format!("{type_id}: record again"));
        }
        1 => {
            let other = random.below(file.records.len());
            file.records.swap(at, other);
            return Some(format!("{type_id}: records swapped"));
        }
        2 => {
            file.records.remove(at);
            return Some(format!("{type_id}: record missing"));
        }
        3 => {
            let database = [0, 1, 15, 16, 1 << 20, 1 << 33][random.below(6)];
            file.records.insert(at, raw([vec![254], length_bytes(database)].concat()));
            "select"
        }
        4 => {
            let size = [0, 5, 1000, 1 << 20][random.below(4)];
            file.records.insert(at, raw([vec![251], length_bytes(size), length_bytes(size)].concat()));
            "resize"
        }
        5 => {
            let aux = [b"name".to_vec(), b"slot-info".to_vec(), Vec::new(), b"repl-id".to_vec()];
            let value: &[u8] = random.of(&[&b"1"[..], b"", b"3,1,0", b"x,y"])?;
            let mut tokens = vec![250];
            for text in [random.of(&aux)?.as_slice(), value] {
                tokens.extend(length_bytes(text.len() as u64));
                tokens.extend(text);
            }
            file.records.insert(at, raw(tokens));
            "aux"
        }
        6 | 7 => {
            let prefix = prefix(random);
            file.records.insert(at, raw(prefix));
            "prefix before a record"
        }
        8 => {
            file.records.insert(at, raw(vec![200]));
            "unknown opcode"
        }
        9 => {
            file.records.insert(at, raw([vec![247], length_bytes(0x1234_5678_9abc), vec![2, 2, 0]].concat()));
            "module auxiliary"
        }
        10 => {
            let record = file.records.get_mut(at).filter(|record| record.is_key)?;
            record.tokens.insert(0, Token::Fixed(prefix(random)));
            record.type_at += 1;
            record.series.iter_mut().for_each(|series| {
                series.count += 1;
                series.items.iter_mut().for_each(|item| *item = item.start + 1..item.end + 1);
            });
            "prefix"
        }
        11 => {
            let slot = [0, 16383, 16384, 1 << 40][random.below(4)];
            let info = [vec![244], length_bytes(slot), length_bytes(1), length_bytes(0)].concat();
            file.records.insert(at, raw(info));
            "slot info"
        }
        _ => {
            let record = file.records.get_mut(at).filter(|record| record.is_key)?;
            let other = random.below(40) as u8;
            record.tokens[record.type_at] = Token::Byte(other);
            return Some(format!("type {type_id} to {other}"));
        }
    };
    Some(name.to_owned())
}

/// A prefix: an expiry, an idle time or a frequency.
fn prefix(random: &mut Random) -> Vec<u8> {
    let at_ms: i64 = [0, 1, -1, 4_102_444_800_123, i64::MAX, 1_000_000_000_000][random.below(6)];
    match random.below(4) {
        0 => [&[252], &at_ms.to_le_bytes()[..]].concat(),
        1 => [&[253], &(at_ms.clamp(-1, i64::from(i32::MAX)) as i32).to_le_bytes()[..]].concat(),
        2 => [vec![248], length_bytes([0, 1, 1 << 31, u64::MAX][random.below(4)])].concat(),
        _ => vec![249, random.draw() as u8],
    }
}

fn in_series(record: &mut Record, random: &mut Random) -> Option<String> {
    let series = random.of(&record.series)?.clone();
    let (count, items) = (series.count, series.items);
    let item = items.get(random.below(items.len()))?.clone();
    let other = items.get(random.below(items.len()))?.clone();
    let tokens = record.tokens[item.clone()].to_vec();
    let counted = !random.once_in(4);
    let change = |record: &mut Record, by: i64| {
        if let (true, Some(Token::Len(length))) = (counted, record.tokens.get_mut(count)) {
            *length = length.saturating_add_signed(by);
        }
    };
    let name = match random.below(5) {
        0 => {
            change(record, 1);
            record.tokens.splice(other.start..other.start, tokens);
            "item again"
        }
        1 => {
            change(record, -1);
            record.tokens.drain(item);
            "item missing"
        }
        2 | 3 => {
            let (first, second) = if item.start < other.start { (item, other) } else { (other, item) };
            let (one, two) = (record.tokens[first.clone()].to_vec(), record.tokens[second.clone()].to_vec());
            record.tokens.splice(second, one);
            record.tokens.splice(first, two);
            "items swapped"
        }
        _ => {
            let index = item.start + random.below(item.len());
            let from = other.start + random.below(other.len());
            if !same_kind(&record.tokens[index], &record.tokens[from]) {
                return None;
            }
            record.tokens[index] = record.tokens[from].clone();
            "part of another item"
        }
    };
    // The indexes of the items are no longer valid.
    record.series.clear();
    Some(if counted { name.to_owned() } else { format!("{name}, not counted") })
}

fn same_kind(one: &Token, other: &Token) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn in_tokens(record: &mut Record, random: &mut Random) -> Option<String> {
    let from = record.type_at + 1;
    let index = from + random.below(record.tokens.len().checked_sub(from)?);
    let texts: Vec<_> =
        record.tokens.iter().filter(|token| matches!(token, Token::Text(_))).cloned().collect();
    Some(match record.tokens.get_mut(index)? {
        Token::Byte(byte) => {
            *byte = random.draw() as u8;
            "byte".to_owned()
        }
        Token::Len(length) => {
            let choices = [
                length.wrapping_add(1),
                length.wrapping_sub(1),
                0,
                length.wrapping_add(random.draw() % 300),
                1 << 20,
                1 << 40,
                u64::MAX,
            ];
            *length = choices[random.below(choices.len())];
            "number".to_owned()
        }
        Token::Text(text) => match random.below(5) {
            0 => {
                text.clear();
                "text emptied".to_owned()
            }
            1 => {
                *record.tokens.get_mut(index)? = random.of(&texts)?.clone();
                "text of another".to_owned()
            }
            2 => {
                *record.tokens.get_mut(index)? = Token::Verbatim(vec![0xc0, random.draw() as u8]);
                "text to integer".to_owned()
            }
            3 => {
                text.push(random.draw() as u8);
                "text longer".to_owned()
            }
            _ => {
                let at = random.below(text.len());
                *text.get_mut(at)? ^= 1 << random.below(8);
                "text changed".to_owned()
            }
        },
        Token::Verbatim(bytes) => {
            let at = random.below(bytes.len());
            *bytes.get_mut(at)? = random.draw() as u8;
            "compressed or integer changed".to_owned()
        }
        Token::Fixed(bytes) => match random.below(3) {
            0 => {
                bytes.fill(0xff);
                "fixed all ones".to_owned()
            }
            1 => {
                bytes.fill(0);
                "fixed zero".to_owned()
            }
            _ => {
                let at = random.below(bytes.len());
                *bytes.get_mut(at)? = random.draw() as u8;
                "fixed changed".to_owned()
            }
        },
        Token::Packed(_) => return None,
    })
}

fn in_packed(record: &mut Record, random: &mut Random) -> Option<String> {
    let packs: Vec<usize> =
        (0..record.tokens.len()).filter(|index| matches!(record.tokens[*index], Token::Packed(_))).collect();
    let Token::Packed(packed) = record.tokens.get_mut(*random.of(&packs)?)? else { return None };
    let form = packed.form;
    Some(format!("{form:?}: {}", pack(packed, random)?))
}

fn pack(packed: &mut Packed, random: &mut Random) -> Option<String> {
    let at = random.below(packed.entries.len());
    let other = random.below(packed.entries.len());
    let name = match random.below(16) {
        0 => {
            packed.wrong_total = [1, -1, 100, -7, i32::MAX][random.below(5)];
            "total"
        }
        1 => {
            let true_count = packed.entries.len() as u16;
            let counts =
                [true_count + 1, true_count.wrapping_sub(1), true_count + 2, 0, u16::MAX, true_count * 2];
            packed.count = Some(counts[random.below(counts.len())]);
            "count"
        }
        2 => {
            let entry = packed.entries.get(at)?.clone();
            packed.entries.insert(other, entry);
            "entry again"
        }
        3 => {
            // A pair of entries, such as a field and its value.
            let first = at & !1;
            let pair = packed.entries.get(first..first + 2)?.to_vec();
            let end = packed.entries.len();
            packed.entries.splice(end..end, pair);
            "pair again"
        }
        4 if !packed.entries.is_empty() => {
            packed.entries.remove(at);
            "entry missing"
        }
        5 => {
            packed.entries.get(at)?;
            packed.entries.swap(at, other);
            "entries swapped"
        }
        6 => {
            packed.entries.clear();
            "no entries"
        }
        7 => {
            *packed.entries.get_mut(at)?.first_mut()? = random.draw() as u8;
            "first byte of an entry"
        }
        8 => {
            let entry = packed.entries.get_mut(at)?;
            let byte = random.below(entry.len());
            *entry.get_mut(byte)? ^= 1 << random.below(8);
            "bit of an entry"
        }
        9 => {
            let entry = packed.entries.get(other)?.clone();
            *packed.entries.get_mut(at)? = entry;
            "entry of another"
        }
        10 if packed.form == Form::Listpack => {
            let numbers =
                [vec![0], vec![1], vec![0xc1, 0x10], vec![0xdf, 0xff], vec![0xf3, 0xff, 0xff, 0xff, 0x7f]];
            packed.entries.get_mut(at)?.clone_from(random.of(&numbers)?);
            "entry to a number"
        }
        11 if packed.form == Form::Listpack => {
            let texts: [&[u8]; 5] = [b"\x80", b"\x81x", b"\x83nan", b"\x84-inf", b"\x83abc"];
            *packed.entries.get_mut(at)? = random.of(&texts)?.to_vec();
            "entry to a text"
        }
        12 => {
            packed.cut = 1 + random.below(3);
            "cut"
        }
        13 => {
            packed.behind = vec![0xff; 1 + random.below(3)];
            "longer"
        }
        14 => {
            packed.patches.push((-1, random.draw() as u8));
            "end mark"
        }
        _ => {
            let bytes = packed.bytes().len();
            packed.patches.push((random.below(bytes) as i64, random.draw() as u8));
            "any byte"
        }
    };
    Some(name.to_owned())
}
