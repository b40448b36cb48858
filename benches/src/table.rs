//! Renders the measurements as Markdown.
use std::fmt::Write;

use crate::{
    run::Cost,
    tools::{Role, Tool},
};

/// One file and the cost of each program, in the order of the programs.
#[derive(Debug, Clone)]
pub struct Row {
    /// The file's name without extension.
    pub name: String,
    /// A description of its contents.
    pub about: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The costs; `None` if a program is missing or failed.
    pub costs: Vec<Option<Cost>>,
}

/// Renders the throughput of each program in GB (10^9 bytes) of file per second, and the ratios of `seeder` to others.
pub fn throughput(tools: &[Tool], rows: &[Row]) -> String {
    let mut heads = vec!["file".to_owned(), "MB".to_owned()];
    heads.extend(tools.iter().map(|tool| tool.title.clone()));
    heads.extend(
        [
            "seeder / redis-check-rdb",
            "seeder / fastest other that checks the CRC",
            "2 threads / 1",
            "share of predicting",
        ]
        .map(Into::into),
    );
    let has_other_build = tools.iter().any(|tool| tool.role == Role::OtherBuild);
    heads.extend(has_other_build.then(|| "time over the other build".to_owned()));
    heads.push("what is in it".to_owned());
    let lines = rows.iter().map(|row| {
        let ratios = Ratios::of(tools, row);
        let mut cells = vec![row.name.clone(), number(Some(megabytes(row.bytes)))];
        cells.extend(
            row.costs.iter().map(|cost| number(cost.map(|cost| gigabytes_per_second(row.bytes, cost)))),
        );
        cells.extend([
            times(ratios.to_reference),
            times(ratios.to_fastest_peer),
            times(ratios.of_two_threads),
            percent(ratios.of_predicting),
        ]);
        cells.extend(has_other_build.then(|| percent(ratios.beyond_other_build)));
        cells.push(row.about.clone());
        cells
    });
    markdown(&heads, lines)
}

/// Renders the peak memory of each program in MB (10^6 bytes).
pub fn memory(tools: &[Tool], rows: &[Row]) -> String {
    let mut heads = vec!["file".to_owned(), "MB".to_owned()];
    heads.extend(tools.iter().map(|tool| tool.title.clone()));
    let lines = rows.iter().map(|row| {
        let mut cells = vec![row.name.clone(), number(Some(megabytes(row.bytes)))];
        cells.extend(row.costs.iter().map(|cost| number(cost.map(|cost| megabytes(cost.peak_bytes)))));
        cells
    });
    markdown(&heads, lines)
}

/// Ratios of `seeder` to others on one file; `None` if either was not measured.
#[derive(Debug, PartialEq)]
struct Ratios {
    to_reference: Option<f64>,
    to_fastest_peer: Option<f64>,
    of_two_threads: Option<f64>,
    /// The share of the time that is not spent in the reader.
    of_predicting: Option<f64>,
    /// The additional time compared with the other build, as a fraction.
    beyond_other_build: Option<f64>,
}

impl Ratios {
    fn of(tools: &[Tool], row: &Row) -> Self {
        let seconds = |wanted: fn(Role) -> bool| {
            let costs = tools.iter().zip(&row.costs).filter(|(tool, _)| wanted(tool.role));
            costs.filter_map(|(_, cost)| Some(cost.as_ref()?.seconds)).min_by(f64::total_cmp)
        };
        let ours = seconds(|role| role == Role::Ours);
        let times_faster = |ours: Option<f64>, other: Option<f64>| Some(other? / ours?);
        Self {
            to_reference: times_faster(ours, seconds(|role| role == Role::Reference)),
            // The reference verifies the CRC too.
            to_fastest_peer: times_faster(
                ours,
                seconds(|role| matches!(role, Role::Reference | Role::Peer { checks_crc: true })),
            ),
            of_two_threads: times_faster(seconds(|role| role == Role::OursOnTwo), ours),
            of_predicting: times_faster(ours, seconds(|role| role == Role::OursReading))
                .map(|part| 1.0 - part),
            beyond_other_build: times_faster(seconds(|role| role == Role::OtherBuild), ours)
                .map(|ratio| ratio - 1.0),
        }
    }
}

// Lengths of files and of memory are far below the limit of exact integers in a double.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn gigabytes_per_second(bytes: u64, cost: Cost) -> f64 {
    gigabytes(bytes) / cost.seconds
}

