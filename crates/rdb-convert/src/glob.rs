//! Patterns of keys, as the command `KEYS` has them (`stringmatchlen`).

/// A pattern: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a letter that means itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<u8>);

impl Glob {
    /// The pattern with this text. Every text is a pattern.
    pub fn new(pattern: impl Into<Vec<u8>>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole text matches. Takes at most pattern times text steps.
    pub fn matches(&self, text: &[u8]) -> bool {
        let pattern = &self.0[..];
        let (mut at, mut place) = (0, 0);
        // Where to go on if what follows the last star does not match.
        let mut star: Option<(usize, usize)> = None;
        loop {
            if pattern.get(at) == Some(&b'*') {
                star = Some((at + 1, place));
                at += 1;
                continue;
            }
            let step = match (text.get(place), pattern.get(at)) {
                (None, None) => return true,
                (Some(letter), Some(_)) => one(&pattern[at..], *letter),
                _ => None,
            };
            if let Some(step) = step {
                (at, place) = (at + step, place + 1);
            } else {
                match &mut star {
                    Some((after, from)) if *from < text.len() => {
                        *from += 1;
                        (at, place) = (*after, *from);
                    }
                    _ => return false,
                }
            }
        }
    }
}

/// The length of the pattern's first part, if a letter matches it.
fn one(pattern: &[u8], letter: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => {
            let (matched, bytes) = in_class(class, letter);
            matched.then_some(1 + bytes)
        }
        [b'\\', escaped, ..] => (*escaped == letter).then_some(2),
        [plain, ..] => (*plain == letter).then_some(1),
        [] => None,
    }
}

/// Whether a letter is in a class, and the length of the class behind its bracket. A class may end with the pattern.
fn in_class(class: &[u8], letter: u8) -> (bool, usize) {
    let not = class.first() == Some(&b'^');
    let (mut at, mut matched) = (usize::from(not), false);
    loop {
        match &class[at.min(class.len())..] {
            [] => return (matched != not, class.len()),
            [b']', ..] => return (matched != not, at + 1),
            [b'\\', escaped, ..] => {
                matched |= *escaped == letter;
                at += 2;
            }
            [start, b'-', end, ..] => {
                matched |= (*start.min(end)..=*start.max(end)).contains(&letter);
                at += 3;
            }
            [plain, ..] => {
                matched |= *plain == letter;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_keys_do() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[ab]*", "bcd", true),
            ("[^ab]*", "bcd", false),
            ("[a-c]", "b", true),
            ("[c-a]", "b", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a**b", "axxb", true),
            ("*:*:", "a:b:", true),
            ("[abc", "c", true),
            ("user:[0-9]*", "user:1x", true),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxcxb", false),
            ("[\\]]", "]", true),
            ("a\\", "a\\", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
