//! Listpacks: a header, entries each followed by its own length, and an end byte.

use super::{Entry, Form, MAX_MEMBER_BYTES, Meaning, Seen, signed, unsigned};
use crate::{
    bytes::stop::{Result, broken},
    fault::{FaultCode, HazardCode},
};

const HEADER_BYTES: usize = 6;
/// The count that means "unknown".
const UNKNOWN_COUNT: u64 = 0xffff;
const END: u8 = 0xff;

#[derive(Debug)]
pub(crate) struct Listpack {
    bytes: u64,
    left: u64,
    declared: u64,
    entries: u64,
    // Bytes left of a long string, and the length of its entry, which must follow it.
    passing: u64,
    back: Option<u64>,
    /// An end mark was read. Of the bytes after it, only the last one is checked.
    ended: bool,
}

impl Form for Listpack {
    fn new(bytes: u64) -> Self {
        Self { bytes, left: bytes, declared: 0, entries: 0, passing: 0, back: None, ended: false }
    }

    fn feed<M: Meaning>(&mut self, chunk: &[u8], meaning: &mut M, seen: &mut Seen) -> Result<usize> {
        if self.ended {
            return self.pass_behind(chunk, 0);
        }
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
            if self.passing > 0 || self.back.is_some() {
                match self.pass(rest) {
                    0 => break,
                    step => at += step,
                }
                if let Some(entry_bytes) = self.back.filter(|_| self.passing == 0) {
                    let Some(step) = self.back_length(&chunk[at..], entry_bytes, at)? else { break };
                    at += step;
                    self.back = None;
                    self.entries += 1;
                }
                continue;
            }
            // Nearly all entries are short strings and short integers.
            let text_bytes = usize::from(first & 0x3f);
            if first & 0xc0 == 0x80
                && let Some(entry) = rest.get(1..text_bytes + 2)
                && let [text @ .., back] = entry
                && usize::from(*back) == text_bytes + 1
            {
                meaning.entry(Entry::Text(text), seen)?;
                at += text_bytes + 2;
                self.entries += 1;
                continue;
            }
            if first < 0x80 && rest.get(1) == Some(&1) {
                meaning.entry(Entry::Int(i64::from(first)), seen)?;
                at += 2;
                self.entries += 1;
                continue;
            }
            if first == END {
                at += 1;
                end = true;
                break;
            }
            if let Some((number, entry_bytes)) = short_integer(rest)
                && rest.get(entry_bytes).is_some_and(|back| usize::from(*back) == entry_bytes)
            {
                meaning.entry(Entry::Int(number), seen)?;
                at += entry_bytes + 1;
                self.entries += 1;
                continue;
            }
            let Some(step) = self.any(rest, at, meaning, seen)? else { break };
            at += step;
        }
        if end {
            self.end(self.left - at as u64, seen);
            return self.pass_behind(chunk, at);
        }
        self.left -= at as u64;
        if chunk.len() as u64 >= self.left + at as u64 {
            return self.overrun();
        }
        Ok(at)
    }
}

impl Listpack {
    fn header(&mut self, chunk: &[u8]) -> Result<()> {
        let bytes = self.bytes;
        let Some(header) = chunk.first_chunk::<HEADER_BYTES>() else {
            return bad(format!("listpack of {bytes} bytes has no room for its header"));
        };
        let total = unsigned(&header[..4]);
        self.declared = unsigned(&header[4..]);
        if total != bytes {
            return bad(format!("listpack says it has {total} bytes but it has {bytes}"));
        }
        Ok(())
    }

    /// Reads an entry of any kind. Returns how many bytes are used, or `None` if the entry is not complete.
    #[inline(never)]
    fn any<M: Meaning>(
        &mut self,
        rest: &[u8],
        at: usize,
        meaning: &mut M,
        seen: &mut Seen,
    ) -> Result<Option<usize>> {
        let first = rest.first().copied().unwrap_or(END);
        let (header, data) = match first {
            0x00..=0x7f => (1, 0),
            0x80..=0xbf => (1, usize::from(first & 0x3f)),
            0xc0..=0xdf => (1, 1),
            0xe0..=0xef => {
                let Some([_, low]) = rest.first_chunk::<2>() else { return Ok(None) };
                (2, usize::from(first & 0x0f) << 8 | usize::from(*low))
            }
            0xf0 => {
                let Some([_, length @ ..]) = rest.first_chunk::<5>() else { return Ok(None) };
                (5, u32::from_le_bytes(*length) as usize)
            }
            0xf1 => (1, 2),
            0xf2 => (1, 3),
            0xf3 => (1, 4),
            0xf4 => (1, 8),
            _ => {
                let (entries, at) = (self.entries, self.at(at));
                return bad(format!("listpack entry {entries} at byte {at} begins with {first:#04x}"));
            }
        };
        let entry_bytes = (header + data) as u64;
        if data > MAX_MEMBER_BYTES {
            if entry_bytes >= self.left - at as u64 {
                return Ok(None);
            }
            meaning.entry(Entry::Long(data as u64), seen)?;
            self.passing = data as u64;
            self.back = Some(entry_bytes);
            return Ok(Some(header));
        }
        let Some(body) = rest.get(header..header + data) else { return Ok(None) };
        let Some(back) = self.back_length(&rest[header + data..], entry_bytes, at)? else { return Ok(None) };
        let entry = match (first, body) {
            (0x00..=0x7f, _) => Entry::Int(i64::from(first)),
            (0xc0..=0xdf, [low]) => {
                let raw = i64::from(first & 0x1f) << 8 | i64::from(*low);
                Entry::Int(if raw >= 1 << 12 { raw - (1 << 13) } else { raw })
            }
            (0xf1..=0xf4, body) => Entry::Int(signed(body)),
            (_, body) => Entry::Text(body),
        };
        meaning.entry(entry, seen)?;
        self.entries += 1;
        Ok(Some(header + data + back))
    }

