//! Positions from which a scan can continue.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{fault::Cause, reading::header::Header, scan::Inside};

/// A position in a file, with everything that is needed to continue from it. The default is the start of a file.
///
/// Usually a record boundary, with about 200 bytes of JSON. Inside a large value it also holds the state of the scan in
/// that value, up to 90 KiB if the key is that long.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    pub(crate) offset: u64,
    /// The database, if it is known.
    pub(crate) database: Option<u64>,
    pub(crate) header: Option<Header>,
    /// The record in which the position is, if it is inside one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inside: Option<Box<Inside>>,
    /// What was done to the file, as shown by the first bytes of that record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suspect: Option<Cause>,
}

impl Position {
    /// The file offset of the next byte to read, in bytes; the source must be opened there to resume.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Checks that offset and header go together.
    pub(crate) fn check(&self) -> io::Result<()> {
        if (self.offset == 0) == self.header.is_none() {
            return Ok(());
        }
        let message = format!("the position at offset {} does not go with its header", self.offset);
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }

    /// Whether the position is between two records.
    pub fn is_boundary(&self) -> bool {
        self.inside.is_none()
    }
}
