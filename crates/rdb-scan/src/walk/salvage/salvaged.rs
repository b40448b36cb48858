//! What is intact, as one file.

use std::io::{
    Read, {self},
};

use super::Salvage;
use crate::{
    bytes::source::Source,
    format::{FIRST_VERSION_WITH_CRC, opcode::Opcode},
    walk::push_number,
};

/// Reads what is intact as one file.
pub(super) struct Salvaged<'s, S: ?Sized> {
    salvage: &'s Salvage,
    source: &'s S,
    next: usize,
    /// Bytes that are not in the source, and how many of them have been read.
    made: Vec<u8>,
    at: usize,
    open: Option<io::Take<Box<dyn Read + Send + 's>>>,
}

impl<'s, S: ?Sized> Salvaged<'s, S> {
    pub(super) fn new(salvage: &'s Salvage, source: &'s S) -> Self {
        Self { salvage, source, next: 0, made: salvage.header.name().into_bytes(), at: 0, open: None }
    }
}

impl<S: Source + ?Sized> Read for Salvaged<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.made.get(self.at..).unwrap_or_default();
            if !rest.is_empty() || buffer.is_empty() {
                let read = rest.read(buffer)?;
                self.at += read;
                return Ok(read);
            }
            if let Some(open) = &mut self.open {
                let read = open.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.open = None;
            }
            let (made, at) = (&mut self.made, &mut self.at);
            made.clear();
            *at = 0;
            if let Some((range, database)) = self.salvage.intact.get(self.next) {
                made.push(Opcode::SelectDb.id());
                push_number(made, *database);
                self.open = Some(self.source.open(range.clone())?.take(range.end - range.start));
            } else if self.next == self.salvage.intact.len() {
                made.push(Opcode::Eof.id());
                if self.salvage.header.version >= FIRST_VERSION_WITH_CRC {
                    made.extend([0; 8]);
                }
            } else {
                return Ok(0);
            }
            self.next += 1;
        }
    }
}
