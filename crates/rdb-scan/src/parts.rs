//! A file read in parts: where a part begins, reading one, and joining neighbours that meet.

pub(crate) mod assemble;
pub(crate) mod boundary;
pub(crate) mod parallel;
pub(crate) mod range;
