//! Reasons for a step to stop early.

use crate::fault::FaultCode;

pub(crate) type Result<T> = std::result::Result<T, Stop>;

/// Why a step could not be finished with the bytes in memory.
#[derive(Debug)]
pub(crate) enum Stop {
    /// At least this many bytes are needed from the last committed position on.
    More(usize),
    /// The file is broken. Boxed, because this is the error of every small read.
    Broken(Box<Broken>),
}

/// A fault without its record, which only the record loop knows.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) code: FaultCode,
    pub(crate) message: String,
}

#[cold]
#[inline(never)]
pub(crate) fn broken<T>(code: FaultCode, message: impl Into<String>) -> Result<T> {
    Err(Stop::Broken(Box::new(Broken { code, message: message.into() })))
}
