//! The entry point: one pass over a file, or over a part of it.
use std::io::{self, Read};

use crate::inspection::Inspection;
use crate::position::Position;

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
/// `watch` is called at the first record boundary after the start, then at boundaries after every 64 KiB, and
/// inside values at least every 4 MiB. At least one record is read between a start and a pause.
///
/// # Errors
/// Only errors of the source. What is wrong with the file itself is in [`Inspection::faults`].
pub fn inspect<R: Read>(
    source: R,
    start: &Position,
    options: &InspectOptions,
    watch: &mut dyn FnMut(&Progress) -> Control,
) -> io::Result<Inspected> {
    let _ = (source, start, options, watch);
    unimplemented!()
}
