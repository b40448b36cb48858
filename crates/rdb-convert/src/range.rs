//! Ranges of a source, which are planned and written each on its own.

use std::io::Read;

use rdb_scan::{
    Boundary, Header,
    walk::{Walk, header_bytes},
};
use serde::{Deserialize, Serialize};

/// The records of a source between two boundaries.
///
/// The boundaries have to be certain: [`rdb_scan::inspect_with_boundaries`] and
/// [`rdb_scan::assemble_with_boundaries`] return such. What is written does not depend on where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordRange {
    /// Version and magic of the source.
    pub header: Header,
    /// Where the first record begins.
    pub from: Boundary,
    /// File offset of the first byte that follows; none if the range ends at the end mark.
    pub end: Option<u64>,
}

impl RecordRange {
    /// All records of a source.
    pub fn whole(header: &Header) -> Self {
        let header = Header { version: header.version, magic: header.magic, ..Header::default() };
        let first = header_bytes(header.magic, header.version).len() as u64;
        Self { header, from: Boundary { offset: first, database: 0 }, end: None }
    }

    /// The ranges between the start of a source, boundaries in ascending order, and its end.
    pub fn between(header: &Header, boundaries: &[Boundary]) -> Vec<Self> {
        let whole = Self::whole(header);
        let starts: Vec<_> = std::iter::once(whole.from)
            .chain(boundaries.iter().copied().filter(|boundary| boundary.offset > whole.from.offset))
            .collect();
        let ends = starts.iter().skip(1).map(|boundary| Some(boundary.offset)).chain([None]);
        starts.iter().zip(ends).map(|(from, end)| Self { from: *from, end, ..whole.clone() }).collect()
    }

    /// Walks over the records. `source` has been opened at the first one.
    pub(crate) fn walk<R: Read>(&self, source: R) -> Walk<R> {
        Walk::of_range(source, &self.header, self.from, self.end)
    }
}
