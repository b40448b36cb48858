//! Shows that a server prepares something.

use std::{
    io::{
        IsTerminal, {self},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::term::elapsed;

/// The interval between two lines if there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A moving sign on a terminal, a line every ten seconds otherwise.
pub(super) struct Waiting {
    bar: Option<ProgressBar>,
    quiet: bool,
    started: Instant,
    lines: u64,
}

impl Waiting {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{msg} {spinner} {elapsed}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { bar, quiet, started: Instant::now(), lines: 0 }
    }

    pub(super) fn show(&mut self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.tick();
        } else if !self.quiet {
            let due = self.started.elapsed().as_secs() / LINE_EVERY.as_secs();
            if self.lines < due {
                self.lines = due;
                eprintln!("{what}, {}", elapsed(self.started.elapsed()));
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
