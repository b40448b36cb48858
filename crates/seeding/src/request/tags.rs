//! The tags of the new cluster, by AWS's rules.

use std::collections::BTreeMap;

use crate::finding::{Code, Finding};

/// The tag that says whose a cluster is, for people and for cost reports. It is set beside those that are asked for.
pub const EXECUTION_TAG: &str = "elasticache-seeder:execution";

/// Tags of one resource, at most. Source: ElastiCache API, `CreateReplicationGroup.Tags`, and "Tag naming limits and
/// requirements" of the AWS general reference, as the bounds below.
const MAX_TAGS: usize = 50;
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;
/// Tags whose faults are told; a request with more has the same fault in all of them.
const SHOWN: usize = 10;

/// Which of the rules a tag breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum TagError {
    #[error("the key is empty: give it 1 to {MAX_KEY_CHARS} characters")]
    EmptyKey,
    #[error("the key has {0} characters: at most {MAX_KEY_CHARS} are possible")]
    LongKey(usize),
    #[error("the value has {0} characters: at most {MAX_VALUE_CHARS} are possible")]
    LongValue(usize),
    #[error("the key begins with `aws:`, which is AWS's own: take another one")]
    Reserved,
    #[error("the key is that of the tag which names the execution: take another one")]
    Ours,
    #[error("the character {0:?} is not possible: take letters, digits, spaces and + - = . _ : / @")]
    Character(char),
}

/// What speaks against these tags.
pub(crate) fn tag_findings(tags: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // One is ours.
    if tags.len() >= MAX_TAGS {
        let remedy = format!("give at most {} tags: one more names the execution", MAX_TAGS - 1);
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
