//! The memory of the keys of each database, encoding and start of names, from the groups of an inspection.

use std::collections::BTreeMap;

use rdb_scan::Inspection;

use crate::{Keys, Settings};

/// Keys that have something in common, with the memory that they take.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Share {
    keys: f64,
    expires: f64,
    bytes: u64,
    variance: f64,
}

impl Share {
    /// The keys. Their numbers are estimates, unless [`Self::error_bytes`] is 0.
    pub fn keys(&self) -> Keys {
        Keys { keys: self.keys.round() as u64, expires: self.expires.round() as u64, bytes: self.bytes }
    }

    /// The standard error of the bytes; 0 if every key was weighed.
    pub fn error_bytes(&self) -> u64 {
        self.variance.sqrt().round() as u64
    }

    fn add(&mut self, other: &Self) {
        self.keys += other.keys;
        self.expires += other.expires;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.variance += other.variance;
    }
}

/// The memory of files that are loaded together, divided up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups {
    /// All keys.
    pub all: Share,
    /// By start of their names, each with the keys of all longer starts. Patterns as in [`rdb_scan::KeyGroup::start`].
    pub starts: BTreeMap<Vec<u8>, Share>,
    /// By type and encoding.
    pub encodings: BTreeMap<(&'static str, &'static str), Share>,
    /// By database; last those that are not listed one by one.
    pub databases: BTreeMap<Option<u64>, Share>,
    /// The most bytes that a start may lack, because there were too many.
    pub merged_bytes: u64,
}

impl Groups {
    /// Adds up the groups of these files.
    ///
    /// Returns `None` if an inspection was not weighed by these settings, or if there are no keys.
    pub fn of<'i>(
        inspections: impl IntoIterator<Item = &'i Inspection>,
        settings: &Settings,
    ) -> Option<Self> {
        let id = settings.id();
        let mut sums = Self::default();
        for inspection in inspections {
            let place = inspection.weights.iter().position(|weights| weights.id == id)?;
            sums.merged_bytes = sums.merged_bytes.saturating_add(inspection.groups.merged());
            for group in inspection.groups.iter() {
                let bytes = group.weights.get(place).copied().unwrap_or(0);
                let share =
                    Share { keys: group.keys, expires: group.expires, bytes, variance: group.variance };
                sums.all.add(&share);
                sums.encodings.entry((group.kind, group.encoding)).or_default().add(&share);
                sums.databases.entry(group.database).or_default().add(&share);
                for start in starts(group.start) {
                    match sums.starts.get_mut(start) {
                        Some(sum) => sum.add(&share),
                        None => drop(sums.starts.insert(start.to_vec(), share)),
                    }
                }
            }
        }
        (sums.all.keys > 0.0).then_some(sums)
    }
}

/// A start and all shorter ones but the empty one.
fn starts(start: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(start), |start| rdb_scan::shorter_start(start))
        .filter(|start| !start.is_empty())
}
