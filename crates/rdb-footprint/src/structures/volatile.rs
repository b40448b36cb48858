//! The fields of a hash that expire, which Valkey 9 keeps in a separate set (`vset.c`).

use serde::{Deserialize, Serialize};

use crate::{
    engine::{allocator::POINTER_BYTES, settings::Settings},
    structures::{
        rax::Rax,
        tables::{Growth, buckets, colliding_entries, structure, unmoved_line_bytes},
    },
};

/// The most fields of a vector (`VOLATILESET_VECTOR_BUCKET_MAX_SIZE`).
const MOST_IN_VECTOR: u64 = 127;
/// The time span of a bucket at first (`VOLATILESET_BUCKET_INTERVAL_MAX`), and at least
/// (`VOLATILESET_BUCKET_INTERVAL_MIN`).
const BUCKET_MS: u64 = 8192;
const LEAST_BUCKET_MS: u64 = 16;
/// The average number of fields in vectors that are halved when they are full.
const MEAN_IN_HALVED_VECTOR: f64 = 92.0;
/// Up to this number, all buckets are in use.
const FEW_BUCKETS: u64 = 16;
/// The tree is built for at most this many buckets, and scaled up for more.
const MOST_SAMPLES: u64 = 4096;
/// If buckets have fewer fields on average, each number of fields is weighted separately.
const FEW_FIELDS: f64 = 3.0;
/// `rax`: head, number of elements, number of nodes, sizes.
const TREE_BYTES: u64 = 32;

/// The fields of one hash that expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Volatile {
    fields: u64,
    earliest_ms: u64,
    latest_ms: u64,
}

/// How the fields of a larger set are spread over buckets.
struct Spread {
    /// The number of possible buckets.
    places: u64,
    /// The number of buckets with fields in them.
    used: u64,
    /// Whether full buckets are halved.
    halved: bool,
}

impl Volatile {
    pub(crate) fn add(&mut self, at_ms: u64) {
        self.earliest_ms = if self.fields == 0 { at_ms } else { self.earliest_ms.min(at_ms) };
        self.latest_ms = self.latest_ms.max(at_ms);
        self.fields += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields == 0
    }

    /// The bytes of the set, assuming that the times are spread evenly over their span.
    pub(crate) fn bytes(&self, settings: &Settings) -> u64 {
        if self.fields <= MOST_IN_VECTOR {
            return vector(self.fields, settings);
        }
        let spread = self.spread();
        let tree = settings.quantum.allocation(TREE_BYTES) + self.tree(&spread, settings);
        tree + spread.used * self.bucket(&spread, settings)
    }

    /// Full buckets are halved unless their fields expire at the same moment.
    fn spread(&self) -> Spread {
        let windows = (self.latest_ms / BUCKET_MS - self.earliest_ms / BUCKET_MS) + 1;
        let moments = (self.latest_ms / LEAST_BUCKET_MS - self.earliest_ms / LEAST_BUCKET_MS) + 1;
        let per_window = self.fields as f64 / windows as f64;
        let wanted = (per_window / MEAN_IN_HALVED_VECTOR).ceil();
        let halves = wanted.min(moments as f64 / windows as f64).max(1.0);
        let places = windows.saturating_mul(halves as u64);
        let used = if places > FEW_BUCKETS {
            self.fields - colliding_entries(self.fields, places)
        } else {
            places.min(self.fields)
        };
        Spread { places, used: used.max(1), halved: halves > 1.0 }
    }

    /// The radix tree. Its keys are the ends of the buckets' time spans.
    fn tree(&self, spread: &Spread, settings: &Settings) -> u64 {
        let span = self.latest_ms - self.earliest_ms;
        let unit = if spread.halved { LEAST_BUCKET_MS } else { BUCKET_MS };
        let samples = spread.used.min(MOST_SAMPLES);
        let step = span / samples;
        let mut tree = Rax::default();
        let (mut last, mut keys) = (0, 0_u32);
        for number in 0..samples {
            // Evenly spaced keys would fork too regularly, unless all buckets are in use.
            let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let jitter = if spread.used == spread.places { 0 } else { mixed % step.max(1) };
            let at_ms = self.earliest_ms + number * step + jitter;
            let key = (at_ms / unit + 1) * unit;
            if key > last {
                tree.add(&key.to_be_bytes(), settings.quantum);
                (last, keys) = (key, keys + 1);
            }
        }
        (tree.bytes(settings.quantum) as f64 * spread.used as f64 / f64::from(keys.max(1))) as u64
    }

    /// The average bytes of a bucket in use.
    fn bucket(&self, spread: &Spread, settings: &Settings) -> u64 {
        let fields = self.fields as f64 / spread.used as f64;
        if fields > MOST_IN_VECTOR as f64 {
            let fields = fields as u64;
            let table = buckets(settings.generation, settings.quantum, fields, Growth::OneByOne);
            // Nothing continues a move that the last field left unfinished.
            let unmoved = settings.quantum.allocation(unmoved_line_bytes(fields));
            return structure(settings.generation, settings.quantum, 0) + table + unmoved;
        }
        if fields >= FEW_FIELDS {
            return vector(fields.round() as u64, settings);
        }
        let rate = self.fields as f64 / spread.places as f64;
        let (mut sum, mut chances, mut chance) = (0.0, 0.0, (-rate).exp());
        for count in 1..8_u32 {
            chance *= rate / f64::from(count);
            chances += chance;
            sum += chance * vector(count.into(), settings) as f64;
        }
        if chances > 0.0 { (sum / chances) as u64 } else { 0 }
    }
}

/// The bytes of a vector: its header, and pointers to its fields. A single field needs no vector.
fn vector(fields: u64, settings: &Settings) -> u64 {
    if fields > 1 { settings.quantum.allocation(POINTER_BYTES * (fields + 1)) } else { 0 }
}
