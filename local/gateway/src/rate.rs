//! A limit on the rate of calls.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// A bucket of tokens: it holds those of one second, and each call takes one.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    state: Mutex<(f64, Instant)>,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, state: Mutex::new((per_second, Instant::now())) }
    }

    /// Whether one more call is within the limit.
    pub(crate) fn admits(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, since) = *state;
        let now = Instant::now();
        let tokens =
            (tokens + now.duration_since(since).as_secs_f64() * self.per_second).min(self.per_second);
        let admitted = tokens >= 1.0;
        *state = (if admitted { tokens - 1.0 } else { tokens }, now);
        admitted
    }
}
