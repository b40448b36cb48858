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
        position::Position,
        progress::{Control, Progress},
    },
};

/// Ranges are at least this large, so that finding their first record costs next to nothing.
const LEAST_RANGE_BYTES: u64 = 4 << 20;
/// Larger ranges would leave some threads idle if the file is slow to read.
const MOST_RANGE_BYTES: u64 = 128 << 20;

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
    let size_bytes = source.size_bytes();
    let options = &InspectOptions { size_bytes: Some(size_bytes), ..options.clone() };
    let header = read_header(source)?;
    let ranges = cut(size_bytes, threads);
    match header {
        Some(header) if ranges.len() > 1 && threads > 1 => {
            Work::new(source, options, watch, &header, ranges).run(threads)
        }
        // Small files, and files that are not RDB files.
        _ => sequentially(source, options, watch),
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
