//! Event patterns of EventBridge: what a rule lets through.
//!
//! A pattern is an object like the event: every field that it names has to be there and match one of its values. There
//! is no "and" for one field. A pattern that this crate does not know is refused, never taken for a match.
#![forbid(unsafe_code)]

mod parse;
mod pattern;

pub use parse::{MAX_PATTERN_CHARACTERS, PatternError};
pub use pattern::Pattern;
