//! The work of several threads on the ranges of one file: each takes the next range, reads it, and joins what can be
//! joined.

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use super::LEAST_RANGE_BYTES;
use crate::{
    bytes::source::Source,
    inspection::{Elsewhere, Inspection, inspect::InspectOptions},
    parts::{
        assemble::{Chain, Gap},
        range::{RangeInspection, inspect_range_among, inspect_up_to},
    },
    reading::{
        header::Header,
        position::Boundary,
        progress::{Control, Progress},
    },
};

/// State that the threads share.
pub(super) struct Work<'w, S: ?Sized> {
    source: &'w S,
    options: &'w InspectOptions,
    watch: &'w (dyn Fn(&Progress) -> Control + Sync),
    header: &'w Header,
    ranges: Vec<Range<u64>>,
    state: Mutex<State>,
    may_go_on: Condvar,
    read: AtomicU64,
    keys: AtomicU64,
    /// Whether the caller has aborted.
    aborted: AtomicBool,
    /// Whether nothing more is to be read: the end was reached, or something failed.
    done: AtomicBool,
    /// The offset up to which the file has been joined. Ranges that end before it are not needed.
    covered: AtomicU64,
}

/// The progress of the threads.
struct State {
    /// The number of ranges that were taken.
    taken: usize,
    /// The number of ranges that were joined.
    joined: usize,
    /// Ranges that were read before all those that precede them.
    waiting: BTreeMap<usize, io::Result<RangeInspection>>,
    /// What has been joined; absent while a thread adds to it.
    chain: Option<Chain>,
    /// What has been joined so far, as far as it saves work in later ranges.
    elsewhere: Elsewhere,
    failed: Option<io::Error>,
}

impl<'w, S: Source + ?Sized> Work<'w, S> {
    pub(super) fn new(
        source: &'w S,
        options: &'w InspectOptions,
        watch: &'w (dyn Fn(&Progress) -> Control + Sync),
        header: &'w Header,
        ranges: Vec<Range<u64>>,
    ) -> Self {
        let chain = Some(Chain::default());
        let (waiting, elsewhere) = (BTreeMap::new(), Elsewhere::default());
        Self {
            source,
            options,
            watch,
            header,
            ranges,
            state: Mutex::new(State { taken: 0, joined: 0, waiting, chain, elsewhere, failed: None }),
            may_go_on: Condvar::new(),
            read: AtomicU64::new(0),
            keys: AtomicU64::new(0),
            aborted: AtomicBool::new(false),
            done: AtomicBool::new(false),
            covered: AtomicU64::new(0),
        }
    }

