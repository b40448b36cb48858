//! Values: each type of the format walked and checked.
use crate::blob::Blob;
use crate::fault::{FaultCode, HazardCode};
use crate::inspection::Magic;
use crate::intset;
use crate::listpack::{Entries, Entry, Listpack, Want};
use crate::lzf::Tokens;
use crate::members::{MAX_MEMBERS, Members, hash_bytes, hash_integer};
use crate::module;
use crate::reader::{Reader, Text};
use crate::stop::{Result, broken};
use crate::stream;
use crate::ziplist::Ziplist;
use crate::zipmap;

/// The types that users know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    List,
    Set,
    Zset,
    Hash,
    Stream,
    Module,
    Array,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::String,
        Self::List,
        Self::Set,
        Self::Zset,
        Self::Hash,
        Self::Stream,
        Self::Module,
        Self::Array,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
            Self::Module => "module",
            Self::Array => "array",
        }
    }
}

/// What a value turned out to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walked {
    pub(crate) kind: Kind,
    pub(crate) encoding: &'static str,
    pub(crate) elements: u64,
}

/// What walking a value brings to light beside its size. Kept from one value to the next for its buffers.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) hazards: Vec<(HazardCode, String)>,
    pub(crate) modules: Vec<String>,
    pub(crate) field_expires: u64,
    pub(crate) members: Members,
}

/// Walks the value of the given type at the reader's position.
pub(crate) fn walk(reader: &mut Reader<'_>, type_id: u8, magic: Magic, notes: &mut Notes) -> Result<Walked> {
    let (kind, encoding, elements) = match (type_id, magic) {
        (0, _) => (Kind::String, string(reader)?, 1),
        (1, _) => (Kind::List, "linkedlist", strings(reader, 1)?),
        (2, _) => (Kind::Set, "hashtable", table(reader, notes, Rest::Nothing)?),
        (3, _) => (Kind::Zset, "skiplist-text", table(reader, notes, Rest::TextScore)?),
        (4, _) => (Kind::Hash, "hashtable", table(reader, notes, Rest::Value)?),
        (5, _) => (Kind::Zset, "skiplist", table(reader, notes, Rest::Score)?),
        (7, _) => (Kind::Module, "module", module::value(reader, notes)?),
        (9, _) => (Kind::Hash, "zipmap", packed(reader, |blob| zipmap::check(blob, &mut notes.members))?),
        (10, _) => (Kind::List, "ziplist", packed(reader, |blob| list(Ziplist::open(blob)?))?),
        (11, _) => (Kind::Set, "intset", packed(reader, intset::check)?),
        (12, _) => (Kind::Zset, "ziplist", packed(reader, |blob| scores(Ziplist::open(blob)?, notes))?),
        (13, _) => (Kind::Hash, "ziplist", packed(reader, |blob| fields(Ziplist::open(blob)?, 2, notes))?),
        (14, _) => (Kind::List, "quicklist-ziplist", quicklist(reader, false)?),
        (15, _) => (Kind::Stream, "listpacks", stream::value(reader, 1)?),
        (16, _) => (Kind::Hash, "listpack", packed(reader, |blob| fields(Listpack::open(blob)?, 2, notes))?),
        (17, _) => (Kind::Zset, "listpack", packed(reader, |blob| scores(Listpack::open(blob)?, notes))?),
        (18, _) => (Kind::List, "quicklist", quicklist(reader, true)?),
        (19, _) => (Kind::Stream, "listpacks-2", stream::value(reader, 2)?),
        (20, _) => (Kind::Set, "listpack", packed(reader, |blob| fields(Listpack::open(blob)?, 1, notes))?),
        (21, _) => (Kind::Stream, "listpacks-3", stream::value(reader, 3)?),
        (22, Magic::Valkey) => (Kind::Hash, "hashtable-expiry", table(reader, notes, Rest::ValueAndExpiry)?),
        (22, Magic::Redis) => (Kind::Hash, "hashtable-expiry", expiring_table(reader, notes)?),
        (23, Magic::Redis) => (Kind::Hash, "listpack-expiry", expiring_listpack(reader, notes)?),
        (24, Magic::Redis) => {
            reader.array::<8>()?;
            (Kind::Hash, "hashtable-expiry", expiring_table(reader, notes)?)
        }
        (25, Magic::Redis) => {
            reader.array::<8>()?;
            (Kind::Hash, "listpack-expiry", expiring_listpack(reader, notes)?)
        }
        (26, Magic::Redis) => (Kind::Stream, "listpacks-4", stream::value(reader, 4)?),
        (27, Magic::Redis) => (Kind::Stream, "listpacks-5", stream::value(reader, 5)?),
        (28, Magic::Redis) => (Kind::Array, "array", array(reader)?),
        // The record loop asks `is_known` before.
        _ => return broken(FaultCode::UnknownType, format!("value type {type_id}")),
    };
    if notes.members.take_duplicate() {
        let message = format!("a member occurs twice in a {} of {elements} ({encoding})", kind.name());
        notes.hazards.push((HazardCode::DuplicateMember, message));
    }
    if elements == 0 && !matches!(kind, Kind::Stream | Kind::Module) {
        notes.hazards.push((HazardCode::EmptyCollection, format!("{} without elements", kind.name())));
    }
    Ok(Walked { kind, encoding, elements })
}

