//! Work on many items by several threads, with results in order.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use super::Fold;
use crate::ConvertError;

/// The progress of the threads.
struct State<'f, T> {
    /// The number of items that were taken, and of those whose results were folded.
    taken: usize,
    folded: usize,
    /// Results that are there before all those that precede them.
    waiting: BTreeMap<usize, Result<T, ConvertError>>,
    fold: Fold<'f, T>,
    failed: Option<ConvertError>,
    /// Whether nothing more is to be done.
    done: bool,
}

/// What the threads share.
struct Shared<'f, T> {
    state: Mutex<State<'f, T>>,
    may_continue: Condvar,
}

/// Does work on every item, in several threads, and folds the results in the order of the items. Of several errors the
/// first in this order is returned.
pub(crate) fn in_order<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    work: &(dyn Fn(&I) -> Result<T, ConvertError> + Sync),
    fold: Fold<'_, T>,
) -> Result<(), ConvertError> {
    let threads = threads.clamp(1, items.len().max(1));
    let (waiting, failed) = (BTreeMap::new(), None);
    let state = Mutex::new(State { taken: 0, folded: 0, waiting, fold, failed, done: false });
    let shared = Shared { state, may_continue: Condvar::new() };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| shared.take_part(items, threads, work));
        }
        shared.take_part(items, threads, work);
    });
    let failed = shared.lock().failed.take();
    failed.map_or(Ok(()), Err)
}

impl<'f, T> Shared<'f, T> {
    fn take_part<I>(
        &self,
        items: &[I],
        threads: usize,
        work: &(dyn Fn(&I) -> Result<T, ConvertError> + Sync),
    ) {
        let _ends = EndsWithAPanic(self);
        while let Some((index, item)) = self.next(items, threads) {
            self.add(index, work(item));
        }
    }

    /// The next item, once those before it are nearly done: results that wait take memory.
    fn next<'i, I>(&self, items: &'i [I], threads: usize) -> Option<(usize, &'i I)> {
        let waits = |state: &mut State<'f, T>| state.taken > state.folded + threads + 1 && !state.done;
        let mut state =
            self.may_continue.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        let (index, item) = (state.taken, items.get(state.taken).filter(|_| !state.done)?);
        state.taken += 1;
        Some((index, item))
    }

    fn add(&self, index: usize, result: Result<T, ConvertError>) {
        let mut state = self.lock();
        state.waiting.insert(index, result);
        let state = &mut *state;
        while !state.done
            && let Some(result) = state.waiting.remove(&state.folded)
        {
            match result.and_then(|result| (state.fold)(result)) {
                Ok(()) => state.folded += 1,
                Err(error) => (state.failed, state.done) = (Some(error), true),
            }
        }
        self.may_continue.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<'f, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the work if a thread panics, such as in the caller's code: the others would wait for its result.
struct EndsWithAPanic<'s, 'f, T>(&'s Shared<'f, T>);

impl<T> Drop for EndsWithAPanic<'_, '_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().done = true;
            self.0.may_continue.notify_all();
        }
    }
}
