//! The memory of the building blocks of values: strings, tables, radix trees.

pub(crate) mod ids;
pub(crate) mod rax;
pub(crate) mod strings;
pub(crate) mod tables;
pub(crate) mod volatile;