/// Whether a byte names a value type under this magic.
pub(crate) fn is_known(type_id: u8, magic: Magic) -> bool {
    match type_id {
        0..=5 | 7 | 9..=22 => true,
        23..=28 => magic == Magic::Redis,
        _ => false,
    }
}

fn string(reader: &mut Reader<'_>) -> Result<&'static str> {
    Ok(match skip_text(reader)? {
        Text::Raw(_) => "raw",
        Text::Int(_) => "int",
        Text::Lzf { .. } => "lzf",
    })
}

/// Passes over a string; a compressed one is proven by its tokens, not decompressed.
#[inline]
pub(crate) fn skip_text(reader: &mut Reader<'_>) -> Result<Text> {
    let text = reader.text()?;
    match text {
        Text::Raw(bytes) => reader.skip(bytes)?,
        Text::Int(_) => {}
        Text::Lzf { packed, unpacked } => Tokens::new(packed, unpacked).walk(reader)?,
    }
    Ok(text)
}

/// A counted run of groups of strings.
fn strings(reader: &mut Reader<'_>, group: u64) -> Result<u64> {
    let count = reader.count(group)?;
    for _ in 0..count * group {
        skip_text(reader)?;
    }
    Ok(count)
}

/// What follows the member of a table.
#[derive(Clone, Copy)]
enum Rest {
    Nothing,
    Value,
    ValueAndExpiry,
    Score,
    TextScore,
}

fn table(reader: &mut Reader<'_>, notes: &mut Notes, rest: Rest) -> Result<u64> {
    let least_bytes = match rest {
        Rest::Nothing => 1,
        Rest::Value | Rest::TextScore => 2,
        Rest::Score => 9,
        Rest::ValueAndExpiry => 10,
    };
    let count = reader.count(least_bytes)?;
    let look = count <= MAX_MEMBERS as u64;
    for index in 0..count {
        member(reader, look, notes)?;
        match rest {
            Rest::Nothing => {}
            Rest::Value => {
                skip_text(reader)?;
            }
            Rest::ValueAndExpiry => {
                skip_text(reader)?;
                // -1 stands for none.
                notes.field_expires += u64::from(i64::from_le_bytes(reader.array()?) != -1);
            }
            Rest::Score => {
                if f64::from_le_bytes(reader.array()?).is_nan() {
                    return bad_score(index);
                }
            }
            Rest::TextScore => text_score(reader, index)?,
        }
    }
    Ok(count)
}

/// A member or field, remembered by its hash.
#[inline]
fn member(reader: &mut Reader<'_>, look: bool, notes: &mut Notes) -> Result<()> {
    const MAX_LOOK_BYTES: u64 = 4096;
    if !look {
        skip_text(reader)?;
        return Ok(());
    }
    match reader.text()? {
        Text::Raw(bytes) if bytes <= MAX_LOOK_BYTES => {
            notes.members.push(hash_bytes(reader.peek(bytes as usize)?));
            reader.advance(bytes as usize);
        }
        Text::Raw(bytes) => reader.skip(bytes)?,
        Text::Int(number) => notes.members.push(hash_integer(i64::from(number))),
        Text::Lzf { packed, unpacked } => {
            // Equal strings are compressed equally by one writer, so the packed bytes stand for the contents.
            if packed <= MAX_LOOK_BYTES {
                notes.members.push(!hash_bytes(reader.peek(packed as usize)?));
            }
            Tokens::new(packed, unpacked).walk(reader)?;
        }
    }
    Ok(())
}

fn text_score(reader: &mut Reader<'_>, index: u64) -> Result<()> {
    match reader.u8()? {
        253 => bad_score(index),
        254 | 255 => Ok(()),
        bytes => {
            let text = reader.peek(usize::from(bytes))?;
            let number = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<f64>().ok());
            match number {
                Some(number) if !number.is_nan() => reader.advance(usize::from(bytes)),
                _ => {
                    let text = text.escape_ascii().to_string();
                    return broken(
                        FaultCode::BadScore,
                        format!("score of member {index} is no number: \"{text}\""),
                    );
                }
            }
            Ok(())
        }
    }
}

