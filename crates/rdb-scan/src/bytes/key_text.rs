//! Keys in the form in which they are shown.

/// Keys and AUX values are cut to this many bytes when they are shown.
pub(crate) const MAX_SHOWN_BYTES: usize = 256;

/// The start of a string of `bytes` bytes, cut and escaped for people.
pub(crate) fn shown(start: &[u8], bytes: u64) -> String {
    escape(&start[..start.len().min(MAX_SHOWN_BYTES)], bytes)
}

/// The form in which a start of keys is shown ([`crate::KeyGroup::start`]): escaped like keys.
pub fn key_prefix_text(start: &[u8]) -> String {
    escape(start, start.len() as u64)
}

/// Keeps printable UTF-8 and writes all other bytes as `\xHH`. Appends `…` if the string is longer than `start`.
pub(crate) fn escape(start: &[u8], bytes: u64) -> String {
    let mut text = String::with_capacity(start.len());
    for chunk in start.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                shown if !shown.is_control() => text.push(shown),
                hidden => {
                    let mut buffer = [0; 4];
                    push_bytes(&mut text, hidden.encode_utf8(&mut buffer).as_bytes());
                }
            }
        }
        push_bytes(&mut text, chunk.invalid());
    }
    if bytes > start.len() as u64 {
        text.push('…');
    }
    text
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push_str("\\x");
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_so_that_nothing_is_ambiguous() {
        assert_eq!(escape("user:ä".as_bytes(), 7), "user:ä");
        assert_eq!(escape(b"a\n\xff\"\\", 5), "a\\x0a\\xff\\\"\\\\");
        assert_eq!(escape(b"abc", 4), "abc…");
    }
}
