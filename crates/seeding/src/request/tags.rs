//! The tags of the new cluster, by AWS's rules.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding};

/// The tag that names the execution of a cluster, for people and cost reports. It is set in addition to the requested
/// tags.
pub const EXECUTION_TAG: &str = "elasticache-seeder:execution";

/// The most tags of one resource. Source: ElastiCache API, `CreateReplicationGroup.Tags`, and "Tag naming limits and
/// requirements" of the AWS general reference, as for the limits below.
const MAX_TAGS: usize = 50;
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;
/// The most tags that are reported; a request with more usually repeats one fault.
const SHOWN: usize = 10;

/// The rule that a tag breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum TagError {
    #[error("the key is empty: use 1 to {MAX_KEY_CHARS} characters")]
    EmptyKey,
    #[error("the key has {0} characters: use at most {MAX_KEY_CHARS}")]
    LongKey(usize),
    #[error("the value has {0} characters: use at most {MAX_VALUE_CHARS}")]
    LongValue(usize),
    #[error("the key begins with `aws:`, which is reserved for AWS: use another key")]
    Reserved,
    #[error("the key is reserved for the tag that names the execution: use another key")]
    Ours,
    #[error("the character {0:?} is not allowed: use letters, digits, spaces and + - = . _ : / @")]
    Character(char),
}

/// Checks the tags; returns a finding for each fault.
pub(crate) fn tag_findings(tags: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // One more names the execution.
    if tags.len() >= MAX_TAGS {
        let remedy = format!("set at most {} tags: one more names the execution", MAX_TAGS - 1);
        findings.push(Finding::new(Code::InvalidTag, remedy).with("tags", tags.len()));
    }
    let faults = tags.iter().filter_map(|(key, value)| Some((key, check(key, value).err()?)));
    findings.extend(faults.take(SHOWN).map(|(key, fault)| {
        // A key that is too long is not repeated as a whole.
        let shown: String = key.chars().take(MAX_KEY_CHARS).collect();
        Finding::new(Code::InvalidTag, fault.to_string()).with("tag", shown)
    }));
    findings
}

fn check(key: &str, value: &str) -> Result<(), TagError> {
    let (key_chars, value_chars) = (key.chars().count(), value.chars().count());
    if key.is_empty() {
        return Err(TagError::EmptyKey);
    }
    if key_chars > MAX_KEY_CHARS {
        return Err(TagError::LongKey(key_chars));
    }
    if value_chars > MAX_VALUE_CHARS {
        return Err(TagError::LongValue(value_chars));
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(TagError::Reserved);
    }
    if key == EXECUTION_TAG {
        return Err(TagError::Ours);
    }
    let possible = |c: char| c.is_alphanumeric() || is_space(c) || "+-=._:/@".contains(c);
    match key.chars().chain(value.chars()).find(|&c| !possible(c)) {
        Some(other) => Err(TagError::Character(other)),
        None => Ok(()),
    }
}

/// A space of any width, and no line break or tab.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Option<String> {
        let findings = tag_findings(&BTreeMap::from([(key.to_owned(), value.to_owned())]));
        assert!(findings.iter().all(|finding| finding.code == Code::InvalidTag));
        findings.first().map(|finding| finding.remedy.clone())
    }

    #[test]
    fn tags_that_aws_takes_are_taken() {
        for (key, value) in [
            ("team", ""),
            ("cost center", "a+b-c=d.e_f:g/h@i 1"),
            ("größe", "大"),
            ("awsome", "aws:x"),
            (&"k".repeat(128), &"ü".repeat(256)),
        ] {
            assert_eq!(one(key, value), None, "{key}");
        }
    }

    #[test]
    fn tags_that_aws_refuses_are_refused_by_their_reason() {
        for (key, value, reason) in [
            ("", "x", "the key is empty"),
            (&*"k".repeat(129), "x", "the key has 129 characters"),
            ("k", &*"v".repeat(257), "the value has 257 characters"),
            ("aws:team", "x", "begins with `aws:`"),
            ("AWS:team", "x", "begins with `aws:`"),
            (EXECUTION_TAG, "x", "names the execution"),
            ("team", "a;b", "';'"),
            ("te\tam", "a", "'\\t'"),
        ] {
            let found = one(key, value).unwrap_or_default();
            assert!(found.contains(reason), "{found}");
        }
    }

    #[test]
    fn the_fiftieth_tag_is_ours_and_faults_are_told_within_bounds() {
        let tags =
            |count: usize, key: &str| (0..count).map(|n| (format!("{key}{n}"), String::new())).collect();
        assert_eq!(tag_findings(&tags(49, "k")), []);
        assert_eq!(tag_findings(&tags(50, "k")).len(), 1);
        assert_eq!(tag_findings(&tags(1000, "#")).len(), 1 + SHOWN);
    }
}
