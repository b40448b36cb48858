//! Progress of reading: a bar on a terminal, a line every few seconds otherwise.

use std::{
    io::{
        IsTerminal, {self},
    },
    sync::OnceLock,
    time::Duration,
};

use indicatif::{HumanBytes, ProgressBar};

use crate::term::{Lines, Size, elapsed, progress_bar};

/// Shows the progress of reading one file, on standard error. Threads share it.
pub(crate) struct Meter {
    name: String,
    quiet: bool,
    size: OnceLock<(Option<u64>, Size)>,
    bar: OnceLock<ProgressBar>,
    lines: Lines,
}

impl Meter {
    pub(crate) fn new(name: &str, quiet: bool) -> Self {
        Self {
            name: name.to_owned(),
            quiet,
            size: OnceLock::new(),
            bar: OnceLock::new(),
            lines: Lines::new(),
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
        } else if !self.quiet
            && let Some(took) = self.lines.due()
        {
            eprintln!("{}", self.line(bytes, took));
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
