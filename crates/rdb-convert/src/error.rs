//! Why a conversion ends early.

use std::io;

use rdb_scan::walk::WalkError;
use thiserror::Error;

use crate::output::WriteFailed;

/// Why a conversion ended early.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// The source could not be read.
    #[error("failed to read: {0}")]
    Read(io::Error),
    /// A new file could not be written.
    #[error("failed to write: {0}")]
    Write(io::Error),
    /// The source is broken.
    #[error(transparent)]
    Broken(WalkError),
    /// Too many keys would have to be compared.
    #[error("{keys} keys would have to be compared with those of other databases; at most {most} can be")]
    TooManyKeys {
        /// The number of keys.
        keys: u64,
        /// The limit.
        most: u64,
    },
    /// Too many keys occur more than once.
    #[error(
        "at least {conflicts} keys occur more than once; at most an eighth of what {keys} keys leave of {most} can"
    )]
    TooManyConflicts {
        /// The number of these keys that were found.
        conflicts: u64,
        /// The number of keys that are compared.
        keys: u64,
        /// The limit of keys, of which each of these counts as eight more.
        most: u64,
    },
    /// Writing would have to know too much beforehand.
    #[error("the file has more than {most} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// The source is not the one of the plan.
    #[error("the source has changed since it was read first: {0}")]
    Changed(String),
    /// Plans or reports of ranges do not make a whole.
    #[error("a range that begins at offset {start} does not follow one that ends at offset {end}")]
    NotNeighbors {
        /// Where the range before ends.
        end: u64,
        /// Where the range begins.
        start: u64,
    },
    /// A range was to be read without the templates that its records refer to.
    #[error("the range that begins at offset {start} needs the templates of the file's head")]
    NoTemplates {
        /// Where the range begins.
        start: u64,
    },
    /// The plan refuses the conversion.
    #[error("the conversion is refused")]
    Refused,
}

impl From<WalkError> for ConvertError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Io(error) => error.into(),
            broken @ WalkError::Broken { .. } => Self::Broken(broken),
        }
    }
}

impl From<io::Error> for ConvertError {
    fn from(error: io::Error) -> Self {
        let is_ours = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<WriteFailed>);
        if is_ours { Self::Write(error) } else { Self::Read(error) }
    }
}
