//! Patterns match as EventBridge documents them.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use local_eventbridge::{MAX_PATTERN_CHARACTERS, Pattern, PatternError};
use serde_json::{Value, json};

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
