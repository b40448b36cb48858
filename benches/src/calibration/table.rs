//! Renders cells as Markdown, and as lines of exact numbers.
use std::fmt::Write;

use super::{Cell, Measured, measure::SETTLING_SECONDS};
use crate::table::{markdown, megabytes as in_megabytes};

/// Renders one row per file and one column per engine and mode, followed by notes and a summary.
pub fn report(cells: &[Cell], limit_percent: f64) -> String {
    let columns = distinct(cells.iter().map(column));
    let files = distinct(cells.iter().map(|cell| cell.file.clone()));
    let heads: Vec<String> = std::iter::once("file".to_owned()).chain(columns.iter().cloned()).collect();
    let rows = files.into_iter().map(|file| {
        let shown: Vec<String> = columns
            .iter()
            .map(|wanted| {
                let found = cells.iter().find(|cell| cell.file == file && column(cell) == *wanted);
                found.map_or_else(|| "-".to_owned(), |cell| shown(cell, limit_percent))
            })
            .collect();
        std::iter::once(file).chain(shown).collect()
    });
    let mut text = markdown(&heads, rows);
    text.push('\n');
    for note in notes(cells) {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "- {note}");
    }
    let _ = writeln!(text, "\n{}", summary(cells, limit_percent));
    text
}

/// Renders one line of exact numbers per cell: `file engine cluster predicted measured error`.
pub fn exact(cells: &[Cell]) -> String {
    let mut text = String::from("file engine cluster predicted measured error\n");
    for cell in cells {
        let mode = if cell.cluster_mode { "on" } else { "off" };
        let engine = cell.engine.replace(' ', "-");
        let _ = match &cell.measured {
            Measured::Refused(reason) => {
                writeln!(text, "{} {engine} {mode} - refused: {reason}", cell.file)
            }
            Measured::Loaded { bytes, .. } => {
                let predicted = cell.predicted.as_ref().map_or("-".to_owned(), ToString::to_string);
                writeln!(text, "{} {engine} {mode} {predicted} {bytes} {}", cell.file, error(cell))
            }
        };
    }
    text
}

/// Formats bytes in megabytes (10^6 bytes).
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1}", in_megabytes(bytes))
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn column(cell: &Cell) -> String {
    format!("{}{}", cell.engine, if cell.cluster_mode { ", cluster" } else { "" })
}

fn shown(cell: &Cell, limit_percent: f64) -> String {
    let Measured::Loaded { bytes, settled } = cell.measured else { return "refused".to_owned() };
    let unsettled = if settled { "" } else { "~" };
    let shown = format!("{unsettled}{}, {}", megabytes(bytes), error(cell));
    if cell.is_beyond(limit_percent) { format!("**{shown} !**") } else { shown }
}

fn error(cell: &Cell) -> String {
    cell.error_percent().map_or_else(|| "?".to_owned(), |error| format!("{error:+.2} %"))
}

fn notes(cells: &[Cell]) -> Vec<String> {
    let of_one = |cell: &Cell| {
        let place = format!("{} in {}", cell.file, column(cell));
        match (&cell.measured, &cell.predicted) {
            (Measured::Refused(reason), _) => vec![format!("{place}: refused: {reason}")],
            (Measured::Loaded { settled, .. }, predicted) => [
                (!settled).then(|| format!("{place}: ~, readings did not agree within {SETTLING_SECONDS} s")),
                predicted.as_ref().err().map(|reason| format!("{place}: no prediction: {reason}")),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    };
    cells.iter().flat_map(of_one).collect()
}

fn summary(cells: &[Cell], limit_percent: f64) -> String {
    let refused = cells.iter().filter(|cell| matches!(cell.measured, Measured::Refused(_))).count();
    let beyond = cells.iter().filter(|cell| cell.is_beyond(limit_percent)).count();
    let worst = cells
        .iter()
        .filter_map(|cell| Some((cell, cell.error_percent()?)))
        .max_by(|left, right| left.1.abs().total_cmp(&right.1.abs()));
    let worst = worst.map_or_else(
        || "Nothing could be compared".to_owned(),
        |(cell, _)| format!("Worst: {} in {}, {}", cell.file, column(cell), error(cell)),
    );
    let loaded = cells.len() - refused;
    format!("{worst}. {beyond} of {loaded} cells are beyond ±{limit_percent} %; {refused} refused.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(file: &str, cluster_mode: bool, measured: Measured, predicted: u64) -> Cell {
        Cell {
            file: file.to_owned(),
            engine: "valkey 8.1.1".to_owned(),
            cluster_mode,
            measured,
            predicted: Ok(predicted),
        }
    }

    fn loaded(bytes: u64) -> Measured {
        Measured::Loaded { bytes, settled: true }
    }

    #[test]
    fn errors_are_signed_and_marked_beyond_the_limit() {
        let mut cells = vec![
            cell("a", false, loaded(100_000_000), 99_000_000),
            cell("a", true, loaded(100_000_000), 101_230_000),
            cell("i", false, Measured::Loaded { bytes: 100_000_000, settled: false }, 100_000_000),
            cell("i", true, Measured::Refused("FATAL".to_owned()), 0),
        ];
        let text = report(&cells, 1.0);
        assert_eq!(
            text,
            "| file | valkey 8.1.1 | valkey 8.1.1, cluster |\n| --- | --- | --- |\n\
             | a | 100.0, -1.00 % | **100.0, +1.23 % !** |\n| i | ~100.0, +0.00 % | refused |\n\n\
             - i in valkey 8.1.1: ~, readings did not agree within 60 s\n\
             - i in valkey 8.1.1, cluster: refused: FATAL\n\n\
             Worst: a in valkey 8.1.1, cluster, +1.23 %. 1 of 3 cells are beyond ±1 %; 1 refused.\n"
        );
        // A missing prediction counts as a failure.
        cells[0].predicted = Err("no model".to_owned());
        let text = report(&cells, 1.0);
        assert!(text.contains("| **100.0, ? !** |") && text.contains("no prediction: no model"), "{text}");
        assert!(text.contains("2 of 3 cells"), "{text}");
    }

    #[test]
    fn lines_have_exact_bytes() {
        let cells = [
            cell("a", false, loaded(1_000_001), 1_000_001),
            cell("i", true, Measured::Refused("FATAL".to_owned()), 0),
        ];
        assert_eq!(
            exact(&cells),
            "file engine cluster predicted measured error\na valkey-8.1.1 off 1000001 1000001 +0.00 %\n\
             i valkey-8.1.1 on - refused: FATAL\n"
        );
    }
}
