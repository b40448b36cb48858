//! Writing new files, as a whole or range by range.

mod ranges;

use std::io::{Read, Write};

use rdb_scan::walk::{Crc64, Walk, header_bytes};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::ranges::write_ranges;
use crate::{
    ConvertError, Options, Plan, RangeTask, Report, Survey,
    conversion::Conversion,
    encoded::at_most,
    output::{HEAD_BYTES, Output, TAIL_BYTES, failed, selection},
};

const EOF: u8 = 255;

/// What was written of a range into one new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// Number of bytes.
    pub bytes: u64,
    /// Their CRC-64.
    pub crc: u64,
}

/// What was done with a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeReport {
    /// File offset of the range in the source.
    pub start: u64,
    /// What was done.
    pub report: Report,
    /// What was written into each new file.
    #[serde(deserialize_with = "files")]
    pub outputs: Vec<Written>,
}

/// The first bytes of a new file.
pub fn head_bytes(plan: &Plan) -> [u8; HEAD_BYTES as usize] {
    let (magic, version) = plan.head();
    header_bytes(magic, version)
}

/// Writes the records of a range, one writer for each of [`Options::split`]. `source` has been opened at the first
/// record. What precedes and follows the records is [`head_bytes`] and [`Finished::tail_bytes`].
///
/// # Errors
/// Those of reading and writing, and [`ConvertError::Changed`] if other bytes are read than were for the plan.
pub fn write_range<R: Read, W: Write>(
    source: R,
    task: &RangeTask,
    options: &Options,
    survey: &Survey,
    writers: Vec<W>,
) -> Result<RangeReport, ConvertError> {
    write_walk(&mut task.range.walk(source)?, task, options, survey, writers)
}

pub(crate) fn write_walk<R: Read, W: Write>(
    walk: &mut Walk<R>,
    task: &RangeTask,
    options: &Options,
    survey: &Survey,
    writers: Vec<W>,
) -> Result<RangeReport, ConvertError> {
    let files = writers.len();
    let outputs = writers
        .into_iter()
        .zip(&task.outputs)
        .map(|(writer, output)| Output::new(Some(writer), files, output.selected, output.announced.clone()));
    let mut conversion = Conversion::writing(options, survey, outputs.collect(), &task.facts);
    conversion.run(walk)?;
    let mut outputs = Vec::with_capacity(files);
    for (output, task) in conversion.outputs.iter_mut().zip(&task.outputs) {
        let written = Written { bytes: output.planned.bytes, crc: output.end()? };
        if written.bytes != task.bytes {
            let message = format!("{} bytes were written and {} planned", written.bytes, task.bytes);
            return Err(ConvertError::Changed(message));
        }
        outputs.push(written);
    }
    let report = std::mem::take(&mut conversion.report);
    Ok(RangeReport { start: task.range.from.offset, report, outputs })
}

impl RangeTask {
    /// What is written if the bytes of a stretch are copied from the source: the bytes that precede them in the new
    /// file, at most 29, and the report for [`Finished::add`]. None if the range is no stretch.
    pub fn copied(&self) -> Option<(Vec<u8>, RangeReport)> {
        let stretch = self.range.stretch()?;
        let [output] = &self.outputs[..] else { return None };
        let is_selected = output.selected == Some(stretch.database);
        let announced = output.announced.get(&stretch.database).copied();
        let before = if is_selected { Vec::new() } else { selection(stretch.database, announced) };
        let mut crc = Crc64::default();
        crc.update(&before);
        let crc = Crc64::combine(crc.value(), stretch.crc, stretch.bytes);
        let written = Written { bytes: stretch.bytes.saturating_add(before.len() as u64), crc };
        let report = Report::of_stretch(stretch, written.bytes);
        Some((before, RangeReport { start: stretch.offset, report, outputs: vec![written] }))
    }
}

/// What has been written of all ranges.
#[derive(Debug)]
pub struct Finished<'p> {
    plan: &'p Plan,
    report: Report,
    /// The checksum of each new file so far.
    crcs: Vec<u64>,
    /// How many ranges have been added.
    ranges: usize,
}

