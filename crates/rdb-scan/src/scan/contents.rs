//! The contents of a string that is too long for one piece, compressed or not, as they pass.

use crate::{
    bytes::{cursor::Cursor, stop::Result},
    format::lzf::{REACH_BYTES, Tokens},
};

/// The size of the pieces in which contents are decompressed.
const PIECE_BYTES: usize = 128 << 10;
/// The first chunk has at least this many bytes, unless the contents are shorter.
const LEAST_CHUNK_BYTES: u64 = 16;

pub(crate) struct Contents {
    /// Bytes of contents that were not taken yet.
    left: u64,
    /// Bytes of the file that the rest of the string takes.
    pub(crate) raw_left: u64,
    // For a compressed string: its tokens, and the output that is still needed.
    tokens: Option<Tokens>,
    out: Vec<u8>,
    head: usize,
}

impl Contents {
    pub(crate) fn raw(bytes: u64) -> Self {
        Self { left: bytes, raw_left: bytes, tokens: None, out: Vec::new(), head: 0 }
    }

    pub(crate) fn lzf(packed: u64, unpacked: u64) -> Self {
        let tokens = Some(Tokens::new(packed, unpacked));
        Self { left: unpacked, raw_left: packed, tokens, out: Vec::new(), head: 0 }
    }

    /// Shows `take` the contents in memory. It returns how many bytes it has used, and is shown the rest again. Returns
    /// true at the end.
    pub(crate) fn go_on(
        &mut self,
        cursor: &mut Cursor<'_>,
        take: &mut dyn FnMut(&[u8]) -> Result<usize>,
    ) -> Result<bool> {
        let Some(tokens) = &mut self.tokens else {
            let rest = cursor.rest();
            let chunk = rest.get(..self.raw_left as usize).unwrap_or(rest);
            if chunk.len() as u64 >= self.left.min(LEAST_CHUNK_BYTES) {
                let used = take(chunk)? as u64;
                cursor.pass(used);
                self.left -= used;
                self.raw_left -= used;
            }
            return Ok(self.left == 0);
        };
        loop {
            let mut used = 0;
            if tokens.packed_left > 0 {
                used = tokens.decode(cursor.rest(), &mut self.out, self.head + PIECE_BYTES)?;
                self.raw_left -= cursor.pass(used as u64);
            }
            let chunk = self.out.get(self.head..).unwrap_or_default();
            if (chunk.len() as u64) < self.left.min(LEAST_CHUNK_BYTES) {
                return Ok(false);
            }
            let taken = take(chunk)?;
            self.left -= taken as u64;
            self.head += taken;
            // Keep what references can still reach.
            let drop = self.head.min(self.out.len().saturating_sub(REACH_BYTES));
            self.out.drain(..drop);
            self.head -= drop;
            if self.left == 0 {
                return if tokens.packed_left > 0 { tokens.surplus() } else { Ok(true) };
            }
            if used == 0 && taken == 0 {
                return Ok(false);
            }
        }
    }
}
