//! Listpacks: a header, entries with their own lengths behind them, an end byte.
use crate::blob::Blob;
use crate::fault::FaultCode;
use crate::members::{hash_bytes, hash_integer};
use crate::stop::{Result, broken};

/// Strings longer than this are passed over without a look.
const MAX_LOOK_BYTES: u64 = 4096;
/// The count that stands for "too many to say".
const UNKNOWN_COUNT: u64 = 0xffff;
const END: u8 = 0xff;

/// What the caller wants to know of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Nothing,
    Hash,
    Score,
}

/// One entry of a listpack or a ziplist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Int(i64),
    /// A string and what was wanted of it.
    Text(Look),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Look {
    /// Its hash, if it was wanted and the string is not too long.
    pub(crate) hash: Option<u64>,
    /// Whether it reads "nan".
    pub(crate) nan: bool,
}

impl Entry {
    pub(crate) fn hash(self) -> Option<u64> {
        match self {
            Self::Int(number) => Some(hash_integer(number)),
            Self::Text(look) => look.hash,
        }
    }
}

/// A listpack or a ziplist: entries one after the other.
pub(crate) trait Entries {
    /// The next entry; none at the end, where everything that the header says has been checked.
    fn next(&mut self, want: Want) -> Result<Option<Entry>>;
    /// The number of entries so far.
    fn seen(&self) -> u64;
    /// What a fault in it is called.
    const CODE: FaultCode;
}

pub(crate) struct Listpack<'b, 'r, 's> {
    blob: &'b mut Blob<'r, 's>,
    declared: u64,
    seen: u64,
}

impl<'b, 'r, 's> Listpack<'b, 'r, 's> {
    pub(crate) fn open(blob: &'b mut Blob<'r, 's>) -> Result<Self> {
        let bytes = blob.bytes();
        let Some(header) = blob.peek(6)? else {
            return bad(format!("listpack of {bytes} bytes has no room for its header"));
        };
        let total = unsigned(&header[..4]);
        let declared = unsigned(&header[4..]);
        if total != bytes {
            return bad(format!("listpack says it has {total} bytes but it has {bytes}"));
        }
        blob.advance(6);
        Ok(Self { blob, declared, seen: 0 })
    }

    fn end(&mut self) -> Result<Option<Entry>> {
        self.blob.advance(1);
        let (left, declared, seen) = (self.blob.left(), self.declared, self.seen);
        if left != 0 {
            return bad(format!("listpack ends {left} bytes early, after entry {seen}"));
        }
        if declared != UNKNOWN_COUNT && declared != seen {
            return bad(format!("listpack says it has {declared} entries but it has {seen}"));
        }
        Ok(None)
    }

    fn integer(&mut self, header: usize, data: usize) -> Result<(Entry, u64)> {
        let Some(bytes) = self.blob.peek(header + data)? else { return self.overrun((header + data) as u64) };
        let number = match (bytes, data) {
            ([first, ..], 0) => i64::from(first & 0x7f),
            ([first, low], 1) => {
                let raw = i64::from(first & 0x1f) << 8 | i64::from(*low);
                if raw >= 1 << 12 { raw - (1 << 13) } else { raw }
            }
            _ => little_endian(&bytes[header..]),
        };
        self.blob.advance(header + data);
        Ok((Entry::Int(number), (header + data) as u64))
    }

    fn text(&mut self, header: usize, bytes: u64, want: Want) -> Result<(Entry, u64)> {
        self.blob.advance(header);
        let Some(look) = look(self.blob, bytes, want)? else { return self.overrun(bytes) };
        Ok((Entry::Text(look), header as u64 + bytes))
    }

