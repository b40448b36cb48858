//! What is known about engines, node types, slots and locations, whoever asks.

pub(crate) mod engine;
pub(crate) mod loaders;
pub(crate) mod location;
pub(crate) mod memory;
pub(crate) mod node_types;
pub(crate) mod partition;
pub(crate) mod slots;
