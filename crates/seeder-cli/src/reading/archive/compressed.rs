//! A buffered source that counts its bytes and allows a peek.

use std::{
    io::{
        BufRead, ErrorKind, Read, {self},
    },
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// The number of first bytes that identify a file.
pub(crate) const FIRST_BYTES: usize = 64;
const BUFFER_BYTES: usize = 128 << 10;

/// The progress of reading a source, shared with other readers of the count.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    bytes: AtomicU64,
    failed: AtomicBool,
}

impl Counter {
    /// The bytes read from the source so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the source itself returned an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// A source whose next bytes can be peeked at.
pub(crate) struct Compressed<'s> {
    source: Box<dyn Read + 's>,
    buffer: Vec<u8>,
    head: usize,
    tail: usize,
    counter: Arc<Counter>,
}

impl<'s> Compressed<'s> {
    pub(crate) fn new(source: impl Read + 's) -> Self {
        let counter = Arc::new(Counter::default());
        Self { source: Box::new(source), buffer: vec![0; BUFFER_BYTES], head: 0, tail: 0, counter }
    }

    pub(crate) fn counter(&self) -> Arc<Counter> {
        Arc::clone(&self.counter)
    }

    /// The offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.counter.bytes() - (self.tail - self.head) as u64
    }

    /// Returns at least the next [`FIRST_BYTES`], or as many bytes as are left.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        if self.tail - self.head < FIRST_BYTES {
            self.buffer.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.tail - self.head);
            while self.tail < FIRST_BYTES && self.read_more()? > 0 {}
        }
        Ok(self.at_hand())
    }

    fn at_hand(&self) -> &[u8] {
        self.buffer.get(self.head..self.tail).unwrap_or_default()
    }

    /// Reads more bytes after those in the buffer, which has room.
    fn read_more(&mut self) -> io::Result<usize> {
        let room = self.buffer.get_mut(self.tail..).unwrap_or_default();
        let read = read_counted(&mut *self.source, room, &self.counter)?;
        self.tail += read;
        Ok(read)
    }
}

fn read_counted(source: &mut dyn Read, buffer: &mut [u8], counter: &Counter) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Ok(read) => {
                counter.bytes.fetch_add(read as u64, Ordering::Relaxed);
                return Ok(read);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                counter.failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
    }
}

impl BufRead for Compressed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
            self.read_more()?;
        }
        Ok(self.at_hand())
    }

    fn consume(&mut self, bytes: usize) {
        self.head = self.tail.min(self.head + bytes);
    }
}

/// Reads the bytes as they are, for a source that is not compressed.
impl Read for Compressed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.head == self.tail {
            return read_counted(&mut *self.source, buffer, &self.counter);
        }
        let read = self.at_hand().read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
