//! Hashes by which keys and members are compared.

use std::hash::{DefaultHasher, Hasher};

/// A hash of 128 bits. Equal ones count as equal keys.
pub(crate) fn hash(database: u64, prefix: &[u8], key: &[u8]) -> u128 {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(seed);
        hasher.write_u64(database);
        hasher.write(prefix);
        hasher.write(key);
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}
