//! Readings of a source: in sequence, or in ranges by several threads. What is found does not depend on which it is.

mod in_order;

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
};

use rdb_scan::{
    Source,
    walk::{FieldNames, Walk},
};

pub(crate) use self::in_order::in_order;
use crate::{ConvertError, RecordRange};

/// A walk over a range.
pub(crate) type RangeWalk<'r> = Walk<Box<dyn Read + 'r>>;
/// What is done with a range.
pub(crate) type Work<'w, T> =
    &'w (dyn Fn(&mut RangeWalk<'_>, &RecordRange) -> Result<T, ConvertError> + Sync);
/// What is done with the results, in file order.
pub(crate) type Fold<'f, T> = &'f mut (dyn FnMut(T) -> Result<(), ConvertError> + Send);

/// A source that can be read several times.
pub(crate) trait Readings {
    /// Reads all ranges, and folds the results in file order.
    fn each<T: Send>(&mut self, work: Work<'_, T>, fold: Fold<'_, T>) -> Result<(), ConvertError>;
}

/// Reads a source from its start, as one range.
pub(crate) struct InSequence<F>(F);

impl<F> InSequence<F> {
    pub(crate) fn new(open: F) -> Self {
        Self(open)
    }
}

impl<R: Read, F: FnMut() -> io::Result<R>> Readings for InSequence<F> {
    fn each<T: Send>(&mut self, work: Work<'_, T>, fold: Fold<'_, T>) -> Result<(), ConvertError> {
        let source: Box<dyn Read> = Box::new((self.0)()?);
        let mut walk = Walk::new(source)?;
        let range = RecordRange::whole(walk.header());
        fold(work(&mut walk, &range)?)
    }
}

/// Reads the ranges of a source with several threads.
pub(crate) struct InRanges<'s, S: ?Sized> {
    pub(crate) source: &'s S,
    pub(crate) ranges: &'s [RecordRange],
    pub(crate) threads: usize,
    pub(crate) watch: &'s (dyn Fn(u64) + Sync),
}

impl<S: Source + ?Sized> Readings for InRanges<'_, S> {
    fn each<T: Send>(&mut self, work: Work<'_, T>, fold: Fold<'_, T>) -> Result<(), ConvertError> {
        let read = |range: &RecordRange| {
            let source: Box<dyn Read + '_> = Box::new(watched(self.source, range, self.watch)?);
            work(&mut range.walk(source)?, range)
        };
        in_order(self.ranges, self.threads, &read, fold)
    }
}

/// Reads the templates of a source, if there are any, and gives them to its ranges.
pub(crate) fn with_templates<S: Source + ?Sized>(
    source: &S,
    ranges: &[RecordRange],
) -> Result<Vec<RecordRange>, ConvertError> {
    if !ranges.iter().any(RecordRange::needs_templates) {
        return Ok(ranges.to_vec());
    }
    let templates = FieldNames::of_head(source, u64::MAX)?;
    ranges.iter().map(|range| range.clone().with_templates(&templates)).collect()
}

/// Opens a source at the first record of a range.
pub(crate) fn watched<'s, S: Source + ?Sized>(
    source: &'s S,
    range: &RecordRange,
    watch: &'s (dyn Fn(u64) + Sync),
) -> io::Result<Watched<'s>> {
    watched_bytes(source, range.from.offset..range.end.unwrap_or_else(|| source.size_bytes()), watch)
}

/// Opens a range of bytes of a source.
pub(crate) fn watched_bytes<'s, S: Source + ?Sized>(
    source: &'s S,
    bytes: Range<u64>,
    watch: &'s (dyn Fn(u64) + Sync),
) -> io::Result<Watched<'s>> {
    let left = bytes.end.saturating_sub(bytes.start);
    Ok(Watched { reader: source.open(bytes)?, left, watch })
}

/// A reader that reports what it has read, and reads nothing beyond its range.
pub(crate) struct Watched<'s> {
    reader: Box<dyn Read + Send + 's>,
    left: u64,
    watch: &'s (dyn Fn(u64) + Sync),
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.reader.read(&mut buffer[..most])?;
        self.left -= read as u64;
        (self.watch)(read as u64);
        Ok(read)
    }
}
