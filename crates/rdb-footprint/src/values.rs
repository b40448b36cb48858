//! The memory of keys, values and function libraries.

pub(crate) mod costs;
pub(crate) mod functions;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod rows;
pub(crate) mod streams;
