//! The start of a key's name, as a pattern.

/// The bytes that may end a start.
pub(crate) const SEPARATORS: &[u8] = b":/.|#";
/// The number of separators, from the first one on, after which a start may end.
pub const MAX_START_DEPTH: usize = 4;
/// Separators after this many bytes of a name are not seen.
const MAX_START_BYTES: usize = 128;
/// Hexadecimal digits of at least this length are a digest or a UUID.
const LEAST_DIGEST_BYTES: usize = 8;

/// Writes the start of a name up to the last separator that counts. Numbers, digests and UUIDs become `*`; a literal
/// `*`, `?`, `[` or backslash is escaped, so that the start followed by `*` is a glob.
pub(crate) fn write_start(key: &[u8], start: &mut Vec<u8>) {
    start.clear();
    let (mut from, mut depth) = (0, 0);
    for (place, byte) in key.iter().take(MAX_START_BYTES).enumerate() {
        if !SEPARATORS.contains(byte) {
            continue;
        }
        let part = key.get(from..place).unwrap_or_default();
        if is_identifier(part) {
            start.push(b'*');
        } else if part.iter().any(|byte| is_special(*byte)) {
            for byte in part {
                start.extend(is_special(*byte).then_some(b'\\'));
                start.push(*byte);
            }
        } else {
            start.extend_from_slice(part);
        }
        start.push(*byte);
        from = place + 1;
        depth += 1;
        if depth == MAX_START_DEPTH {
            return;
        }
    }
}

/// A start of names ([`super::KeyGroup::start`]) without its last part; none if it is empty.
pub fn shorter_start(start: &[u8]) -> Option<&[u8]> {
    let (_, before) = start.split_last()?;
    let end = before.iter().rposition(|byte| SEPARATORS.contains(byte)).map_or(0, |place| place + 1);
    before.get(..end)
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

/// Whether a part of a name is a number, a digest or a UUID.
fn is_identifier(part: &[u8]) -> bool {
    let (mut digits, mut others) = (0, 0);
    for byte in part {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' | b'A'..=b'F' | b'-' => others += 1,
            _ => return false,
        }
    }
    digits > 0 && (others == 0 || part.len() >= LEAST_DIGEST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(key: &str) -> String {
        let mut start = b"rest of another".to_vec();
        write_start(key.as_bytes(), &mut start);
        String::from_utf8(start).unwrap()
    }

    #[test]
    fn a_start_ends_at_a_separator_and_identifiers_are_one_pattern() {
        assert_eq!(start("user:1000:profile"), "user:*:");
        assert_eq!(start("user:1000:profile:x"), "user:*:profile:");
        assert_eq!(start("s:0f8fad5b-d9cb-469f-a165-70867728950e/a"), "s:*/");
        assert_eq!(start("s:deadbeef:a"), "s:deadbeef:");
        assert_eq!(start("cafe1:a"), "cafe1:");
        assert_eq!(start("plain"), "");
        assert_eq!(start("a:b:c:d:e:f"), "a:b:c:d:");
        assert_eq!(start(r"a*b:\:"), r"a\*b:\\:");
        assert_eq!(start(&"x".repeat(200)), "");
        assert_eq!(start("::"), "::");
    }

    #[test]
    fn every_start_has_a_shorter_one_down_to_the_empty_one() {
        assert_eq!(shorter_start(b"a:b/"), Some(&b"a:"[..]));
        assert_eq!(shorter_start(b"a:"), Some(&b""[..]));
        assert_eq!(shorter_start(b"::"), Some(&b":"[..]));
        assert_eq!(shorter_start(b""), None);
    }
}
