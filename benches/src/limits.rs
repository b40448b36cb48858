//! How close rdb-scan comes to the cost of the work itself.
//!
//! Every RDB reader has to do certain work: read and verify the CRC, step from length to length, follow the tokens of
//! compressed strings, hash keys. Here the smallest possible loop does each part alone, on a sound file in memory. The
//! limit for rdb-scan is a reader that does one part after the other, each as fast as alone. With two threads, the
//! limit is twice as fast.

mod best;
mod collect;
mod hash;
mod listpack;
mod lzf;
mod parts;
mod strings;
mod table;
#[cfg(test)]
mod tests;
mod threads;
mod walk;

pub use parts::{Limits, measure};
pub use table::{explanations, loops, summary};
pub use threads::{Threads, measure_threads, threads};
