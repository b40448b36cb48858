//! The part of the file that is in memory, filled from the source in large reads, and the checksum over it.

use std::io::{
    ErrorKind, Read, {self},
};

use crc_fast::{CrcAlgorithm, Digest};

/// The size of one read: small enough to stay in a core's own cache while it is hashed and scanned.
const READ_BYTES: usize = 256 << 10;
const PAGE_BYTES: usize = 4096;
/// The most bytes that a step can require at once. The window never grows beyond this and one more read.
pub(crate) const MAX_LOOK_BYTES: usize = 1 << 20;

pub(crate) struct Window<'r> {
    // Not a type parameter, so that the scanning code is compiled once, here, with the optimization of this crate.
    source: &'r mut dyn Read,
    buffer: Vec<u8>,
    head: usize,
    tail: usize,
    // The bytes of the buffer before this index are in the digest.
    hashed: usize,
    // Index of the first byte that still holds data of the file.
    front: usize,
    // File offset from which on all bytes in the digest are zeros.
    zeros_from: u64,
    // File offset of the buffer's first byte.
    base: u64,
    digest: Digest,
    at_end: bool,
}

impl<'r> Window<'r> {
    pub(crate) fn new(source: &'r mut dyn Read, offset: u64) -> Self {
        Self {
            source,
            buffer: vec![0; 2 * PAGE_BYTES + 2 * READ_BYTES],
            head: 0,
            tail: 0,
            hashed: 0,
            front: 0,
            zeros_from: offset,
            base: offset,
            digest: Digest::new(CrcAlgorithm::Crc64Redis),
            at_end: false,
        }
    }

    /// The file offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base.wrapping_add(self.head as u64)
    }

    /// The bytes in memory that were not consumed yet.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.head..self.tail).unwrap_or_default()
    }

    /// The bytes in memory from a file offset on; empty if they were dropped already or are not read yet.
    pub(crate) fn since(&self, offset: u64) -> &[u8] {
        let at = offset.wrapping_sub(self.base);
        let front = self.front as u64;
        if (front..self.tail as u64).contains(&at) {
            self.buffer.get(at as usize..self.tail).unwrap_or_default()
        } else {
            &[]
        }
    }

    /// File offset from which on all bytes that were consumed since the start or the last restart are zeros.
    pub(crate) fn zeros_from(&mut self) -> u64 {
        self.hash_consumed();
        self.zeros_from
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.head = self.tail.min(self.head + bytes);
    }

    /// Reads and consumes `bytes` bytes, or as many as there are.
    pub(crate) fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let end = self.offset().saturating_add(bytes);
        while self.offset() < end && self.fill(1)? {
            let step = (self.tail - self.head).min((end - self.offset()) as usize);
            self.consume(step);
        }
        Ok(())
    }

    /// CRC64 of everything that was consumed since the start or the last restart.
    pub(crate) fn crc(&mut self) -> u64 {
        self.hash_consumed();
        self.digest.finalize()
    }

    /// CRC64 of what was consumed up to a file offset since the start or the last restart; none if the checksum is
    /// further on already, or not as far.
    pub(crate) fn crc_at(&mut self, offset: u64) -> Option<u64> {
        let at = usize::try_from(offset.wrapping_sub(self.base)).ok()?;
        (self.hashed..=self.head).contains(&at).then(|| {
            self.hash_to(at);
            self.digest.finalize()
        })
    }

    /// Starts a new checksum at the next byte.
    pub(crate) fn restart_crc(&mut self) {
        self.hashed = self.head;
        self.zeros_from = self.offset();
        self.digest.reset();
    }

    /// Reads until at least `wanted` bytes are in memory. Returns false if the source ends before that.
    pub(crate) fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        let wanted = wanted.min(MAX_LOOK_BYTES);
        if self.tail - self.head < wanted && !self.at_end {
            self.make_room(wanted);
        }
        while self.tail - self.head < wanted && !self.at_end {
            // A source that returns little at a time fills the room that was made.
            if self.buffer.len() - self.tail < PAGE_BYTES {
                self.make_room(wanted);
            }
            let end = self.buffer.len().min(self.tail + READ_BYTES);
            let room = self.buffer.get_mut(self.tail..end).unwrap_or_default();
            match self.source.read(room) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.tail += read.min(end - self.tail),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.tail - self.head >= wanted)
    }

    fn hash_consumed(&mut self) {
        self.hash_to(self.head);
    }

    /// Adds the bytes before an index to the digest, which have been consumed.
    fn hash_to(&mut self, end: usize) {
        let consumed = self.buffer.get(self.hashed..end).unwrap_or_default();
        self.digest.update(consumed);
        let zeros = trailing_zeros(consumed);
        if zeros < consumed.len() {
            self.zeros_from = self.base.wrapping_add(end as u64) - zeros as u64;
        }
        self.hashed = end;
    }

    /// Moves the unconsumed bytes to the front, such that the next read begins on a page: copies out of the kernel to
    /// unaligned addresses take several times as long.
    fn make_room(&mut self, wanted: usize) {
        self.hash_consumed();
        let left = self.tail - self.head;
        if wanted + 2 * PAGE_BYTES + READ_BYTES > self.buffer.len() {
            self.buffer.resize(MAX_LOOK_BYTES + 2 * PAGE_BYTES + READ_BYTES, 0);
        }
        let first_page = self.buffer.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
        let front = first_page + left.next_multiple_of(PAGE_BYTES) - left;
        // Nearly all bytes are consumed by now, so little moves.
        self.buffer.copy_within(self.head..self.tail, front);
        // Wraps below zero if fewer bytes were consumed than `front`. Every use of `base` wraps back.
        self.base = self.base.wrapping_add(self.head as u64).wrapping_sub(front as u64);
        self.head = front;
        self.tail = front + left;
        self.hashed = front;
        self.front = front;
    }
}

/// The number of zeros at the end. In most files the last byte already ends the search; long runs are checked in
/// blocks.
fn trailing_zeros(bytes: &[u8]) -> usize {
    const BLOCK_BYTES: usize = 256;
    let is_zero = |block: &&[u8]| block.iter().fold(0, |all, byte| all | byte) == 0;
    let blocks = bytes.rchunks_exact(BLOCK_BYTES).take_while(is_zero).count() * BLOCK_BYTES;
    let rest = bytes.get(..bytes.len() - blocks).unwrap_or_default();
    blocks + rest.iter().rev().take_while(|byte| **byte == 0).count()
}
