//! Reads one file on all cores.

mod work;

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
};

use self::work::Work;
use crate::{
    bytes::source::Source,
    format::HEADER_BYTES,
    inspection::{
        Inspection,
        inspect::{InspectOptions, Inspected, inspect},
    },
    reading::{
        header::{Header, parse},
        position::{Boundary, Position},
        progress::{Control, Progress},
    },
    walk::FieldNames,
};

/// Ranges are at least this large, so that finding their first record costs next to nothing.
const LEAST_RANGE_BYTES: u64 = 4 << 20;
/// Larger ranges would leave some threads idle if the file is slow to read.
const MOST_RANGE_BYTES: u64 = 128 << 20;
/// Files are cut as for this many threads if boundaries are wanted, so that these do not depend on the machine.
const THREADS_OF_BOUNDARIES: usize = 8;

/// Reads a whole file with several threads. The result is that of [`inspect`], whatever the number of threads.
///
/// All threads call `watch`, with the number of bytes that they have read together. [`Control::Pause`] aborts, and
/// there is no result. Each thread takes some 5 MiB of memory.
///
/// # Errors
/// Only errors of the source.
pub fn inspect_parallel<S: Source + ?Sized>(
    source: &S,
    threads: usize,
    options: &InspectOptions,
    watch: &(dyn Fn(&Progress) -> Control + Sync),
) -> io::Result<Option<Inspection>> {
    let ranges = if threads > 1 { cut(source.size_bytes(), threads) } else { Vec::new() };
    Ok(inspect_ranges(source, threads, ranges, options, watch)?.map(|(inspection, _)| inspection))
}

/// As [`inspect_parallel`], and returns boundaries between records, in ascending order: some 4 to 128 MiB apart, by the
/// size of the file, or further where a record is larger. Parts between them can be read in any order.
/// All of them are certain; which of them are found may depend on the threads.
///
/// # Errors
/// As [`inspect_parallel`].
pub fn inspect_with_boundaries<S: Source + ?Sized>(
    source: &S,
    threads: usize,
    options: &InspectOptions,
    watch: &(dyn Fn(&Progress) -> Control + Sync),
) -> io::Result<Option<(Inspection, Vec<Boundary>)>> {
    let ranges = cut(source.size_bytes(), THREADS_OF_BOUNDARIES);
    inspect_ranges(source, threads, ranges, options, watch)
}

fn inspect_ranges<S: Source + ?Sized>(
    source: &S,
    threads: usize,
    ranges: Vec<Range<u64>>,
    options: &InspectOptions,
    watch: &(dyn Fn(&Progress) -> Control + Sync),
) -> io::Result<Option<(Inspection, Vec<Boundary>)>> {
    let options = &InspectOptions { size_bytes: Some(source.size_bytes()), ..options.clone() };
    match read_header(source)? {
        Some(mut header) if ranges.len() > 1 => {
            if header.may_have_templates() {
                let head = FieldNames::of_head(source, u64::MAX)?;
                header.templates = Some(head.templates());
            }
            Work::new(source, options, watch, &header, ranges).run(threads.max(1))
        }
        // Small files, and files that are not RDB files.
        _ => Ok(sequentially(source, options, watch)?.map(|inspection| (inspection, Vec::new()))),
    }
}

fn sequentially<S: Source + ?Sized>(
    source: &S,
    options: &InspectOptions,
    watch: &(dyn Fn(&Progress) -> Control + Sync),
) -> io::Result<Option<Inspection>> {
    let mut aborted = false;
    let file = source.open(0..source.size_bytes())?;
    let inspected = inspect(file, &Position::default(), options, &mut |progress| {
        let control = watch(progress);
        aborted |= control == Control::Pause;
        control
    })?;
    Ok(match inspected {
        Inspected::Complete(inspection) if !aborted => Some(inspection),
        _ => None,
    })
}

/// Ranges that get smaller towards the end. Each range has a cost, and small ones at the end let all threads finish at
/// about the same time.
fn cut(size_bytes: u64, threads: usize) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < size_bytes {
        let left = size_bytes - start;
        let share = left / (threads.max(1) as u64 * 3 / 2).max(1);
        let bytes = share.clamp(LEAST_RANGE_BYTES, MOST_RANGE_BYTES);
        // No tiny range is left over.
        let bytes = if left < bytes + LEAST_RANGE_BYTES / 2 { left } else { bytes };
        ranges.push(start..start + bytes);
        start += bytes;
    }
    ranges
}

fn read_header<S: Source + ?Sized>(source: &S) -> io::Result<Option<Header>> {
    let mut start = Vec::with_capacity(HEADER_BYTES);
    source.open(0..HEADER_BYTES as u64)?.take(HEADER_BYTES as u64).read_to_end(&mut start)?;
    Ok(parse(&start).ok().filter(Header::is_readable))
}
