//! Compares predicted memory with that of real servers, for the [`engines`] of ElastiCache.
//!
//! [`jobs`] lists what to [`measure`]. The results are kept as [`truths`], because a run takes minutes and its results
//! stay valid. Each is compared with the result of [`predict`], and a [`table`] shows it. [`interruption`] ends the
//! servers when a run is interrupted.

pub mod engines;
pub mod interruption;
pub mod jobs;
pub mod measure;
pub mod predict;
pub mod table;
pub mod truths;

/// Measured and predicted memory of one file in one engine.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The file's name without extension.
    pub file: String,
    /// The engine and its version.
    pub engine: String,
    /// Whether the server was a cluster node.
    pub cluster_mode: bool,
    /// The measured memory of the file in the server.
    pub measured: Measured,
    /// The predicted memory in bytes, or why there is no prediction. Meaningless if the server refused the file.
    pub predicted: Result<u64, String>,
}

/// The memory of a file in a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// The server loaded the file.
    Loaded {
        /// `used_memory` beyond that of an empty server of the same configuration.
        bytes: u64,
        /// Whether the readings agreed within the time limit.
        settled: bool,
    },
    /// The server refused the file: the last line of its log.
    Refused(String),
}

impl Cell {
    /// Error of the prediction in percent, positive if it is too high. `None` if either value is missing.
    // Bytes are far below the limit of exact integers in a double.
    #[allow(clippy::cast_precision_loss)]
    pub fn error_percent(&self) -> Option<f64> {
        match (&self.measured, &self.predicted) {
            (Measured::Loaded { bytes, .. }, Ok(predicted)) if *bytes > 0 => {
                Some((*predicted as f64 - *bytes as f64) / *bytes as f64 * 100.0)
            }
            _ => None,
        }
    }

    /// Whether the prediction is missing, or off by more than `limit_percent`. False if the server refused the file.
    pub fn is_beyond(&self, limit_percent: f64) -> bool {
        matches!(self.measured, Measured::Loaded { .. })
            && self.error_percent().is_none_or(|error| error.abs() > limit_percent)
    }
}
