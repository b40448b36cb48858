//! The window of a walk, and where what passes through it goes.

use std::io::{
    ErrorKind, Read, {self},
};

use crc_fast::{CrcAlgorithm, Digest};

use super::{WalkError, truncated};
use crate::{bytes::crc::combine, format::lzf::Unpacker};

/// The size of the window. No step asks for more at once.
pub(super) const WINDOW_BYTES: usize = 1 << 20;

/// Receives bytes, in order.
pub trait Sink {
    /// Receives the next bytes.
    ///
    /// # Errors
    /// Those of writing, which end the walk.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Ignores everything.
impl Sink for () {
    #[inline]
    fn put(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// The CRC-64 of RDB files.
pub struct Crc64(Digest);

impl Default for Crc64 {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Redis))
    }
}

impl std::fmt::Debug for Crc64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crc64({:016x})", self.value())
    }
}

impl Crc64 {
    /// Adds bytes; blocks of 4 KiB and more are fast.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }

    /// The checksum of two neighboring parts, the second one `next_bytes` long, from those of both.
    pub fn combine(value: u64, next: u64, next_bytes: u64) -> u64 {
        combine(value, next, next_bytes)
    }
}

/// A window over a source.
///
/// Bytes from `mark` to `at` have been read and not passed on. They are passed on before they leave the window, unless
/// they are being cut.
pub(super) struct Input<R> {
    source: R,
    window: Vec<u8>,
    pub(super) at: usize,
    end: usize,
    pub(super) mark: usize,
    pub(super) cutting: bool,
    /// File offset of the window's first byte.
    base: u64,
    crc: Crc64,
    summed: usize,
    /// File offset of the current record.
    pub(super) record: u64,
    pub(super) unpacker: Unpacker,
    pub(super) packed: Vec<u8>,
}

impl<R> std::fmt::Debug for Input<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input at {}", self.base + self.at as u64)
    }
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Self {
        Self::at(source, 0)
    }

    /// A source whose first byte has this file offset.
    pub(super) fn at(source: R, base: u64) -> Self {
        let window = vec![0; WINDOW_BYTES];
        let crc = Crc64::default();
        Self {
            source,
            window,
            at: 0,
            end: 0,
            mark: 0,
            cutting: true,
            base,
            crc,
            summed: 0,
            record: base,
            unpacker: Unpacker::default(),
            packed: Vec::new(),
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The first bytes of the file, before anything is read.
    pub(super) fn start(&self) -> &[u8] {
        &self.window[..self.end]
    }

    /// The bytes of the window from here on.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        &self.window[self.at..self.end]
    }

    /// Bytes that were read and not passed on.
    pub(super) fn kept(&self) -> &[u8] {
        &self.window[self.mark..self.at]
    }

    /// Reads until `bytes` bytes are in the window, or the source ends.
    pub(super) fn fill_to(&mut self, bytes: usize) -> io::Result<()> {
        while self.end - self.at < bytes.min(WINDOW_BYTES) {
            match self.source.read(&mut self.window[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes room in the window and reads until `bytes` bytes are in it.
    #[cold]
    pub(super) fn refill<S: Sink>(&mut self, bytes: usize, sink: &mut S) -> Result<(), WalkError> {
        if !self.cutting {
            sink.put(&self.window[self.mark..self.at])?;
        }
        self.sum();
        self.window.copy_within(self.at..self.end, 0);
        self.base += self.at as u64;
        self.end -= self.at;
        (self.at, self.mark, self.summed) = (0, 0, 0);
        self.fill_to(bytes)?;
        if self.end < bytes { Err(truncated(self.record)) } else { Ok(()) }
    }

    /// The next bytes, fewer only at the end of the source. Nothing that was read may be waiting to be passed on.
    pub(super) fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
        if self.rest().len() < bytes && self.mark == self.at {
            self.sum();
            self.window.copy_within(self.at..self.end, 0);
            self.base += self.at as u64;
            self.end -= self.at;
            (self.at, self.mark, self.summed) = (0, 0, 0);
            self.fill_to(bytes)?;
        }
        let rest = self.rest();
        Ok(rest.get(..bytes).unwrap_or(rest))
    }

    fn sum(&mut self) {
        self.crc.update(&self.window[self.summed..self.at]);
        self.summed = self.at;
    }

    /// The checksum of everything that has been read.
    pub(super) fn crc(&mut self) -> u64 {
        self.sum();
        self.crc.value()
    }
}
