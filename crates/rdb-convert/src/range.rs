//! Ranges of a source, which are planned and written each on its own.

use std::{collections::BTreeMap, io::Read};

use rdb_scan::{
    Boundary, Fault, Header, Stretch, Templates,
    walk::{FieldNames, Walk, header_bytes},
};
use serde::{Deserialize, Serialize};

use crate::{ConvertError, Options};

/// The records of a source between two boundaries.
///
/// The boundaries have to be certain: [`rdb_scan::inspect_with_boundaries`] and
/// [`rdb_scan::assemble_with_boundaries`] return such. What is written does not depend on where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordRange {
    /// Version and magic of the source, and the digest of its templates: [`rdb_scan::Inspection::header`].
    pub header: Header,
    /// Where the first record begins.
    pub from: Boundary,
    /// File offset of the first byte that follows; none if the range ends at the end mark.
    pub end: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stretch: Option<Stretch>,
    /// The templates of the source. Not in the JSON: whoever reads the range reads them too.
    #[serde(skip)]
    templates: Option<FieldNames>,
}

impl RecordRange {
    /// All records of a source.
    pub fn whole(header: &Header) -> Self {
        let header = Header { aux: BTreeMap::new(), ..header.clone() };
        let first = header_bytes(header.magic, header.version).len() as u64;
        Self {
            header,
            from: Boundary { offset: first, database: 0 },
            end: None,
            stretch: None,
            templates: None,
        }
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

    /// As [`Self::between`], with a range of its own for each stretch that the conversion copies as it is; see
    /// [`Self::stretch`]. There are none in other ranges, and boundaries in stretches are left out.
    ///
    /// Stretches in ascending order are those of [`rdb_scan::Inspection::stretches`] of the whole source. Those with
    /// other types than [`Options::copied_types`] are ignored.
    pub fn around(
        header: &Header,
        boundaries: &[Boundary],
        stretches: &[Stretch],
        options: &Options,
    ) -> Vec<Self> {
        let whole = Self::whole(header);
        let mut starts = BTreeMap::from([(whole.from.offset, (whole.from.database, None))]);
        let mut end = whole.from.offset;
        for stretch in stretches {
            if stretch.offset < end || !is_copied(stretch, options) {
                continue;
            }
            end = stretch.end();
            starts.insert(stretch.offset, (stretch.database, Some(stretch.clone())));
            starts.insert(end, (stretch.database, None));
        }
        for Boundary { offset, database } in boundaries.iter().copied() {
            let before = starts.range(..=offset).next_back();
            let inside = before.is_none_or(|(_, (_, stretch))| stretch.is_some());
            if !inside {
                starts.entry(offset).or_insert((database, None));
            }
        }
        let ends: Vec<_> = starts.keys().skip(1).copied().map(Some).chain([None]).collect();
        let ranges = starts.into_iter().zip(ends).map(|((offset, (database, stretch)), end)| Self {
            from: Boundary { offset, database },
            end,
            stretch,
            ..whole.clone()
        });
        ranges.collect()
    }

    /// The stretch that the range is, if it is one: its bytes need not be read.
    ///
    /// It is planned by [`RangePlan::of_stretch`](crate::RangePlan::of_stretch), and written by copying the source's
    /// bytes after those of [`RangeTask::copied`](crate::RangeTask::copied).
    pub fn stretch(&self) -> Option<&Stretch> {
        let same = |stretch: &&Stretch| {
            let from = Boundary { offset: stretch.offset, database: stretch.database };
            (self.from, self.end) == (from, Some(stretch.end()))
        };
        self.stretch.as_ref().filter(same)
    }

    /// Whether the range has to be given the templates of the source by [`Self::with_templates`] before it is read.
    pub fn needs_templates(&self) -> bool {
        let is_first = self.from.offset <= header_bytes(self.header.magic, self.header.version).len() as u64;
        // If it is not known which there are, there may be some.
        let may_need = self.header.templates.as_ref().is_none_or(Templates::are_needed);
        self.header.may_have_templates() && may_need && !is_first && self.templates.is_none()
    }

    /// The range, with the templates of the source: [`FieldNames::of_head`].
    ///
    /// # Errors
    /// [`ConvertError::Changed`] if these are not the templates that were inspected.
    pub fn with_templates(mut self, templates: &FieldNames) -> Result<Self, ConvertError> {
        if self.header.templates.as_ref().is_some_and(|inspected| !templates.are(inspected)) {
            return Err(ConvertError::Changed("it has other templates of hashes".to_owned()));
        }
        // A range with the head reads them itself.
        if self.needs_templates() {
            self.templates = Some(templates.clone());
        }
        Ok(self)
    }

    /// Walks over the records. `source` has been opened at the first one.
    pub(crate) fn walk<R: Read>(&self, source: R) -> Result<Walk<R>, ConvertError> {
        if self.needs_templates() {
            return Err(ConvertError::NoTemplates { start: self.from.offset });
        }
        let templates = self.templates.clone().unwrap_or_default();
        Ok(Walk::of_range(source, &self.header, self.from, self.end, templates))
    }
}

/// Whether a conversion copies a stretch as it is.
pub(crate) fn is_copied(stretch: &Stretch, options: &Options) -> bool {
    let is_known = stretch.database != Fault::UNKNOWN_DATABASE && stretch.bytes > 0;
    is_known && !stretch.types.is_empty() && stretch.types.is_within(options.copied_types())
}
