//! The inspection of a new file before it is written anywhere: what reading it would find.

use std::{
    io::{BufWriter, Read, Write, pipe},
    thread,
};

use rdb_scan::{
    Assembly, Boundary, Control, Header, InspectOptions, Inspection, Position, RangeInspection, Source,
    assemble, inspect_up_to, walk::Walk,
};
use serde::{Deserialize, Serialize};

use crate::{
    ConvertError, Finished, HEAD_BYTES, Options, Plan, RangeReport, RangeTask, Survey, TAIL_BYTES,
    head_bytes,
    readings::{in_order, watched},
    write::write_walk,
};

/// The bytes that go through the pipe at once.
const BUFFERED_BYTES: usize = 1 << 20;

/// What a range would be in the new file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What would be done.
    pub report: RangeReport,
    /// What reading it would find; none if it has no bytes.
    pub inspection: Option<RangeInspection>,
}

/// Inspects what [`crate::write_range`] would write of a range. There must be one new file ([`Options::split`] is 1).
///
/// `header`: [`Plan::header`]. The size in `inspecting` is that of the new file.
///
/// # Errors
/// As [`crate::write_range`].
pub fn preview_range<R: Read>(
    source: R,
    task: &RangeTask,
    options: &Options,
    survey: &Survey,
    header: &Header,
    inspecting: &InspectOptions,
) -> Result<Preview, ConvertError> {
    let mut walk = task.range.walk(source)?;
    inspected(task, header, inspecting, |writer| write_walk(&mut walk, task, options, survey, vec![writer]))
}

/// Inspects what is written.
fn inspected(
    task: &RangeTask,
    header: &Header,
    inspecting: &InspectOptions,
    write: impl FnOnce(&mut dyn Write) -> Result<RangeReport, ConvertError>,
) -> Result<Preview, ConvertError> {
    let output = task.outputs.first().ok_or(ConvertError::Refused)?;
    let (begin, end) = (output.offset, output.offset + output.bytes);
    let position =
        Boundary { offset: begin, database: output.selected.unwrap_or(0) }.position(header.clone());
    let (reader, writer) = pipe().map_err(ConvertError::Read)?;
    thread::scope(|scope| {
        let inspect = || inspect_up_to(reader, &position, end, inspecting, &mut |_| Control::Continue);
        let inspecting = scope.spawn(inspect);
        // The pipe is closed at the end of the writer, however it ends.
        let report = {
            let mut writer = BufWriter::with_capacity(BUFFERED_BYTES, writer);
            let report = write(&mut writer);
            let flushed = writer.flush();
            report.and_then(|report| flushed.map(|()| report).map_err(ConvertError::Write))
        };
        let inspection = inspecting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let inspection = inspection.map_err(ConvertError::Read)?;
        Ok(Preview { report: report?, inspection: (end > begin).then_some(inspection) })
    })
}

/// The inspection of the new file, from those of all ranges in file order.
///
/// # Errors
/// As [`Finished`]; [`ConvertError::Changed`] if the ranges do not make a whole.
pub fn assemble_previews(
    plan: &Plan,
    previews: impl IntoIterator<Item = Preview>,
    inspecting: &InspectOptions,
) -> Result<Inspection, ConvertError> {
    let (mut finished, mut records) = (Finished::new(plan), Vec::new());
    for Preview { report, inspection } in previews {
        finished.add(report)?;
        records.extend(inspection);
    }
    assemble_file(plan, &finished, records, inspecting)
}

/// Puts head and tail around the records of a new file.
fn assemble_file(
    plan: &Plan,
    finished: &Finished<'_>,
    records: impl IntoIterator<Item = RangeInspection>,
    inspecting: &InspectOptions,
) -> Result<Inspection, ConvertError> {
    let size = plan.file_bytes().next().unwrap_or(HEAD_BYTES + TAIL_BYTES);
    let read = |bytes: &[u8], start: &Position, end| {
        inspect_up_to(bytes, start, end, inspecting, &mut |_| Control::Continue).map_err(ConvertError::Read)
    };
    let mut ranges = vec![read(&head_bytes(plan), &Position::default(), HEAD_BYTES)?];
    ranges.extend(records);
    let tails = finished.tail_bytes()?;
    let last = Boundary { offset: size - TAIL_BYTES, database: plan.last_database().unwrap_or(0) };
    let tail = tails.first().map_or(&[][..], |tail| &tail[..]);
    ranges.push(read(tail, &last.position(plan.header()), size)?);
    match assemble(&ranges, size, 0) {
        Assembly::Whole(inspection) => Ok(*inspection),
        Assembly::Gaps(gaps) => {
            let at = gaps.first().map_or(0, |gap| gap.start.offset());
            Err(ConvertError::Changed(format!("the new file cannot be read at offset {at}")))
        }
    }
}

/// Inspects what [`crate::write()`] would write.
///
/// # Errors
/// As [`crate::write()`].
pub fn preview<R: Read>(
    source: R,
    options: &Options,
    plan: &Plan,
    inspecting: &InspectOptions,
) -> Result<Inspection, ConvertError> {
    let task = plan.whole_task().filter(|_| plan.report.refused.is_empty()).ok_or(ConvertError::Refused)?;
    let (mut walk, inspecting) = (Walk::new(source)?, plan.inspecting(inspecting));
    let whole = inspected(&task, &plan.header(), &inspecting, |writer| {
        write_walk(&mut walk, &task, options, plan.survey(), vec![writer])
    })?;
    let mut finished = Finished::new(plan);
    finished.add_any(whole.report);
    assemble_file(plan, &finished, whole.inspection, &inspecting)
}

/// Inspects what [`crate::write_ranges`] would write, with several threads.
///
/// # Errors
/// As [`crate::write_ranges`].
pub fn preview_ranges<S: Source + ?Sized>(
    source: &S,
    threads: usize,
    options: &Options,
    plan: &Plan,
    inspecting: &InspectOptions,
    watch: &(dyn Fn(u64) + Sync),
) -> Result<Inspection, ConvertError> {
    if !plan.report.refused.is_empty() {
        return Err(ConvertError::Refused);
    }
    let (header, inspecting) = (plan.header(), plan.inspecting(inspecting));
    let preview = |index: &usize| {
        let task = plan.task(*index).ok_or(ConvertError::Refused)?;
        let source = watched(source, &task.range, watch)?;
        preview_range(source, &task, options, plan.survey(), &header, &inspecting)
    };
    let mut previews = Vec::new();
    let indices: Vec<usize> = (0..plan.range_count()).collect();
    in_order(&indices, threads, &preview, &mut |preview| {
        previews.push(preview);
        Ok(())
    })?;
    assemble_previews(plan, previews, &inspecting)
}

impl Plan {
    /// Options to inspect the new file with.
    pub fn inspecting(&self, options: &InspectOptions) -> InspectOptions {
        InspectOptions { size_bytes: self.file_bytes().next(), ..options.clone() }
    }
}
