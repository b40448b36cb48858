//! Bytes of the file through one buffer: the checksum over whole blocks, offsets, and the format's lengths.
use std::io::{ErrorKind, Read};

use crc_fast::{CrcAlgorithm, Digest};

use crate::fault::FaultCode;
use crate::inspect::{Control, Progress};
use crate::stop::{Result, broken};

/// The most that can be looked at in one piece.
pub(crate) const MAX_PEEK: usize = 64 << 10;
const BUFFER_BYTES: usize = 512 << 10;
/// `watch` is called after at least this many bytes.
const WATCH_BYTES: u64 = 128 << 10;
/// No server holds a longer string; more is a broken length, however big the file may be.
const MAX_STRING_BYTES: u64 = 64 << 30;
/// No server holds more elements in one value.
const MAX_COUNT: u64 = 1 << 40;

pub(crate) struct Reader<'s> {
    source: &'s mut dyn Read,
    watch: &'s mut dyn FnMut(&Progress) -> Control,
    buffer: Vec<u8>,
    head: usize,
    tail: usize,
    // The bytes of the buffer before this one are in the digest.
    hashed: usize,
    // File offset of the buffer's first byte.
    base: u64,
    digest: Digest,
    size_bytes: Option<u64>,
    watched: u64,
    /// Keys read so far, for `watch`.
    pub(crate) keys: u64,
    /// Whether `watch` has asked for a pause.
    pub(crate) pause: bool,
    /// A buffer that compressed strings pass through, kept from one to the next.
    pub(crate) scratch: Vec<u8>,
}

/// A length as the format writes it, or the number of a special encoding in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Plain(u64),
    Encoded(u8),
}

/// What stands before the bytes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Raw(u64),
    Int(i32),
    Lzf { packed: u64, unpacked: u64 },
}

impl<'s> Reader<'s> {
    pub(crate) fn new(
        source: &'s mut dyn Read,
        watch: &'s mut dyn FnMut(&Progress) -> Control,
        offset: u64,
        crc: u64,
        size_bytes: Option<u64>,
    ) -> Self {
        Self {
            source,
            watch,
            buffer: vec![0; BUFFER_BYTES],
            head: 0,
            tail: 0,
            hashed: 0,
            base: offset,
            digest: Digest::new_with_init_state(CrcAlgorithm::Crc64Redis, crc),
            size_bytes,
            watched: offset,
            keys: 0,
            pause: false,
            scratch: Vec::new(),
        }
    }

