//! The range to convert, and what is done with it.

use std::io::{
    Read, Write, {self},
};

use rdb_convert::{
    Comparison, ConvertError, Found, Options, Preview, RangeReport, RangeTask, RecordRange, Survey,
    plan_range, preview_range, write_range,
};
use rdb_scan::walk::{FieldNames, Salvage, header_bytes};
use seeder_aws::reader::{ObjectReader, ObjectSource};
use seeding::{
    Backup, StepError, Target,
    changed::Damaged,
    conversion::{ConversionChunk, PlannedRange, WriteTask},
};
use tokio::sync::mpsc;

use crate::handler::pieces::PieceWriter;

/// The task of a range, which has its templates now.
fn at(task: &RangeTask, range: &RecordRange) -> RangeTask {
    let mut task = task.clone();
    task.range = range.clone();
    task
}

/// The range to convert, with all that is known of it. Its methods block.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) chunk: ConversionChunk,
    pub(super) backup: Backup,
    pub(super) range: RecordRange,
    /// Whether what is intact in a damaged backup is converted.
    pub(super) salvage: bool,
    pub(super) survey: Survey,
    pub(super) options: Options,
    pub(super) target: Target,
    /// The account of the conversion bucket.
    pub(super) account: String,
}

impl Work {
    pub(super) fn compare(&self, comparison: &Comparison) -> Result<Found, StepError> {
        Ok(self.read(|source, range| comparison.read(source, range, &self.options))?.0)
    }

    pub(super) fn plan(&self) -> Result<PlannedRange, StepError> {
        let planned = self.read(|source, range| plan_range(source, range, &self.options, &self.survey));
        let (plan, damaged) = planned?;
        Ok(PlannedRange { plan, damaged })
    }

    pub(super) fn preview(&self, task: &WriteTask) -> Result<Preview, StepError> {
        let WriteTask { task, header, file_bytes, .. } = task;
        let inspecting = self.target.inspect_options(*file_bytes);
        let preview = |source: &mut dyn Read, range: &RecordRange| {
            preview_range(source, &at(task, range), &self.options, &self.survey, header, &inspecting)
        };
        Ok(self.read(preview)?.0)
    }

    /// Writes the range, and passes the pieces on.
    pub(super) fn write(
        &self,
        task: &WriteTask,
        pieces: mpsc::Sender<Vec<u8>>,
    ) -> Result<RangeReport, StepError> {
        let mut writer = PieceWriter::new(task.piece_bytes, pieces);
        let write = |source: &mut dyn Read, range: &RecordRange| {
            if self.chunk.range == 0 {
                let head = header_bytes(task.header.magic, task.header.version);
                writer.write_all(&head).map_err(ConvertError::Write)?;
            }
            write_range(source, &at(&task.task, range), &self.options, &self.survey, vec![&mut writer])
        };
        let (report, _) = self.read(write)?;
        writer.finish().map_err(StepError::internal)?;
        Ok(report)
    }

    /// Opens the backup at the first record of the range, and does something with it. The range has the templates that
    /// its records may refer to.
    fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Read, &RecordRange) -> Result<T, ConvertError>,
    ) -> Result<(T, Damaged), StepError> {
        let (s3, backup) = (self.s3.clone(), self.backup.clone());
        let source = ObjectSource::new(s3.clone(), backup.clone());
        let failed =
            |error: ConvertError| source.take_failure().unwrap_or_else(|| StepError::internal(error));
        if self.salvage {
            return self.salvage(&source, work).map_err(failed);
        }
        let range = self.range_with_templates(&source).map_err(failed)?;
        let (start, end) = (self.range.from.offset, self.range.end.unwrap_or(backup.size_bytes));
        let mut reader = ObjectReader::start(s3, backup, start, end);
        let done = work(&mut reader, &range);
        let done =
            done.map_err(|error| reader.take_failure().unwrap_or_else(|| StepError::internal(error)))?;
        Ok((done, Damaged::default()))
    }

    fn range_with_templates(&self, source: &ObjectSource) -> Result<RecordRange, ConvertError> {
        let range = self.range.clone();
        if !range.needs_templates() {
            return Ok(range);
        }
        let head = FieldNames::of_head(source, u64::MAX).map_err(ConvertError::Read)?;
        range.with_templates(&head)
    }

    /// As [`Work::read`], with what is intact.
    fn salvage<T>(
        &self,
        source: &ObjectSource,
        work: impl FnOnce(&mut dyn Read, &RecordRange) -> Result<T, ConvertError>,
    ) -> Result<(T, Damaged), ConvertError> {
        let salvage = Salvage::of(source).map_err(ConvertError::Read)?;
        let no_file = || ConvertError::Changed(format!("{} is no RDB file", self.backup.location));
        let salvage = salvage.ok_or_else(no_file)?;
        let mut reader = salvage.reader(source);
        let head = self.range.from.offset;
        io::copy(&mut reader.by_ref().take(head), &mut io::sink()).map_err(ConvertError::Read)?;
        let done = work(&mut reader, &self.range)?;
        Ok((done, Damaged::of(&salvage)))
    }
}
