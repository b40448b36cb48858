//! Places in a file from which it can be read on.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{
    fault::Cause,
    reading::header::Header,
    scan::{Inside, template::Templates},
};

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

    /// Checks that offset and header go together, and that no templates are missing.
    pub(crate) fn check(&self) -> io::Result<()> {
        if (self.offset == 0) != self.header.is_none() {
            return Err(self.invalid("does not go with its header"));
        }
        if self.needs_templates() {
            return Err(self.invalid("needs the templates of the file's head"));
        }
        Ok(())
    }

    fn templates(&self) -> Option<&Templates> {
        self.header.as_ref()?.templates.as_ref()
    }

    /// Whether the templates of the file's head are missing, since JSON leaves them out; see
    /// [`Self::with_templates`].
    pub fn needs_templates(&self) -> bool {
        self.templates().is_some_and(|templates| !templates.is_complete())
    }

    fn invalid(&self, why: &str) -> io::Error {
        let message = format!("the position at offset {} {why}", self.offset);
        io::Error::new(io::ErrorKind::InvalidInput, message)
    }

    /// Whether the position is between two records.
    pub fn is_boundary(&self) -> bool {
        self.inside.is_none()
    }
}

/// A place between two records, where a part of the file can be read from without knowing what precedes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Boundary {
    /// File offset of the next record's first byte.
    pub offset: u64,
    /// The database that is selected there.
    pub database: u64,
}

impl Boundary {
    /// The position from which the part that begins here is read.
    pub fn position(self, header: Header) -> Position {
        let Self { offset, database } = self;
        if offset == 0 {
            return Position::default();
        }
        Position { offset, database: Some(database), header: Some(header), ..Position::default() }
    }
}
