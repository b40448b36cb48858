//! Measurements, stored in a file for the next run.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use crc_fast::{CrcAlgorithm, Digest};
use serde::{Deserialize, Serialize};

use super::{
    engines::CalibratedEngine,
    measure::{Outcome, REVISION},
};

/// Measurements by the inputs that determine them.
#[derive(Debug)]
pub struct Truths {
    file: PathBuf,
    entries: BTreeMap<String, Entry>,
}

/// A measurement. The file's name and the time are only for human readers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    file: String,
    measured_at: jiff::Timestamp,
    #[serde(flatten)]
    outcome: Outcome,
}

/// The inputs that determine a measurement: contents, engine and mode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// Creates a key. `contents` is an [`identity`], or `None` for an empty server.
    pub fn new(contents: Option<&str>, engine: &CalibratedEngine, cluster_mode: bool) -> Self {
        let mode = if cluster_mode { "on" } else { "off" };
        let contents = contents.unwrap_or("empty");
        Self(format!("revision {REVISION}, {engine}, cluster {mode}, {contents}"))
    }
}

impl Truths {
    /// Reads the stored measurements. A missing file counts as empty.
    pub fn read(file: &Path) -> Result<Self> {
        let entries = match std::fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is damaged: remove it to measure anew", file.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("failed to read {}", file.display())),
        };
        Ok(Self { file: file.to_owned(), entries })
    }

    /// Removes a measurement, so that it is repeated.
    pub fn forget(&mut self, key: &Key) {
        self.entries.remove(&key.0);
    }

    /// The outcome of a measurement, if it was made.
    pub fn get(&self, key: &Key) -> Option<&Outcome> {
        self.entries.get(&key.0).map(|entry| &entry.outcome)
    }

    /// Adds a measurement and stores the file at once.
    pub fn put(&mut self, key: Key, file: &str, outcome: Outcome) -> Result<()> {
        let entry = Entry { file: file.to_owned(), measured_at: jiff::Timestamp::now(), outcome };
        self.entries.insert(key.0, entry);
        let unfinished = self.file.with_extension("unfinished");
        std::fs::write(&unfinished, serde_json::to_string_pretty(&self.entries)?)?;
        std::fs::rename(&unfinished, &self.file)
            .with_context(|| format!("failed to write {}", self.file.display()))
    }
}

/// Returns the length of a file and the CRC of its first and last MiB. The last bytes of an RDB file with a checksum
/// change with any other byte.
pub fn identity(file: &Path) -> Result<String> {
    const PART_BYTES: u64 = 1 << 20;
    let mut contents = File::open(file).with_context(|| format!("failed to open {}", file.display()))?;
    let length = contents.metadata()?.len();
    let mut crc = Digest::new(CrcAlgorithm::Crc64Redis);
    for start in [0, length.saturating_sub(PART_BYTES)] {
        let mut part = Vec::new();
        contents.seek(SeekFrom::Start(start))?;
        contents.by_ref().take(PART_BYTES).read_to_end(&mut part)?;
        crc.update(&part);
    }
    Ok(format!("{length}-{:016x}", crc.finalize()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{engines::Family, measure::Reading},
        *,
    };

    fn engine(version: &str) -> CalibratedEngine {
        CalibratedEngine {
            name: "valkey-8.1".to_owned(),
            family: Family::Valkey,
            version: version.to_owned(),
            release: (8, 1),
            server: PathBuf::new(),
            quantum: rdb_footprint::Quantum::default(),
        }
    }

    #[test]
    fn what_was_kept_is_found_again_for_the_same_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("measured.json");
        let key = |contents, version, mode| Key::new(contents, &engine(version), mode);
        let loaded = Outcome::Loaded(Reading { used_memory_bytes: 17, settled: true, keys: 3 });
        let refused = Outcome::Refused("FATAL".to_owned());
        let mut truths = Truths::read(&file).unwrap();
        truths.put(key(Some("5-a"), "8.1.1", true), "a", loaded.clone()).unwrap();
        truths.put(key(None, "8.1.1", true), "empty", refused.clone()).unwrap();

        let truths = Truths::read(&file).unwrap();
        assert_eq!(truths.get(&key(Some("5-a"), "8.1.1", true)), Some(&loaded));
        assert_eq!(truths.get(&key(None, "8.1.1", true)), Some(&refused));
        for other in [
            key(Some("5-b"), "8.1.1", true),
            key(Some("5-a"), "8.1.2", true),
            key(Some("5-a"), "8.1.1", false),
        ] {
            assert_eq!(truths.get(&other), None);
        }
    }

    #[test]
    fn files_are_known_by_both_ends() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        let mut contents = vec![7; 3 << 20];
        let mut identity_of = |change: &dyn Fn(&mut Vec<u8>)| {
            change(&mut contents);
            std::fs::write(&file, &contents).unwrap();
            identity(&file).unwrap()
        };
        let first = identity_of(&|_| {});
        assert_eq!(first, identity_of(&|_| {}));
        let second = identity_of(&|contents| contents[0] = 8);
        let third = identity_of(&|contents| *contents.last_mut().unwrap() = 8);
        assert!(first != second && second != third);
    }
}