impl<'p> Finished<'p> {
    /// Nothing but the heads.
    pub fn new(plan: &'p Plan) -> Self {
        let mut crc = Crc64::default();
        crc.update(&head_bytes(plan));
        let crcs = vec![crc.value(); plan.file_bytes().count()];
        Self { plan, report: Report::default(), crcs, ranges: 0 }
    }

    /// Adds the next range, in file order.
    ///
    /// # Errors
    /// [`ConvertError::Changed`] if it is not the next one, or other bytes were written than planned.
    pub fn add(&mut self, written: RangeReport) -> Result<(), ConvertError> {
        let task = self.plan.task(self.ranges);
        let is_next = task.is_some_and(|task| {
            let bytes = task.outputs.iter().map(|output| output.bytes);
            task.range.from.offset == written.start && bytes.eq(written.outputs.iter().map(|one| one.bytes))
        });
        if !is_next {
            let message = format!("the range at offset {} is not as planned", written.start);
            return Err(ConvertError::Changed(message));
        }
        self.ranges += 1;
        self.add_any(written);
        Ok(())
    }

    /// Adds what was written in one go, or range by range.
    pub(crate) fn add_any(&mut self, written: RangeReport) {
        for (crc, one) in self.crcs.iter_mut().zip(&written.outputs) {
            *crc = Crc64::combine(*crc, one.crc, one.bytes);
        }
        self.report.merge(written.report);
    }

    /// The last bytes of each new file: end mark and checksum.
    ///
    /// # Errors
    /// [`ConvertError::Changed`] if something else was done than planned.
    pub fn tail_bytes(&self) -> Result<Vec<[u8; TAIL_BYTES as usize]>, ConvertError> {
        let planned = &self.plan.report;
        let mut report = Report { bytes_written: planned.bytes_written, ..self.report.clone() };
        report.repaired("uncheckedKeys", self.plan.survey.repeated.unchecked_keys(), None);
        if report != *planned {
            let message = format!(
                "{} keys were read and {} written; planned were {} and {}",
                report.keys_read, report.keys_written, planned.keys_read, planned.keys_written
            );
            return Err(ConvertError::Changed(message));
        }
        let mut end = Crc64::default();
        end.update(&[EOF]);
        let tails = self.crcs.iter().map(|crc| {
            let mut tail = [EOF; TAIL_BYTES as usize];
            tail[1..].copy_from_slice(&Crc64::combine(*crc, end.value(), 1).to_le_bytes());
            tail
        });
        Ok(tails.collect())
    }
}

/// Writes new files, one writer for each of [`Options::split`], from the source of a plan.
///
/// # Errors
/// [`ConvertError::Refused`] before anything is written if the plan refuses; those of reading and writing; and
/// [`ConvertError::Changed`] if the source is not the one of the plan.
pub fn write<R: Read, W: Write>(
    source: R,
    options: &Options,
    plan: &Plan,
    mut writers: Vec<W>,
) -> Result<Report, ConvertError> {
    let task = plan.whole_task().filter(|_| plan.report.refused.is_empty()).ok_or(ConvertError::Refused)?;
    let head = head_bytes(plan);
    let put = |writers: &mut [W], file: usize, bytes: &[u8]| match writers.get_mut(file) {
        Some(writer) => writer.write_all(bytes).and_then(|()| writer.flush()).map_err(failed),
        None => Ok(()),
    };
    for file in 0..writers.len() {
        put(&mut writers, file, &head)?;
    }
    let mut walk = Walk::new(source)?;
    let borrowed: Vec<_> = writers.iter_mut().collect();
    let mut finished = Finished::new(plan);
    finished.add_any(write_walk(&mut walk, &task, options, &plan.survey, borrowed)?);
    for (file, tail) in finished.tail_bytes()?.iter().enumerate() {
        put(&mut writers, file, tail)?;
    }
    Ok(plan.report.clone())
}

fn files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Written>, D::Error> {
    let files = Vec::deserialize(deserializer)?;
    at_most(files.len(), usize::from(u16::MAX))?;
    Ok(files)
}
