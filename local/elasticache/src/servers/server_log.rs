//! The log of a server, which holds the reason why it ended.

use std::{
    io::{self, SeekFrom},
    path::Path,
};

use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

/// Bytes read from the end of a server's log, more than a crash report has.
const LOG_TAIL_BYTES: u64 = 256 << 10;

/// Returns the last lines of a log that may say why the server ended, at most 12.
pub(crate) async fn reasons(log: &Path) -> String {
    let log = tail(log).await.unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    // The reason precedes the crash report.
    let log = log.split("BUG REPORT START").next().unwrap_or_default();
    let lines: Vec<&str> = log.lines().filter(|line| says_why(line)).map(without_prefix).collect();
    match &lines[lines.len().saturating_sub(12)..] {
        [] => "it ended without a word".to_owned(),
        last => last.join(" | "),
    }
}

async fn tail(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log).await?;
    let length = file.metadata().await?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES))).await?;
    let mut tail = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut tail).await?;
    Ok(tail)
}

/// Whether a line may be the reason. Servers mark warnings with `#`, and print the findings on a rejected file without
/// a mark. Notes on the host's settings and findings without a fault are no reason.
fn says_why(line: &str) -> bool {
    const NO_REASON: [&str; 10] = [
        "WARNING",
        "oO0OoO0OoO0Oo",
        "Configuration loaded",
        "Redis version=",
        "Valkey version=",
        "AUX FIELD",
        "Checking RDB file",
        "Selecting DB ID",
        "keys read",
        "expires",
    ];
    let marked =
        line.contains(" # ") || line.starts_with('[') || line.starts_with("***") || line.starts_with("---");
    (marked || line.contains("Can't")) && !NO_REASON.iter().any(|words| line.contains(words))
}

/// Strips the prefix of a line such as `1234:M 24 Nov 2026 00:00:00.000 # text`.
fn without_prefix(line: &str) -> &str {
    line.split_once(" # ").map_or(line, |(_, text)| text).trim()
}