    /// Reads the file, and notes where its ranges meet. There is no result if the caller aborted.
    pub(super) fn run(self, threads: usize) -> io::Result<Option<(Inspection, Vec<Boundary>)>> {
        let threads = threads.min(self.ranges.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.take_part(threads));
            }
            self.take_part(threads);
        });
        let mut state = self.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        let mut chain = state.chain.take().unwrap_or_default();
        drop(state);
        let rest = chain.gap(self.source.size_bytes()).filter(|_| !chain.is_complete() && !self.is_aborted());
        if let Some(gap) = rest {
            chain.add(self.read_gap(&gap)?);
        }
        let complete = chain.is_complete() && !self.is_aborted();
        let boundaries = chain.boundaries;
        Ok(chain.whole.filter(|_| complete).map(|whole| (whole, boundaries)))
    }

    fn take_part(&self, threads: usize) {
        let _ends = EndsWithAPanic(self);
        while let Some((index, elsewhere)) = self.next_range(threads) {
            let range = self.inspect(index, elsewhere);
            // A record that extends into later ranges: searching for records there would be in vain.
            let overran = range.as_ref().is_ok_and(reaches_into_next);
            self.join(index, range);
            if overran {
                drop(self.wait_while(|state| state.joined <= index));
            }
        }
    }

    /// The next range to read, once the ranges before it are nearly done: results that wait take memory.
    fn next_range(&self, threads: usize) -> Option<(usize, Elsewhere)> {
        let mut state = self.wait_while(|state| state.taken > state.joined + threads + 1);
        if state.taken >= self.ranges.len() || self.is_done() {
            return None;
        }
        state.taken += 1;
        Some((state.taken - 1, state.elsewhere))
    }

    fn inspect(&self, index: usize, elsewhere: Elsewhere) -> io::Result<RangeInspection> {
        let mut range = self.ranges.get(index).cloned().unwrap_or_default();
        // A record begins where the joined part ends, so it need not be searched for.
        range.start = range.start.max(self.covered.load(Ordering::Relaxed).min(range.end));
        let needed_from = range.end;
        let is_needed = || self.covered.load(Ordering::Relaxed) < needed_from;
        if !is_needed() {
            return Ok(RangeInspection::empty(range));
        }
        let mut source = self.source.open(range.clone())?;
        let mut seen = Progress { offset: range.start, keys: 0 };
        inspect_range_among(&mut source, range, self.header, self.options, elsewhere, &mut |progress| {
            let control = self.tell(progress, &mut seen);
            if is_needed() { control } else { Control::Pause }
        })
    }

    /// Adds the progress of one thread to the total.
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
        if self.is_aborted() || self.is_done() { Control::Pause } else { Control::Continue }
    }

    /// Joins a range, and the ranges that waited for it. If another thread is joining, it does so instead: no thread
    /// waits.
    fn join(&self, index: usize, range: io::Result<RangeInspection>) {
        let mut state = self.lock();
        state.waiting.insert(index, range);
        while let Some(mut chain) = state.chain.take() {
            let index = state.joined;
            let Some(range) = state.waiting.remove(&index).filter(|_| !self.is_done()) else {
                state.chain = Some(chain);
                break;
            };
            drop(state);
            // A paused range is not needed: either everything stops, or it was already joined in another way.
            let added =
                range.and_then(|range| if self.is_aborted() { Ok(()) } else { self.add(&mut chain, range) });
            state = self.lock();
            state.joined += 1;
            if added.is_err() || chain.is_complete() || self.is_aborted() {
                self.done.store(true, Ordering::Relaxed);
            }
            state.failed = added.err();
            state.elsewhere = chain.whole.as_ref().map(Elsewhere::of).unwrap_or_default();
            state.chain = Some(chain);
            self.may_go_on.notify_all();
        }
    }

    /// Adds the next range to the chain, and before it what lies between them if they do not meet.
    fn add(&self, chain: &mut Chain, range: RangeInspection) -> io::Result<()> {
        if range.span().is_none() {
            return Ok(());
        }
        if let Some(gap) = chain.missing(&range) {
            chain.add(self.read_gap(&gap)?);
        }
        // If it still does not meet the chain, the gap is read before a later range is added.
        chain.add(range);
        if let Some(whole) = &chain.whole {
            self.covered.store(whole.end, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_gap(&self, gap: &Gap) -> io::Result<RangeInspection> {
        let source = self.source.open(gap.start.offset()..gap.end)?;
        inspect_up_to(source, &gap.start, gap.end, self.options, &mut |progress| {
            // These bytes were already counted when they were read first.
            self.tell(progress, &mut progress.clone())
        })
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waits = |state: &mut State| condition(state) && !self.is_done();
        self.may_go_on.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// Ends the work if a thread panics, such as in the caller's code: the others would wait for its range.
struct EndsWithAPanic<'w, 's, S: ?Sized>(&'w Work<'s, S>);

impl<S: ?Sized> Drop for EndsWithAPanic<'_, '_, S> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _state = self.0.state.lock();
            self.0.done.store(true, Ordering::Relaxed);
            self.0.may_go_on.notify_all();
        }
    }
}

/// Whether a record at the end of a range extends into later ranges: searching for records there would be in vain.
fn reaches_into_next(range: &RangeInspection) -> bool {
    range.span().is_some_and(|span| span.end >= range.range.end + LEAST_RANGE_BYTES)
}
