//! What keys, values and libraries of functions take.

pub(crate) mod costs;
pub(crate) mod functions;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod rows;
pub(crate) mod streams;
