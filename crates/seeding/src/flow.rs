//! The data that passes between the steps of the state machine, and the rules by which steps decide.

pub(crate) mod announced;
pub mod chunks;
pub mod conversion;
pub(crate) mod drops;
pub(crate) mod failure;
pub(crate) mod files;
pub mod grant;
pub mod handover;
pub mod outcome;
pub(crate) mod ownership;
pub mod polling;
pub(crate) mod status;
pub mod steps;
pub mod sweep;
