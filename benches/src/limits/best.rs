//! The best of several runs, measured in processor time: nothing here waits for anything, so that other work on the
//! machine matters less.
use std::{
    hint::black_box,
    process::{Command, Stdio},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};

/// The shortest time so far in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Best {
    pub(super) seconds: f64,
}

impl Default for Best {
    fn default() -> Self {
        Self { seconds: f64::INFINITY }
    }
}

impl Best {
    /// Runs a function once more.
    pub(super) fn time<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let started = processor_seconds(UsageWho::RUSAGE_SELF);
        let result = black_box(run());
        self.note(processor_seconds(UsageWho::RUSAGE_SELF) - started);
        result
    }

    /// Runs another program once more. Records nothing if it is missing or fails.
    pub(super) fn time_program(&mut self, command: &mut Command) {
        let started = processor_seconds(UsageWho::RUSAGE_CHILDREN);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if status.is_ok_and(|status| status.success()) {
            self.note(processor_seconds(UsageWho::RUSAGE_CHILDREN) - started);
        }
    }

    /// The shortest time in seconds; `None` if nothing has run.
    pub(super) fn known(self) -> Option<f64> {
        self.seconds.is_finite().then_some(self.seconds)
    }

    fn note(&mut self, seconds: f64) {
        self.seconds = self.seconds.min(seconds);
    }

    /// The shortest of several times in seconds.
    pub(super) fn of(several: &[Self]) -> f64 {
        several.iter().map(|best| best.seconds).fold(f64::INFINITY, f64::min)
    }
}

/// Processor time in seconds, user and system, of this process or of its children that have exited.
// Microseconds of days are exact.
#[allow(clippy::cast_precision_loss)]
fn processor_seconds(who: UsageWho) -> f64 {
    getrusage(who).map_or(f64::NAN, |usage| {
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
    })
}
