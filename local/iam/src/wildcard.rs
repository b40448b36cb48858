//! Wildcards in policies.

/// A symbol of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// `*`: any characters.
    Any,
    /// `?`: one character.
    One,
    Literal(char),
}

/// Whether `pattern` matches the whole of `text`. `*` and `?` are wildcards; `${*}`, `${?}` and `${$}` stand for the
/// characters themselves. The running time is proportional to the product of their lengths.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<Symbol>, Vec<char>) = (symbols(pattern), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Position of the last star, and the end of the text that it matches so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(Symbol::Any) => {
                star = Some((at, seen));
                at += 1;
            }
            Some(symbol) if matches!(symbol, Symbol::One) || *symbol == Symbol::Literal(text[seen]) => {
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
    pattern[at..].iter().all(|symbol| *symbol == Symbol::Any)
}

fn symbols(pattern: &str) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let escaped = ["${*}", "${?}", "${$}"].into_iter().find(|escape| rest.starts_with(escape));
        symbols.push(match (escaped, first) {
            (Some(escape), _) => Symbol::Literal(char::from(escape.as_bytes()[2])),
            (None, '*') => Symbol::Any,
            (None, '?') => Symbol::One,
            (None, other) => Symbol::Literal(other),
        });
        rest = &rest[escaped.map_or(first.len_utf8(), str::len)..];
    }
    symbols
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

    #[test]
    fn escaped_wildcards_are_themselves() {
        assert!(wildcard("a${*}b${$}${?}", "a*b$?"));
        assert!(!wildcard("a${*}", "axx"));
        assert!(wildcard("${*}*", "*x"));
    }
}
