//! What dropping an object into a bucket starts.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{BackupLocation, Reports, cluster::clean};

/// The folder below the trigger prefix in which several backups wait for the file that lists them.
const SETS: &str = "sets/";
/// The last part of the name of a file that lists a set.
const SET_SUFFIX: &str = ".seed.json";
/// The settings for the backups of a folder.
const FOLDER_SETTINGS: &str = "seed.json";

/// The object that was dropped, as the execution's input names it: `{"dropped": {"bucket": …, "key": …}}`.
///
/// It holds nothing that could differ between two deliveries of one event, because Step Functions takes a second start
/// for the first only if the input is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drop {
    /// What was dropped.
    pub dropped: BackupLocation,
}

/// An upload event, from S3 or from EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedObject {
    /// The object.
    pub location: BackupLocation,
    /// Its version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// S3's sequencer: the same for each delivery of one upload, another for each upload.
    pub sequencer: Option<String>,
}

impl DroppedObject {
    /// Whether it starts a seeding; the error says why not.
    pub fn starts(&self, trigger_prefix: &str) -> Result<Drop, &'static str> {
        let key = self.location.key.as_str();
        if Reports::owns(key) {
            return Err("it is a file of this product's own");
        }
        let Some(rest) = key.strip_prefix(trigger_prefix) else {
            return Err("it is not under the trigger prefix");
        };
        match (
            rest.starts_with(SETS),
            rest.ends_with(SET_SUFFIX),
            rest.to_ascii_lowercase().ends_with(".rdb"),
        ) {
            (true, true, _) | (false, _, true) => Ok(Drop { dropped: self.location.clone() }),
            (true, _, true) => Err("a backup under sets/ waits for the .seed.json that lists it"),
            _ => Err("its name does not end in .rdb"),
        }
    }

    /// The name of the execution that it starts.
    pub fn execution_name(&self) -> String {
        execution_name(
            &self.location,
            self.version_id.as_deref().unwrap_or_default(),
            self.sequencer.as_deref().unwrap_or_default(),
        )
    }
}

impl Drop {
    /// Whether it is a file that lists a set, rather than a backup.
    pub fn is_set(&self) -> bool {
        self.dropped.key.ends_with(SET_SUFFIX)
    }

    /// The settings file of the backup's folder.
    pub fn folder_settings(&self) -> BackupLocation {
        let key = format!("{}{FOLDER_SETTINGS}", self.dropped.folder());
        BackupLocation { bucket: self.dropped.bucket.clone(), key }
    }
}

/// A name for an execution: the stem of the object that it is about, and 16 hexadecimal digits of what makes it unique.
/// At most 80 characters of `a-z0-9-`, as Step Functions wants it.
pub fn execution_name(location: &BackupLocation, version_id: &str, sequencer: &str) -> String {
    let mut hash = Sha256::new();
    for part in [location.bucket.as_str(), &location.key, version_id, sequencer] {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let stem = clean(location.stem().trim_end_matches(".seed"), 60);
    let stem = if stem.is_empty() { "backup" } else { &stem };
    format!("{stem}-{}", &hex::encode(hash.finalize())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str) -> DroppedObject {
        let location = BackupLocation { bucket: "drops".into(), key: key.into() };
        DroppedObject { location, version_id: None, sequencer: Some("0055AED6DCD90281E5".into()) }
    }

    #[test]
    fn only_backups_and_lists_of_sets_start_something() {
        for (key, prefix, starts) in [
            ("redis.rdb", "", true),
            ("a/b/Redis dump.RDB", "", true),
            ("in/redis.rdb", "in/", true),
            ("redis.rdb", "in/", false),
            ("sets/one.rdb", "", false),
            ("in/sets/one.rdb", "in/", false),
            ("sets/all.seed.json", "", true),
            ("all.seed.json", "", false),
            ("folder/seed.json", "", false),
            ("notes.txt", "", false),
            ("executions/x/copy.rdb", "", false),
        ] {
            assert_eq!(object(key).starts(prefix).is_ok(), starts, "{key} with prefix {prefix:?}");
        }
    }

    #[test]
    fn a_second_delivery_has_the_same_name_and_a_second_drop_another() {
        let first = object("My Dump (1).rdb");
        let mut again = first.clone();
        assert_eq!(first.execution_name(), again.execution_name());
        again.sequencer = Some("0055AED6DCD90281E6".into());
        assert_ne!(first.execution_name(), again.execution_name());
        assert!(first.execution_name().starts_with("my-dump-1-"), "{}", first.execution_name());
        assert!(object(&"x".repeat(1000)).execution_name().len() <= 80);
        assert!(object("日本.rdb").execution_name().starts_with("backup-"));
    }
}
