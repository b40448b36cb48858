//! Why reading stops before the end.
use std::io;

use crate::fault::FaultCode;

pub(crate) type Result<T> = std::result::Result<T, Stop>;

#[derive(Debug)]
pub(crate) enum Stop {
    /// The source failed; nothing is known about the file.
    Io(io::Error),
    /// The file is broken. Boxed, because this is the error of every small read.
    Broken(Box<Broken>),
}

/// A fault without its record, which only the record loop knows.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) code: FaultCode,
    pub(crate) message: String,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cold]
pub(crate) fn broken<T>(code: FaultCode, message: impl Into<String>) -> Result<T> {
    Err(Stop::Broken(Box::new(Broken { code, message: message.into() })))
}
