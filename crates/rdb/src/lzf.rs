//! LZF, the compression of strings over 20 bytes: literal runs and back references of at most 8 KiB.
use crate::fault::FaultCode;
use crate::reader::Reader;
use crate::stop::{Result, broken};

/// How far a back reference can reach.
pub(crate) const WINDOW_BYTES: usize = 8 << 10;
/// The longest token: a control byte and 32 literal bytes.
const MAX_TOKEN_BYTES: usize = 33;

/// The tokens of one compressed string, as they pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    /// Compressed bytes that were not looked at yet.
    pub(crate) packed_left: u64,
    /// Bytes of contents that the tokens so far give.
    pub(crate) produced: u64,
    /// Bytes of contents that the string declares.
    pub(crate) declared: u64,
}

impl Tokens {
    pub(crate) fn new(packed: u64, unpacked: u64) -> Self {
        Self { packed_left: packed, produced: 0, declared: unpacked }
    }

    /// Proves that the tokens give what is declared, without writing a byte.
    pub(crate) fn walk(mut self, reader: &mut Reader<'_>) -> Result<()> {
        while self.packed_left > 0 {
            self.step::<false>(reader, &mut Vec::new(), usize::MAX)?;
        }
        self.finish()
    }

    /// Decodes tokens onto `out`, which must still hold the last 8 KiB, until it has `enough` bytes.
    pub(crate) fn decode(&mut self, reader: &mut Reader<'_>, out: &mut Vec<u8>, enough: usize) -> Result<()> {
        while self.packed_left > 0 && out.len() < enough {
            self.step::<true>(reader, out, enough)?;
        }
        if self.packed_left == 0 { self.finish() } else { Ok(()) }
    }

    fn finish(&self) -> Result<()> {
        if self.produced == self.declared {
            return Ok(());
        }
        let Self { produced, declared, .. } = self;
        broken(FaultCode::BadLzf, format!("compressed string declares {declared} bytes but gives {produced}"))
    }

    /// The tokens that are in the reader's buffer, at least one.
    fn step<const KEEP: bool>(
        &mut self,
        reader: &mut Reader<'_>,
        out: &mut Vec<u8>,
        enough: usize,
    ) -> Result<()> {
        let needed = self.packed_left.min(MAX_TOKEN_BYTES as u64) as usize;
        reader.peek(needed)?;
        let input = reader.buffered();
        let input = &input[..self.packed_left.min(input.len() as u64) as usize];
        let last = input.len() as u64 == self.packed_left;
        let mut at = 0;
        while at < input.len() && (last || input.len() - at >= MAX_TOKEN_BYTES) {
            at += self.token::<KEEP>(&input[at..], out)?;
            if KEEP && out.len() >= enough {
                break;
            }
        }
        self.packed_left -= at as u64;
        reader.advance(at);
        Ok(())
    }

    /// The token at the start of `input`; gives its length.
    #[inline]
    fn token<const KEEP: bool>(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        let [control, rest @ ..] = input else { return self.cut() };
        let (used, length) = if *control < 32 {
            let length = usize::from(*control) + 1;
            let Some(literal) = rest.get(..length) else { return self.cut() };
            self.produce(length)?;
            if KEEP {
                out.extend_from_slice(literal);
            }
            return Ok(1 + length);
        } else if *control < 0xe0 {
            (2, usize::from(*control >> 5) + 2)
        } else {
            let [more, ..] = rest else { return self.cut() };
            (3, usize::from(*more) + 9)
        };
        let Some(low) = input.get(used - 1) else { return self.cut() };
        let distance = (usize::from(*control & 0x1f) << 8 | usize::from(*low)) + 1;
        if distance as u64 > self.produced {
            let produced = self.produced;
            return broken(
                FaultCode::BadLzf,
                format!("back reference over {distance} bytes, but only {produced} were given before it"),
            );
        }
        self.produce(length)?;
        if KEEP {
            copy_back(out, distance, length);
        }
        Ok(used)
    }

    #[inline]
    fn produce(&mut self, bytes: usize) -> Result<()> {
        self.produced += bytes as u64;
        if self.produced > self.declared {
            let declared = self.declared;
            return broken(
                FaultCode::BadLzf,
                format!("compressed string declares {declared} bytes but gives more"),
            );
        }
        Ok(())
    }

    #[cold]
    fn cut<T>(&self) -> Result<T> {
        let produced = self.produced;
        broken(FaultCode::BadLzf, format!("compressed string ends inside a token, after {produced} bytes"))
    }
}

/// Repeats what stands `distance` bytes before the end; source and target may overlap.
fn copy_back(out: &mut Vec<u8>, distance: usize, length: usize) {
    let start = out.len().saturating_sub(distance);
    let mut left = length;
    while left > 0 {
        // Each round doubles what can be copied at once.
        let piece = left.min(out.len() - start);
        if piece == 0 {
            return;
        }
        out.extend_from_within(start..start + piece);
        left -= piece;
    }
}
