//! Streams: listpacks of entries, then consumer groups.
use crate::blob::Blob;
use crate::fault::FaultCode;
use crate::listpack::{Entries, Entry, Listpack, Want};
use crate::reader::Reader;
use crate::stop::{Result, broken};
use crate::value::skip_text;

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// Walks a stream in the given version of its encoding, 1 to 5; gives the number of its entries.
pub(crate) fn value(reader: &mut Reader<'_>, version: u8) -> Result<u64> {
    let listpacks = reader.count(2)?;
    for index in 0..listpacks {
        let mut id = Blob::open(reader)?;
        if id.bytes() != 16 {
            let bytes = id.bytes();
            return bad(format!("node {index} has a key of {bytes} bytes; expected 16"));
        }
        id.skip(16)?;
        id.close()?;
        let mut blob = Blob::open(reader)?;
        entries(&mut blob, index)?;
        blob.close()?;
    }
    let length = reader.number()?;
    if length > 0 && listpacks == 0 {
        return bad(format!("stream says it has {length} entries but it has no node"));
    }
    numbers(reader, 2)?;
    if version >= 2 {
        numbers(reader, 5)?;
    }
    let groups = reader.count(4)?;
    for _ in 0..groups {
        group(reader, version)?;
    }
    if version >= 4 {
        producers(reader)?;
    }
    Ok(length)
}

/// One node: a master entry with the usual fields, then the entries.
fn entries(blob: &mut Blob<'_, '_>, node: u64) -> Result<()> {
    let mut listpack = Node { entries: Listpack::open(blob)?, node };
    let live = listpack.integer("entry count")?;
    let deleted = listpack.integer("count of deleted entries")?;
    let master_fields = listpack.integer("field count")?;
    listpack.pass(master_fields, "field")?;
    listpack.integer("end of the master entry")?;
    let total = live.checked_add(deleted).filter(|_| live >= 0 && deleted >= 0);
    let Some(total) = total else {
        return bad(format!("node {node} says it has {live} live and {deleted} deleted entries"));
    };
    let (mut found, mut found_deleted) = (0, 0);
    while let Some(flags) = listpack.entries.next(Want::Nothing)? {
        let Entry::Int(flags) = flags else {
            return bad(format!("entry {found} of node {node} begins with a string, not with its flags"));
        };
        listpack.integer("milliseconds")?;
        listpack.integer("sequence number")?;
        let (items, parts) = if flags & SAME_FIELDS != 0 {
            (master_fields, master_fields.checked_add(3))
        } else {
            let fields = listpack.integer("field count")?;
            let items = fields.checked_mul(2).unwrap_or(-1);
            (items, items.checked_add(4))
        };
        listpack.pass(items, "field or value")?;
        let back = listpack.integer("length of the entry")?;
        if Some(back) != parts {
            let parts = parts.unwrap_or(-1);
            return bad(format!("entry {found} of node {node} has {parts} parts but says {back}"));
        }
        found += 1;
        found_deleted += i64::from(flags & DELETED != 0);
    }
    if (found, found_deleted) != (total, deleted) {
        return bad(format!(
            "node {node} says it has {total} entries with {deleted} deleted, but it has {found} with {found_deleted}"
        ));
    }
    Ok(())
}

struct Node<'b, 'r, 's> {
    entries: Listpack<'b, 'r, 's>,
    node: u64,
}

impl Node<'_, '_, '_> {
    fn integer(&mut self, name: &str) -> Result<i64> {
        let node = self.node;
        match self.entries.next(Want::Nothing)? {
            Some(Entry::Int(number)) => Ok(number),
            Some(Entry::Text(_)) => {
                let seen = self.entries.seen();
                bad(format!("item {seen} of node {node} is a string; expected the {name}"))
            }
            None => bad(format!("node {node} ends before the {name}")),
        }
    }

    fn pass(&mut self, items: i64, name: &str) -> Result<()> {
        let node = self.node;
        if items < 0 {
            return bad(format!("node {node} says it has {items} times a {name}"));
        }
        for _ in 0..items {
            if self.entries.next(Want::Nothing)?.is_none() {
                return bad(format!("node {node} ends before a {name}"));
            }
        }
        Ok(())
    }
}

fn group(reader: &mut Reader<'_>, version: u8) -> Result<()> {
    skip_text(reader)?;
    numbers(reader, if version >= 2 { 3 } else { 2 })?;
    let pending = reader.count(25)?;
    for _ in 0..pending {
        reader.skip(24)?;
        reader.number()?;
    }
    let consumers = reader.count(10)?;
    for _ in 0..consumers {
        skip_text(reader)?;
        reader.skip(if version >= 3 { 16 } else { 8 })?;
        let owned = reader.count(16)?;
        if owned > pending {
            return bad(format!("a consumer has {owned} pending entries, its group only {pending}"));
        }
        reader.skip(owned * 16)?;
    }
    if version >= 5 {
        let nacked = reader.count(16)?;
        reader.skip(nacked * 16)?;
    }
    Ok(())
}

/// Idempotent producers: settings, the ids that each has used, and two counters.
fn producers(reader: &mut Reader<'_>) -> Result<()> {
    numbers(reader, 2)?;
    let producers = reader.count(2)?;
    for _ in 0..producers {
        skip_text(reader)?;
        let ids = reader.count(3)?;
        for _ in 0..ids {
            skip_text(reader)?;
            numbers(reader, 2)?;
        }
    }
    numbers(reader, 2)
}

fn numbers(reader: &mut Reader<'_>, count: u32) -> Result<()> {
    for _ in 0..count {
        reader.number()?;
    }
    Ok(())
}

fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadStream, message)
}
