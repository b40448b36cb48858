//! Writing new files with several threads.

use std::{
    io::{Read, Write},
    ops::Range,
};

use rdb_scan::{Source, walk::Crc64};

use super::{Finished, RangeReport, Written, head_bytes, write_range};
use crate::{
    ConvertError, Options, Plan, Report,
    output::{TAIL_BYTES, failed},
    readings::{in_order, watched, watched_bytes},
};

/// A stretch is copied in pieces of this size, so that threads share a long one.
const PIECE_BYTES: u64 = 16 << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// What one thread does at a time.
enum Work {
    /// Reads the records of a range, and writes them.
    Range(usize),
    /// Copies bytes of the source into the first new file.
    Copy(Piece),
}

/// A piece of a stretch.
struct Piece {
    bytes: Range<u64>,
    /// Where it goes in the new file.
    offset: u64,
    /// What precedes the stretch there; only before its first piece.
    before: Vec<u8>,
    /// The report of the whole stretch; only after its last piece.
    last: Option<RangeReport>,
}

/// What a thread has done.
enum Done {
    Range(RangeReport),
    Copied { written: Written, last: Option<RangeReport> },
}

/// As [`write`](super::write), with several threads, each of which writes ranges at their places. The bytes are the
/// same. Ranges that are stretches, which [`RecordRange::around`](crate::RecordRange::around) makes, are copied without
/// reading their records.
///
/// `open` returns a writer for a new file, by its index, from an offset on. All threads call `watch` with the number of
/// bytes that they have read since.
///
/// # Errors
/// As [`write`](super::write).
pub fn write_ranges<S: Source + ?Sized, W: Write>(
    source: &S,
    threads: usize,
    options: &Options,
    plan: &Plan,
    open: &(dyn Fn(usize, u64) -> W + Sync),
    watch: &(dyn Fn(u64) + Sync),
) -> Result<Report, ConvertError> {
    if !plan.report.refused.is_empty() {
        return Err(ConvertError::Refused);
    }
    let mut finished = Finished::new(plan);
    let work = |work: &Work| match work {
        Work::Range(index) => {
            let task = plan.task(*index).ok_or(ConvertError::Refused)?;
            let source = watched(source, &task.range, watch)?;
            let writers = task.outputs.iter().enumerate().map(|(file, output)| open(file, output.offset));
            write_range(source, &task, options, &plan.survey, writers.collect()).map(Done::Range)
        }
        Work::Copy(piece) => {
            let reader = watched_bytes(source, piece.bytes.clone(), watch)?;
            let written = copy(reader, piece, open(0, piece.offset))?;
            Ok(Done::Copied { written, last: piece.last.clone() })
        }
    };
    let mut copied = Written { bytes: 0, crc: 0 };
    in_order(&all_work(plan), threads, &work, &mut |done| match done {
        Done::Range(report) => finished.add(report),
        Done::Copied { written, last } => {
            let crc = Crc64::combine(copied.crc, written.crc, written.bytes);
            copied = Written { bytes: copied.bytes + written.bytes, crc };
            let Some(report) = last else { return Ok(()) };
            let is_as_inspected =
                report.outputs == [std::mem::replace(&mut copied, Written { bytes: 0, crc: 0 })];
            if !is_as_inspected {
                let message = format!("the stretch at offset {} is not as it was", report.start);
                return Err(ConvertError::Changed(message));
            }
            finished.add(report)
        }
    })?;
    let head = head_bytes(plan);
    for (file, (tail, bytes)) in finished.tail_bytes()?.iter().zip(plan.file_bytes()).enumerate() {
        for (offset, part) in [(0, &head[..]), (bytes - TAIL_BYTES, &tail[..])] {
            let mut writer = open(file, offset);
            writer.write_all(part).and_then(|()| writer.flush()).map_err(failed)?;
        }
    }
    Ok(plan.report.clone())
}

/// All work of a plan, in file order.
fn all_work(plan: &Plan) -> Vec<Work> {
    let mut all = Vec::new();
    for index in 0..plan.range_count() {
        let Some(task) = plan.task(index) else { break };
        match (task.copied(), task.range.end, task.outputs.first()) {
            (Some((before, report)), Some(end), Some(output)) => {
                all.extend(
                    pieces(task.range.from.offset..end, output.offset, before, &report).map(Work::Copy),
                );
            }
            _ => all.push(Work::Range(index)),
        }
    }
    all
}

fn pieces(
    stretch: Range<u64>,
    offset: u64,
    before: Vec<u8>,
    report: &RangeReport,
) -> impl Iterator<Item = Piece> {
    let Range { start, end } = stretch;
    let shift = offset + before.len() as u64;
    (start..end).step_by(PIECE_BYTES as usize).map(move |from| {
        let to = end.min(from + PIECE_BYTES);
        let is_first = from == start;
        Piece {
            bytes: from..to,
            offset: if is_first { offset } else { shift + (from - start) },
            before: if is_first { before.clone() } else { Vec::new() },
            last: (to == end).then(|| report.clone()),
        }
    })
}

fn copy(mut reader: impl Read, piece: &Piece, mut writer: impl Write) -> Result<Written, ConvertError> {
    let mut written = Written { bytes: 0, crc: 0 };
    let mut crc = Crc64::default();
    let mut put = |bytes: &[u8]| {
        crc.update(bytes);
        written.bytes += bytes.len() as u64;
        writer.write_all(bytes).map_err(failed)
    };
    put(&piece.before)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => put(&buffer[..read])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    writer.flush().map_err(failed)?;
    Ok(Written { crc: crc.value(), ..written })
}
