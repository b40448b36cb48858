//! From a create to available: backups are loaded by real servers and spread over the nodes.

pub(crate) mod layout;
pub(crate) mod restore;
pub(crate) mod spread;
