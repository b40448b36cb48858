//! Shows that a server prepares something.

use std::io::{
    IsTerminal, {self},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::term::{Lines, elapsed};

/// A moving sign on a terminal, a line every ten seconds otherwise.
pub(super) struct Waiting {
    bar: Option<ProgressBar>,
    quiet: bool,
    lines: Lines,
}

impl Waiting {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{msg} {spinner} {elapsed}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { bar, quiet, lines: Lines::new() }
    }

    pub(super) fn show(&mut self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.tick();
        } else if !self.quiet
            && let Some(took) = self.lines.due()
        {
            eprintln!("{what}, {}", elapsed(took));
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
