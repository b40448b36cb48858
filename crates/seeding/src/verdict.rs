//! The result of inspecting the backups for the cluster: findings, a plan and a report.

pub(crate) mod backup;
pub mod changed;
pub(crate) mod conversion;
pub mod judge;
pub(crate) mod memory;
pub mod objects;
pub(crate) mod plan;
pub mod report;
