//! One condition of a statement.

use jiff::Timestamp;
use serde_json::Value;

use crate::wildcard::wildcard;

/// An operator, a condition key and the values that it is compared with.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    operator: String,
    /// In lower case: keys are not case-sensitive.
    key: String,
    values: Vec<String>,
}

impl Condition {
    /// Reads the `Condition` element. `None` if it is malformed.
    pub(crate) fn parse_all(value: Option<&Value>) -> Option<Vec<Self>> {
        let mut conditions = Vec::new();
        let Some(value) = value else { return Some(conditions) };
        for (operator, keys) in value.as_object()? {
            for (key, values) in keys.as_object()? {
                let values = match values {
                    Value::Bool(value) => vec![value.to_string()],
                    Value::Number(value) => vec![value.to_string()],
                    values => strings(values)?,
                };
                conditions.push(Self { operator: operator.clone(), key: key.to_lowercase(), values });
            }
        }
        Some(conditions)
    }

    /// Whether the condition holds. With an unknown operator, an Allow does not apply, and a Deny does: this
    /// implementation errs on the side of refusing.
    pub(crate) fn holds(&self, context: &[(&str, &str)], allow: bool) -> bool {
        let (operator, if_exists) = match self.operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (self.operator.as_str(), false),
        };
        let value = context.iter().find(|(name, _)| *name == self.key).map(|(_, value)| *value);
        if operator == "Null" {
            return self.values.iter().any(|expected| (expected == "true") == value.is_none());
        }
        let (operator, negated) = match operator.split_once("Not") {
            Some((kind, rest)) => (format!("{kind}{rest}"), true),
            None => (operator.to_owned(), false),
        };
        let Some(test) = test(&operator) else { return !allow };
        match value {
            Some(value) => self.values.iter().any(|expected| test(expected, value)) != negated,
            None => if_exists || negated,
        }
    }
}

/// The comparison of an operator, with the expected value first.
fn test(operator: &str) -> Option<fn(&str, &str) -> bool> {
    Some(match operator {
        "StringEquals" | "Bool" => |expected, value| expected == value,
        "StringEqualsIgnoreCase" => |expected, value| expected.eq_ignore_ascii_case(value),
        "StringLike" | "ArnLike" | "ArnEquals" => wildcard,
        "DateEquals" => {
            |expected, value| dates(expected, value).is_some_and(|(expected, value)| value == expected)
        }
        "DateLessThan" => {
            |expected, value| dates(expected, value).is_some_and(|(expected, value)| value < expected)
        }
        "DateLessThanEquals" => {
            |expected, value| dates(expected, value).is_some_and(|(expected, value)| value <= expected)
        }
        "DateGreaterThan" => {
            |expected, value| dates(expected, value).is_some_and(|(expected, value)| value > expected)
        }
        "DateGreaterThanEquals" => {
            |expected, value| dates(expected, value).is_some_and(|(expected, value)| value >= expected)
        }
        _ => return None,
    })
}

fn dates(expected: &str, value: &str) -> Option<(Timestamp, Timestamp)> {
    Some((expected.parse().ok()?, value.parse().ok()?))
}

/// A string, or a list of strings.
pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(value) => Some(vec![value.clone()]),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(ToOwned::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(condition: &Value, context: &[(&str, &str)]) -> bool {
        Condition::parse_all(Some(condition)).unwrap().iter().all(|condition| condition.holds(context, true))
    }

    #[test]
    fn dates_are_compared_as_points_in_time() {
        let now = [("aws:currenttime", "2026-11-27T12:00:00Z")];
        assert!(holds(&json!({"DateLessThan": {"aws:CurrentTime": "2026-11-27T13:00:00+00:30"}}), &now));
        assert!(!holds(&json!({"DateLessThan": {"aws:CurrentTime": "2026-11-27T12:00:00Z"}}), &now));
        assert!(holds(&json!({"DateLessThanEquals": {"aws:CurrentTime": "2026-11-27T12:00:00Z"}}), &now));
        assert!(holds(&json!({"DateGreaterThan": {"aws:CurrentTime": "2026-11-27T11:59:59Z"}}), &now));
        assert!(!holds(&json!({"DateGreaterThan": {"aws:CurrentTime": "soon"}}), &now));
        assert!(!holds(&json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}), &[]));
    }

    #[test]
    fn a_key_that_is_absent_meets_negated_and_optional_conditions_only() {
        assert!(!holds(&json!({"StringEquals": {"aws:SourceAccount": "1"}}), &[]));
        assert!(holds(&json!({"StringNotEquals": {"aws:SourceAccount": "1"}}), &[]));
        assert!(holds(&json!({"StringEqualsIfExists": {"aws:SourceAccount": "1"}}), &[]));
        assert!(holds(&json!({"Null": {"aws:SourceAccount": "true"}}), &[]));
        assert!(!holds(&json!({"Null": {"aws:SourceAccount": true}}), &[("aws:sourceaccount", "1")]));
    }
}
