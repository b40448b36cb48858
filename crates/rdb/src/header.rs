//! The first bytes of a file: magic, version and AUX fields, or what the file is instead.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::inspect::Control;
use crate::inspection::{MAX_NAMES, Magic};
use crate::key::{escape, short_text};
use crate::reader::Reader;
use crate::stop::{Broken, Result, Stop, broken};

/// The highest version under the REDIS magic that is understood here.
pub const MAX_RDB_VERSION: u32 = 14;

/// The only version under the VALKEY magic.
pub const VALKEY_RDB_VERSION: u32 = 80;

pub(crate) const AUX: u8 = 250;
const HEADER_BYTES: usize = 9;

/// What a file says of itself before its first key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The RDB version: 1 to [`MAX_RDB_VERSION`], or [`VALKEY_RDB_VERSION`].
    pub version: u32,
    /// Who writes this format.
    pub magic: Magic,
    /// AUX fields found before the first key, at most 64, values cut to 256 bytes. Left empty in a position.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aux: BTreeMap<String, String>,
}

/// Reads version, magic and AUX fields from a prefix of a file. The prefix may end anywhere after the first 9
/// bytes: what it does not show is left out.
///
/// # Errors
/// A fault if these bytes do not begin an RDB file of a known version.
pub fn read_header(prefix: &[u8]) -> std::result::Result<Header, Fault> {
    let mut source = prefix;
    let mut watch = |_: &_| Control::Continue;
    let mut reader = Reader::new(&mut source, &mut watch, 0, 0, None);
    let mut header = match read(&mut reader).and_then(|header| header.check().map(|()| header)) {
        Ok(header) => header,
        Err(Stop::Broken(broken)) => {
            let Broken { code, message } = *broken;
            return Err(Fault { code, offset: 0, database: 0, key: None, message });
        }
        // A slice is read without errors.
        Err(Stop::Io(error)) => {
            let message = error.to_string();
            return Err(Fault { code: FaultCode::Truncated, offset: 0, database: 0, key: None, message });
        }
    };
    while let Ok(&[AUX]) = reader.peek(1) {
        reader.advance(1);
        let (Ok(name), Ok(value)) = (short_text(&mut reader), short_text(&mut reader)) else { break };
        header.aux.entry(name).or_insert(value);
        if header.aux.len() > MAX_NAMES {
            header.aux.pop_last();
        }
    }
    Ok(header)
}

/// Reads magic and version, whichever it is, at the start of the file.
pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Header> {
    let start = reader.fill(512)?;
    if start.is_empty() {
        return broken(FaultCode::EmptyFile, "the file has no bytes");
    }
    let (magic, name, digits) = if let Some(digits) = start.strip_prefix(b"REDIS") {
        (Magic::Redis, "REDIS", digits.get(..4))
    } else if let Some(digits) = start.strip_prefix(b"VALKEY") {
        (Magic::Valkey, "VALKEY", digits.get(..3))
    } else if b"REDIS".starts_with(start) || b"VALKEY".starts_with(start) {
        return cut(start.len());
    } else {
        return broken(FaultCode::NotAnRdb, what_it_is(start));
    };
    let Some(digits) = digits else { return cut(start.len()) };
    let version = digits.iter().try_fold(0u32, |version, digit| {
        digit.is_ascii_digit().then(|| version * 10 + u32::from(digit - b'0'))
    });
    let Some(version) = version else {
        let digits = escape(digits, 0);
        return broken(FaultCode::RdbVersionUnknown, format!("\"{digits}\" after {name} is not a version"));
    };
    reader.advance(HEADER_BYTES);
    Ok(Header { version, magic, aux: BTreeMap::new() })
}

impl Header {
    /// Faults a version that no known server writes.
    pub(crate) fn check(&self) -> Result<()> {
        let version = self.version;
        let (known, name) = match self.magic {
            Magic::Redis => ((1..=MAX_RDB_VERSION).contains(&version), "REDIS"),
            Magic::Valkey => (version == VALKEY_RDB_VERSION, "VALKEY"),
        };
        if known {
            return Ok(());
        }
        let message = format!(
            "{name} version {version}; known are REDIS 1 to {MAX_RDB_VERSION} and VALKEY {VALKEY_RDB_VERSION}"
        );
        broken(FaultCode::RdbVersionUnknown, message)
    }
}

fn cut<T>(bytes: usize) -> Result<T> {
    broken(
        FaultCode::Truncated,
        format!("the file ends after {bytes} of the {HEADER_BYTES} bytes of its header"),
    )
}

/// What a file that is no RDB file looks like, and what to do with it.
fn what_it_is(start: &[u8]) -> String {
    let known: [(&[u8], &str); 10] = [
        (b"\x1f\x8b", "a gzip file; decompress it first"),
        (b"\x28\xb5\x2f\xfd", "a zstd file; decompress it first"),
        (b"\x04\x22\x4d\x18", "an lz4 file; decompress it first"),
        (b"\xfd7zXZ\0", "an xz file; decompress it first"),
        (b"BZh", "a bzip2 file; decompress it first"),
        (b"PK\x03\x04", "a zip archive; unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"Salted__", "encrypted with openssl; decrypt it first"),
        (b"\x89PNG", "an image"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| start.starts_with(magic)) {
        return format!("the file is {name}");
    }
    if matches!(start, [b'*', digit, ..] if digit.is_ascii_digit()) {
        return "the file is an append-only file without an RDB part; make an RDB file with BGSAVE"
            .to_owned();
    }
    if start.get(257..262) == Some(b"ustar") {
        return "the file is a tar archive; unpack it first".to_owned();
    }
    if start.starts_with(b"file ") {
        return "the file is the manifest of an append-only file; the RDB file is beside it".to_owned();
    }
    let shown = escape(&start[..start.len().min(16)], 0);
    let text = start.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
    if text && std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true) {
        return format!("the file is plain text that begins with \"{shown}\"");
    }
    if start.iter().all(|byte| *byte == 0) {
        return "the file begins with zeros".to_owned();
    }
    format!("the file begins with \"{shown}\"; expected REDIS or VALKEY")
}
