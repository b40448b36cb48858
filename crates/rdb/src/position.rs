//! Where a scan stands.
use serde::{Deserialize, Serialize};

use crate::header::Header;

/// A record boundary, with everything that is needed to go on from there. The default is the start of a file.
///
/// It is small (about 200 bytes of JSON), so it can travel through a state machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    pub(crate) offset: u64,
    pub(crate) database: u64,
    /// CRC64 of the bytes before `offset`, in hexadecimal: JSON numbers are not safe above 2^53.
    #[serde(with = "hexadecimal")]
    pub(crate) crc: u64,
    pub(crate) header: Option<Header>,
}

impl Position {
    /// The file offset of the next byte to read, in bytes; the source must be opened there to resume.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}
