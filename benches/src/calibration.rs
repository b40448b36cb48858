//! Predicted memory against that of real servers, of the [`engines`] that ElastiCache has.
//!
//! [`jobs`] are what there is to [`measure`]; what came of them is kept as [`truths`], because a run takes minutes and
//! the truth stays true. Each is compared with what [`predict`] says, and a [`table`] shows it.
//! [`interruption`] ends the servers when a run is ended early.

pub mod engines;
pub mod interruption;
pub mod jobs;
pub mod measure;
pub mod predict;
pub mod table;
pub mod truths;

/// One file in one engine: what was measured and what was predicted.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The file's name without its ending.
    pub file: String,
    /// The engine and its version.
    pub engine: String,
    /// Whether the server was a node of a cluster.
    pub cluster_mode: bool,
    /// What the file takes in the server.
    pub measured: Measured,
    /// What it was said to take, or why that could not be said; of no meaning where the server refused the file.
    pub predicted: Result<u64, String>,
}

/// What a file takes in a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// It was loaded.
    Loaded {
        /// `used_memory` beyond that of an empty server of the same configuration.
        bytes: u64,
        /// Whether the readings agreed in time.
        settled: bool,
    },
    /// It was not loaded: the last that the server said.
    Refused(String),
}

impl Cell {
    /// How far the prediction is above the truth, or below it if negative. `None` where there is only one of them.
    // Far below what a double counts exactly.
    #[allow(clippy::cast_precision_loss)]
    pub fn error_percent(&self) -> Option<f64> {
        match (&self.measured, &self.predicted) {
            (Measured::Loaded { bytes, .. }, Ok(predicted)) if *bytes > 0 => {
                Some((*predicted as f64 - *bytes as f64) / *bytes as f64 * 100.0)
            }
            _ => None,
        }
    }

    /// Whether the prediction is missing, or off by more than `limit_percent`; never where the file was refused.
    pub fn is_beyond(&self, limit_percent: f64) -> bool {
        matches!(self.measured, Measured::Loaded { .. })
            && self.error_percent().is_none_or(|error| error.abs() > limit_percent)
    }
}
