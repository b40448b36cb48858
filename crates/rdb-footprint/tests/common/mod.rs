//! Data of many shapes, servers that hold it, and measurements of their memory.

#![allow(unreachable_pub, missing_docs, reason = "a part of one test binary")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

pub mod comparison;
pub mod filling;
pub mod server;
pub mod shapes;
