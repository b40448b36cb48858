//! Zipmaps, the small hashes of Redis 2.4 and earlier.

use super::{EMPTY_LISTPACK_BYTES, Entry, Form, MAX_MEMBER_BYTES, Meaning, Seen};
use crate::{
    bytes::stop::{Result, broken},
    fault::FaultCode,
    pieces::{Length, Piece},
};

const END: u8 = 0xff;
/// The value that says that the length is in the next four bytes. As a count of fields, this and more mean "unknown".
const BIG_LENGTH: u8 = 0xfe;

#[derive(Debug)]
pub(crate) struct Zipmap {
    bytes: u64,
    left: u64,
    declared: u8,
    fields: u64,
    value_next: bool,
    /// An end mark was read. Of the bytes after it, only the last one is checked.
    ended: bool,
    // Bytes left of a long string and of the unused bytes after it.
    passing: u64,
    // The size of the items as a listpack.
    repacked: u64,
}

impl Form for Zipmap {
    fn new(bytes: u64) -> Self {
        Self {
            bytes,
            left: bytes,
            declared: 0,
            fields: 0,
            value_next: false,
            ended: false,
            passing: 0,
            repacked: EMPTY_LISTPACK_BYTES,
        }
    }

    fn feed<M: Meaning>(&mut self, chunk: &[u8], meaning: &mut M, seen: &mut Seen) -> Result<usize> {
        if self.ended {
            return self.pass_behind(chunk);
        }
        let mut at = 0;
        if self.left == self.bytes {
            let Some(&declared) = chunk.first() else { return bad("zipmap of no bytes".to_owned()) };
            self.declared = declared;
            meaning.begin(2 * u64::from(declared), seen);
            at = 1;
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
            if first == END && !self.value_next {
                at += 1;
                end = true;
                break;
            }
            let Some(step) = self.item(rest, at, meaning, seen)? else { break };
            at += step;
        }
        if end {
            self.end()?;
            seen.pieces.push(Piece::Repacked(self.repacked));
            return self.pass_behind(chunk);
        }
        self.left -= at as u64;
        if chunk.len() as u64 >= self.left + at as u64 {
            let (at, bytes) = (self.bytes - self.left, self.bytes);
            return bad(format!("zipmap item at byte {at} runs past the end at byte {bytes}"));
        }
        Ok(at)
    }
}

impl Zipmap {
    /// Reads a field, or a value with the unused bytes after it. Returns how many bytes are used, or `None` if the item
    /// is not complete.
    fn item<M: Meaning>(
        &mut self,
        rest: &[u8],
        at: usize,
        meaning: &mut M,
        seen: &mut Seen,
    ) -> Result<Option<usize>> {
        let (mut header, length) = match rest {
            [BIG_LENGTH, ..] => {
                let Some([_, length @ ..]) = rest.first_chunk::<5>() else { return Ok(None) };
                (5, u32::from_le_bytes(*length) as usize)
            }
            [END, ..] | [] => return Ok(None),
            [small, ..] => (1, usize::from(*small)),
        };
        let mut unused = 0;
        if self.value_next {
            let Some(free) = rest.get(header) else { return Ok(None) };
            unused = usize::from(*free);
            header += 1;
        }
        let used = if length > MAX_MEMBER_BYTES {
            if (header + length + unused) as u64 >= self.left - at as u64 {
                return Ok(None);
            }
            meaning.entry(Entry::Long(length as u64), seen)?;
            self.repacked += Length::text(length as u64).packed_bytes();
            self.passing = (length + unused) as u64;
            header
        } else {
            let used = header + length + unused;
            let Some(item) = rest.get(..used) else { return Ok(None) };
            let text = &item[header..header + length];
            meaning.entry(Entry::Text(text), seen)?;
            self.repacked += Length::of(text).packed_bytes();
            used
        };
        self.fields += u64::from(self.value_next);
        self.value_next = !self.value_next;
        Ok(Some(used))
    }

    /// Skips the bytes after the end mark. Only the last one is checked: it must be an end mark too
    /// (`zipmapValidateIntegrity`).
    fn pass_behind(&mut self, chunk: &[u8]) -> Result<usize> {
        self.ended = true;
        self.left = self.left.saturating_sub(chunk.len() as u64);
        if self.left == 0 && chunk.last() != Some(&END) {
            return bad(format!("zipmap of {} bytes does not end with its end mark", self.bytes));
        }
        Ok(chunk.len())
    }

    fn end(&self) -> Result<()> {
        let Self { fields, declared, .. } = self;
        if *fields == 0 {
            return bad("zipmap without fields, which every server refuses".to_owned());
        }
        if *declared < BIG_LENGTH && u64::from(*declared) != *fields {
            return bad(format!("zipmap says it has {declared} fields but it has {fields}"));
        }
        Ok(())
    }
}

#[cold]
fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadZipmap, message)
}
