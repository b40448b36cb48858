//! JSON of what it has no form for: bytes as base64, maps by other keys than strings as lists. Every list has a limit.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// A map has at most this many entries.
pub(crate) const MAX_PAIRS: usize = 1 << 20;

/// Bytes.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Bytes from their text.
fn decode<E: Error>(text: &str) -> Result<Vec<u8>, E> {
    STANDARD_NO_PAD.decode(text).map_err(E::custom)
}

/// Bytes whose text may have hundreds of megabytes: it is not copied.
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Base64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("bytes as base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Base64, E> {
        decode(text).map(Base64)
    }
}

/// Fails if a list is longer than it may be.
pub(crate) fn at_most<E: Error>(length: usize, most: usize) -> Result<(), E> {
    if length > most {
        return Err(E::custom(format!("a list of {length} entries; at most {most} are expected")));
    }
    Ok(())
}

/// The first keys of something, at most a hundred.
pub(crate) mod keys {
    use super::{Deserialize, Deserializer, Serialize, Serializer, at_most, decode, encode};

    const MOST: usize = 100;

    pub(crate) fn serialize<S: Serializer>(keys: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        keys.iter().map(encode).collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        at_most(texts.len(), MOST)?;
        texts.iter().map(|text| decode(text)).collect()
    }
}

/// A map as a list of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::de::DeserializeOwned;

    use super::{Deserialize, Deserializer, MAX_PAIRS, Serialize, Serializer, at_most};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: DeserializeOwned + Ord,
        V: DeserializeOwned,
        D: Deserializer<'de>,
    {
        let pairs = Vec::<(K, V)>::deserialize(deserializer)?;
        at_most(pairs.len(), MAX_PAIRS)?;
        Ok(pairs.into_iter().collect())
    }
}
