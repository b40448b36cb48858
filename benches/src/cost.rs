//! Cost of inspecting a large backup with many functions: a simulation of the state machine's Map over ranges.
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "bytes and seconds of an estimate")]

use std::{cmp::Reverse, collections::BinaryHeap};

/// The settings of the state machine and its functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Most ranges over all backups of a seeding.
    pub max_ranges: u64,
    /// Smallest range in bytes, except for the last one.
    pub least_range_bytes: u64,
    /// Number of ranges that are read at once. An inline Map runs 40 (Step Functions quota).
    pub at_once: usize,
    /// Read rates of a function in bytes per second, one per kind of data. Ranges use them in turn.
    pub bytes_per_second: Vec<f64>,
    /// Overhead per function in seconds: start, first request, search for a boundary, writing the result.
    pub overhead_seconds: f64,
    /// Seconds that a function reads before it stores its position.
    pub reading_seconds: f64,
    /// Memory of a function in GiB.
    pub memory_gib: f64,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            max_ranges: 200,
            least_range_bytes: 64 << 20,
            at_once: 40,
            // 625 Mbit/s, the network bandwidth of a function (Lambda quotas).
            bytes_per_second: vec![78e6],
            overhead_seconds: 1.0,
            reading_seconds: 880.0,
            memory_gib: 2.0,
        }
    }
}

/// Prices in us-east-1, in dollars (AWS price lists, 2026).
pub mod price {
    /// One GiB-second of an arm64 function.
    pub const LAMBDA_GIB_SECOND: f64 = 0.000_013_333_4;
    /// One invocation.
    pub const LAMBDA_REQUEST: f64 = 0.2e-6;
    /// One state transition.
    pub const TRANSITION: f64 = 25e-6;
    /// One GET request of S3.
    pub const S3_GET: f64 = 0.4e-6;
    /// One PUT request of S3.
    pub const S3_PUT: f64 = 5e-6;
}

/// The cost of an inspection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Number of ranges in the first round.
    pub ranges: u64,
    /// Number of runs of the Map: more than one if a function's time is too short for its range.
    pub rounds: u32,
    /// Seconds from the start of the first range to the end of the last one.
    pub seconds: f64,
    /// Seconds of all functions together.
    pub lambda_seconds: f64,
    /// Dollars for functions, requests and transitions.
    pub dollars: f64,
}

/// Simulates the Map: each range of a backup starts as soon as a slot is free.
pub fn simulate(size_bytes: u64, setting: &Setting) -> Cost {
    /// Bytes per request, the part size of the reader.
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

/// What a conversion adds to an inspection.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversionSetting {
    /// The workers, which read at these rates. What they write passes the same network.
    pub workers: Setting,
    /// The share of the backup that S3 copies and no worker reads, 0 to 1.
    pub copied_share: f64,
    /// Parts that finish-conversion copies at once.
    pub copies_at_once: f64,
    /// Rate of one copy within S3, in bytes per second.
    pub copied_per_second: f64,
    /// Readings before the one that writes: 1 for the plan, more if databases are merged and contents change.
    pub readings: u32,
}

impl ConversionSetting {
    /// A file whose version is too new, and whose records stay as they are but for this share.
    pub fn of_share(copied_share: f64) -> Self {
        Self {
            workers: Setting::default(),
            copied_share,
            copies_at_once: 50.0,
            // What others have measured for UploadPartCopy within a region: 80 to 200 MB/s a part.
            copied_per_second: 100e6,
            readings: 1,
        }
    }
}

/// Simulates a conversion: readings to plan, one that writes pieces, and the copies that make one object of all.
pub fn simulate_conversion(size_bytes: u64, setting: &ConversionSetting) -> Cost {
    /// Bytes of a piece, and of a part that is copied from the backup.
    const PIECE_BYTES: f64 = (32 << 20) as f64;
    const COPIED_PART_BYTES: f64 = (512 << 20) as f64;
    let size = size_bytes as f64;
    let (copied, read) = (size * setting.copied_share, size * (1.0 - setting.copied_share));
    let reading = simulate(read as u64, &setting.workers);
    let mut writers = setting.workers.clone();
    // Each byte is read and written.
    writers.bytes_per_second.iter_mut().for_each(|rate| *rate /= 2.0);
    let writing = simulate(read as u64, &writers);
    let readings = f64::from(setting.readings);
    let joining = size / (setting.copies_at_once * setting.copied_per_second);
    let (pieces, parts) = (read / PIECE_BYTES, copied / COPIED_PART_BYTES);
    // finish-conversion has 2 GiB, and waits for the copies.
    let lambda_seconds = readings * reading.lambda_seconds + writing.lambda_seconds + joining;
    let requests = (2.0 * pieces + parts) * price::S3_PUT + pieces * price::S3_PUT;
    Cost {
        ranges: reading.ranges,
        rounds: setting.readings + writing.rounds,
        seconds: readings * reading.seconds + writing.seconds + joining,
        lambda_seconds,
        dollars: readings * reading.dollars
            + writing.dollars
            + joining * setting.workers.memory_gib * price::LAMBDA_GIB_SECOND
            + requests,
    }
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
    fn a_copy_costs_little_and_what_is_rewritten_is_read_twice_and_written() {
        let (copied, rewritten) = (ConversionSetting::of_share(0.98), ConversionSetting::of_share(0.0));
        let of = |setting| simulate_conversion(100_000_000_000, setting);
        assert!(of(&copied).seconds < 90.0 && of(&copied).dollars < 0.25, "{:?}", of(&copied));
        let inspection = simulate(100_000_000_000, &Setting::default());
        let ratio = of(&rewritten).lambda_seconds / inspection.lambda_seconds;
        assert!((2.5..3.1).contains(&ratio), "{ratio}");
        assert!(simulate_conversion(1_000_000_000_000, &copied).seconds < 480.0);
    }

    #[test]
    fn small_backups_take_one_range() {
        assert_eq!(simulate(1000, &Setting::default()).ranges, 1);
        assert_eq!(simulate(1 << 40, &Setting::default()).ranges, 200);
    }
}
