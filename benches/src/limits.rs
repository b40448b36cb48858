//! How close our reader is to what the work itself costs.
//!
//! A reader of RDB files has to do certain things whatever it is made of: read and check the CRC, go from length to
//! length, follow the tokens of compressed strings, hash keys. Here each of them is done alone, by the smallest loop
//! there is for it, on a file that is in memory and is known to be sound. A reader that does one after the other, each
//! as fast as alone, is the limit that ours is held against. With two threads, the limit is twice as fast.

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
