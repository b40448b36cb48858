//! The entries of a listpack that is in memory.

use super::{signed, unsigned};
use crate::{
    bytes::stop::{Broken, Stop, broken},
    fault::FaultCode,
};

const HEADER_BYTES: usize = 6;
const END: u8 = 0xff;

/// An entry of a listpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackedEntry<'b> {
    /// An integer, which stands for its text in decimal.
    Int(i64),
    /// A text.
    Text(&'b [u8]),
}

/// The entries of a listpack, in order. Nothing follows an error.
#[derive(Debug, Clone)]
pub struct Listpack<'b> {
    rest: &'b [u8],
    ended: bool,
}

impl<'b> Listpack<'b> {
    /// The entries of these bytes.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes.get(HEADER_BYTES..).unwrap_or_default(), ended: false }
    }

    fn entry(&mut self) -> Result<Option<PackedEntry<'b>>, Stop> {
        let rest = self.rest;
        let cut = || {
            Stop::Broken(Box::new(Broken {
                code: FaultCode::BadListpack,
                message: "a listpack ends inside an entry".to_owned(),
            }))
        };
        let (&first, behind) = rest.split_first().ok_or_else(cut)?;
        let integer = |bytes: usize| behind.get(..bytes).map(signed).ok_or_else(cut);
        let text = |header: usize, length: usize| -> Result<_, Stop> {
            let text = header.checked_add(length).and_then(|end| rest.get(header..end)).ok_or_else(cut)?;
            Ok((PackedEntry::Text(text), header + length))
        };
        let (entry, bytes) = match first {
            END => {
                self.ended = true;
                return Ok(None);
            }
            0..0x80 => (PackedEntry::Int(i64::from(first)), 1),
            0x80..0xc0 => text(1, usize::from(first & 0x3f))?,
            0xc0..0xe0 => {
                let low = *behind.first().ok_or_else(cut)?;
                let number = i64::from(first & 0x1f) << 8 | i64::from(low);
                (PackedEntry::Int(if number >= 1 << 12 { number - (1 << 13) } else { number }), 2)
            }
            0xe0..0xf0 => {
                let low = *behind.first().ok_or_else(cut)?;
                text(2, usize::from(first & 0xf) << 8 | usize::from(low))?
            }
            0xf0 => text(5, unsigned(behind.get(..4).ok_or_else(cut)?) as usize)?,
            0xf1 => (PackedEntry::Int(integer(2)?), 3),
            0xf2 => (PackedEntry::Int(integer(3)?), 4),
            0xf3 => (PackedEntry::Int(integer(4)?), 5),
            0xf4 => (PackedEntry::Int(integer(8)?), 9),
            _ => {
                let message = format!("listpack entry begins with byte {first:#04x}");
                return broken(FaultCode::BadListpack, message);
            }
        };
        let back = match bytes {
            0..0x80 => 1,
            0x80..0x4000 => 2,
            0x4000..0x20_0000 => 3,
            0x20_0000..0x1000_0000 => 4,
            _ => 5,
        };
        self.rest = rest.get(bytes + back..).ok_or_else(cut)?;
        Ok(Some(entry))
    }
}

impl<'b> Iterator for Listpack<'b> {
    type Item = Result<PackedEntry<'b>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.entry()
            .map_err(|stop| {
                self.ended = true;
                match stop {
                    Stop::Broken(broken) => broken.message,
                    Stop::More(_) => "a listpack ends inside an entry".to_owned(),
                }
            })
            .transpose()
    }
}
