//! Progress of reading: a bar on a terminal, a line every few seconds otherwise.

use std::{
    io::{
        IsTerminal, {self},
    },
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar};

use crate::term::{Size, elapsed, progress_bar};

/// The interval between two lines if there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the progress of reading one file, on standard error. Threads share it.
pub(crate) struct Meter {
    name: String,
    quiet: bool,
    started: Instant,
    size: OnceLock<(Option<u64>, Size)>,
    bar: OnceLock<ProgressBar>,
    lines: AtomicU64,
}

impl Meter {
    pub(crate) fn new(name: &str, quiet: bool) -> Self {
        Self {
            name: name.to_owned(),
            quiet,
            started: Instant::now(),
            size: OnceLock::new(),
            bar: OnceLock::new(),
            lines: AtomicU64::new(0),
        }
    }

    /// Starts the progress; the size is known by now, or never.
    pub(crate) fn begin(&self, size_bytes: Option<u64>) {
        self.begin_with(size_bytes, Size::Exact);
    }

    /// Starts the progress with a size that is only estimated.
    pub(crate) fn begin_about(&self, size_bytes: u64) {
        self.begin_with(Some(size_bytes), Size::About);
    }

    fn begin_with(&self, size_bytes: Option<u64>, size: Size) {
        self.size.get_or_init(|| (size_bytes, size));
        if !self.quiet && io::stderr().is_terminal() {
            self.bar.get_or_init(|| progress_bar("reading", size_bytes, size));
        }
    }

    pub(crate) fn show(&self, bytes: u64) {
        if let Some(bar) = self.bar.get() {
            bar.set_position(bytes);
        } else if !self.quiet {
            let due = self.started.elapsed().as_secs() / LINE_EVERY.as_secs();
            if self.lines.fetch_max(due, Ordering::Relaxed) < due {
                eprintln!("{}", self.line(bytes, self.started.elapsed()));
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn line(&self, bytes: u64, took: Duration) -> String {
        let rate = bytes / (took.as_millis() as u64 / 1000).max(1);
        let (size_bytes, size) = self.size.get().copied().unwrap_or((None, Size::Exact));
        let about = if size == Size::About { "about " } else { "" };
        let of = size_bytes.map(|size| format!(" of {about}{}", HumanBytes(size))).unwrap_or_default();
        let left = size_bytes.map(|size| Duration::from_secs(size.saturating_sub(bytes) / rate.max(1)));
        let left = left.map(|left| format!(", {} left", elapsed(left))).unwrap_or_default();
        format!("reading {}: {}{of}, {}/s{left}", self.name, HumanBytes(bytes), HumanBytes(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_much_how_fast_and_how_long() {
        let meter = Meter::new("f.rdb", false);
        meter.begin(Some(100 << 30));
        let line = meter.line(20 << 30, Duration::from_secs(10));
        assert_eq!(line, "reading f.rdb: 20.00 GiB of 100.00 GiB, 2.00 GiB/s, 40.0s left");
        let meter = Meter::new("f.rdb", false);
        meter.begin_about(100 << 30);
        let line = meter.line(20 << 30, Duration::from_secs(10));
        assert_eq!(line, "reading f.rdb: 20.00 GiB of about 100.00 GiB, 2.00 GiB/s, 40.0s left");
    }
}
