//! Reading a file in parts: finding where a part begins, reading it, and joining neighbors that meet.

pub(crate) mod assemble;
pub(crate) mod boundary;
pub(crate) mod range;
