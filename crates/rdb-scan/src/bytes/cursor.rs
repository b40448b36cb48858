//! A position in a slice of the file, and the format's lengths and string headers read from there.

use crate::{
    bytes::stop::{Result, Stop, broken},
    fault::FaultCode,
};

/// No server holds a longer string. A longer one is a broken length, however big the file is.
const MAX_STRING_BYTES: u64 = 64 << 30;
/// No server holds more elements in one value.
const MAX_COUNT: u64 = 1 << 40;

/// A position in a slice of the file.
///
/// What is read counts only once it is committed. A step that runs out of bytes returns [`Stop::More`] and is repeated
/// from the last committed position once more bytes are in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'w> {
    bytes: &'w [u8],
    at: usize,
    committed: usize,
    // File offset of the first byte of the slice.
    base: u64,
    // The file's size; u64::MAX if it is unknown.
    size_bytes: u64,
}

/// How a string is stored: plain, as an integer or compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Raw(u64),
    Int(i64),
    Lzf { packed: u64, unpacked: u64 },
}

/// A length, or the number of a special string encoding in its place.
enum LengthPrefix {
    Plain(u64),
    Encoded(u8),
}

/// The plain string at `at`, and the index after it; see [`Cursor::plain`].
#[inline(always)]
pub(crate) fn plain_at(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let [first, second] = rest.first_chunk::<2>()?;
    let (header, length) = match first >> 6 {
        0 => (1, usize::from(*first)),
        1 => (2, usize::from(first & 0x3f) << 8 | usize::from(*second)),
        _ => return None,
    };
    Some((rest.get(header..header + length)?, at + header + length))
}

impl<'w> Cursor<'w> {
    pub(crate) fn new(bytes: &'w [u8], base: u64, size_bytes: Option<u64>) -> Self {
        Self { bytes, at: 0, committed: 0, base, size_bytes: size_bytes.unwrap_or(u64::MAX) }
    }

