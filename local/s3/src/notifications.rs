//! Upload notifications: the events and their delivery to Lambda functions and EventBridge.

pub(crate) mod delivery;
pub(crate) mod event;
mod filter;
