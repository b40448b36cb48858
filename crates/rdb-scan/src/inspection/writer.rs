//! The server that wrote a file.

use std::collections::BTreeMap;

/// The server that wrote a file, with its version if the file has one, such as `Valkey 8.1.1`; none if the AUX fields
/// do not say.
///
/// Servers that are compatible with Redis also write `redis-ver`, with the version that they are compatible with, so
/// their own fields take precedence. Sources: `RdbSaver::SaveAux` of Dragonfly; `rdbSaveInfoAuxFields` and
/// `rdbSaveKeyValuePair` of `KeyDB`. No Redis ever had the versions 6.3 of `KeyDB`.
pub fn written_by(aux: &BTreeMap<String, String>) -> Option<String> {
    let field = |name: &str| aux.get(name).map(String::as_str);
    if let Some(version) = field("df-ver") {
        let version = version.trim_start_matches("df-").trim_start_matches('v');
        return Some(format!("Dragonfly {version}"));
    }
    if let Some(version) = field("valkey-ver") {
        return Some(format!("Valkey {version}"));
    }
    let redis = field("redis-ver");
    let keydb =
        aux.keys().any(|name| name.starts_with("keydb-") || name == "mvcc-tstamp" || name == "repl-masters");
    if keydb || redis.is_some_and(|version| version.starts_with("6.3.")) {
        return Some(redis.map_or_else(|| "KeyDB".to_owned(), |version| format!("KeyDB {version}")));
    }
    redis.map(|version| format!("Redis {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_writer_comes_before_the_one_it_is_compatible_with() {
        for (fields, expected) in [
            (&[("redis-ver", "6.2.11"), ("df-ver", "df-v1.33.1")][..], Some("Dragonfly 1.33.1")),
            (&[("valkey-ver", "8.1.1")], Some("Valkey 8.1.1")),
            (&[("redis-ver", "7.2.4"), ("valkey-ver", "7.2.5")], Some("Valkey 7.2.5")),
            (&[("redis-ver", "6.2.2"), ("mvcc-tstamp", "1")], Some("KeyDB 6.2.2")),
            (&[("redis-ver", "6.3.4")], Some("KeyDB 6.3.4")),
            (&[("keydb-subexpire-when", "1")], Some("KeyDB")),
            (&[("redis-ver", "7.0.15"), ("ctime", "1")], Some("Redis 7.0.15")),
            (&[("ctime", "1")], None),
        ] {
            let aux = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(written_by(&aux).as_deref(), expected);
        }
    }
}