#[cold]
fn bad_score<T>(index: u64) -> Result<T> {
    broken(FaultCode::BadScore, format!("score of member {index} is not a number (NaN)"))
}

/// Hash fields with their expiry before them.
fn expiring_table(reader: &mut Reader<'_>, notes: &mut Notes) -> Result<u64> {
    let count = reader.count(3)?;
    let look = count <= MAX_MEMBERS as u64;
    for _ in 0..count {
        notes.field_expires += u64::from(reader.number()? != 0);
        member(reader, look, notes)?;
        skip_text(reader)?;
    }
    Ok(count)
}

/// Triples of field, value and expiry.
fn expiring_listpack(reader: &mut Reader<'_>, notes: &mut Notes) -> Result<u64> {
    packed(reader, |blob| fields(Listpack::open(blob)?, 3, notes))
}

/// Opens the string that holds a packed collection, and sees to it that all of it was looked at.
fn packed<'s>(reader: &mut Reader<'s>, check: impl FnOnce(&mut Blob<'_, 's>) -> Result<u64>) -> Result<u64> {
    let mut blob = Blob::open(reader)?;
    let elements = check(&mut blob)?;
    blob.close()?;
    Ok(elements)
}

fn list<E: Entries>(mut entries: E) -> Result<u64> {
    while entries.next(Want::Nothing)?.is_some() {}
    Ok(entries.seen())
}

/// Groups of a member or field, and what belongs to it: 1 for sets, 2 for hashes, 3 with an expiry.
fn fields<E: Entries>(mut entries: E, group: u64, notes: &mut Notes) -> Result<u64> {
    while let Some(field) = entries.next(Want::Hash)? {
        if let Some(hash) = field.hash() {
            notes.members.push(hash);
        }
        for place in 1..group {
            match entries.next(Want::Nothing)? {
                None => return incomplete::<E, _>(&entries, group),
                Some(Entry::Int(expiry)) if place == 2 => notes.field_expires += u64::from(expiry != 0),
                Some(Entry::Text(_)) if place == 2 => {
                    let entry = entries.seen();
                    return broken(E::CODE, format!("entry {entry} should be an expiry but is a string"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(entries.seen() / group)
}

/// Pairs of member and score.
fn scores<E: Entries>(mut entries: E, notes: &mut Notes) -> Result<u64> {
    while let Some(member) = entries.next(Want::Hash)? {
        if let Some(hash) = member.hash() {
            notes.members.push(hash);
        }
        match entries.next(Want::Score)? {
            None => return incomplete::<E, _>(&entries, 2),
            Some(Entry::Text(look)) if look.nan => return bad_score(entries.seen() / 2 - 1),
            Some(_) => {}
        }
    }
    Ok(entries.seen() / 2)
}

#[cold]
fn incomplete<E: Entries, T>(entries: &E, group: u64) -> Result<T> {
    let seen = entries.seen();
    broken(E::CODE, format!("{seen} entries cannot be groups of {group}"))
}

fn quicklist(reader: &mut Reader<'_>, containers: bool) -> Result<u64> {
    const PLAIN: u64 = 1;
    const PACKED: u64 = 2;
    let nodes = reader.count(1)?;
    let mut elements: u64 = 0;
    for node in 0..nodes {
        elements += match if containers { reader.number()? } else { 0 } {
            0 if !containers => packed(reader, |blob| list(Ziplist::open(blob)?))?,
            PLAIN => {
                skip_text(reader)?;
                1
            }
            PACKED => packed(reader, |blob| list(Listpack::open(blob)?))?,
            other => {
                let message = format!("quicklist node {node} is in container {other}; expected 1 or 2");
                return broken(FaultCode::BadQuicklist, message);
            }
        };
    }
    Ok(elements)
}

fn array(reader: &mut Reader<'_>) -> Result<u64> {
    let count = reader.count(3)?;
    match reader.number()? {
        0 => {}
        1 => {
            reader.number()?;
        }
        flag => return broken(FaultCode::BadArray, format!("array insert flag is {flag}; expected 0 or 1")),
    }
    for index in 0..count {
        reader.number()?;
        match reader.number()? {
            0 | 3 => {
                skip_text(reader)?;
            }
            1 | 2 => reader.skip(8)?,
            tag => {
                let message = format!("array element {index} has tag {tag}; expected 0 to 3");
                return broken(FaultCode::BadArray, message);
            }
        }
    }
    Ok(count)
}
