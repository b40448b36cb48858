//! What a file is that does not read as an RDB file, and what was done to it.

mod recoded;
mod wire;

pub(crate) use recoded::{Beginning, LOOK_BYTES, shows_line_ends};
pub(crate) use wire::{END_MARK_BYTES, is_end_mark};

use crate::{bytes::key_text::escape, fault::Cause};

/// What a file is instead of an RDB file.
pub(crate) struct Look {
    /// The cause for programs, if it has a code.
    pub(crate) cause: Option<Cause>,
    /// One sentence, including what to do.
    pub(crate) message: String,
}

impl Look {
    fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause: Some(cause), message: message.into() }
    }
}

/// Formats that are recognized by their first bytes.
const MAGICS: [(&[u8], Option<Cause>, &str); 11] = [
    (b"\x1f\x8b", Some(Cause::Gzip), "a gzip file; decompress it first (gunzip)"),
    (b"\x28\xb5\x2f\xfd", Some(Cause::Zstd), "a zstd file; decompress it first (zstd -d)"),
    (b"\x04\x22\x4d\x18", Some(Cause::Lz4), "an lz4 file; decompress it first (lz4 -d)"),
    (b"\xfd7zXZ\0", Some(Cause::Xz), "an xz file; decompress it first (xz -d)"),
    (b"BZh", Some(Cause::Bzip2), "a bzip2 file; decompress it first (bunzip2)"),
    (b"PK\x03\x04", Some(Cause::Zip), "a zip archive; unpack it first (unzip)"),
    (b"7z\xbc\xaf\x27\x1c", Some(Cause::SevenZip), "a 7z archive; unpack it first"),
    (b"Salted__", Some(Cause::Encrypted), "encrypted with openssl; decrypt it first"),
    (b"U2FsdGVkX1", Some(Cause::Encrypted), "encrypted with openssl, in base64; decrypt it first"),
    (b"SQLite format 3\0", None, "an SQLite database"),
    (b"\x89PNG", None, "an image"),
];

/// What a file that is not an RDB file seems to be, by up to 512 of its first bytes.
pub(crate) fn what_it_is(start: &[u8]) -> Look {
    if let Some((_, cause, name)) = MAGICS.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Look { cause: *cause, message: format!("the file is {name}") };
    }
    if matches!(start, [b'*', digit, ..] if digit.is_ascii_digit()) {
        let message = "the file is an append-only file without an RDB part; make an RDB file with BGSAVE";
        return Look::new(Cause::AppendOnlyFile, message);
    }
    if start.get(257..262) == Some(b"ustar") {
        return Look::new(Cause::Tar, "the file is a tar archive; unpack it first (tar -x)");
    }
    if start.starts_with(b"file ") {
        let message = "the file is the manifest of an append-only file; the RDB file is beside it";
        return Look::new(Cause::AofManifest, message);
    }
    if !start.is_empty() && start.iter().all(|byte| *byte == 0) {
        let message =
            "the file begins with zeros: a copy that was never filled, such as a sparse or preallocated one";
        return Look::new(Cause::Zeros, message);
    }
    let look = wire::caught(start).or_else(|| recoded::as_text(start)).or_else(|| document(start));
    look.unwrap_or_else(|| {
        let shown = escape(start.get(..16).unwrap_or(start), 0);
        let text = start.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
        let text =
            text && std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
        let message = if text {
            format!("the file is plain text that begins with \"{shown}\"")
        } else {
            format!("the file begins with \"{shown}\"; expected REDIS or VALKEY")
        };
        Look { cause: None, message }
    })
}

/// A page or an error that a server returned instead of the file.
fn document(start: &[u8]) -> Option<Look> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()));
    if begins("<!doctype html") || begins("<html") {
        let message = "the file is a web page (HTML) that was saved in place of the RDB file, as an error or a login; \
                       download it again and check the HTTP status (curl --fail)";
        return Some(Look::new(Cause::Html, message));
    }
    if !begins("<?xml") && !begins("<Error>") {
        return None;
    }
    let code = between(text, b"<Code>", b"</Code>");
    let what = match code {
        Some(code) => format!("S3's error {}", escape(code.get(..64).unwrap_or(code), 0)),
        None => "an XML document".to_owned(),
    };
    let message = format!(
        "the file is {what} that was saved in place of the RDB file; download it again and check the HTTP status \
         (curl --fail, aws s3 cp)"
    );
    Some(Look::new(Cause::Xml, message))
}

fn between<'t>(text: &'t [u8], before: &[u8], behind: &[u8]) -> Option<&'t [u8]> {
    let at = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what);
    let rest = text.get(at(text, before)? + before.len()..)?;
    rest.get(..at(rest, behind)?)
}

/// What was done to a file, in the words of a message, for causes that are found inside an RDB file.
pub(crate) fn in_words(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::ReplacementCharacters => {
            "the file went through an editor or a program that took it for UTF-8 text and put EF BF BD in place of \
             every byte that is none: what stood there is lost"
        }
        Cause::QuestionMarks => {
            "the file went through a program that took it for ASCII text and put a question mark in place of every \
             byte that is none: what stood there is lost"
        }
        Cause::RecodedText => {
            "the file was recoded as text: every byte above 7F became two or three, as when Latin-1 becomes UTF-8"
        }
        Cause::LineEnds => {
            "every LF became CR LF: the file went through a terminal (docker exec -t, ssh -t) or a transfer in text \
             mode"
        }
        _ => return None,
    })
}
