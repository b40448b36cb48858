//! The entry points for one pass over a file, or over a part of it.

use std::io::{
    Read, {self},
};

pub use super::options::InspectOptions;
use crate::{
    inspection::{Crc, Inspection, RdbInfo, Tally},
    reading::{
        Reached, Reading,
        header::Header,
        position::Position,
        progress::{Control, Watch},
    },
    scan::{Inside, Scan, template::Templates, visit::Visitor},
};

/// The result of a scan.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspected {
    /// The end was reached, or a fault after which nothing can be trusted.
    Complete(Inspection),
    /// A pause was requested: what was found so far, and the position to continue from.
    Paused(Inspection, Position),
}

/// Reads a file from `start`. `source` must have been opened at its offset.
///
/// `watch` is called after the first record, and then about every 256 KiB, also inside values. At least one record or
/// 256 KiB are read between a start and a pause.
///
/// # Errors
/// Only errors of the source, and `InvalidInput` for a position that no scan returned. Damage in the file itself is in
/// [`Inspection::faults`].
pub fn inspect<R: Read>(
    mut source: R,
    start: &Position,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<Inspected> {
    inspect_dyn(&mut source, start, options, watch)
}

fn inspect_dyn(
    source: &mut dyn Read,
    start: &Position,
    options: &InspectOptions,
    watch: Watch<'_>,
) -> io::Result<Inspected> {
    scan_dyn(source, start, options, (), watch).map(|(inspected, ())| inspected)
}

/// Reads a file like [`inspect`], and passes everything on the way to `visitor`.
///
/// # Errors
/// As [`inspect`].
pub fn scan<R: Read, V: Visitor>(
    mut source: R,
    start: &Position,
    options: &InspectOptions,
    visitor: V,
    watch: Watch<'_>,
) -> io::Result<(Inspected, V)> {
    scan_dyn(&mut source, start, options, visitor, watch)
}

fn scan_dyn<V: Visitor>(
    source: &mut dyn Read,
    start: &Position,
    options: &InspectOptions,
    visitor: V,
    watch: Watch<'_>,
) -> io::Result<(Inspected, V)> {
    let (mut reading, header) =
        open(source, start, options, |database| (Tally::new(options, database), visitor))?;
    let reached = match &header {
        Some(header) if header.is_readable() => read(&mut reading, header, start, u64::MAX, watch)?,
        _ => Reached::Fault,
    };
    let mut inspection = reading.scan.visitor.0.take();
    inspection.part.begins_inside = start.inside.is_some();
    let position = close(&mut inspection, &mut reading, start.offset, header.as_ref(), reached);
    let visitor = reading.scan.visitor.1;
    inspection.settle();
    Ok(match position {
        None => (Inspected::Complete(inspection), visitor),
        Some(position) => (Inspected::Paused(inspection, position), visitor),
    })
}

/// Begins to read at a position, with the visitor for the database there. Reads the header if that is the start of the
/// file.
pub(crate) fn open<'r, V: Visitor>(
    source: &'r mut dyn Read,
    start: &Position,
    options: &InspectOptions,
    visitor: impl FnOnce(Option<u64>) -> V,
) -> io::Result<(Reading<'r, V>, Option<Header>)> {
    start.check()?;
    let database = if start.offset == 0 { Some(0) } else { start.database };
    let magic = start.header.as_ref().map(|header| header.magic).unwrap_or_default();
    let mut scan = Scan::new(visitor(database), magic, database, !options.hide_keys);
    if let Some(header) = &start.header {
        header.lead(&mut scan, start.offset);
    }
    options.prepare(&mut scan);
    if let Some(inside) = &start.inside {
        scan.resume(Inside::clone(inside));
    }
    let mut reading = Reading::new(source, start.offset, options.size_bytes, scan);
    reading.suspect = start.suspect;
    let header = match &start.header {
        Some(header) => Some(header.clone()),
        None => reading.header()?,
    };
    Ok((reading, header))
}

/// Reads one record, calls `watch`, and reads on up to the first record at or after `end`.
pub(crate) fn read<V: Visitor>(
    reading: &mut Reading<'_, V>,
    header: &Header,
    start: &Position,
    end: u64,
    watch: Watch<'_>,
) -> io::Result<Reached> {
    let first = end.min(reading.window.offset().max(start.offset) + 1);
    match reading.run(first, header.version, watch)? {
        Reached::Limit if watch(&reading.progress()) == Control::Pause => Ok(Reached::Limit),
        Reached::Limit => reading.run(end, header.version, watch),
        reached => Ok(reached),
    }
}

/// Records where and how reading ended. Returns the position to continue from, if there is one.
pub(crate) fn close<V: Visitor>(
    inspection: &mut Inspection,
    reading: &mut Reading<'_, V>,
    start: u64,
    header: Option<&Header>,
    reached: Reached,
) -> Option<Position> {
    inspection.start = start;
    inspection.complete = matches!(reached, Reached::End(_) | Reached::Fault);
    inspection.part.beginning = reading.beginning.take();
    inspection.part.zeros_from = reading.zeros_from(matches!(reached, Reached::Fault));
    let mut crc = Crc::Unchecked;
    let mut inside = None;
    inspection.end = match reached {
        Reached::End(trailer) => {
            if trailer.stored_crc.is_none() {
                crc = Crc::Absent;
            }
            inspection.part.crc = trailer.crc;
            inspection.part.crc_bytes = trailer.crc_bytes;
            inspection.part.stored_crc = trailer.stored_crc;
            inspection.part.end_mark = trailer.end_mark;
            trailer.end
        }
        Reached::Fault => {
            inspection.part.suspect = reading.suspect.take();
            reading.scan.record_offset()
        }
        Reached::Inside(place) => {
            inspection.part.ends_inside = true;
            inside = Some(place);
            reading.window.offset()
        }
        Reached::Limit => reading.window.offset(),
    };
    (inspection.stretches, inspection.part.least_stretch_bytes) = reading.scan.take_stretches(inspection.end);
    let templates = reading.scan.templates();
    inspection.part.templates.clone_from(&templates);
    if let Some(&Header { version, magic, ref templates, .. }) = header {
        inspection.part.first_templates = templates.as_ref().map(Templates::digest);
        inspection.rdb = Some(RdbInfo { version, magic, bytes: inspection.end, crc });
    }
    if inspection.complete {
        return None;
    }
    inspection.part.crc = reading.window.crc();
    inspection.part.crc_bytes = inspection.end - start;
    let header = header.map(|header| header.for_position(templates));
    let suspect = if inside.is_some() { reading.suspect.take() } else { None };
    Some(Position { offset: inspection.end, database: reading.scan.database, header, inside, suspect })
}
