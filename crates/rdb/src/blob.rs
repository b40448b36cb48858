//! The contents of one string, compressed or not, as they pass.
use crate::fault::FaultCode;
use crate::lzf::{Tokens, WINDOW_BYTES};
use crate::reader::{MAX_PEEK, Reader, Text};
use crate::stop::{Result, broken};

/// Contents are decompressed in pieces of this size.
const PIECE_BYTES: usize = 64 << 10;

/// A string's contents. Nothing of it is kept but what can be looked at: up to 64 KiB, and for a compressed string
/// the 8 KiB before it.
pub(crate) struct Blob<'r, 's> {
    reader: &'r mut Reader<'s>,
    bytes: u64,
    at: u64,
    form: Form,
}

enum Form {
    Raw,
    Int { digits: Vec<u8> },
    Lzf { tokens: Tokens, out: Vec<u8>, head: usize },
}

impl<'r, 's> Blob<'r, 's> {
    /// Opens the string at the reader's position.
    pub(crate) fn open(reader: &'r mut Reader<'s>) -> Result<Self> {
        let (bytes, form) = match reader.text()? {
            Text::Raw(bytes) => (bytes, Form::Raw),
            Text::Int(number) => {
                let digits = number.to_string().into_bytes();
                (digits.len() as u64, Form::Int { digits })
            }
            Text::Lzf { packed, unpacked } => {
                let mut out = std::mem::take(&mut reader.scratch);
                out.clear();
                (unpacked, Form::Lzf { tokens: Tokens::new(packed, unpacked), out, head: 0 })
            }
        };
        Ok(Self { reader, bytes, at: 0, form })
    }

    /// Bytes of contents.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of contents that were consumed.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    pub(crate) fn left(&self) -> u64 {
        self.bytes - self.at
    }

    /// The next `wanted` bytes, at most 64 KiB; none if the string is shorter.
    #[inline]
    pub(crate) fn peek(&mut self, wanted: usize) -> Result<Option<&[u8]>> {
        debug_assert!(wanted <= MAX_PEEK);
        if wanted as u64 > self.bytes - self.at {
            return Ok(None);
        }
        match &mut self.form {
            Form::Raw => self.reader.peek(wanted).map(Some),
            Form::Int { digits } => {
                let head = self.at as usize;
                Ok(digits.get(head..head + wanted))
            }
            Form::Lzf { tokens, out, head } => {
                if out.len() - *head < wanted {
                    let drop = (*head).min(out.len().saturating_sub(WINDOW_BYTES));
                    out.drain(..drop);
                    *head -= drop;
                    tokens.decode(self.reader, out, *head + wanted.max(PIECE_BYTES))?;
                }
                match out.get(*head..*head + wanted) {
                    Some(bytes) => Ok(Some(bytes)),
                    None => broken(FaultCode::BadLzf, "compressed string gives less than it declares"),
                }
            }
        }
    }

    /// Up to 64 KiB of what comes next; empty only at the end.
    pub(crate) fn window(&mut self) -> Result<&[u8]> {
        let wanted = self.left().min(MAX_PEEK as u64) as usize;
        Ok(self.peek(wanted)?.unwrap_or_default())
    }

    /// Consumes bytes that were looked at.
    #[inline]
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.at = self.bytes.min(self.at + bytes as u64);
        match &mut self.form {
            Form::Raw => self.reader.advance(bytes),
            Form::Int { .. } => {}
            Form::Lzf { out, head, .. } => *head = out.len().min(*head + bytes),
        }
    }

    /// Passes over bytes of contents; false if there are not so many.
    #[inline]
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<bool> {
        if bytes > self.left() {
            return Ok(false);
        }
        if matches!(self.form, Form::Raw) {
            self.reader.skip(bytes)?;
            self.at += bytes;
            return Ok(true);
        }
        let mut left = bytes;
        while left > 0 {
            let step = left.min(PIECE_BYTES as u64) as usize;
            self.peek(step)?;
            self.advance(step);
            left -= step as u64;
        }
        Ok(true)
    }

    /// Passes over what is left and checks that a compressed string gave all that it declares.
    pub(crate) fn close(mut self) -> Result<()> {
        self.skip(self.left())?;
        if let Form::Lzf { mut tokens, mut out, .. } = self.form {
            // Only tokens beyond the declared end can be left, and they are a fault.
            let enough = usize::MAX;
            tokens.decode(self.reader, &mut out, enough)?;
            self.reader.scratch = out;
        }
        Ok(())
    }
}
