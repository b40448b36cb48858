//! The first bytes of a file: magic, version and AUX fields.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::inspection::Magic;

/// The highest version under the REDIS magic that is understood here.
pub const MAX_RDB_VERSION: u32 = 14;

/// The only version under the VALKEY magic.
pub const VALKEY_RDB_VERSION: u32 = 80;

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
pub fn read_header(prefix: &[u8]) -> Result<Header, Fault> {
    let _ = prefix;
    unimplemented!()
}
