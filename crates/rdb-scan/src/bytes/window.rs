//! The part of the file that is in memory, filled from the source in large pieces, and the checksum over it.

use std::io::{
    ErrorKind, Read, {self},
};

use crc_fast::{CrcAlgorithm, Digest};

/// What is read at once: small enough to stay in a core's own cache while it is hashed and scanned.
const READ_BYTES: usize = 256 << 10;
const PAGE_BYTES: usize = 4096;
/// The most that can be looked at in one piece; the window never grows beyond it and one more read.
pub(crate) const MAX_LOOK_BYTES: usize = 1 << 20;

pub(crate) struct Window<'r> {
    // Not a type parameter: what scans is then compiled once, here, with the optimisation of this crate.
    source: &'r mut dyn Read,
    buffer: Vec<u8>,
    head: usize,
    tail: usize,
    // The bytes of the buffer before this one are in the digest.
    hashed: usize,
    // Where what is in memory begins.
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

    /// What is at hand.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.head..self.tail).unwrap_or_default()
    }

    /// What is in memory from an offset on; nothing if that was let go of already, or is not there yet.
    pub(crate) fn since(&self, offset: u64) -> &[u8] {
        let at = offset.wrapping_sub(self.base);
        let front = self.front as u64;
        if (front..self.tail as u64).contains(&at) {
            self.buffer.get(at as usize..self.tail).unwrap_or_default()
        } else {
            &[]
        }
    }

    /// The offset from which on all bytes are zeros that were consumed since the beginning or the last restart.
    pub(crate) fn zeros_from(&mut self) -> u64 {
        self.hash_consumed();
        self.zeros_from
    }

    pub(crate) fn consume(&mut self, bytes: usize) {
        self.head = self.tail.min(self.head + bytes);
    }

    /// Reads and lets go of so many bytes, or as many as there are.
    pub(crate) fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let end = self.offset().saturating_add(bytes);
        while self.offset() < end && self.fill(1)? {
            let step = (self.tail - self.head).min((end - self.offset()) as usize);
            self.consume(step);
        }
        Ok(())
    }

    /// CRC64 of everything that was consumed since the beginning or the last restart.
    pub(crate) fn crc(&mut self) -> u64 {
        self.hash_consumed();
        self.digest.finalize()
    }

    /// Begins a new checksum at the next byte.
    pub(crate) fn restart_crc(&mut self) {
        self.hashed = self.head;
        self.zeros_from = self.offset();
        self.digest.reset();
    }

    /// Reads on until at least `wanted` bytes are at hand; false if the source ends before.
    pub(crate) fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        let wanted = wanted.min(MAX_LOOK_BYTES);
        if self.tail - self.head < wanted && !self.at_end {
            self.make_room(wanted);
        }
        while self.tail - self.head < wanted && !self.at_end {
            // Sources that give little at a time fill what was made room for.
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
        let consumed = self.buffer.get(self.hashed..self.head).unwrap_or_default();
        self.digest.update(consumed);
        let zeros = trailing_zeros(consumed);
        if zeros < consumed.len() {
            self.zeros_from = self.offset() - zeros as u64;
        }
        self.hashed = self.head;
    }

    /// Moves what is at hand to the front, such that what is read next begins on a page: copies out of the kernel
    /// to other places take several times as long.
    fn make_room(&mut self, wanted: usize) {
        self.hash_consumed();
        let left = self.tail - self.head;
        if wanted + 2 * PAGE_BYTES + READ_BYTES > self.buffer.len() {
            self.buffer.resize(MAX_LOOK_BYTES + 2 * PAGE_BYTES + READ_BYTES, 0);
        }
        let first_page = self.buffer.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
        let front = first_page + left.next_multiple_of(PAGE_BYTES) - left;
        // Pieces are consumed nearly whole, so what moves is little.
        self.buffer.copy_within(self.head..self.tail, front);
        // Wraps where less has been consumed than the front is behind the start; so does its use.
        self.base = self.base.wrapping_add(self.head as u64).wrapping_sub(front as u64);
        self.head = front;
        self.tail = front + left;
        self.hashed = front;
        self.front = front;
    }
}

/// How many zeros stand at the end. In most files the last byte says so; where there are many, blocks are quicker.
fn trailing_zeros(bytes: &[u8]) -> usize {
    const BLOCK_BYTES: usize = 256;
    let is_zero = |block: &&[u8]| block.iter().fold(0, |all, byte| all | byte) == 0;
    let blocks = bytes.rchunks_exact(BLOCK_BYTES).take_while(is_zero).count() * BLOCK_BYTES;
    let rest = bytes.get(..bytes.len() - blocks).unwrap_or_default();
    blocks + rest.iter().rev().take_while(|byte| **byte == 0).count()
}
