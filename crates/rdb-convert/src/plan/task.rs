//! What the writer of one range has to know.

use rdb_scan::{Header, Magic};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Plan, PlannedOutput};
use crate::{
    RecordRange, Survey,
    encoded::{at_most, pairs},
    output::{HEAD_BYTES, Sizes, TAIL_BYTES},
    rewrite::Facts,
};

/// What the writer of a range has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeTask {
    /// The range.
    pub range: RecordRange,
    /// The place of its records in each new file.
    #[serde(deserialize_with = "files")]
    pub outputs: Vec<OutputTask>,
    pub(crate) facts: Facts,
}

/// The place of a range's records in a new file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputTask {
    /// Offset in the new file.
    pub offset: u64,
    /// Their number of bytes.
    pub bytes: u64,
    /// The database that is selected before them.
    pub(crate) selected: Option<u64>,
    /// What they announce.
    #[serde(with = "pairs")]
    pub(crate) announced: Sizes,
}

impl Plan {
    /// The number of ranges.
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }

    /// What the writer of a range has to know; none if there are fewer ranges.
    pub fn task(&self, index: usize) -> Option<RangeTask> {
        let planned = self.ranges.get(index)?;
        let outputs = planned.outputs.iter().zip(&self.sizes).map(|(output, sizes)| {
            let PlannedOutput { offset, bytes, selected, ref announced } = *output;
            let size = |database: &u64| Some((*database, *sizes.get(database)?));
            OutputTask { offset, bytes, selected, announced: announced.iter().filter_map(size).collect() }
        });
        let outputs = outputs.collect();
        Some(RangeTask { range: planned.range.clone(), outputs, facts: self.facts.of_range(&planned.range) })
    }

    /// What writing everything in one go has to know; none if there are no ranges.
    pub(crate) fn whole_task(&self) -> Option<RangeTask> {
        let range = RecordRange::whole(&self.ranges.first()?.range.header);
        let outputs = self.file_bytes().zip(&self.sizes).map(|(bytes, sizes)| OutputTask {
            offset: HEAD_BYTES,
            bytes: bytes - HEAD_BYTES - TAIL_BYTES,
            selected: None,
            announced: sizes.clone(),
        });
        Some(RangeTask { range, outputs: outputs.collect(), facts: self.facts.clone() })
    }

    /// The size of each new file.
    pub fn file_bytes(&self) -> impl Iterator<Item = u64> + '_ {
        let last = self.ranges.last().map_or(&[][..], |range| &range.outputs);
        last.iter().map(|output| output.offset + output.bytes + TAIL_BYTES)
    }

    /// What has been known before the ranges were planned, and has to be known when they are written.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Magic and version of the new files.
    pub fn header(&self) -> Header {
        Header { version: self.version, magic: self.magic, ..Header::default() }
    }

    /// The database that is selected at the end of the first new file.
    pub(crate) fn last_database(&self) -> Option<u64> {
        self.last_selected.first().copied().flatten()
    }

    /// The magic that a new file gets.
    pub(crate) fn head(&self) -> (Magic, u32) {
        (self.magic, self.version)
    }
}

fn files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OutputTask>, D::Error> {
    let files = Vec::deserialize(deserializer)?;
    at_most(files.len(), usize::from(u16::MAX))?;
    Ok(files)
}
