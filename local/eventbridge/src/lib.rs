//! Event patterns of EventBridge: what a rule lets through.
//!
//! A pattern is an object like the event: every field that it names has to be there and match one of its values. There
//! is no "and" for one field. A pattern that this crate does not know is refused, never taken for a match.
#![forbid(unsafe_code)]

use serde_json::{Map, Value};
use thiserror::Error;

/// How long a pattern may be, in characters of its JSON. Source: EventBridge quotas, "Event pattern size".
pub const MAX_PATTERN_CHARACTERS: usize = 2048;
/// More than any event has; EventBridge allows about as many.
const MAX_DEPTH: usize = 100;

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It is longer than EventBridge takes.
    #[error("the pattern has {0} characters, at most {MAX_PATTERN_CHARACTERS} are possible")]
    TooLong(usize),
    /// It has a part that cannot be read.
    #[error("the pattern's field `{field}` {reason}")]
    Malformed {
        /// The path of the field, with dots.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

/// A pattern that was found to be in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<(String, Part)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Object(Pattern),
    AnyOf(Vec<Test>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Is(Value),
    Text(TextTest),
    Not(Vec<Self>),
    Exists(bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TextTest {
    Prefix {
        text: String,
        ignore_case: bool,
    },
    Suffix {
        text: String,
        ignore_case: bool,
    },
    EqualsIgnoreCase(String),
    /// The texts between the wildcards.
    Wildcard(Vec<String>),
}

impl Pattern {
    /// Reads a rule's `EventPattern`.
    ///
    /// # Errors
    /// When EventBridge would not take it, or when it has something that is not known here.
    pub fn parse(pattern: &Value) -> Result<Self, PatternError> {
        let characters = pattern.to_string().chars().count();
        if characters > MAX_PATTERN_CHARACTERS {
            return Err(PatternError::TooLong(characters));
        }
        match pattern {
            Value::Object(fields) => object(fields, "", 0),
            _ => Err(malformed("", "is no object")),
        }
    }

    /// Whether an event is let through.
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
    /// Of a field that is a list, one value that passes is enough.
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

/// The first text stands at the beginning, the last at the end, the others in this order between them.
fn wildcard(texts: &[String], found: &str) -> bool {
    let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return false };
    let [_, between @ .., _] = texts else { return found == first };
    let Some(rest) = found.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for text in between {
        // The earliest place leaves the most room for what follows.
        let Some(at) = rest.find(text.as_str()) else { return false };
        rest = &rest[at + text.len()..];
    }
    true
}

fn malformed(field: &str, reason: &str) -> PatternError {
    PatternError::Malformed { field: field.to_owned(), reason: reason.to_owned() }
}

fn object(fields: &Map<String, Value>, path: &str, depth: usize) -> Result<Pattern, PatternError> {
    if fields.is_empty() || depth > MAX_DEPTH {
        return Err(malformed(path, "is empty or lies too deep"));
    }
    let part = |(name, value): (&String, &Value)| {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let part = match value {
            Value::Object(_) if name.starts_with('$') => return Err(malformed(&path, "is not known here")),
            Value::Object(fields) => Part::Object(object(fields, &path, depth + 1)?),
            Value::Array(tests) if !tests.is_empty() => {
                Part::AnyOf(tests.iter().map(|value| test(value, &path)).collect::<Result<_, _>>()?)
            }
            _ => return Err(malformed(&path, "is neither an object nor a list with something in it")),
        };
        Ok((name.clone(), part))
    };
    Ok(Pattern(fields.iter().map(part).collect::<Result<_, _>>()?))
}

fn test(value: &Value, path: &str) -> Result<Test, PatternError> {
    let Value::Object(operator) = value else { return Ok(Test::Is(value.clone())) };
    let mut operators = operator.iter();
    let (Some((name, value)), None) = (operators.next(), operators.next()) else {
        return Err(malformed(path, "has not exactly one operator in an object"));
    };
    Ok(match (name.as_str(), value) {
        ("exists", Value::Bool(expected)) => Test::Exists(*expected),
        ("anything-but", Value::Array(values)) if !values.is_empty() => {
            Test::Not(values.iter().map(|value| test(value, path)).collect::<Result<_, _>>()?)
        }
        ("anything-but", Value::String(_) | Value::Number(_) | Value::Object(_)) => {
            Test::Not(vec![test(value, path)?])
        }
        ("prefix", value) => {
            let (text, ignore_case) = text(value, path)?;
            Test::Text(TextTest::Prefix { text, ignore_case })
        }
        ("suffix", value) => {
            let (text, ignore_case) = text(value, path)?;
            Test::Text(TextTest::Suffix { text, ignore_case })
        }
        ("equals-ignore-case", Value::String(text)) => Test::Text(TextTest::EqualsIgnoreCase(text.clone())),
        // EventBridge refuses two wildcards side by side, and a backslash would be its escape.
        ("wildcard", Value::String(text)) if !text.contains("**") && !text.contains('\\') => {
            Test::Text(TextTest::Wildcard(text.split('*').map(str::to_owned).collect()))
        }
        _ => {
            return Err(malformed(
                path,
                &format!("has the operator {name}, which is not known here in this form"),
            ));
        }
    })
}

/// `".rdb"` or `{"equals-ignore-case": ".rdb"}`, and whether case counts.
fn text(value: &Value, path: &str) -> Result<(String, bool), PatternError> {
    match value {
        Value::String(text) => Ok((text.clone(), false)),
        Value::Object(fields) if fields.len() == 1 => match fields.get("equals-ignore-case") {
            Some(Value::String(text)) => Ok((text.clone(), true)),
            _ => Err(malformed(path, "has something else than equals-ignore-case in a prefix or suffix")),
        },
        _ => Err(malformed(path, "has a prefix or suffix that is no text")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

    use serde_json::json;

    use super::*;

    fn matches(pattern: &Value, event: &Value) -> bool {
        Pattern::parse(pattern).unwrap().matches(event)
    }

    #[test]
    fn every_field_has_to_match_one_of_its_values() {
        let pattern = json!({"source": ["aws.s3"], "detail": {"bucket": {"name": ["a", "b"]}}});
        let event =
            |source: &str, bucket: &str| json!({"source": source, "detail": {"bucket": {"name": bucket}}});
        assert!(matches(&pattern, &event("aws.s3", "b")));
        assert!(!matches(&pattern, &event("aws.s3", "c")));
        assert!(!matches(&pattern, &event("aws.ec2", "a")));
        assert!(!matches(&pattern, &json!({"source": "aws.s3"})));
        assert!(matches(&json!({"list": ["a"]}), &json!({"list": ["b", "a"]})), "one of a list is enough");
    }

    #[test]
    fn operators_decide_as_eventbridge_documents_them() {
        for (operator, text, expected) in [
            (json!({"prefix": "in/"}), "in/a.rdb", true),
            (json!({"prefix": {"equals-ignore-case": "IN/"}}), "in/a.rdb", true),
            (json!({"suffix": ".rdb"}), "a.RDB", false),
            (json!({"suffix": {"equals-ignore-case": ".rdb"}}), "a.RdB", true),
            (json!({"suffix": {"equals-ignore-case": ".rdb"}}), "a.rdb.gz", false),
            (json!({"equals-ignore-case": "A.rdb"}), "a.RDB", true),
            (json!({"wildcard": "in/*.rdb"}), "in/x/y.rdb", true),
            (json!({"wildcard": "in/*.rdb"}), "in/.rdb.bak", false),
            (json!({"wildcard": "sets/*.seed.json"}), "sets/all.seed.json", true),
            (json!({"wildcard": "ab*ba"}), "aba", false),
            (json!({"wildcard": "a*b*c"}), "a-b-b-c", true),
            (json!({"wildcard": "a*b*c"}), "acb", false),
            (json!({"anything-but": {"prefix": "{\"cleanUp\""}}), "{\"backups\"", true),
            (json!({"anything-but": {"prefix": "{\"cleanUp\""}}), "{\"cleanUp\":1", false),
            (json!({"anything-but": ["a", "b"]}), "b", false),
            (json!({"exists": true}), "a", true),
        ] {
            let pattern = json!({"key": [operator]});
            assert_eq!(matches(&pattern, &json!({"key": text})), expected, "{pattern} {text}");
        }
        assert!(matches(&json!({"key": [{"exists": false}]}), &json!({})));
    }

    #[test]
    fn what_is_not_known_or_too_long_is_refused_and_never_taken_for_a_match() {
        for pattern in [
            json!("text"),
            json!({}),
            json!({"key": []}),
            json!({"key": "text"}),
            json!({"key": [{"cidr": "10.0.0.0/8"}]}),
            json!({"key": [{"wildcard": "a**b"}]}),
            json!({"key": [{"prefix": 1}]}),
            json!({"key": [{"prefix": "a", "suffix": "b"}]}),
            json!({"$or": {"a": ["b"]}}),
        ] {
            assert!(Pattern::parse(&pattern).is_err(), "{pattern}");
        }
        let long = json!({"key": ["x".repeat(MAX_PATTERN_CHARACTERS)]});
        assert!(matches!(Pattern::parse(&long), Err(PatternError::TooLong(_))));
    }
}
