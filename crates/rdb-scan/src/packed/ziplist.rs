//! Ziplists, the predecessor of listpacks: each entry begins with the length of the one before it.

use super::{EMPTY_LISTPACK_BYTES, Entry, Form, MAX_MEMBER_BYTES, Meaning, Seen, signed, unsigned};
use crate::{
    bytes::stop::{Result, broken},
    fault::{FaultCode, HazardCode},
    pieces::Piece,
};

const HEADER_BYTES: usize = 10;
/// The count that means "unknown".
const UNKNOWN_COUNT: u64 = 0xffff;
const END: u8 = 0xff;
/// The value that says that the previous length is in the next four bytes.
const BIG_PREVIOUS: u8 = 0xfe;

#[derive(Debug)]
pub(crate) struct Ziplist {
    bytes: u64,
    left: u64,
    tail: u64,
    declared: u64,
    entries: u64,
    // The index of the last entry, and its length.
    last_at: u64,
    last_bytes: u64,
    // Bytes left of a long string.
    passing: u64,
    // The size of the entries as a listpack.
    repacked: u64,
}

impl Form for Ziplist {
    fn new(bytes: u64) -> Self {
        Self {
            bytes,
            left: bytes,
            tail: 0,
            declared: 0,
            entries: 0,
            last_at: HEADER_BYTES as u64,
            last_bytes: 0,
            passing: 0,
            repacked: EMPTY_LISTPACK_BYTES,
        }
    }

    fn feed<M: Meaning>(&mut self, chunk: &[u8], meaning: &mut M, seen: &mut Seen) -> Result<usize> {
        let mut at = 0;
        if self.left == self.bytes {
            self.header(chunk)?;
            at = HEADER_BYTES;
            meaning.begin(self.declared, seen);
        }
        let mut end = false;
        while let Some(rest) = chunk.get(at..)
            && let Some(&first) = rest.first()
        {
            if self.passing > 0 {
                let step = self.passing.min(rest.len() as u64);
                self.passing -= step;
                at += step as usize;
                continue;
            }
            if first == END {
                at += 1;
                end = true;
                break;
            }
            let Some(step) = self.entry(rest, at, meaning, seen)? else { break };
            at += step;
        }
        self.left -= at as u64;
        if end {
            self.end(seen)?;
            seen.pieces.push(Piece::Repacked(self.repacked));
        } else if chunk.len() as u64 >= self.left + at as u64 {
            return self.overrun();
        }
        Ok(at)
    }
}

impl Ziplist {
    fn header(&mut self, chunk: &[u8]) -> Result<()> {
        let bytes = self.bytes;
        let Some(header) = chunk.first_chunk::<HEADER_BYTES>() else {
            return bad(format!("ziplist of {bytes} bytes has no room for its header"));
        };
        let total = unsigned(&header[..4]);
        self.tail = unsigned(&header[4..8]);
        self.declared = unsigned(&header[8..]);
        if total != bytes {
            return bad(format!("ziplist says it has {total} bytes but it has {bytes}"));
        }
        Ok(())
    }

    /// Reads the next entry. Returns how many bytes are used, or `None` if the entry is not complete.
    fn entry<M: Meaning>(
        &mut self,
        rest: &[u8],
        at: usize,
        meaning: &mut M,
        seen: &mut Seen,
    ) -> Result<Option<usize>> {
        let Some(prefix) = self.previous_length(rest)? else { return Ok(None) };
        let body = &rest[prefix..];
        let Some(&first) = body.first() else { return Ok(None) };
        let (header, data) = match first {
            0x00..=0x3f => (1, usize::from(first)),
            0x40..=0x7f => {
                let Some([_, low]) = body.first_chunk::<2>() else { return Ok(None) };
                (2, usize::from(first & 0x3f) << 8 | usize::from(*low))
            }
            0x80 => {
                // Big-endian, unlike the other numbers of four bytes.
                let Some([_, length @ ..]) = body.first_chunk::<5>() else { return Ok(None) };
                (5, u32::from_be_bytes(*length) as usize)
            }
            0xc0 => (1, 2),
            0xd0 => (1, 4),
            0xe0 => (1, 8),
            0xf0 => (1, 3),
            0xfe => (1, 1),
            0xf1..=0xfd => (1, 0),
            _ => {
                let (entries, at) = (self.entries, self.at(at));
                return bad(format!("ziplist entry {entries} at byte {at} has encoding {first:#04x}"));
            }
        };
        let whole = prefix + header + data;
        let (entry, used) = if data > MAX_MEMBER_BYTES {
            if whole as u64 >= self.left - at as u64 {
                return Ok(None);
            }
            self.passing = data as u64;
            (Entry::Long(data as u64), prefix + header)
        } else {
            let Some(data) = body.get(header..header + data) else { return Ok(None) };
            let entry = match first {
                0xf1..=0xfd => Entry::Int(i64::from(first & 0x0f) - 1),
                0xc0.. => Entry::Int(signed(data)),
                _ => Entry::Text(data),
            };
            (entry, whole)
        };
        meaning.entry(entry, seen)?;
        self.repacked += entry.length().packed_bytes();
        self.last_at = self.at(at);
        self.last_bytes = whole as u64;
        self.entries += 1;
        Ok(Some(used))
    }

    fn previous_length(&self, rest: &[u8]) -> Result<Option<usize>> {
        let (size, previous) = match rest {
            [BIG_PREVIOUS, ..] => {
                let Some([_, length @ ..]) = rest.first_chunk::<5>() else { return Ok(None) };
                (5, u64::from(u32::from_le_bytes(*length)))
            }
            [first, ..] => (1, u64::from(*first)),
            [] => return Ok(None),
        };
        if previous != self.last_bytes {
            let (entries, last) = (self.entries, self.last_bytes);
            return bad(format!(
                "ziplist entry {entries} says the one before it has {previous} bytes but it has {last}"
            ));
        }
        Ok(Some(size))
    }

    fn end(&self, seen: &mut Seen) -> Result<()> {
        let Self { left, declared, entries, tail, last_at, .. } = self;
        if *left != 0 {
            return bad(format!("ziplist ends {left} bytes early, after entry {entries}"));
        }
        if *declared != UNKNOWN_COUNT && declared != entries {
            let message = || format!("ziplist says it has {declared} entries but it has {entries}");
            seen.contradictions.note(HazardCode::ZiplistCount, message);
        }
        if tail != last_at {
            return bad(format!("ziplist says its last entry is at byte {tail} but it is at {last_at}"));
        }
        Ok(())
    }

    /// Converts an index in the chunk to one in the ziplist.
    fn at(&self, at: usize) -> u64 {
        self.bytes - self.left + at as u64
    }

    #[cold]
    fn overrun<T>(&self) -> Result<T> {
        let Self { bytes, left, entries, .. } = self;
        bad(format!("ziplist entry {entries} at byte {} runs past the end at byte {bytes}", bytes - left))
    }
}

#[cold]
fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadZiplist, message)
}
