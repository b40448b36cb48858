//! Formatting that both commands share.

use std::{
    fmt::Write as _,
    io::{ErrorKind, IsTerminal, Write as _},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

/// The interval between two lines of progress if there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// When a line of progress is due. Several threads may ask.
pub(crate) struct Lines {
    started: Instant,
    shown: AtomicU64,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), shown: AtomicU64::new(0) }
    }

    /// The time since the start, if a line is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        let took = self.started.elapsed();
        let due = took.as_secs() / LINE_EVERY.as_secs();
        (self.shown.fetch_max(due, Ordering::Relaxed) < due).then_some(took)
    }
}

/// How well a number of bytes is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Exact,
    About,
}

/// Creates a progress bar on standard error, drawn only on a terminal.
pub(crate) fn progress_bar(what: &str, bytes: Option<u64>, size: Size) -> ProgressBar {
    let bar = match bytes {
        Some(bytes) => ProgressBar::new(bytes),
        None => ProgressBar::new_spinner(),
    };
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = match bytes {
        Some(_) if size == Size::About => {
            "{prefix} {bar:24} {bytes} of about {total_bytes}, {binary_bytes_per_sec}, {eta} left"
        }
        Some(_) => "{prefix} {bar:24} {percent:>3}% of {total_bytes}, {binary_bytes_per_sec}, {eta} left",
        None => "{prefix} {spinner} {bytes}, {binary_bytes_per_sec}, {elapsed}",
    };
    // The template is a constant; if it did not parse, the default style would apply.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what.to_owned());
    bar
}

/// Colours a text (with an SGR code) if standard output is a terminal and colours are not disabled
/// (<https://no-color.org>).
pub(crate) fn paint(code: &str, text: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain || !std::io::stdout().is_terminal() {
        text.to_owned()
    } else {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The default width of a terminal.
const WIDTH: usize = 80;

/// Wraps a text into indented lines that fit a terminal.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let letters = word.chars().count();
        let begins = column == 0 || column + 1 + letters > WIDTH;
        if begins {
            wrapped.push_str(if column == 0 { "" } else { "\n" });
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += letters;
    }
    wrapped.push('\n');
    wrapped
}

/// Formats a duration: `45ms`, `12.3s` from a second on, `4m05s` from a minute on.
pub fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds == 0 {
        format!("{}ms", time.as_millis())
    } else if seconds < 60 {
        format!("{:.1}s", time.as_secs_f64())
    } else {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    }
}

/// Formats a number as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints text on standard output. A reader that has gone, such as `head`, is no error.
pub(crate) fn print_text(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Prints a finding on standard error.
pub(crate) fn print_finding(finding: &Value) {
    eprint!("{}", finding_text(finding));
}

/// Formats a finding: its severity, code, place, evidence and remedy.
pub(crate) fn finding_text(finding: &Value) -> String {
    let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let mut place = text("backup");
    if let Some(shard) = finding["shard"].as_u64() {
        place = format!("{place} shard {shard}");
    }
    let place = if place.is_empty() { place } else { format!(" ({})", place.trim()) };
    let mut lines = format!("{:4}  {}{place}\n", text("severity"), text("code"));
    for (name, value) in finding["evidence"].as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), thousands),
            other => other.to_string(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "        {name}: {value}");
    }
    let _ = writeln!(lines, "        hint: {}", text("remedy"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(123_456), "123,456");
        assert_eq!(elapsed(Duration::from_millis(45)), "45ms");
        assert_eq!(elapsed(Duration::from_millis(1234)), "1.2s");
        assert_eq!(elapsed(Duration::from_secs(245)), "4m05s");
    }

    #[test]
    fn long_text_is_wrapped_at_80_columns() {
        let text = wrapped(&"word ".repeat(40), 4);
        assert!(text.lines().all(|line| line.starts_with("    word") && line.len() <= 80), "{text}");
        assert_eq!(text.matches("word").count(), 40);
    }
}
