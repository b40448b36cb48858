//! All cores on one file.
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;

use crate::assemble::{Chain, Gap};
use crate::header::{HEADER_BYTES, Header, parse};
use crate::inspect::{InspectOptions, Inspected, inspect};
use crate::inspection::{Elsewhere, Inspection};
use crate::position::Position;
use crate::progress::{Control, Progress};
use crate::range::{RangeInspection, inspect_range_among, inspect_up_to};
use crate::source::Source;

/// Ranges are not smaller than this, so that finding their first record costs next to nothing.
const LEAST_RANGE_BYTES: u64 = 8 << 20;
/// Larger ones would leave some threads without work where the file is slow to read.
const MOST_RANGE_BYTES: u64 = 128 << 20;

/// Reads a whole file with several threads. The result is the one of [`inspect`], whatever the number of threads.
///
/// `watch` is called by all threads, with the number of bytes that all of them have read; [`Control::Pause`] ends the
/// work, and then there is no result. Each thread takes some 5 MiB of memory.
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
    let work = Work {
        source,
        options,
        watch,
        ranges: cut(size_bytes, threads),
        next: Mutex::new(Next { range: 0, joined: 0 }),
        may_go_on: Condvar::new(),
        lead: threads + 1,
        read: AtomicU64::new(0),
        keys: AtomicU64::new(0),
        aborted: AtomicBool::new(false),
        done: AtomicBool::new(false),
        covered: AtomicU64::new(0),
        elsewhere: Mutex::default(),
    };
    match header {
        Some(header) if work.ranges.len() > 1 && threads > 1 => work.run(threads, &header),
        // Small files, and those that are no RDB files.
        _ => work.sequentially(),
    }
}

/// Ranges that get smaller towards the end: each costs something, and with small ones at the end all threads are done at
/// about the same time.
fn cut(size_bytes: u64, threads: usize) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < size_bytes {
        let left = size_bytes - start;
        let share = left / (threads.max(1) as u64 * 3 / 2).max(1);
        let bytes = share.clamp(LEAST_RANGE_BYTES, MOST_RANGE_BYTES);
        // No crumb is left over.
        let bytes = if left < bytes + LEAST_RANGE_BYTES / 2 { left } else { bytes };
        ranges.push(start..start + bytes);
        start += bytes;
    }
    ranges
}

/// Whether a record at the end of a range fills ranges behind it: looking for records there would be in vain.
fn reaches_into_next(range: &RangeInspection) -> bool {
    range.span().is_some_and(|span| span.end >= range.range.end + LEAST_RANGE_BYTES)
}

fn read_header<S: Source + ?Sized>(source: &S) -> io::Result<Option<Header>> {
    let mut start = Vec::with_capacity(HEADER_BYTES);
    source.open(0..HEADER_BYTES as u64)?.take(HEADER_BYTES as u64).read_to_end(&mut start)?;
    Ok(parse(&start).ok().filter(Header::is_known))
}

/// What the threads share.
struct Work<'w, S: ?Sized> {
    source: &'w S,
    options: &'w InspectOptions,
    watch: &'w (dyn Fn(&Progress) -> Control + Sync),
    ranges: Vec<Range<u64>>,
    next: Mutex<Next>,
    may_go_on: Condvar,
    /// Nobody takes a range that is further ahead of those that are joined: results that wait take memory.
    lead: usize,
    read: AtomicU64,
    keys: AtomicU64,
    aborted: AtomicBool,
    done: AtomicBool,
    /// What has been joined reaches up to here: ranges that end before are not needed.
    covered: AtomicU64,
    /// What has been joined makes superfluous in ranges to come.
    elsewhere: Mutex<Elsewhere>,
}

struct Next {
    range: usize,
    joined: usize,
}

