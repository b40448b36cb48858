//! What a pass over a file is to find out.

use crate::{
    format::type_set::TypeSet,
    inspection::weigh::Weighing,
    pieces::Whole,
    scan::{Scan, stretch::LEAST_STRETCH_BYTES, visit::Visitor},
};

/// The options of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectOptions {
    /// Leaves key names out of the result.
    pub hide_keys: bool,
    /// The time that decides whether a key has expired, in milliseconds since 1970; 0 counts none as expired. Must be
    /// the same for all parts of a file.
    pub now_ms: u64,
    /// The size of the whole file, if it is known. Lengths are then checked against the rest of the file.
    pub size_bytes: Option<u64>,
    /// The number of biggest keys to list, at most [`crate::MAX_BIGGEST_KEYS`]. Must be the same for all parts of a
    /// file.
    pub top: usize,
    /// The keys of a file are compared with each other if there are at most this many. Each takes 16 bytes of memory,
    /// and some 14 bytes of a partial inspection's JSON. Must be the same for all parts of a file.
    pub max_compared_keys: usize,
    /// The rules to weigh the file by. Must be the same for all parts of a file.
    pub weighings: Vec<Weighing>,
    /// Whether the weights are also summed up by database, encoding and prefix ([`crate::Inspection::groups`]). Must be
    /// the same for all parts of a file.
    pub grouped: bool,
    /// The types of keys in [`crate::Inspection::stretches`]. If strings, which every server reads, are not among them,
    /// there are no stretches, and noting them costs nothing. Must be the same for all parts of a file.
    pub copied: TypeSet,
    /// The least size of a stretch, in bytes: [`LEAST_STRETCH_BYTES`], unless a test has smaller files. Must be the
    /// same for all parts of a file.
    pub least_stretch_bytes: u64,
}

impl Default for InspectOptions {
    fn default() -> Self {
        Self {
            hide_keys: false,
            now_ms: 0,
            size_bytes: None,
            top: 10,
            max_compared_keys: 1 << 17,
            weighings: Vec::new(),
            grouped: true,
            copied: TypeSet::default(),
            least_stretch_bytes: LEAST_STRETCH_BYTES,
        }
    }
}

impl InspectOptions {
    /// Makes a scan report the pieces that the weighings need, and note stretches.
    pub(crate) fn prepare<V: Visitor>(&self, scan: &mut Scan<V>) {
        if let Some(whole) = self.weighings.iter().map(Weighing::whole).reduce(Whole::min) {
            scan.tell_pieces(self.now_ms, whole);
        }
        scan.note_stretches(self.copied, self.least_stretch_bytes);
    }
}
