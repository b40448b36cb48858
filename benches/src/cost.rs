//! What it takes to inspect a large backup with many functions: a simulation of the state machine's Map over ranges.
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "bytes and seconds of an estimate")]

use std::{cmp::Reverse, collections::BinaryHeap};

/// What the state machine and its functions are set to.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Ranges at most, over all backups of a seeding.
    pub max_ranges: u64,
    /// No range is smaller, but the last.
    pub least_range_bytes: u64,
    /// Ranges that are read at once. An inline Map runs 40 (Step Functions quota).
    pub at_once: usize,
    /// What a function reads in a second, one figure for each kind of data; ranges take them in turn.
    pub bytes_per_second: Vec<f64>,
    /// Start, first request, search for a boundary, writing the result.
    pub overhead_seconds: f64,
    /// How long a function reads before it writes down where to go on.
    pub reading_seconds: f64,
    /// Memory of a function.
    pub memory_gib: f64,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            max_ranges: 200,
            least_range_bytes: 64 << 20,
            at_once: 40,
            // 625 Mbit/s, the network of a function (Lambda quotas).
            bytes_per_second: vec![78e6],
            overhead_seconds: 1.0,
            reading_seconds: 880.0,
            memory_gib: 2.0,
        }
    }
}

/// Prices in us-east-1, in dollars (AWS price lists, 2026).
pub mod price {
    /// Of one GiB of an arm64 function's memory for a second.
    pub const LAMBDA_GIB_SECOND: f64 = 0.000_013_333_4;
    /// Of one invocation.
    pub const LAMBDA_REQUEST: f64 = 0.2e-6;
    /// Of one transition of a state machine.
    pub const TRANSITION: f64 = 25e-6;
    /// Of one GET of S3.
    pub const S3_GET: f64 = 0.4e-6;
    /// Of one PUT of S3.
    pub const S3_PUT: f64 = 5e-6;
}

/// What an inspection takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Ranges of the first round.
    pub ranges: u64,
    /// Times that the Map runs: more than one where a function's time is not enough for its range.
    pub rounds: u32,
    /// From the first range's start to the last one's end.
    pub seconds: f64,
    /// The time of all functions together.
    pub lambda_seconds: f64,
    /// Of functions, requests and transitions.
    pub dollars: f64,
}

/// Runs the ranges of a backup as the Map does: each as soon as there is a place for it.
pub fn simulate(size_bytes: u64, setting: &Setting) -> Cost {
    /// One request reads so much (the reader's part size).
    const PART_BYTES: f64 = (8 << 20) as f64;
    let ranges = size_bytes.div_ceil(setting.least_range_bytes).clamp(1, setting.max_ranges);
    let bytes = size_bytes as f64 / ranges as f64;
    let mut left: Vec<(usize, f64)> = (0..ranges as usize).map(|index| (index, bytes)).collect();
    let (mut seconds, mut lambda_seconds, mut invocations, mut rounds) = (0.0, 0.0, 0, 0);
    while !left.is_empty() {
        rounds += 1;
        let mut ends: BinaryHeap<Reverse<Micros>> = BinaryHeap::new();
        let (mut round_end, mut next_round) = (0, Vec::new());
        for (index, bytes) in left {
            let rate = setting.bytes_per_second[index % setting.bytes_per_second.len()];
            let reading = (bytes / rate).min(setting.reading_seconds);
            let rest = bytes - reading * rate;
            if rest > 1.0 {
                next_round.push((index, rest));
            }
            let start = if ends.len() < setting.at_once { 0 } else { ends.pop().map_or(0, |end| end.0) };
            let end = start + ((setting.overhead_seconds + reading) * 1e6) as Micros;
            ends.push(Reverse(end));
            round_end = round_end.max(end);
            lambda_seconds += setting.overhead_seconds + reading;
            invocations += 1;
        }
        seconds += round_end as f64 / 1e6;
        left = next_round;
    }
    let calls = f64::from(invocations);
    let dollars = lambda_seconds * setting.memory_gib * price::LAMBDA_GIB_SECOND
        + calls * (price::LAMBDA_REQUEST + 2.0 * price::TRANSITION + price::S3_PUT + 2.0 * price::S3_GET)
        + size_bytes as f64 / PART_BYTES * price::S3_GET;
    Cost { ranges, rounds, seconds, lambda_seconds, dollars }
}

type Micros = u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_fit_side_by_side_take_as_long_as_one() {
        let setting = Setting { bytes_per_second: vec![100e6], overhead_seconds: 1.0, ..Setting::default() };
        let cost = simulate(40 << 30, &Setting { max_ranges: 40, ..setting.clone() });
        assert!((cost.seconds - (1.0 + f64::from(1 << 30) / 100e6)).abs() < 0.01, "{cost:?}");
        let twice = simulate(80 << 30, &Setting { max_ranges: 80, ..setting });
        assert!((twice.seconds - 2.0 * cost.seconds).abs() < 0.01, "{twice:?}");
        assert!((twice.lambda_seconds - 2.0 * cost.lambda_seconds).abs() < 0.01);
    }

    #[test]
    fn a_range_that_takes_too_long_goes_on_in_another_round() {
        let setting = Setting { max_ranges: 1, ..Setting::default() };
        let cost = simulate(100_000_000_000, &setting);
        assert_eq!((cost.ranges, cost.rounds), (1, 2));
        assert!((cost.lambda_seconds - (100e9 / 78e6 + 2.0)).abs() < 0.01, "{cost:?}");
    }

    #[test]
    fn small_backups_take_one_range() {
        assert_eq!(simulate(1000, &Setting::default()).ranges, 1);
        assert_eq!(simulate(1 << 40, &Setting::default()).ranges, 200);
    }
}