    /// The entry's own length, which stands behind it so that a listpack can be read backwards.
    fn back_length(&mut self, entry_bytes: u64) -> Result<()> {
        let size = match entry_bytes {
            0..=127 => 1,
            128..16383 => 2,
            16383..2_097_151 => 3,
            2_097_151..268_435_455 => 4,
            _ => 5,
        };
        let Some(bytes) = self.blob.peek(size)? else { return self.overrun(size as u64) };
        let (found, flags) = bytes.iter().enumerate().fold((0, true), |(sum, flags), (index, byte)| {
            (sum << 7 | u64::from(byte & 0x7f), flags && (byte & 0x80 != 0) == (index > 0))
        });
        if found != entry_bytes || !flags {
            let (seen, at) = (self.seen, self.blob.at());
            return bad(format!(
                "listpack entry {seen} has {entry_bytes} bytes, but the length behind it at byte {at} says {found}"
            ));
        }
        self.blob.advance(size);
        Ok(())
    }

    #[cold]
    fn overrun<T>(&self, wanted: u64) -> Result<T> {
        let (seen, at, left) = (self.seen, self.blob.at(), self.blob.left());
        bad(format!("listpack entry {seen} needs {wanted} bytes at byte {at}, but only {left} are left"))
    }
}

impl Entries for Listpack<'_, '_, '_> {
    const CODE: FaultCode = FaultCode::BadListpack;

    fn seen(&self) -> u64 {
        self.seen
    }

    #[inline]
    fn next(&mut self, want: Want) -> Result<Option<Entry>> {
        let Some(&[first]) = self.blob.peek(1)? else { return self.overrun(1) };
        let (entry, bytes) = match first {
            0x00..=0x7f => self.integer(1, 0)?,
            0x80..=0xbf => self.text(1, u64::from(first & 0x3f), want)?,
            0xc0..=0xdf => self.integer(1, 1)?,
            0xe0..=0xef => {
                let Some(&[first, low]) = self.blob.peek(2)? else { return self.overrun(2) };
                self.text(2, u64::from(first & 0x0f) << 8 | u64::from(low), want)?
            }
            0xf0 => {
                let Some([_, length @ ..]) = self.blob.peek(5)? else { return self.overrun(5) };
                let length = unsigned(length);
                self.text(5, length, want)?
            }
            0xf1 => self.integer(1, 2)?,
            0xf2 => self.integer(1, 3)?,
            0xf3 => self.integer(1, 4)?,
            0xf4 => self.integer(1, 8)?,
            END => return self.end(),
            _ => {
                let (seen, at) = (self.seen, self.blob.at());
                return bad(format!("listpack entry {seen} at byte {at} begins with {first:#04x}"));
            }
        };
        self.back_length(bytes)?;
        self.seen += 1;
        Ok(Some(entry))
    }
}

/// Passes over a string and gives what was wanted of it; none if it runs past the end.
#[inline]
pub(crate) fn look(blob: &mut Blob<'_, '_>, bytes: u64, want: Want) -> Result<Option<Look>> {
    let mut look = Look::default();
    if want != Want::Nothing && bytes <= MAX_LOOK_BYTES {
        let Some(contents) = blob.peek(bytes as usize)? else { return Ok(None) };
        match want {
            Want::Hash => look.hash = Some(hash_bytes(contents)),
            Want::Score => look.nan = is_nan(contents),
            Want::Nothing => {}
        }
    }
    Ok(blob.skip(bytes)?.then_some(look))
}

/// Whether a score is written as "nan", with any sign.
pub(crate) fn is_nan(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"nan"))
}

/// A signed little-endian integer of 1 to 8 bytes.
pub(crate) fn little_endian(bytes: &[u8]) -> i64 {
    let unused = 64 - 8 * bytes.len().clamp(1, 8) as u32;
    (unsigned(bytes) << unused).cast_signed() >> unused
}

/// An unsigned little-endian integer of at most 8 bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadListpack, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_found_however_it_is_written() {
        for text in ["nan", "-nan", "NaN", "+nan", " nan(0)"] {
            assert!(is_nan(text.as_bytes()), "{text}");
        }
        for text in ["", "n", "1", "inf", "-inf"] {
            assert!(!is_nan(text.as_bytes()), "{text}");
        }
    }
}
