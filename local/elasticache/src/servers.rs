//! The real servers that run as nodes.

pub(crate) mod binaries;
pub(crate) mod info;
pub(crate) mod launch;
pub(crate) mod server_log;
pub(crate) mod server_process;
pub(crate) mod watchdog;
