//! Event patterns of EventBridge: a rule matches an event, or not.
//!
//! A pattern is an object like the event: every field that it names has to be there and match one of its values. There
//! is no "and" for one field. An unknown pattern is refused and never counts as a match.
#![forbid(unsafe_code)]

mod parse;
mod pattern;

pub use parse::{MAX_PATTERN_CHARACTERS, PatternError};
pub use pattern::Pattern;
