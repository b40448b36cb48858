//! Lists, as ziplists.

use std::io::Read;

use rdb_scan::{
    FaultCode,
    walk::{Body, Listpack, PackedEntry, Sink, WalkError, push_number},
};

use super::{MAX_PACKED_BYTES, Rewriter, broken, counted};

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
const PLAIN: u64 = 1;
const PACKED: u64 = 2;

impl Rewriter {
    /// Writes the nodes of a list.
    pub(crate) fn list<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        offset: u64,
    ) -> Result<(), WalkError> {
        body.cut()?;
        let nodes = body.count(1)?;
        body.put(&counted(nodes))?;
        for _ in 0..nodes {
            let container = body.number()?;
            body.read_text(&mut self.packed, MAX_PACKED_BYTES)?;
            let mut ziplist = Ziplist::new(std::mem::take(&mut self.rows));
            match container {
                PLAIN => ziplist.push(PackedEntry::Text(&self.packed)),
                PACKED => {
                    for entry in Listpack::new(&self.packed) {
                        ziplist
                            .push(entry.or_else(|message| broken(FaultCode::BadListpack, offset, message))?);
                    }
                }
                _ => {
                    return broken(FaultCode::BadQuicklist, offset, "a list node is in an unknown container");
                }
            }
            self.out.clear();
            self.rows = ziplist.end(&mut self.out);
            body.put(&self.out)?;
        }
        body.uncut();
        Ok(())
    }
}

/// A ziplist that grows.
struct Ziplist {
    entries: Vec<u8>,
    count: u64,
    last: usize,
    last_bytes: usize,
}

impl Ziplist {
    /// An empty one, in this memory.
    fn new(mut entries: Vec<u8>) -> Self {
        entries.clear();
        Self { entries, count: 0, last: 0, last_bytes: 0 }
    }

    fn push(&mut self, entry: PackedEntry<'_>) {
        let start = self.entries.len();
        if self.last_bytes < 254 {
            self.entries.push(self.last_bytes as u8);
        } else {
            self.entries.push(254);
            self.entries.extend((self.last_bytes as u32).to_le_bytes());
        }
        match entry {
            PackedEntry::Int(number) => self.integer(number),
            PackedEntry::Text(text) => {
                match text.len() {
                    length @ 0..0x40 => self.entries.push(length as u8),
                    length @ 0x40..0x4000 => self.entries.extend((0x4000 | length as u16).to_be_bytes()),
                    length => {
                        self.entries.push(0x80);
                        self.entries.extend((length as u32).to_be_bytes());
                    }
                }
                self.entries.extend_from_slice(text);
            }
        }
        (self.last, self.last_bytes) = (start, self.entries.len() - start);
        self.count += 1;
    }

    fn integer(&mut self, number: i64) {
        let bytes = number.to_le_bytes();
        let (code, length) = match number {
            0..=12 => (0xf1 + bytes[0], 0),
            -0x80..0x80 => (0xfe, 1),
            -0x8000..0x8000 => (0xc0, 2),
            -0x80_0000..0x80_0000 => (0xf0, 3),
            -0x8000_0000..0x8000_0000 => (0xd0, 4),
            _ => (0xe0, 8),
        };
        self.entries.push(code);
        self.entries.extend_from_slice(bytes.get(..length).unwrap_or_default());
    }

    /// Appends it as a string. Returns the memory.
    fn end(self, out: &mut Vec<u8>) -> Vec<u8> {
        let bytes = HEADER_BYTES + self.entries.len() + 1;
        push_number(out, bytes as u64);
        out.extend((bytes as u32).to_le_bytes());
        out.extend(((HEADER_BYTES + self.last) as u32).to_le_bytes());
        out.extend((self.count.min(0xffff) as u16).to_le_bytes());
        out.extend_from_slice(&self.entries);
        out.push(END);
        self.entries
    }
}
