//! Positions from which a scan can continue.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{
    fault::Cause,
    reading::header::Header,
    scan::{Inside, template::Templates},
    walk::FieldNames,
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

    /// Puts the templates back: [`FieldNames::of_head`] of the file's bytes before [`Self::offset`].
    ///
    /// # Errors
    /// `InvalidData` if the file has others than when the position was made.
    pub fn with_templates(mut self, head: &FieldNames) -> io::Result<Self> {
        let templates = self.header.as_mut().and_then(|header| header.templates.as_mut());
        if templates.is_some_and(|templates| !templates.put_head(&head.templates())) {
            let message = format!("the templates before offset {} have changed", self.offset);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(self)
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
