//! Event patterns of EventBridge, which decide whether a rule matches an event.
//!
//! A pattern is an object with the structure of the event. The event must have each field that the pattern names, and
//! match one of its values. One field cannot have conditions that must all hold. Unknown operators are rejected and
//! never count as a match.
#![forbid(unsafe_code)]

mod parse;
mod pattern;

pub use parse::{MAX_PATTERN_CHARACTERS, PatternError};
pub use pattern::Pattern;
