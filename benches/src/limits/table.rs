//! Renders the limits as Markdown.
use super::{lzf::TITLES, parts::Limits};
use crate::table::{gigabytes, markdown, megabytes, number};

/// The columns and their meanings.
const COLUMNS: [(&str, &str); 15] = [
    ("file", "the file"),
    ("MB", "its length"),
    ("read + CRC", "the file in the page cache is read in blocks of 1 MiB and its CRC is checked"),
    ("lengths", "from length to length through the whole file, without reading what is between"),
    (
        "LZF tokens",
        "all compressed strings token by token, by the fastest of the loops below: nothing is decompressed",
    ),
    (
        "LZF contents",
        "the same, but references are checked, and strings with needed contents (listpacks, members) are decompressed",
    ),
    ("keys", "hash and cluster slot of each key"),
    ("entries", "the listpacks, decompressed beforehand, entry by entry"),
    ("members", "a hash of each member and field of tables and listpacks"),
    ("compared", "the same, and the members of each value compared with each other by their hashes"),
    (
        "least",
        "one after the other, each as fast as alone: read + CRC, lengths, LZF tokens, keys, entries, members",
    ),
    (
        "work",
        "the same with LZF contents for LZF tokens and compared for members: the work of rdb-scan, without most of its checks",
    ),
    ("rdb-scan", "the reader on one thread, with all its checks, from the page cache"),
    (
        "target",
        "ten times the rate of the system's `redis-check-rdb`: beyond `least`, no reader that does this work reaches it",
    ),
    ("rdb-scan / least, rdb-scan / work", "rdb-scan as a share of these limits"),
];

/// Renders one line per file: GB of the file per second, for each part of the work.
pub fn summary(rows: &[(String, Limits)]) -> String {
    let heads: Vec<String> = COLUMNS.iter().map(|(head, _)| (*head).to_owned()).collect();
    let lines = rows.iter().map(|(name, limits)| {
        let rate = |seconds: Option<f64>| number(seconds.map(|seconds| gigabytes(limits.bytes) / seconds));
        let part = |limit: f64| format!("{:.0} %", 100.0 * limit / limits.ours);
        vec![
            name.clone(),
            number(Some(megabytes(limits.bytes))),
            rate(Some(limits.read)),
            rate(Some(limits.lengths)),
            rate(limits.tokens),
            rate(limits.contents),
            rate(Some(limits.keys)),
            rate(limits.entries),
            rate(limits.members),
            rate(limits.compared),
            rate(Some(limits.least())),
            rate(Some(limits.work())),
            rate(Some(limits.ours)),
            rate(limits.reference.map(|seconds| seconds / 10.0)),
            format!("{}, {}", part(limits.least()), part(limits.work())),
        ]
    });
    markdown(&heads, lines)
}

/// Renders the loops over compressed strings, for each file that has any.
pub fn loops(rows: &[(String, Limits)]) -> String {
    let with_lzf = rows.iter().filter(|(_, limits)| limits.lzf_tokens > 0);
    let mut heads: Vec<String> =
        ["file", "% of it compressed", "bytes a token", "ns a token, best"].map(Into::into).to_vec();
    heads.extend(TITLES.map(Into::into));
    let lines = with_lzf.map(|(name, limits)| {
        let tokens = exact(limits.lzf_tokens);
        let mut cells = vec![
            name.clone(),
            number(Some(100.0 * exact(limits.lzf_bytes) / exact(limits.bytes))),
            number(Some(exact(limits.lzf_bytes) / tokens)),
            number(limits.tokens.map(|seconds| seconds * 1e9 / tokens)),
        ];
        cells.extend(limits.loops.iter().map(|seconds| number(Some(gigabytes(limits.bytes) / seconds))));
        cells
    });
    markdown(&heads, lines)
}

/// Renders one line per column.
pub fn explanations() -> String {
    let lines: Vec<String> = COLUMNS.iter().map(|(head, meaning)| format!("- `{head}`: {meaning}")).collect();
    lines.join("\n")
}

// Lengths of files are far below the limit of exact integers in a double.
#[allow(clippy::cast_precision_loss)]
fn exact(number: u64) -> f64 {
    number as f64
}
