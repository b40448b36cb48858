//! The conversion of backups on the way to the cluster: its plan, its files, and the rounds of its workers.

use rdb_convert::{Comparison, Options, RangePlan, RangeReport, RangeTask, RecordRange, Survey};
use rdb_scan::{Boundary, Header, Inspection, Magic, TypeSet};
use serde::{Deserialize, Serialize};

use crate::{
    facts::location::BackupLocation,
    finding::Finding,
    record::seeding::Target,
    request::convert::When,
    verdict::{changed::Damaged, conversion::format_for},
};

/// The smallest part of a multipart upload but the last one, in bytes. Source: S3 user guide, "Amazon S3 multipart
/// upload limits".
pub const LEAST_PART_BYTES: u64 = 5 << 20;
/// The size of a piece of converted bytes, in bytes, unless there would be more than [`MOST_PIECES`].
const PIECE_BYTES: u64 = 32 << 20;
/// The most stretches of all backups: each brings a range beside it, of which the state machine carries some 25 bytes.
const MOST_STRETCHES: usize = 3_000;
/// The most pieces of one backup: half of the parts that an upload may have, since each range may end with a small one.
const MOST_PIECES: u64 = 5_000;

/// The largest file with hashes of keys, in bytes: those of the 20 million keys that are compared at most, and the
/// places of as many.
pub const MAX_HASHES_BYTES: i64 = 1 << 30;

/// The conversion of an execution's backups, `conversion.json`. Written by assess-backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// The backups to convert.
    pub backups: Vec<ConversionOf>,
    /// Whether the new files have other contents, so that they decide whether they can be seeded.
    pub changes: bool,
    /// The findings before the backups were inspected.
    pub findings: Vec<Finding>,
}

/// The conversion of one backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversionOf {
    /// The backup's index, from 0.
    pub backup: usize,
    /// The ranges, which meet and cover all records.
    pub ranges: Vec<RecordRange>,
    /// The number of keys in it; unknown if it is damaged.
    pub keys: Option<u64>,
    /// The magic of the new file, unless a comparison of keys or a plan finds another one.
    pub magic: Magic,
    /// Whether what is intact in a damaged backup is converted, as one range.
    pub salvage: bool,
}

impl Conversion {
    /// What its first round does.
    pub fn first_phase(target: &Target) -> ConversionPhase {
        let compares = options(target).is_some_and(|options| Comparison::new(&options).needs_reading());
        if compares { ConversionPhase::Compare } else { ConversionPhase::Plan }
    }

    /// The ranges that workers convert.
    pub fn chunks(&self) -> Vec<ConversionChunk> {
        self.backups.iter().flat_map(ConversionOf::chunks).collect()
    }
}

impl ConversionOf {
    /// The ranges that workers convert: all but the stretches, whose bytes S3 copies.
    pub fn chunks(&self) -> impl Iterator<Item = ConversionChunk> + '_ {
        let read = self.ranges.iter().enumerate().filter(|(_, range)| range.stretch().is_none());
        read.map(|(range, _)| ConversionChunk { backup: self.backup, range })
    }

    /// The survey, if no keys had to be compared.
    pub fn survey(&self) -> Survey {
        Survey { magic: self.magic, ..Survey::default() }
    }
}

/// What to convert to, and what may be lost; none if files are not converted for this target.
pub fn options(target: &Target) -> Option<Options> {
    let (to, _) = format_for(&target.cluster, false)?;
    let now_ms = i64::try_from(target.looked_at_ms).unwrap_or(i64::MAX);
    Some(target.options.convert.options(to, now_ms))
}

/// The types of keys that a conversion of this file would copy as they are, to look for stretches of them; none if the
/// engine reads the file as it is. A file whose first bytes are not known may need a conversion.
pub fn copied_types(target: &Target, header: Option<&Header>) -> TypeSet {
    let engine = &target.cluster.engine;
    let max = engine.max_rdb_version(target.cluster.engine_version);
    let may_need = header.is_none_or(|header| header.magic == Magic::Valkey || header.version > max);
    let options = options(target).filter(|_| may_need && target.options.convert.when == When::Needed);
    options.map(|options| options.copied_types()).unwrap_or_default()
}

/// The ranges of a file without a change of contents: stretches that S3 copies, and the ranges around them.
///
/// `backups`: the number of backups that are converted together. Each has its share of the ranges that a state machine
/// can carry.
pub fn ranges(
    inspection: &Inspection,
    header: &Header,
    boundaries: &[Boundary],
    options: &Options,
    backups: usize,
) -> Vec<RecordRange> {
    let most = MOST_STRETCHES / backups.max(1);
    let mut stretches = inspection.stretches.clone();
    stretches.sort_by_key(|stretch| std::cmp::Reverse(stretch.bytes));
    stretches.truncate(most);
    stretches.sort_by_key(|stretch| stretch.offset);
    RecordRange::around(header, boundaries, &stretches, options)
}

/// The size of the pieces of a converted file, in bytes.
pub fn piece_bytes(file_bytes: u64) -> u64 {
    file_bytes.div_ceil(MOST_PIECES).max(PIECE_BYTES)
}

/// The prefix of an execution's objects in the conversion bucket.
pub fn prefix(execution_hash: &str) -> String {
    format!("{execution_hash}/")
}

/// The converted backup.
pub fn location(bucket: &str, execution_hash: &str, backup: usize, backups: usize) -> BackupLocation {
    let name = if backups == 1 { "backup".to_owned() } else { format!("backup-{}", backup + 1) };
    BackupLocation { bucket: bucket.to_owned(), key: format!("{}{name}.rdb", prefix(execution_hash)) }
}

/// A piece of converted bytes, until the pieces are joined.
pub fn piece_key(execution_hash: &str, chunk: ConversionChunk, piece: usize) -> String {
    let ConversionChunk { backup, range } = chunk;
    format!("{}pieces/{backup:03}-{range:04}-{piece:05}", prefix(execution_hash))
}

/// What the workers of a round do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversionPhase {
    /// They look for keys that occur more than once.
    Compare,
    /// They find out what the conversion of their range would do.
    Plan,
    /// They inspect what they would write.
    Preview,
    /// They write it.
    Write,
}

/// One range of one backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConversionChunk {
    /// The backup's index, from 0.
    pub backup: usize,
    /// The range's index in [`ConversionOf::ranges`].
    pub range: usize,
}

/// The mark that converted bytes may be in the conversion bucket. Written before the first of them, deleted once they
/// are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversionJournal {
    /// The conversion bucket.
    pub bucket: String,
}

/// What the worker of a range has to know to write it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteTask {
    /// The range and its place in the new file.
    pub task: RangeTask,
    /// Magic and version of the new file.
    pub header: Header,
    /// The size of the new file, in bytes.
    pub file_bytes: u64,
    /// The size of pieces, in bytes.
    pub piece_bytes: u64,
}

/// What a worker has planned for its range.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRange {
    /// The plan.
    pub plan: RangePlan,
    /// What of the source is lost.
    pub damaged: Damaged,
}

/// What the worker of a range has written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenRange {
    /// What was done.
    pub report: RangeReport,
    /// The size of each piece, in bytes.
    pub pieces: Vec<u64>,
}
