//! What a conversion would do, before anything is written.

use std::{
    collections::BTreeMap,
    io::{
        Read, Sink, {self},
    },
};

use rdb_scan::{Magic, VALKEY_RDB_VERSION};

use crate::{
    ConvertError, Options, Report, conflicts::Duplicates, engine::Conversion, output::Output, rewrite::Facts,
};

/// What a conversion would do, and what writing needs to know beforehand.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What would be done, and everything that stands in the way.
    pub report: Report,
    /// The magic of the new files. `VALKEY` only if fields have expiries, and the target reads it.
    pub magic: Magic,
    /// The version of the new files.
    pub version: u32,
    pub(crate) facts: Facts,
    pub(crate) duplicates: Duplicates,
    pub(crate) sizes: BTreeMap<(usize, u64), (u64, u64)>,
}

impl Plan {
    /// Reads a source. If databases are merged or renumbered, it is read up to four times.
    ///
    /// # Errors
    /// Those of reading, and [`ConvertError::TooManyKeys`]. What stands in the way of a conversion is no error; see
    /// [`Report::refused`].
    pub fn of<R: Read>(
        mut open: impl FnMut() -> io::Result<R>,
        options: &Options,
    ) -> Result<Self, ConvertError> {
        let duplicates = Duplicates::of(&mut open, options)?;
        let mut plan = |magic| {
            let outputs: Vec<Output<Sink>> = (0..options.split.max(1)).map(|_| Output::new(None)).collect();
            Conversion::new(options, outputs, &duplicates, magic).run(open()?)
        };
        let mut planned = plan(Magic::Redis)?;
        let mut magic = Magic::Redis;
        if options.target.has_field_expiries() && planned.report.has_field_expiries() {
            magic = Magic::Valkey;
            planned = plan(magic)?;
        }
        let version = if magic == Magic::Valkey { VALKEY_RDB_VERSION } else { options.target.version() };
        let Conversion { report, sizes, rewriter, .. } = planned;
        let facts = rewriter.facts;
        Ok(Self { report, magic, version, facts, duplicates, sizes })
    }
}
