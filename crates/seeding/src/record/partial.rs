//! A worker's partial result of a chunk, as stored.

use rdb_scan::{RangeInspection, SCHEMA};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::file_key::FileKey;

/// A stored partial result. Functions may be updated while an execution runs: a result of another version of the reader
/// is discarded, and its bytes are read again.
#[derive(Debug)]
pub struct StoredPartial(Option<Box<RangeInspection>>);

impl StoredPartial {
    /// The result, if this version of the reader wrote it.
    pub fn current(self) -> Option<RangeInspection> {
        self.0.map(|range| *range)
    }
}

impl<'de> Deserialize<'de> for StoredPartial {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // A result of another version may have any shape apart from this member.
        let is_current = value.get("schema").and_then(Value::as_u64) == Some(u64::from(SCHEMA));
        if !is_current {
            return Ok(Self(None));
        }
        let range = serde_json::from_value(value).map_err(D::Error::custom)?;
        Ok(Self(Some(range)))
    }
}

impl FileKey<RangeInspection> {
    /// The key of the same file, which any version may have written.
    pub fn of_any_version(&self) -> FileKey<StoredPartial> {
        FileKey::from(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(change: impl FnOnce(&mut Value)) -> Option<RangeInspection> {
        let range = rdb_scan::inspect_range(
            &mut std::io::Cursor::new(b"REDIS0010\xfe\0\0\x01k\x01v\xff\0\0\0\0\0\0\0\0".to_vec()),
            0..25,
            &rdb_scan::Header::default(),
            &rdb_scan::InspectOptions::default(),
            &mut |_| rdb_scan::Control::Continue,
        );
        let mut value = serde_json::to_value(range.unwrap()).unwrap();
        change(&mut value);
        serde_json::from_value::<StoredPartial>(value).unwrap().current()
    }

    #[test]
    fn a_partial_of_another_version_is_read_anew_and_not_misread() {
        assert!(stored(|_| ()).is_some());
        assert!(stored(|value| value["schema"] = json!(SCHEMA - 1)).is_none());
        let other = |value: &mut Value| {
            (value["schema"], value["parts"]) = (json!(SCHEMA + 1), json!("another shape"));
        };
        assert!(stored(other).is_none());
    }
}
