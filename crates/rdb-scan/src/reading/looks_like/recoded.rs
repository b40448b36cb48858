//! Bytes that are not those that the server wrote: taken for text and written as another one.

use serde::{Deserialize, Serialize};

use super::Look;
use crate::{fault::Cause, format::HEADER_BYTES};

/// So many bytes from a record's first one on are looked at.
pub(crate) const LOOK_BYTES: usize = 4096;
/// Fewer line ends may be accident.
const LEAST_LINE_ENDS: usize = 8;
/// So many of them stand where no text is.
const LEAST_LINE_ENDS_OUTSIDE_TEXT: usize = 2;

/// What the first bytes of a file that begins with magic and version tell of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Beginning {
    /// What was done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    /// Whether an LF stands there without a CR: line ends are what they were.
    pub(crate) has_plain_line_feed: bool,
}

impl Beginning {
    /// Looks at the first bytes of a file, of which there are up to 512.
    pub(crate) fn of(start: &[u8]) -> Self {
        let records = start.get(HEADER_BYTES..).unwrap_or_default();
        let has_plain_line_feed = plain_line_feeds(records) > 0;
        let cause = as_characters(records).or_else(|| {
            // The length of `redis-bits` and of `valkey-ver`, which every server writes since Redis 3.2.
            let names = [b"\xfa\r\nredis-bits", b"\xfa\r\nvalkey-ver"];
            let broken = names.iter().any(|name| records.windows(name.len()).any(|window| window == *name));
            (broken && !has_plain_line_feed).then_some(Cause::LineEnds)
        });
        Self { cause, has_plain_line_feed }
    }
}

/// Behind the header stands an opcode (FA for AUX, FE for SELECTDB, FF for the end), and neither of these bytes is in
/// any UTF-8 text: where they are one, they were made one.
fn as_characters(records: &[u8]) -> Option<Cause> {
    if records.starts_with(b"?") && records.len() > 2 && records.is_ascii() {
        return Some(Cause::QuestionMarks);
    }
    let text = match std::str::from_utf8(records) {
        Ok(text) => text,
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(records.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    match text.chars().next()? {
        char::REPLACEMENT_CHARACTER => Some(Cause::ReplacementCharacters),
        first if !first.is_ascii() => Some(Cause::RecodedText),
        _ => None,
    }
}

/// Whether every LF in these bytes became CR LF, also where no text is: a length of 10 behind a type, say. Texts that
/// have such line ends themselves may end with one, before whatever follows, but hardly begin with one.
pub(crate) fn shows_line_ends(bytes: &[u8]) -> bool {
    let is_text = |byte: u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    let before: Vec<_> = bytes
        .windows(3)
        .filter_map(|three| if let [before, b'\r', b'\n'] = three { Some(*before) } else { None })
        .collect();
    let outside = before.iter().filter(|byte| !is_text(**byte)).count();
    plain_line_feeds(bytes) == 0 && before.len() >= LEAST_LINE_ENDS && outside >= LEAST_LINE_ENDS_OUTSIDE_TEXT
}

/// How many LF stand behind something else than CR.
fn plain_line_feeds(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|two| matches!(two, [before, b'\n'] if *before != b'\r')).count()
}

/// An RDB file that was written as a text of another kind, such that not even its first letters are left.
pub(super) fn as_text(start: &[u8]) -> Option<Look> {
    if let Some(rest) = start.strip_prefix(b"\xef\xbb\xbf")
        && (rest.starts_with(b"REDIS") || rest.starts_with(b"VALKEY"))
    {
        let message = "the file was written as UTF-8 text with a byte order mark: bytes that are no text are lost; copy \
                       it in binary";
        return Some(Look::new(Cause::ReplacementCharacters, message));
    }
    let mark = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    let wide = start.strip_prefix(b"\xff\xfe").or_else(|| start.strip_prefix(b"\xfe\xff")).unwrap_or(start);
    let letters: Vec<u8> = wide.iter().copied().filter(|byte| *byte != 0).take(5).collect();
    if (mark || wide.get(1) == Some(&0) || wide.first() == Some(&0))
        && matches!(&letters[..], b"REDIS" | b"VALKE")
        || mark
    {
        let message = "the file is UTF-16 text, as PowerShell's > writes it: bytes that are no text are lost; copy it in \
                       binary (cmd /c, or scp)";
        return Some(Look::new(Cause::Utf16, message));
    }
    // What REDIS and VALKEY begin with in base64, whatever follows.
    if start.starts_with(b"UkVESVM") || start.starts_with(b"VkFMS0VZ") {
        return Some(Look::new(
            Cause::Base64,
            "the file is an RDB file in base64; decode it first (base64 -d)",
        ));
    }
    None
}
