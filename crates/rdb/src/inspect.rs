//! The entry point: one pass over a file, or over a part of it.
use std::io::{self, Read};

use crate::inspection::Inspection;
use crate::position::Position;
use crate::reader::Reader;
use crate::scan::Scan;

/// What the caller of a scan decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InspectOptions {
    /// Leave key names out of the result.
    pub hide_keys: bool,
    /// The time against which keys have expired already, in milliseconds since 1970; 0 counts none.
    pub now_ms: u64,
    /// The size of the whole file, if it is known: lengths are then checked against what is left of it.
    pub size_bytes: Option<u64>,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The file offset that was reached, in bytes.
    pub offset: u64,
    /// Keys read since this scan began, those before its start position not counted.
    pub keys: u64,
}

/// The answer to a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop at the next record boundary.
    Pause,
}

/// What a scan gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspected {
    /// The end was reached, or a fault after which the rest cannot be trusted.
    Complete(Inspection),
    /// A pause was asked for: what was found so far, and where to go on.
    Paused(Inspection, Position),
}

/// Reads a file from `start` on, whose offset `source` must have been opened at.
///
/// `watch` is called after the first record, and then about every 128 KiB to 1 MiB, also inside values; a pause
/// takes effect at the next record boundary. At least one record is read between a start and a pause.
///
/// # Errors
/// Only errors of the source, and `InvalidInput` for a position that no scan gave. What is wrong with the file
/// itself is in [`Inspection::faults`].
pub fn inspect<R: Read>(
    mut source: R,
    start: &Position,
    options: &InspectOptions,
    watch: &mut dyn FnMut(&Progress) -> Control,
) -> io::Result<Inspected> {
    if (start.offset == 0) != start.header.is_none() {
        let message = format!("the position at offset {} does not go with its header", start.offset);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let reader = Reader::new(&mut source, watch, start.offset, start.crc, options.size_bytes);
    Scan::new(reader, start, options).run()
}
