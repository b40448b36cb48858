//! Keys: their slot, and enough of their text to name them.
use crate::blob::Blob;
use crate::reader::Reader;
use crate::slot::SlotHasher;
use crate::stop::Result;

/// Keys and AUX values are cut to this many bytes.
const MAX_TEXT_BYTES: usize = 256;

/// The key of the record that is being read. Kept from one record to the next for its buffer.
#[derive(Debug, Default)]
pub(crate) struct Key {
    start: Vec<u8>,
    bytes: u64,
    /// Its cluster slot.
    pub(crate) slot: u16,
}

impl Key {
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let mut blob = Blob::open(reader)?;
        let mut hasher = SlotHasher::default();
        self.bytes = blob.bytes();
        self.start.clear();
        while blob.left() > 0 {
            let piece = blob.window()?;
            let room = MAX_TEXT_BYTES - self.start.len();
            self.start.extend_from_slice(&piece[..room.min(piece.len())]);
            hasher.update(piece);
            let used = piece.len();
            blob.advance(used);
        }
        self.slot = hasher.slot();
        blob.close()
    }

    /// The key escaped for people, cut if it is long.
    pub(crate) fn escaped(&self) -> String {
        escape(&self.start, self.bytes)
    }
}

/// A string that is worth showing, escaped and cut.
pub(crate) fn short_text(reader: &mut Reader<'_>) -> Result<String> {
    let mut blob = Blob::open(reader)?;
    let wanted = blob.left().min(MAX_TEXT_BYTES as u64) as usize;
    let start = blob.peek(wanted)?.unwrap_or_default().to_vec();
    let text = escape(&start, blob.bytes());
    blob.close()?;
    Ok(text)
}

/// Valid UTF-8 that can be printed stays, everything else becomes `\xHH`; `…` stands where a text was cut.
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
