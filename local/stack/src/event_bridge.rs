//! EventBridge: the template's rules, and the events that only the stack itself can send.

pub(crate) mod clean_up;
pub(crate) mod rules;
