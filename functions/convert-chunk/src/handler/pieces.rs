//! Cutting of converted bytes into pieces.

use std::io::{
    ErrorKind, Write, {self},
};

use seeding::conversion::LEAST_PART_BYTES;
use tokio::sync::mpsc::Sender;

/// Passes pieces of one size on. The last one is not smaller than a part of an upload may be, unless there is only one.
pub(super) struct PieceWriter {
    piece_bytes: usize,
    buffer: Vec<u8>,
    pieces: Sender<Vec<u8>>,
}

impl PieceWriter {
    pub(super) fn new(piece_bytes: u64, pieces: Sender<Vec<u8>>) -> Self {
        let piece_bytes = usize::try_from(piece_bytes).unwrap_or(usize::MAX);
        Self { piece_bytes, buffer: Vec::new(), pieces }
    }

    /// Passes the last piece on.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let last = std::mem::take(&mut self.buffer);
        if last.is_empty() { Ok(()) } else { self.pass(last) }
    }

    fn pass(&self, piece: Vec<u8>) -> io::Result<()> {
        // Whoever stores the pieces has failed, and says why.
        self.pieces.blocking_send(piece).map_err(|_| io::Error::from(ErrorKind::BrokenPipe))
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = self.piece_bytes.saturating_add(usize::try_from(LEAST_PART_BYTES).unwrap_or(usize::MAX));
        if self.buffer.len() >= full {
            let rest = self.buffer.split_off(self.piece_bytes);
            let piece = std::mem::replace(&mut self.buffer, rest);
            self.pass(piece)?;
        }
        let taken = bytes.len().min(full - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_of_one_size_and_the_last_is_a_part_of_an_upload() {
        const MIB: u64 = 1 << 20;
        for (total, expected) in [
            (0, vec![]),
            (1, vec![1]),
            (8 * MIB, vec![8 * MIB]),
            (13 * MIB, vec![13 * MIB]),
            (14 * MIB, vec![8 * MIB, 6 * MIB]),
            (21 * MIB, vec![8 * MIB, 13 * MIB]),
            (22 * MIB, vec![8 * MIB, 8 * MIB, 6 * MIB]),
        ] {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(10);
            let mut writer = PieceWriter::new(8 * MIB, sender);
            let bytes = vec![7; usize::try_from(total).unwrap()];
            for part in bytes.chunks(300_000) {
                writer.write_all(part).unwrap();
            }
            writer.finish().unwrap();
            let sizes = std::iter::from_fn(|| receiver.blocking_recv()).map(|piece| piece.len() as u64);
            assert_eq!(sizes.collect::<Vec<_>>(), expected, "{total}");
        }
    }
}
