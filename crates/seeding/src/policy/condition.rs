//! The conditions of a statement, evaluated as far as possible outside AWS.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;

use super::listed::matches;

/// The time and account for which a policy is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The account ID of the seeding.
    pub account: &'a str,
    /// The current time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// One condition: a condition key compared with any of several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

/// Parses `Condition`; `None` if it is malformed.
pub(super) fn conditions(value: Option<&Value>) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    let Some(value) = value.filter(|value| !value.is_null()) else { return Some(conditions) };
    for (operator, keys) in value.as_object()? {
        for (key, values) in keys.as_object()? {
            let values = match values {
                Value::Array(values) => values.iter().map(text).collect::<Option<_>>()?,
                value => vec![text(value)?],
            };
            let (operator, key) = (operator.clone(), key.clone());
            conditions.push(Condition { operator, key, values });
        }
    }
    Some(conditions)
}

/// Reads a value as text: booleans and numbers may be written with or without quotes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

impl Condition {
    /// Whether an Allow under this condition counts as a grant: the condition names this account as the source, or a
    /// time span that includes now. AWS does not document whether ElastiCache sends the source account, so such a grant
    /// is still reported for checking.
    pub(super) fn counts(&self, context: &Context<'_>) -> bool {
        if self.is_about("aws:SourceAccount") {
            let account = context.account;
            let is: fn(&str, &str) -> bool = match self.operator() {
                "StringEquals" | "StringEqualsIgnoreCase" => |value, account| value == account,
                "StringLike" => matches,
                _ => return false,
            };
            return self.values.iter().any(|value| is(value, account));
        }
        self.time_holds(context) == Some(true)
    }

    /// Whether it certainly does not hold for the requests of a seeding: they all use TLS, and a time span may be over.
    pub(super) fn fails(&self, context: &Context<'_>) -> bool {
        let plain = self.is_about("aws:SecureTransport") && self.operator() == "Bool";
        (plain && self.values.iter().all(|value| value.eq_ignore_ascii_case("false")))
            || self.time_holds(context) == Some(false)
    }

    /// Formats it for findings.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.operator, self.key)
    }

    /// Whether it compares this condition key, ignoring case.
    fn is_about(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// The operator without `IfExists`: the condition keys above are always present.
    fn operator(&self) -> &str {
        self.operator.strip_suffix("IfExists").unwrap_or(&self.operator)
    }

    /// Whether a condition on the request's time holds now; `None` for any other condition.
    fn time_holds(&self, context: &Context<'_>) -> Option<bool> {
        if !self.is_about("aws:CurrentTime") && !self.is_about("aws:EpochTime") {
            return None;
        }
        let now_ms = i64::try_from(context.now_ms).ok()?;
        let is: fn(i64, i64) -> bool =
            match self.operator().trim_start_matches("Date").trim_start_matches("Numeric") {
                "LessThan" => |now, then| now < then,
                "LessThanEquals" => |now, then| now <= then,
                "GreaterThan" => |now, then| now > then,
                "GreaterThanEquals" => |now, then| now >= then,
                _ => return None,
            };
        let times: Option<Vec<_>> = self.values.iter().map(|value| time_ms(value)).collect();
        Some(times?.into_iter().any(|then| is(now_ms, then)))
    }
}

/// Parses a time of a policy: ISO 8601 in one of the W3C forms, or seconds since the Unix epoch. Returns milliseconds.
fn time_ms(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let midnight = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-26T00:00:00Z
    const CONTEXT: Context<'_> = Context { account: "1", now_ms: 1_795_651_200_000 };

    fn one(value: &Value) -> Condition {
        conditions(Some(value)).unwrap().remove(0)
    }

    #[test]
    fn only_this_account_and_a_time_to_come_count_for_a_grant() {
        for (condition, expected) in [
            (json!({"StringEquals": {"aws:SourceAccount": "1"}}), true),
            (json!({"StringEqualsIfExists": {"AWS:sourceaccount": ["2", "1"]}}), true),
            (json!({"StringLike": {"aws:SourceAccount": "*"}}), true),
            (json!({"StringEquals": {"aws:SourceAccount": "2"}}), false),
            (json!({"StringNotEquals": {"aws:SourceAccount": "2"}}), false),
            (json!({"DateLessThan": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}}), true),
            (json!({"DateLessThan": {"aws:CurrentTime": "2026-12-01"}}), true),
            (json!({"NumericLessThan": {"aws:EpochTime": 1_800_000_000}}), true),
            (json!({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}), true),
            (json!({"DateLessThan": {"aws:CurrentTime": "2026-11-01T00:00:00Z"}}), false),
            (json!({"DateLessThan": {"aws:CurrentTime": "soon"}}), false),
            (json!({"DateLessThan": {"aws:TokenIssueTime": "2030-01-01T00:00:00Z"}}), false),
            (json!({"Bool": {"aws:SecureTransport": "true"}}), false),
            (json!({"ArnLike": {"aws:SourceArn": "*"}}), false),
            (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), false),
        ] {
            assert_eq!(one(&condition).counts(&CONTEXT), expected, "{condition}");
        }
    }

    #[test]
    fn plain_transport_and_times_that_are_over_surely_fail() {
        for (condition, expected) in [
            (json!({"Bool": {"aws:SecureTransport": "false"}}), true),
            (json!({"BoolIfExists": {"aws:SecureTransport": [false, "false"]}}), true),
            (json!({"Bool": {"aws:SecureTransport": false}}), true),
            (json!({"Bool": {"aws:SecureTransport": "true"}}), false),
            (json!({"DateLessThan": {"aws:CurrentTime": "2026-11-01T00:00:00Z"}}), true),
            (json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), false),
        ] {
            assert_eq!(one(&condition).fails(&CONTEXT), expected, "{condition}");
        }
    }
}