    /// The file offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.head as u64
    }

    /// CRC64 of everything before the next byte.
    pub(crate) fn crc(&mut self) -> u64 {
        self.hash_consumed();
        self.digest.finalize()
    }

    /// Bytes left in the file, if its size is known.
    pub(crate) fn left(&self) -> Option<u64> {
        self.size_bytes.map(|size| size.saturating_sub(self.offset()))
    }

    pub(crate) fn tell_watch(&mut self) {
        let progress = Progress { offset: self.offset(), keys: self.keys };
        self.watched = progress.offset;
        if (self.watch)(&progress) == Control::Pause {
            self.pause = true;
        }
    }

    /// Reads until `wanted` bytes can be looked at, at most [`MAX_PEEK`]; fewer are there only at the file's end.
    pub(crate) fn fill(&mut self, wanted: usize) -> Result<&[u8]> {
        while self.tail - self.head < wanted {
            if self.buffer.len() - self.tail < MAX_PEEK {
                self.make_room();
            }
            let room = self.buffer.get_mut(self.tail..).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => break,
                Ok(read) => self.tail += read.min(room.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
            if self.offset() - self.watched >= WATCH_BYTES {
                self.tell_watch();
            }
        }
        Ok(self.buffered())
    }

    /// What is in the buffer and not consumed yet.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.buffer[self.head..self.tail]
    }

    /// Exactly `wanted` bytes, at most [`MAX_PEEK`], without consuming them.
    #[inline]
    pub(crate) fn peek(&mut self, wanted: usize) -> Result<&[u8]> {
        if self.tail - self.head < wanted {
            self.fill(wanted)?;
        }
        if self.tail - self.head < wanted {
            return self.truncated(wanted as u64);
        }
        Ok(&self.buffer[self.head..self.head + wanted])
    }

    /// Consumes bytes that were looked at.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.head = self.tail.min(self.head + bytes);
    }

    pub(crate) fn skip(&mut self, bytes: u64) -> Result<()> {
        let mut left = bytes;
        loop {
            let step = left.min((self.tail - self.head) as u64);
            self.head += step as usize;
            left -= step;
            if left == 0 {
                return Ok(());
            }
            if self.fill(1)?.is_empty() {
                return self.truncated(left);
            }
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.peek(N)?);
        self.advance(N);
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn length(&mut self) -> Result<Length> {
        let first = self.u8()?;
        match first >> 6 {
            0 => Ok(Length::Plain(u64::from(first))),
            1 => Ok(Length::Plain(u64::from(first & 0x3f) << 8 | u64::from(self.u8()?))),
            2 if first == 0x80 => Ok(Length::Plain(u64::from(u32::from_be_bytes(self.array()?)))),
            2 if first == 0x81 => Ok(Length::Plain(u64::from_be_bytes(self.array()?))),
            2 => {
                let at = self.offset() - 1;
                broken(FaultCode::BadLength, format!("byte {first:#04x} at offset {at} begins no length"))
            }
            _ => Ok(Length::Encoded(first & 0x3f)),
        }
    }

    /// A number in the encoding of lengths.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<u64> {
        let at = self.offset();
        match self.length()? {
            Length::Plain(number) => Ok(number),
            Length::Encoded(encoding) => broken(
                FaultCode::BadLength,
                format!("expected a length at offset {at}, found string encoding {encoding}"),
            ),
        }
    }

    /// How many elements follow, each of at least `least_bytes`.
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

    #[inline]
    pub(crate) fn text(&mut self) -> Result<Text> {
        let at = self.offset();
        match self.length()? {
            Length::Plain(bytes) => self.string_bytes(bytes, at).map(Text::Raw),
            Length::Encoded(0) => Ok(Text::Int(i32::from(i8::from_le_bytes(self.array()?)))),
            Length::Encoded(1) => Ok(Text::Int(i32::from(i16::from_le_bytes(self.array()?)))),
            Length::Encoded(2) => Ok(Text::Int(i32::from_le_bytes(self.array()?))),
            Length::Encoded(3) => {
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
            Length::Encoded(encoding) => {
                broken(FaultCode::BadLength, format!("unknown string encoding {encoding} at offset {at}"))
            }
        }
    }

    #[inline]
    fn string_bytes(&self, bytes: u64, at: u64) -> Result<u64> {
        if bytes > MAX_STRING_BYTES {
            return broken(FaultCode::BadLength, format!("string of {bytes} bytes declared at offset {at}"));
        }
        self.expect(bytes, at)?;
        Ok(bytes)
    }

    /// Whether so many bytes can still come.
    #[inline]
    fn expect(&self, bytes: u64, at: u64) -> Result<()> {
        match self.left() {
            Some(left) if bytes > left => broken(
                FaultCode::Truncated,
                format!("at least {bytes} bytes declared at offset {at}, but only {left} follow"),
            ),
            _ => Ok(()),
        }
    }

    #[cold]
    fn truncated<T>(&self, wanted: u64) -> Result<T> {
        let end = self.base + self.tail as u64;
        let at = self.offset();
        broken(
            FaultCode::Truncated,
            format!("the file ends at offset {end}, but at least {wanted} bytes are due at offset {at}"),
        )
    }

    fn hash_consumed(&mut self) {
        self.digest.update(&self.buffer[self.hashed..self.head]);
        self.hashed = self.head;
    }

    fn make_room(&mut self) {
        self.hash_consumed();
        self.buffer.copy_within(self.head..self.tail, 0);
        self.base += self.head as u64;
        self.tail -= self.head;
        self.head = 0;
        self.hashed = 0;
    }
}
