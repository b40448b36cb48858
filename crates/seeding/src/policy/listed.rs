//! The lists of a statement, such as `Action` and `NotAction`, and their patterns.

use serde_json::Value;

use super::Answer;

/// The list in an element of a statement; `inverted` if the element's name begins with `Not`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    pub(super) inverted: bool,
}

impl<T> Listed<T> {
    /// Whether the list covers something, given each item's answer.
    pub(super) fn covers(&self, says: impl Fn(&T) -> Answer) -> Answer {
        let any = self.items.iter().map(says).max().unwrap_or(Answer::No);
        if self.inverted { any.not() } else { any }
    }
}

/// Reads `NAME` or `NotNAME` of a statement; `None` if it has neither.
pub(super) fn listed<T>(
    statement: &Value,
    name: &str,
    read: impl Fn(&Value) -> Option<Vec<T>>,
) -> Option<Listed<T>> {
    let element = |name: &str, inverted| Some(Listed { items: read(statement.get(name)?)?, inverted });
    element(name, false).or_else(|| element(&format!("Not{name}"), true))
}

/// Reads a single string, or a list of strings.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Whether a pattern matches an action, ignoring case.
pub(super) fn action_is(pattern: &str, action: &str) -> Answer {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()).into()
}

/// Whether a pattern matches a resource. The value of a variable such as `${aws:username}` is not known here.
pub(super) fn resource_is(pattern: &str, resource: &str) -> Answer {
    if !pattern.contains("${") {
        return matches(pattern, resource).into();
    }
    let mut open = String::new();
    let mut rest = pattern;
    while let Some((before, variable)) = rest.split_once("${") {
        open.push_str(before);
        open.push('*');
        rest = variable.split_once('}').map_or("", |(_, rest)| rest);
    }
    open.push_str(rest);
    Answer::from(matches(&open, resource)).and(Answer::Perhaps)
}

/// Matches an IAM pattern: `*` is any run of characters, `?` any single one. The time is proportional to the product of
/// the lengths, which the size of a policy bounds.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, t) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_whole_names() {
        for (pattern, text, expected) in [
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b.rdb", true),
            ("arn:*:s3:::b/?.rdb", "arn:aws:s3:::b/ü.rdb", true),
            ("*a*b", "xaybzb", true),
            ("", "", true),
            ("*", "", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("a?c", "ac", false),
            ("arn:aws:s3:::b/A.rdb", "arn:aws:s3:::b/a.rdb", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert_eq!(action_is("S3:get*", "s3:GetObject"), Answer::Yes);
    }

    #[test]
    fn what_a_variable_stands_for_stays_open() {
        assert_eq!(
            resource_is("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/x/a.rdb"),
            Answer::Perhaps
        );
        assert_eq!(resource_is("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::c/x/a.rdb"), Answer::No);
        assert_eq!(resource_is("arn:aws:s3:::b/${", "arn:aws:s3:::b/x"), Answer::Perhaps);
    }
}