impl<S: Source + ?Sized> Work<'_, S> {
    fn sequentially(&self) -> io::Result<Option<Inspection>> {
        let mut aborted = false;
        let source = self.source.open(0..self.source.size_bytes())?;
        let inspected = inspect(source, &Position::default(), self.options, &mut |progress| {
            let control = (self.watch)(progress);
            aborted |= control == Control::Pause;
            control
        })?;
        Ok(match inspected {
            Inspected::Complete(inspection) if !aborted => Some(inspection),
            _ => None,
        })
    }

    fn run(&self, threads: usize, header: &Header) -> io::Result<Option<Inspection>> {
        let (sender, results) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..threads.min(self.ranges.len()) {
                let sender = sender.clone();
                scope.spawn(move || {
                    while let Some(index) = self.take_range() {
                        let result = self.inspect(index, header);
                        let overran = result.as_ref().is_ok_and(reaches_into_next);
                        if sender.send((index, result)).is_err() {
                            return;
                        }
                        if overran {
                            self.wait_until_joined(index);
                        }
                    }
                });
            }
            drop(sender);
            let result = self.collect(&results);
            self.done.store(true, Ordering::Relaxed);
            self.joined(usize::MAX / 2);
            result
        })
    }

    /// The next range to read, once those before it are nearly done.
    fn take_range(&self) -> Option<usize> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        while next.range > next.joined + self.lead {
            next = self.may_go_on.wait(next).unwrap_or_else(PoisonError::into_inner);
        }
        if next.range >= self.ranges.len() || self.done.load(Ordering::Relaxed) {
            return None;
        }
        next.range += 1;
        Some(next.range - 1)
    }

    fn wait_until_joined(&self, range: usize) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        while next.joined <= range {
            next = self.may_go_on.wait(next).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn joined(&self, ranges: usize) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).joined = ranges;
        self.may_go_on.notify_all();
    }

    fn inspect(&self, index: usize, header: &Header) -> io::Result<RangeInspection> {
        let mut range = self.ranges.get(index).cloned().unwrap_or_default();
        // Where what has been joined ends, a record begins that need not be looked for.
        range.start = range.start.max(self.covered.load(Ordering::Relaxed).min(range.end));
        let needed_from = range.end;
        let is_needed = || self.covered.load(Ordering::Relaxed) < needed_from;
        if !is_needed() {
            return Ok(RangeInspection::empty(range));
        }
        let mut source = self.source.open(range.clone())?;
        let elsewhere = *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = Progress { offset: range.start, keys: 0 };
        inspect_range_among(&mut source, range, header, self.options, elsewhere, &mut |progress| {
            let control = self.tell(progress, &mut seen);
            if is_needed() { control } else { Control::Pause }
        })
    }

    /// Adds what one thread has read to what all have.
    fn tell(&self, progress: &Progress, seen: &mut Progress) -> Control {
        let bytes = progress.offset - seen.offset;
        let keys = progress.keys.saturating_sub(seen.keys);
        *seen = *progress;
        let offset = self.read.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let keys = self.keys.fetch_add(keys, Ordering::Relaxed) + keys;
        let total = Progress { offset: offset.min(self.source.size_bytes()), keys };
        if (self.watch)(&total) == Control::Pause {
            self.aborted.store(true, Ordering::Relaxed);
        }
        if self.aborted.load(Ordering::Relaxed) || self.done.load(Ordering::Relaxed) {
            Control::Pause
        } else {
            Control::Continue
        }
    }

    /// Joins the ranges in their order as they come, and reads what lies between two that do not meet.
    fn collect(
        &self,
        results: &mpsc::Receiver<(usize, io::Result<RangeInspection>)>,
    ) -> io::Result<Option<Inspection>> {
        let mut chain = Chain::default();
        let mut waiting = BTreeMap::new();
        for index in 0..self.ranges.len() {
            while !waiting.contains_key(&index) {
                let Ok((arrived, result)) = results.recv() else { return Ok(None) };
                waiting.insert(arrived, result);
            }
            if let Some(result) = waiting.remove(&index) {
                let range = result?;
                // A stop of everything is the only pause there is here.
                if self.aborted.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                self.add(&mut chain, range)?;
            }
            if chain.is_complete() || self.aborted.load(Ordering::Relaxed) {
                break;
            }
            self.joined(index + 1);
        }
        if let Some(gap) = chain.gap(self.source.size_bytes()).filter(|_| !chain.is_complete()) {
            let rest = self.read_gap(&gap)?;
            chain.add(rest);
        }
        let complete = chain.is_complete() && !self.aborted.load(Ordering::Relaxed);
        Ok(chain.whole.filter(|_| complete))
    }

    fn add(&self, chain: &mut Chain, range: RangeInspection) -> io::Result<()> {
        if range.span().is_none() {
            return Ok(());
        }
        if let Some(gap) = chain.missing(&range) {
            chain.add(self.read_gap(&gap)?);
        }
        // If it does not meet the chain even now, what follows it will be found missing in its turn.
        chain.add(range);
        if let Some(whole) = &chain.whole {
            self.covered.store(whole.end, Ordering::Relaxed);
            *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = Elsewhere::of(whole);
        }
        Ok(())
    }

    fn read_gap(&self, gap: &Gap) -> io::Result<RangeInspection> {
        let source = self.source.open(gap.start.offset()..gap.end)?;
        inspect_up_to(source, &gap.start, gap.end, self.options, &mut |progress| {
            // These bytes were counted when they were read for the first time.
            self.tell(progress, &mut progress.clone())
        })
    }
}
