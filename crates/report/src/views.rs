//! What the template shows, section by section: text that is ready but for escaping.

pub(crate) mod cluster;
pub(crate) mod contents;
pub(crate) mod course;
pub(crate) mod findings;
pub(crate) mod memory;
pub(crate) mod summary;