    fn pass(&mut self, rest: &[u8]) -> usize {
        let step = self.passing.min(rest.len() as u64);
        self.passing -= step;
        step as usize
    }

    /// Reads the length of an entry that follows the entry, so that a listpack can be read backwards. Returns the size
    /// of that field, or `None` if it is not complete.
    fn back_length(&self, rest: &[u8], entry_bytes: u64, at: usize) -> Result<Option<usize>> {
        let size = match entry_bytes {
            0..=127 => 1,
            128..16383 => 2,
            16383..2_097_151 => 3,
            2_097_151..268_435_455 => 4,
            _ => 5,
        };
        let Some(bytes) = rest.get(..size) else { return Ok(None) };
        let (found, flags) = bytes.iter().enumerate().fold((0, true), |(sum, flags), (index, byte)| {
            (sum << 7 | u64::from(byte & 0x7f), flags && (byte & 0x80 != 0) == (index > 0))
        });
        if found != entry_bytes || !flags {
            let (entries, at) = (self.entries, self.at(at));
            return bad(format!(
                "listpack entry {entries} at byte {at} has {entry_bytes} bytes, but the length after it says {found}"
            ));
        }
        Ok(Some(size))
    }

    /// Notes a wrong count, or bytes after the end. Most servers check neither (`lpValidateIntegrity` without `deep`).
    fn end(&self, left: u64, seen: &mut Seen) {
        let Self { declared, entries, .. } = self;
        if left != 0 {
            let message = || format!("listpack ends {left} bytes early, after entry {entries}");
            seen.contradictions.note(HazardCode::ListpackCount, message);
        } else if *declared != UNKNOWN_COUNT && declared != entries {
            let message = || format!("listpack says it has {declared} entries but it has {entries}");
            seen.contradictions.note(HazardCode::ListpackCount, message);
        }
    }

    /// Skips the bytes after the end mark. Only the last one is checked: it must be an end mark too.
    fn pass_behind(&mut self, chunk: &[u8], at: usize) -> Result<usize> {
        self.ended = true;
        self.left = self.left.saturating_sub(chunk.len() as u64);
        if self.left == 0 && chunk.get(at.saturating_sub(1)..).and_then(<[u8]>::last) != Some(&END) {
            return bad(format!("listpack of {} bytes does not end with its end mark", self.bytes));
        }
        Ok(chunk.len())
    }

    /// Converts an index in the chunk to one in the listpack.
    fn at(&self, at: usize) -> u64 {
        self.bytes - self.left + at as u64
    }

    #[cold]
    fn overrun<T>(&self) -> Result<T> {
        let Self { bytes, left, entries, .. } = self;
        bad(format!("listpack entry {entries} at byte {} runs past the end at byte {bytes}", bytes - left))
    }
}

/// An integer of 13 to 64 bits and the length of its entry, if enough bytes follow to read them at once.
#[inline]
fn short_integer(rest: &[u8]) -> Option<(i64, usize)> {
    let [first, bytes @ ..] = rest.first_chunk::<9>()?;
    let bits = match first {
        0xc0..=0xdf => {
            // 13 bits, five of them in the first byte. Shifting moves the sign to its place.
            let raw = u16::from(first & 0x1f) << 8 | u16::from(bytes[0]);
            return Some((i64::from((raw << 3).cast_signed() >> 3), 2));
        }
        0xf1 => 16,
        0xf2 => 24,
        0xf3 => 32,
        0xf4 => 64,
        _ => return None,
    };
    let number = i64::from_le_bytes(*bytes) << (64 - bits) >> (64 - bits);
    Some((number, 1 + bits / 8))
}

#[cold]
fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadListpack, message)
}