    /// The file offset of the next byte.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The bytes from a file offset up to here, if the slice holds all of them.
    #[inline]
    pub(crate) fn from(&self, offset: u64) -> Option<&'w [u8]> {
        self.bytes.get(offset.checked_sub(self.base)? as usize..self.at)
    }

    /// The last `count` bytes before the cursor; empty if the slice does not hold them.
    #[inline]
    pub(crate) fn last(&self, count: usize) -> &'w [u8] {
        let start = self.at.checked_sub(count);
        start.and_then(|start| self.bytes.get(start..self.at)).unwrap_or_default()
    }

    /// Goes back to a file offset, but not before the last committed position.
    pub(crate) fn go_back(&mut self, offset: u64) {
        self.at = (offset.saturating_sub(self.base) as usize).clamp(self.committed, self.at);
    }

    /// Commits what has been read so far: it will not be read again.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.committed = self.at;
    }

    /// The number of committed bytes of the slice.
    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    /// The bytes of the slice from here on.
    #[inline]
    pub(crate) fn rest(&self) -> &'w [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Skips up to `most` bytes of the slice. Returns how many were skipped.
    pub(crate) fn pass(&mut self, most: u64) -> u64 {
        let step = most.min(self.rest().len() as u64);
        self.at += step as usize;
        step
    }

    #[inline]
    pub(crate) fn take(&mut self, wanted: usize) -> Result<&'w [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..wanted)) {
            Some(taken) => {
                self.at += wanted;
                Ok(taken)
            }
            None => self.short(wanted),
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            None => self.short(1),
        }
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => self.short(N),
        }
    }

    /// Reports how many bytes are needed from the last committed position on.
    #[cold]
    pub(crate) fn short<T>(&self, wanted: usize) -> Result<T> {
        Err(Stop::More(self.at - self.committed + wanted))
    }

    /// Reads a number in the encoding of lengths.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<u64> {
        let at = self.offset();
        match self.length()? {
            LengthPrefix::Plain(number) => Ok(number),
            LengthPrefix::Encoded(encoding) => broken(
                FaultCode::BadLength,
                format!("expected a length at offset {at}, found string encoding {encoding}"),
            ),
        }
    }

    /// Reads a number of an opcode's record. Servers read `u64::MAX` as an error (`RDB_LENERR`), so it is a fault.
    pub(crate) fn opcode_number(&mut self) -> Result<u64> {
        let at = self.offset();
        match self.number()? {
            u64::MAX => {
                broken(FaultCode::BadLength, format!("the number {} at offset {at} means none", u64::MAX))
            }
            number => Ok(number),
        }
    }

    /// Reads a number of elements, each of at least `least_bytes`.
    #[inline]
    pub(crate) fn count(&mut self, least_bytes: u64) -> Result<u64> {
        let at = self.offset();
        let count = self.number()?;
        if count > MAX_COUNT {
            return broken(FaultCode::BadLength, format!("{count} elements declared at offset {at}"));
        }
        self.expect(count * least_bytes, at)?;
        Ok(count)
    }

    /// Reads a plain string that is shorter than 16 KiB and entirely in the slice. Nearly every string is, so this is
    /// the fast path. Otherwise reads nothing.
    #[inline(always)]
    pub(crate) fn plain(&mut self) -> Option<&'w [u8]> {
        let (text, behind) = plain_at(self.bytes, self.at)?;
        self.at = behind;
        Some(text)
    }

    /// Reads the header of a string. If the file's size is known, the declared bytes fit into it.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Text> {
        if let Some(text) = self.plain() {
            // Only the header was requested. What is in the slice is in the file.
            self.at -= text.len();
            return Ok(Text::Raw(text.len() as u64));
        }
        self.any_text()
    }

    fn any_text(&mut self) -> Result<Text> {
        let at = self.offset();
        match self.length()? {
            LengthPrefix::Plain(bytes) => self.string_bytes(bytes, at).map(Text::Raw),
            LengthPrefix::Encoded(0) => Ok(Text::Int(i64::from(i8::from_le_bytes(self.array()?)))),
            LengthPrefix::Encoded(1) => Ok(Text::Int(i64::from(i16::from_le_bytes(self.array()?)))),
            LengthPrefix::Encoded(2) => Ok(Text::Int(i64::from(i32::from_le_bytes(self.array()?)))),
            LengthPrefix::Encoded(3) => {
                let packed = self.number()?;
                let unpacked = self.number()?;
                if unpacked > MAX_STRING_BYTES {
                    let message =
                        format!("compressed string at offset {at} declares {unpacked} bytes of contents");
                    return broken(FaultCode::BadLength, message);
                }
                let packed = self.string_bytes(packed, at)?;
                Ok(Text::Lzf { packed, unpacked })
            }
            LengthPrefix::Encoded(encoding) => {
                broken(FaultCode::BadLength, format!("unknown string encoding {encoding} at offset {at}"))
            }
        }
    }

    fn length(&mut self) -> Result<LengthPrefix> {
        let at = self.offset();
        let first = self.u8()?;
        match first >> 6 {
            0 => Ok(LengthPrefix::Plain(u64::from(first))),
            1 => Ok(LengthPrefix::Plain(u64::from(first & 0x3f) << 8 | u64::from(self.u8()?))),
            2 if first == 0x80 => Ok(LengthPrefix::Plain(u64::from(u32::from_be_bytes(self.array()?)))),
            2 if first == 0x81 => Ok(LengthPrefix::Plain(u64::from_be_bytes(self.array()?))),
            2 => broken(FaultCode::BadLength, format!("byte {first:#04x} at offset {at} begins no length")),
            _ => Ok(LengthPrefix::Encoded(first & 0x3f)),
        }
    }

    fn string_bytes(&self, bytes: u64, at: u64) -> Result<u64> {
        if bytes > MAX_STRING_BYTES {
            return broken(FaultCode::BadLength, format!("string of {bytes} bytes declared at offset {at}"));
        }
        self.expect(bytes, at)?;
        Ok(bytes)
    }

    /// Checks that at least `bytes` bytes of the file follow, if its size is known.
    #[inline]
    fn expect(&self, bytes: u64, at: u64) -> Result<()> {
        let left = self.size_bytes.saturating_sub(self.offset());
        if bytes <= left {
            return Ok(());
        }
        broken(
            FaultCode::Truncated,
            format!("at least {bytes} bytes declared at offset {at}, but only {left} follow"),
        )
    }
}
