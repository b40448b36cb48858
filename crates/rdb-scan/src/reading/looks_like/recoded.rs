//! Files with bytes other than those that the server wrote: taken for text and written as another one.

use serde::{Deserialize, Serialize};

use super::Look;
use crate::{fault::Cause, format::HEADER_BYTES};

/// The number of first bytes of a record that are checked.
pub(crate) const LOOK_BYTES: usize = 4096;
/// Fewer line ends may be a coincidence.
const LEAST_LINE_ENDS: usize = 8;
/// At least this many of them must be outside of text.
const LEAST_LINE_ENDS_OUTSIDE_TEXT: usize = 2;

/// What the first bytes of a file show, if it begins with magic and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Beginning {
    /// What was done to the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    /// Whether there is an LF without a CR, so that line ends were not converted.
    pub(crate) has_plain_line_feed: bool,
}

impl Beginning {
    /// Inspects up to 512 first bytes of a file.
    pub(crate) fn of(start: &[u8]) -> Self {
        let records = start.get(HEADER_BYTES..).unwrap_or_default();
        let has_plain_line_feed = plain_line_feeds(records) > 0;
        let cause = as_characters(records).or_else(|| {
            // The length of `redis-bits` and `valkey-ver` is 10, an LF. Every server since Redis 3.2 writes one of
            // them.
            let names = [b"\xfa\r\nredis-bits", b"\xfa\r\nvalkey-ver"];
            let broken = names.iter().any(|name| records.windows(name.len()).any(|window| window == *name));
            (broken && !has_plain_line_feed).then_some(Cause::LineEnds)
        });
        Self { cause, has_plain_line_feed }
    }
}

/// The header is followed by an opcode (FA for AUX, FE for SELECTDB, FF for the end). None of these bytes occurs in
/// UTF-8 text: if a character is there instead, the opcode was converted.
fn as_characters(records: &[u8]) -> Option<Cause> {
    if records.starts_with(b"?") && records.len() > 2 && records.is_ascii() {
        return Some(Cause::QuestionMarks);
    }
    let text = match std::str::from_utf8(records) {
        Ok(text) => text,
        // Cut off inside a character.
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

/// Whether every LF in these bytes became CR LF, even outside of text, such as a length of 10 after a type. Text that
/// has such line ends itself may end with one, before whatever follows, but hardly begins with one.
pub(crate) fn shows_line_ends(bytes: &[u8]) -> bool {
    let is_text = |byte: u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    let before: Vec<_> = bytes
        .windows(3)
        .filter_map(|three| if let [before, b'\r', b'\n'] = three { Some(*before) } else { None })
        .collect();
    let outside = before.iter().filter(|byte| !is_text(**byte)).count();
    plain_line_feeds(bytes) == 0 && before.len() >= LEAST_LINE_ENDS && outside >= LEAST_LINE_ENDS_OUTSIDE_TEXT
}

/// The number of LF that follow something other than CR.
fn plain_line_feeds(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|two| matches!(two, [before, b'\n'] if *before != b'\r')).count()
}

/// An RDB file that was converted to another kind of text, so that not even its first letters are left.
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
    // The start of REDIS and VALKEY in base64, whatever follows.
    if start.starts_with(b"UkVESVM") || start.starts_with(b"VkFMS0VZ") {
        return Some(Look::new(
            Cause::Base64,
            "the file is an RDB file in base64; decode it first (base64 -d)",
        ));
    }
    None
}
