//! Where a scan stands.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{fault::Cause, reading::header::Header, scan::Inside};

/// A place in a file, with everything that is needed to go on from there. The default is the start of a file.
///
/// Mostly a record boundary, and then about 200 bytes of JSON. Inside a large value it also holds what is open there,
/// up to 90 KiB if the key is as long.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    pub(crate) offset: u64,
    /// The database, if it is known.
    pub(crate) database: Option<u64>,
    pub(crate) header: Option<Header>,
    /// The record that the position is inside of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inside: Option<Box<Inside>>,
    /// What the first bytes of that record tell of what was done to the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suspect: Option<Cause>,
}

impl Position {
    /// The file offset of the next byte to read, in bytes; the source must be opened there to resume.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether it hangs together.
    pub(crate) fn check(&self) -> io::Result<()> {
        if (self.offset == 0) == self.header.is_none() {
            return Ok(());
        }
        let message = format!("the position at offset {} does not go with its header", self.offset);
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }

    /// Whether this is the boundary between two records.
    pub fn is_boundary(&self) -> bool {
        self.inside.is_none()
    }
}
