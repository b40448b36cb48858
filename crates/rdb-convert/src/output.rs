//! A new file.

use std::{
    collections::BTreeMap,
    io::{
        Write, {self},
    },
};

use rdb_scan::walk::{Crc64, Sink, push_number};
use serde::{Deserialize, Serialize};

use crate::encoded;

/// Bytes before the first record of a new file.
pub const HEAD_BYTES: u64 = 9;
/// Bytes after the last record of a new file: end mark and checksum.
pub const TAIL_BYTES: u64 = 9;
/// All files together buffer about this many bytes; blocks of 16 KiB are enough for the checksum.
const BUFFERS_BYTES: usize = 1 << 20;
const LEAST_BUFFER_BYTES: usize = 16 << 10;
/// The number of keys is announced for at most this many databases of a file: those with the lowest numbers.
const MAX_ANNOUNCED: usize = 256;
const AUX: u8 = 250;
const RESIZE_DB: u8 = 251;
const SELECT_DB: u8 = 254;

/// The numbers of keys and of those with an expiry, by database.
pub(crate) type Sizes = BTreeMap<u64, (u64, u64)>;

/// Adds to the numbers of keys. Those of the databases with the lowest numbers are kept, so that sums of ranges are
/// those of the whole.
pub(crate) fn add_size(sizes: &mut Sizes, database: u64, (keys, expires): (u64, u64)) {
    if sizes.len() == MAX_ANNOUNCED
        && !sizes.contains_key(&database)
        && sizes.last_key_value().is_some_and(|(last, _)| *last < database)
    {
        return;
    }
    let sum = sizes.entry(database).or_default();
    *sum = (sum.0 + keys, sum.1 + expires);
    if sizes.len() > MAX_ANNOUNCED {
        sizes.pop_last();
    }
}

/// What the records of a range are in a new file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Planned {
    /// Bytes, with a selection of the first database, and without sizes.
    pub(crate) bytes: u64,
    /// The database of the first record, and of the last; none without records.
    pub(crate) databases: Option<(u64, u64)>,
    #[serde(with = "encoded::pairs")]
    pub(crate) sizes: Sizes,
}

/// A new file, or a part of one, of which the checksum is computed. Without a writer, only its bytes are counted.
#[derive(Debug)]
pub(crate) struct Output<W> {
    writer: Option<W>,
    buffer: Vec<u8>,
    buffer_bytes: usize,
    crc: Crc64,
    /// What has been put so far.
    pub(crate) planned: Planned,
    /// The selected database.
    database: Option<u64>,
    /// What is announced when a database is selected first.
    announced: Sizes,
}

/// An error of writing, so that it is not taken for one of reading.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WriteFailed(pub(crate) io::Error);

impl<W: Write> Output<W> {
    /// One of `files` new files. `database` is selected already; `announced` is written when a database is selected
    /// first.
    pub(crate) fn new(writer: Option<W>, files: usize, database: Option<u64>, announced: Sizes) -> Self {
        let buffer_bytes = (BUFFERS_BYTES / files.max(1)).max(LEAST_BUFFER_BYTES);
        let buffer = Vec::with_capacity(if writer.is_some() { buffer_bytes } else { 0 });
        let (crc, planned) = (Crc64::default(), Planned::default());
        Self { writer, buffer, buffer_bytes, crc, planned, database, announced }
    }

    pub(crate) fn aux(&mut self, name: &[u8], value: &[u8]) -> io::Result<()> {
        let mut field = vec![AUX];
        push_text(&mut field, name);
        push_text(&mut field, value);
        self.put(&field)
    }

    /// Begins a record with what precedes its value, in a database.
    pub(crate) fn begin(&mut self, database: u64, head: &[u8]) -> io::Result<()> {
        if self.database != Some(database) {
            self.select(database)?;
        }
        self.put(head)
    }

    #[cold]
    fn select(&mut self, database: u64) -> io::Result<()> {
        self.database = Some(database);
        let first = self.planned.databases.map_or(database, |(first, _)| first);
        self.planned.databases = Some((first, database));
        let announced = self.announced.remove(&database);
        self.put(&selection(database, announced))
    }

    /// Counts bytes that would be put.
    pub(crate) fn count(&mut self, bytes: u64) {
        self.planned.bytes += bytes;
    }

    /// Corrects the number of bytes, if others will be put than were.
    pub(crate) fn correct(&mut self, by: i64) {
        self.planned.bytes = self.planned.bytes.saturating_add_signed(by);
    }

    /// Writes what is buffered. Returns the checksum.
    pub(crate) fn end(&mut self) -> io::Result<u64> {
        self.flush()?;
        if let Some(writer) = &mut self.writer {
            writer.flush().map_err(failed)?;
        }
        Ok(self.crc.value())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.crc.update(&self.buffer);
        if let Some(writer) = &mut self.writer {
            writer.write_all(&self.buffer).map_err(failed)?;
        }
        self.buffer.clear();
        Ok(())
    }
}

/// What selects a database, and announces the numbers of its keys.
pub(crate) fn selection(database: u64, announced: Option<(u64, u64)>) -> Vec<u8> {
    let mut record = vec![SELECT_DB];
    push_number(&mut record, database);
    if let Some(sizes) = announced {
        push_sizes(&mut record, sizes);
    }
    record
}

/// Bytes that select a database.
pub(crate) fn selection_bytes(database: u64) -> u64 {
    1 + number_bytes(database)
}

/// Bytes that announce numbers of keys.
pub(crate) fn announcement_bytes((keys, expires): (u64, u64)) -> u64 {
    1 + number_bytes(keys) + number_bytes(expires)
}

fn push_sizes(record: &mut Vec<u8>, (keys, expires): (u64, u64)) {
    record.push(RESIZE_DB);
    push_number(record, keys);
    push_number(record, expires);
}

/// Bytes of a number in the encoding of lengths.
pub(crate) fn number_bytes(number: u64) -> u64 {
    match number {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

impl<W: Write> Sink for Output<W> {
    #[inline]
    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.planned.bytes += bytes.len() as u64;
        if self.writer.is_none() {
            return Ok(());
        }
        while self.buffer.len() + bytes.len() > self.buffer_bytes {
            let (now, later) = bytes.split_at(self.buffer_bytes - self.buffer.len());
            self.buffer.extend_from_slice(now);
            self.flush()?;
            bytes = later;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

pub(crate) fn failed(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), WriteFailed(error))
}

/// Appends a plain string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    push_number(out, text.len() as u64);
    out.extend_from_slice(text);
}
