//! The first bytes of a file: magic, version and AUX fields, or what the file is instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    bytes::{
        cursor::Cursor,
        key_text::{escape, shown},
        stop::{Broken, Result, Stop, broken},
    },
    fault::{Fault, FaultCode},
    format::{HEADER_BYTES, Magic, opcode::Opcode},
    reading::looks_like::what_it_is,
    scan::{
        Advance, Scan,
        template::{FIRST_VERSION_WITH_TEMPLATES, Templates},
        visit::Visitor,
    },
};

/// The highest version under the magic REDIS that is fully known (Redis 8.10).
pub const MAX_RDB_VERSION: u32 = 15;

/// The only version under the magic VALKEY that is known (Valkey 9.0, October 2025).
pub const VALKEY_RDB_VERSION: u32 = 80;

/// At most this many AUX fields or module names are kept, the first in alphabetical order.
pub(crate) const MAX_NAMES: usize = 64;

/// What a file says about itself before its first key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The RDB version: 1 to [`MAX_RDB_VERSION`], [`VALKEY_RDB_VERSION`], or a newer one of either.
    pub version: u32,
    /// The magic, which names the product that writes this format.
    pub magic: Magic,
    /// The AUX fields before the first key, at most 64, with values cut to 256 bytes. Empty in a position.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aux: BTreeMap<String, String>,
    /// The templates of the file (Redis 8.10), for reading a part of it: [`FieldNames::templates`] of its head, unless
    /// these are there already.
    ///
    /// [`FieldNames::templates`]: crate::walk::FieldNames::templates
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<Templates>,
}

/// Reads version, magic and AUX fields from a prefix of a file. The prefix may end anywhere after the first 9 bytes.
/// AUX fields that it does not contain are left out.
///
/// # Errors
/// A fault if these bytes do not begin an RDB file of a known version.
pub fn read_header(prefix: &[u8]) -> std::result::Result<Header, Fault> {
    let header = parse(first(prefix)).and_then(|header| header.check().map(|()| header));
    let mut header = header.map_err(|stop| {
        let Broken { code, message } = match stop {
            Stop::Broken(broken) => *broken,
            Stop::More(_) => Broken { code: FaultCode::Truncated, message: "the file ends early".to_owned() },
        };
        let cause = (code == FaultCode::NotAnRdb).then(|| what_it_is(first(prefix)).cause).flatten();
        Fault { code, offset: 0, database: 0, key: None, message, cause }
    })?;
    let rest = prefix.get(HEADER_BYTES..).unwrap_or_default();
    let mut scan = Scan::new(AuxFields(BTreeMap::new()), header.magic, Some(0), false);
    let mut at = 0;
    // One record at a time, while they are AUX fields.
    while rest.get(at) == Some(&Opcode::Aux.id()) {
        let mut cursor = Cursor::new(&rest[at..], 0, None);
        match scan.advance(&mut cursor, 1) {
            Advance::Boundary => at += cursor.committed(),
            _ => break,
        }
    }
    header.aux = scan.visitor.0;
    Ok(header)
}

/// A visitor that keeps AUX fields.
struct AuxFields(BTreeMap<String, String>);

impl Visitor for AuxFields {
    fn aux(&mut self, name: &[u8], value: &[u8]) {
        let name = shown(name, name.len() as u64);
        self.0.entry(name).or_insert_with(|| shown(value, value.len() as u64));
        if self.0.len() > MAX_NAMES {
            self.0.pop_last();
        }
    }
}

/// The number of bytes that decide what a file is.
pub(crate) const FIRST_BYTES: usize = 512;

fn first(prefix: &[u8]) -> &[u8] {
    prefix.get(..FIRST_BYTES).unwrap_or(prefix)
}

/// Reads magic and version, known or not, from the first bytes of a file: all there are up to [`FIRST_BYTES`].
pub(crate) fn parse(start: &[u8]) -> Result<Header> {
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
        return broken(FaultCode::NotAnRdb, what_it_is(start).message);
    };
    let Some(digits) = digits else { return cut(start.len()) };
    let version = digits.iter().try_fold(0u32, |version, digit| {
        digit.is_ascii_digit().then(|| version * 10 + u32::from(digit - b'0'))
    });
    let Some(version) = version else {
        let digits = escape(digits, 0);
        return broken(FaultCode::RdbVersionUnknown, format!("\"{digits}\" after {name} is not a version"));
    };
    Ok(Header { version, magic, ..Header::default() })
}

impl Header {
    /// Whether the file can be read, at least up to the first record that is unknown.
    pub(crate) fn is_readable(&self) -> bool {
        self.version >= self.least_version()
    }

    /// Whether the file may have templates, which a part of it cannot be read without.
    pub fn may_have_templates(&self) -> bool {
        self.magic == Magic::Redis && self.version >= FIRST_VERSION_WITH_TEMPLATES
    }

    /// Sets what the version of a file says about its records. `offset` is where reading begins.
    pub(crate) fn lead<V: Visitor>(&self, scan: &mut Scan<V>, offset: u64) {
        scan.newer = self.is_newer();
        // In the middle of a file, those before it have to be known.
        let is_start = offset <= HEADER_BYTES as u64;
        let none_yet = (is_start && self.may_have_templates()).then(Templates::default);
        scan.know_templates(self.templates.as_ref().or(none_yet.as_ref()));
    }

    /// Magic and version, and templates if there are any, for a position.
    pub(crate) fn for_position(&self, templates: Option<Templates>) -> Self {
        Self { version: self.version, magic: self.magic, aux: BTreeMap::new(), templates }
    }

    /// Whether the version is newer than the known ones.
    pub(crate) fn is_newer(&self) -> bool {
        let newest = match self.magic {
            Magic::Redis => MAX_RDB_VERSION,
            Magic::Valkey => VALKEY_RDB_VERSION,
        };
        self.version > newest
    }

    fn least_version(&self) -> u32 {
        match self.magic {
            Magic::Redis => 1,
            Magic::Valkey => VALKEY_RDB_VERSION,
        }
    }

    /// Magic and version as in the file.
    pub fn name(&self) -> String {
        match self.magic {
            Magic::Redis => format!("REDIS{:04}", self.version),
            Magic::Valkey => format!("VALKEY{:03}", self.version),
        }
    }

    /// Returns a fault if no server writes this version.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_readable() {
            return Ok(());
        }
        let message = format!(
            "{}; known are REDIS 1 to {MAX_RDB_VERSION} and VALKEY {VALKEY_RDB_VERSION}",
            self.name()
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
