//! Parses patterns from JSON and rejects everything unknown.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::pattern::{Part, Pattern, Test, TextTest};

/// Longest pattern in characters of JSON. Source: EventBridge quotas, "Event pattern size".
pub const MAX_PATTERN_CHARACTERS: usize = 2048;
/// Deepest nesting, more than any event has. EventBridge allows about as much.
const MAX_DEPTH: usize = 100;

/// The reason why a pattern is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// The pattern exceeds EventBridge's limit.
    #[error("the pattern has {0} characters, at most {MAX_PATTERN_CHARACTERS} are possible")]
    TooLong(usize),
    /// A part of the pattern cannot be parsed.
    #[error("the pattern's field `{field}` {reason}")]
    Malformed {
        /// The path of the field, separated by dots.
        field: String,
        /// The reason.
        reason: String,
    },
}

impl Pattern {
    /// Parses the `EventPattern` of a rule.
    ///
    /// # Errors
    /// When EventBridge would reject the pattern, or when it uses an operator that is not supported here.
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
        // EventBridge rejects consecutive wildcards and uses the backslash as escape character.
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

/// Parses `".rdb"` or `{"equals-ignore-case": ".rdb"}`. Returns the text and whether case is ignored.
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
