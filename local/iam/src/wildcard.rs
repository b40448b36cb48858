//! Wildcards in policies.

/// Whether `pattern`, with `*` and `?`, matches all of `text`. Takes time in proportion to the product of their
/// lengths.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Position of the last star, and the end of the text that it matches so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(symbol) if *symbol == '?' || *symbol == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                seen = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|symbol| *symbol == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_whole_names() {
        assert!(wildcard("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b.rdb"));
        assert!(wildcard("s3:Get*Acl", "s3:GetBucketAcl"));
        assert!(wildcard("a?c*", "abc"));
        assert!(wildcard("*a*b", "xaybzb"));
        assert!(!wildcard("arn:aws:s3:::b/*", "arn:aws:s3:::b"));
        assert!(!wildcard("a?c", "ac"));
    }
}
