//! The best of several runs, by the time that the processor worked for them: nothing here waits for anything, and other
//! work on the machine then matters less.
use std::{
    hint::black_box,
    process::{Command, Stdio},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};

/// The shortest time so far.
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
    /// Runs something once more.
    pub(super) fn time<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let started = processor_seconds(UsageWho::RUSAGE_SELF);
        let result = black_box(run());
        self.note(processor_seconds(UsageWho::RUSAGE_SELF) - started);
        result
    }

    /// Runs another program once more. Nothing is noted if it is missing or fails.
    pub(super) fn time_program(&mut self, command: &mut Command) {
        let started = processor_seconds(UsageWho::RUSAGE_CHILDREN);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if status.is_ok_and(|status| status.success()) {
            self.note(processor_seconds(UsageWho::RUSAGE_CHILDREN) - started);
        }
    }

    /// `None` if nothing was run.
    pub(super) fn known(self) -> Option<f64> {
        self.seconds.is_finite().then_some(self.seconds)
    }

    fn note(&mut self, seconds: f64) {
        self.seconds = self.seconds.min(seconds);
    }

    /// The shortest of several.
    pub(super) fn of(several: &[Self]) -> f64 {
        several.iter().map(|best| best.seconds).fold(f64::INFINITY, f64::min)
    }
}

/// What this process, or its children that have ended, had of the processor, in the program and in the system for it.
// Microseconds of days are counted exactly.
#[allow(clippy::cast_precision_loss)]
fn processor_seconds(who: UsageWho) -> f64 {
    getrusage(who).map_or(f64::NAN, |usage| {
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
    })
}
