//! A new file.

use std::io::{
    Write, {self},
};

use rdb_scan::{
    Magic,
    walk::{Crc64, Sink, header_bytes, push_number},
};

const BUFFER_BYTES: usize = 1 << 20;
const AUX: u8 = 250;
const RESIZE_DB: u8 = 251;
const SELECT_DB: u8 = 254;
const EOF: u8 = 255;

/// A new file, of which the checksum is computed. Without a writer, only its bytes are counted.
#[derive(Debug)]
pub(crate) struct Output<W> {
    writer: Option<W>,
    buffer: Vec<u8>,
    crc: Crc64,
    bytes: u64,
    database: Option<u64>,
}

/// An error of writing, so that it is not taken for one of reading.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WriteFailed(pub(crate) io::Error);

impl<W: Write> Output<W> {
    pub(crate) fn new(writer: Option<W>) -> Self {
        let buffer = Vec::with_capacity(if writer.is_some() { BUFFER_BYTES } else { 0 });
        Self { writer, buffer, crc: Crc64::default(), bytes: 0, database: None }
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn header(&mut self, magic: Magic, version: u32) -> io::Result<()> {
        self.put(&header_bytes(magic, version))
    }

    pub(crate) fn aux(&mut self, name: &[u8], value: &[u8]) -> io::Result<()> {
        let mut field = vec![AUX];
        push_text(&mut field, name);
        push_text(&mut field, value);
        self.put(&field)
    }

    /// Makes a database the current one. `sizes` are its numbers of keys and expiries, and are written once.
    pub(crate) fn select(
        &mut self,
        database: u64,
        sizes: impl FnOnce() -> Option<(u64, u64)>,
    ) -> io::Result<()> {
        if self.database == Some(database) {
            return Ok(());
        }
        self.database = Some(database);
        let mut record = vec![SELECT_DB];
        push_number(&mut record, database);
        if let Some((keys, expires)) = sizes() {
            record.push(RESIZE_DB);
            push_number(&mut record, keys);
            push_number(&mut record, expires);
        }
        self.put(&record)
    }

    /// Writes end mark and checksum.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.put(&[EOF])?;
        self.flush()?;
        let crc = self.crc.value().to_le_bytes();
        self.put(&crc)?;
        self.flush()?;
        match &mut self.writer {
            Some(writer) => writer.flush().map_err(failed),
            None => Ok(()),
        }
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

impl<W: Write> Sink for Output<W> {
    #[inline]
    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        if self.writer.is_none() {
            return Ok(());
        }
        while self.buffer.len() + bytes.len() > BUFFER_BYTES {
            let (now, later) = bytes.split_at(BUFFER_BYTES - self.buffer.len());
            self.buffer.extend_from_slice(now);
            self.flush()?;
            bytes = later;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

fn failed(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), WriteFailed(error))
}

/// Appends a plain string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    push_number(out, text.len() as u64);
    out.extend_from_slice(text);
}