#[allow(clippy::cast_precision_loss)]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Formats a number with about three digits, the precision of the measurements.
pub(crate) fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value < 9.995 => format!("{value:.2}"),
        Some(value) if value < 99.95 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{} x", number(Some(ratio))))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

pub(crate) fn markdown(heads: &[String], lines: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        // Writing to memory cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    line(heads);
    line(&vec!["---".to_owned(); heads.len()]);
    lines.for_each(|cells| line(&cells));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Role = Role::Peer { checks_crc: true };
    const PEER_WITHOUT_CRC: Role = Role::Peer { checks_crc: false };

    fn tools(roles: &[Role]) -> Vec<Tool> {
        let tool = |&role| Tool {
            id: "t",
            title: format!("{role:?}"),
            role,
            program: None,
            arguments: &[],
            output: &[],
        };
        roles.iter().map(tool).collect()
    }

    fn row(seconds: &[f64]) -> Row {
        let cost = |&seconds: &f64| (seconds > 0.0).then_some(Cost { seconds, peak_bytes: 3_456_000 });
        Row {
            name: "a".to_owned(),
            about: "strings".to_owned(),
            bytes: 320_000_000,
            costs: seconds.iter().map(cost).collect(),
        }
    }

    #[test]
    fn ratios_are_of_one_thread_to_readers_that_check_the_checksum() {
        let tools =
            tools(&[Role::Floor, Role::Ours, Role::OursOnTwo, Role::Reference, PEER, PEER_WITHOUT_CRC]);
        let ratios = Ratios::of(&tools, &row(&[0.05, 0.2, 0.125, 1.0, 0.8, 0.1]));
        assert_eq!(
            ratios,
            Ratios {
                to_reference: Some(5.0),
                to_fastest_peer: Some(4.0),
                of_two_threads: Some(1.6),
                of_predicting: None,
                beyond_other_build: None,
            }
        );
        // If the reference is the fastest, it is the one to compare with.
        let ratios = Ratios::of(&tools, &row(&[0.05, 0.2, 0.125, 0.5, 0.8, 0.1]));
        assert_eq!(ratios.to_fastest_peer, Some(2.5));
    }

    #[test]
    fn the_share_of_predicting_and_the_time_beyond_another_build_are_told_in_percent() {
        let some = tools(&[Role::Ours, Role::OursReading]);
        let text = throughput(&some, &[row(&[0.2, 0.176])]);
        assert!(text.contains("| 12 % | strings |"), "{text}");
        let all = tools(&[Role::Ours, Role::OursReading, Role::OtherBuild]);
        let text = throughput(&all, &[row(&[0.2, 0.176, 0.19])]);
        assert!(text.contains("| 12 % | 5 % | strings |"), "{text}");
    }

    #[test]
    fn what_was_not_measured_has_no_ratio() {
        let tools = tools(&[Role::Ours, Role::OursOnTwo, Role::Reference, PEER]);
        let ratios = Ratios::of(&tools, &row(&[0.2, 0.0, 0.0, 0.8]));
        assert_eq!(
            ratios,
            Ratios {
                to_reference: None,
                to_fastest_peer: Some(4.0),
                of_two_threads: None,
                of_predicting: None,
                beyond_other_build: None,
            }
        );
        let ratios = Ratios::of(&tools, &row(&[0.0, 0.1, 1.0, 0.8]));
        assert_eq!(
            ratios,
            Ratios {
                to_reference: None,
                to_fastest_peer: None,
                of_two_threads: None,
                of_predicting: None,
                beyond_other_build: None,
            }
        );
    }

    #[test]
    fn tables_have_a_dash_for_what_failed() {
        let tools = tools(&[Role::Ours, Role::Reference]);
        let text = throughput(&tools, &[row(&[0.2, 0.0])]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "| a | 320 | 1.60 | - | - | - | - | - | strings |");
        let columns = |line: &str| line.matches('|').count();
        assert!(lines.iter().all(|line| columns(line) == columns(lines[0])), "{text}");
        assert!(memory(&tools, &[row(&[0.2, 0.0])]).ends_with("| a | 320 | 3.46 | - |\n"));
    }

    #[test]
    fn numbers_have_about_three_digits() {
        let shown = [0.304, 9.99, 9.996, 47.26, 99.96, 320.4].map(|value| number(Some(value)));
        assert_eq!(shown, ["0.30", "9.99", "10.0", "47.3", "100", "320"]);
    }
}
