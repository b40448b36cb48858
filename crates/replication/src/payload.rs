//! The data set as it comes from the server.

use std::io::{
    BufRead, ErrorKind, Read, {self},
};

use crate::{Connection, Doing, Error};

const MARK_BYTES: usize = 40;
const BUFFER_BYTES: usize = 256 << 10;

/// The bytes of an RDB file. Reading ends only if all of them have come; otherwise it fails with an [`Error`].
pub struct Payload {
    connection: Connection,
    form: Form,
    /// Bytes that were returned.
    read: u64,
}

/// How the end is found.
pub(crate) enum Form {
    /// `$LENGTH`: by the number of bytes.
    Length { total: u64 },
    /// `$EOF:MARK`: by a random mark after the last byte, since the server does not know the length when it begins.
    Mark(Box<Marked>),
}

/// Bytes that were received, of which the last may be the mark.
pub(crate) struct Marked {
    mark: [u8; MARK_BYTES],
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    is_complete: bool,
}

impl Form {
    /// Parses the line before the data set.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"$")?;
        if let Some(mark) = line.strip_prefix(b"EOF:") {
            return Some(Self::Mark(Box::new(Marked {
                mark: mark.try_into().ok()?,
                buffer: vec![0; BUFFER_BYTES],
                start: 0,
                end: 0,
                is_complete: false,
            })));
        }
        Some(Self::Length { total: std::str::from_utf8(line).ok()?.parse().ok()? })
    }
}

impl Payload {
    pub(crate) fn new(connection: Connection, form: Form) -> Self {
        Self { connection, form, read: 0 }
    }

    /// The number of all bytes, if the server knew it when it began.
    pub fn size_bytes(&self) -> Option<u64> {
        match self.form {
            Form::Length { total } => Some(total),
            Form::Mark(_) => None,
        }
    }

    /// An error of the connection, with how much had come.
    fn broken(&self, error: io::Error) -> io::Error {
        let doing = Doing::Sending { bytes: self.read, of: self.size_bytes() };
        io::Error::other(self.connection.fault(doing, error))
    }
}

impl Read for Payload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.form {
            Form::Length { total } => read_some(&mut self.connection.stream, buffer, *total - self.read),
            Form::Mark(marked) => marked.read(&mut self.connection.stream, buffer),
        };
        match read {
            Ok(read) => {
                self.read += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.broken(error)),
        }
    }
}

/// Reads at most `left` bytes, and at least one unless none are left.
fn read_some(from: &mut dyn BufRead, buffer: &mut [u8], left: u64) -> io::Result<usize> {
    let bytes = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
    let read = match buffer.get_mut(..bytes) {
        Some(part) if !part.is_empty() => from.read(part)?,
        _ => return Ok(0),
    };
    if read == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

impl Marked {
    fn read(&mut self, from: &mut dyn BufRead, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let held_back = if self.is_complete { 0 } else { MARK_BYTES };
            let ready = (self.end - self.start).saturating_sub(held_back);
            if ready > 0 || self.is_complete {
                let bytes = ready.min(to.len());
                let from = self.buffer.get(self.start..self.start + bytes).unwrap_or_default();
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                self.start += bytes;
                return Ok(bytes);
            }
            self.receive(from)?;
        }
    }

    /// Receives more bytes. Nothing follows the mark until the server has an acknowledgement, so it is at the end of
    /// what has come.
    fn receive(&mut self, from: &mut dyn BufRead) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = from.read(self.buffer.get_mut(self.end..).unwrap_or_default())?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.end += read;
        if self.buffer.get(..self.end).is_some_and(|received| received.ends_with(&self.mark)) {
            self.end -= MARK_BYTES;
            self.is_complete = true;
        }
        Ok(())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const MARK: [u8; MARK_BYTES] = [b'm'; MARK_BYTES];

    /// Everything that is read of these pieces, or how reading fails.
    fn read(form: &[u8], pieces: &[&[u8]], at_once: usize) -> Result<Vec<u8>, ErrorKind> {
        let mut form = Form::parse(form).unwrap();
        let chained: Box<dyn Read> = pieces
            .iter()
            .fold(Box::new(io::empty()), |all: Box<dyn Read>, piece| Box::new(all.chain(*piece)));
        // A small buffer reads one piece at a time.
        let (mut from, mut all, mut buffer) =
            (BufReader::with_capacity(1, chained), Vec::new(), vec![0; at_once]);
        loop {
            let left = |total: u64| total - all.len() as u64;
            let read = match &mut form {
                Form::Length { total } => read_some(&mut from, &mut buffer, left(*total)),
                Form::Mark(marked) => marked.read(&mut from, &mut buffer),
            };
            match read.map_err(|error| error.kind())? {
                0 => return Ok(all),
                read => all.extend(&buffer[..read]),
            }
        }
    }

    #[test]
    fn both_forms_end_where_the_data_ends() {
        let marked = [&b"$EOF:"[..], &MARK].concat();
        for at_once in [1, 7, 100_000] {
            assert_eq!(read(b"$5", &[b"12345", b"678"], at_once).unwrap(), b"12345");
            assert_eq!(read(b"$5", &[b"1234"], at_once).unwrap_err(), ErrorKind::UnexpectedEof);
            assert_eq!(read(b"$0", &[], at_once).unwrap(), b"");
            assert_eq!(read(&marked, &[&MARK], at_once).unwrap(), b"");
            // The mark in pieces, after something that begins like it.
            let (first, second) = MARK.split_at(13);
            assert_eq!(read(&marked, &[b"data mm", first, second], at_once).unwrap(), b"data mm");
            assert_eq!(read(&marked, &[b"data", first], at_once).unwrap_err(), ErrorKind::UnexpectedEof);
            let long = vec![b'x'; 1 << 20];
            assert_eq!(read(&marked, &[&long, &MARK], at_once).unwrap(), long);
        }
    }

    #[test]
    fn lines_that_are_neither_form_are_refused() {
        for line in [&b"$EOF:short"[..], b"$-1", b"$x", b"*1", b"REDIS0011", b"$99999999999999999999"] {
            assert!(Form::parse(line).is_none());
        }
    }
}
