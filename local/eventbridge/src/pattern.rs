//! A pattern and how it matches events.

use serde_json::Value;

/// A valid pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(crate) Vec<(String, Part)>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Object(Pattern),
    AnyOf(Vec<Test>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    Is(Value),
    Text(TextTest),
    Not(Vec<Self>),
    Exists(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextTest {
    Prefix {
        text: String,
        ignore_case: bool,
    },
    Suffix {
        text: String,
        ignore_case: bool,
    },
    EqualsIgnoreCase(String),
    /// The texts between wildcards.
    Wildcard(Vec<String>),
}

impl Pattern {
    /// Whether the pattern matches an event.
    pub fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(name, part)| {
            let value = event.get(name);
            match part {
                Part::Object(pattern) => value.is_some_and(|value| pattern.matches(value)),
                Part::AnyOf(tests) => tests.iter().any(|test| test.passes(value)),
            }
        })
    }
}

impl Test {
    /// Whether the test passes. If the field is a list, one matching value is enough.
    fn passes(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(expected), value) => *expected == value.is_some(),
            (_, None) => false,
            (test, Some(Value::Array(values))) => values.iter().any(|value| test.passes_one(value)),
            (test, Some(value)) => test.passes_one(value),
        }
    }

    fn passes_one(&self, value: &Value) -> bool {
        match self {
            Self::Is(expected) => expected == value,
            Self::Text(test) => value.as_str().is_some_and(|text| test.passes(text)),
            Self::Not(tests) => !tests.iter().any(|test| test.passes_one(value)),
            Self::Exists(expected) => *expected,
        }
    }
}

impl TextTest {
    fn passes(&self, found: &str) -> bool {
        match self {
            Self::Prefix { text, ignore_case: false } => found.starts_with(text),
            Self::Suffix { text, ignore_case: false } => found.ends_with(text),
            Self::Prefix { text, .. } => found.to_lowercase().starts_with(&text.to_lowercase()),
            Self::Suffix { text, .. } => found.to_lowercase().ends_with(&text.to_lowercase()),
            Self::EqualsIgnoreCase(text) => found.to_lowercase() == text.to_lowercase(),
            Self::Wildcard(texts) => wildcard(texts, found),
        }
    }
}

/// Whether `found` starts with the first text, ends with the last one, and has the others in this order between them.
fn wildcard(texts: &[String], found: &str) -> bool {
    let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return false };
    let [_, between @ .., _] = texts else { return found == first };
    let Some(rest) = found.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for text in between {
        // The earliest occurrence leaves the most room for the remaining texts.
        let Some(at) = rest.find(text.as_str()) else { return false };
        rest = &rest[at + text.len()..];
    }
    true
}
