//! The target: the generation of the engine, its parameters and its allocator.

pub(crate) mod allocator;
pub(crate) mod generation;
pub(crate) mod layout;
pub(crate) mod settings;
