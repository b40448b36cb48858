//! Uploads into a bucket (drops), and the executions that they start.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    facts::location::BackupLocation,
    finding::{Code, Finding},
    flow::files::ExecutionFiles,
    request::id::clean,
};

/// The folder under the trigger prefix in which the backups of a set wait for the file that lists them.
const SETS: &str = "sets/";
/// The suffix of a file that lists a set.
const SET_SUFFIX: &str = ".seed.json";
/// The name of the settings file for the backups of a folder.
const FOLDER_SETTINGS: &str = "seed.json";

/// The kind of a dropped file, by its suffix. Case is ignored, except in `.seed.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropKind {
    /// A backup: `.rdb`.
    Backup,
    /// A list of the backups of a set: `.seed.json`.
    Set,
    /// A compressed backup: `.rdb.gz`, `.rdb.zst`.
    Compressed,
    /// An append-only file: `.aof`.
    AppendOnly,
    /// A backup that was put aside: `.rdb.bak`.
    PutAside,
}

/// The suffixes that start an execution; the template's EventBridge rule has the same.
const ENDS: [(&str, DropKind); 5] = [
    (".rdb", DropKind::Backup),
    (".rdb.gz", DropKind::Compressed),
    (".rdb.zst", DropKind::Compressed),
    (".aof", DropKind::AppendOnly),
    (".rdb.bak", DropKind::PutAside),
];

impl DropKind {
    /// The kind of a key; `None` if the file is neither a backup nor likely to be mistaken for one.
    fn of(key: &str) -> Option<Self> {
        if key.ends_with(SET_SUFFIX) {
            return Some(Self::Set);
        }
        let key = key.to_ascii_lowercase();
        ENDS.iter().find(|(end, _)| key.ends_with(end)).map(|(_, kind)| *kind)
    }
}

/// The object that was dropped, as the execution's input names it: `{"dropped": {"bucket": …, "key": …}}`.
///
/// It holds nothing that could differ between two deliveries of one event: Step Functions treats a second start as the
/// first only if the input is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DroppedBackup {
    /// The dropped object.
    pub dropped: BackupLocation,
}

/// An upload event, from S3 or from EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedObject {
    /// The object.
    pub location: BackupLocation,
    /// Its version, if the bucket is versioned.
    pub version_id: Option<String>,
    /// S3's sequencer: the same for each delivery of one upload, different for each upload.
    pub sequencer: Option<String>,
}

impl DroppedObject {
    /// Decides whether it starts a seeding; the error is the reason why not.
    pub fn starts(&self, trigger_prefix: &str) -> Result<DroppedBackup, &'static str> {
        let key = self.location.key.as_str();
        if ExecutionFiles::owns(key) {
            return Err("it is a file of this product's own");
        }
        let Some(rest) = key.strip_prefix(trigger_prefix) else {
            return Err("it is not under the trigger prefix");
        };
        match (DropKind::of(rest), rest.starts_with(SETS)) {
            (Some(DropKind::Set), true) => Ok(self.drop()),
            (Some(DropKind::Set), false) => Err("a list of a set of backups belongs under sets/"),
            (Some(_), true) => Err("a backup under sets/ waits for the .seed.json that lists it"),
            // A file that is easily mistaken for a backup starts too: its execution reports why it is none.
            (Some(_), false) => Ok(self.drop()),
            (None, _) => Err("its name does not end in .rdb"),
        }
    }

    fn drop(&self) -> DroppedBackup {
        DroppedBackup { dropped: self.location.clone() }
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

impl DroppedBackup {
    /// The kind, by name. A file that a user names in a request of this shape counts as a backup, whatever its suffix.
    pub fn kind(&self) -> DropKind {
        DropKind::of(&self.dropped.key).unwrap_or(DropKind::Backup)
    }

    /// The finding that refuses a file of this name and these first bytes; `None` for backups and lists.
    pub fn refusal(&self, beginning: &[u8]) -> Option<Finding> {
        let is_rdb = rdb_scan::read_header(beginning).is_ok();
        let plain_name = plain_name(&self.dropped.key);
        let (code, found, remedy) = match (self.kind(), packed_with(beginning)) {
            (DropKind::Backup | DropKind::Set, _) => return None,
            (DropKind::Compressed, None) if is_rdb => (
                Code::CompressedBackup,
                "an RDB file that is not compressed, though its name says so",
                format!("drop it again as {plain_name}"),
            ),
            (DropKind::Compressed, packed) => (
                Code::CompressedBackup,
                packed.unwrap_or("neither gzip nor zstd, nor an RDB file"),
                format!("decompress it and drop {plain_name}: ElastiCache reads plain RDB files only"),
            ),
            (DropKind::AppendOnly, _) => (
                Code::NotAnRdb,
                if is_rdb { "an append-only file that begins with an RDB" } else { "an append-only file" },
                "save an RDB file on the source (BGSAVE, or redis-cli --rdb dump.rdb) and drop that: ElastiCache reads no \
                 append-only files"
                    .to_owned(),
            ),
            (DropKind::PutAside, _) if is_rdb => (
                Code::InvalidRequest,
                "an RDB file whose name says that it was put aside",
                format!("drop it again as {plain_name} if it is the one to seed from: a .bak is never seeded by accident"),
            ),
            (DropKind::PutAside, packed) => (
                Code::NotAnRdb,
                packed.unwrap_or("not an RDB file"),
                "drop a backup whose name ends in .rdb".to_owned(),
            ),
        };
        Some(Finding::new(code, remedy).about(&self.dropped).with("found", found))
    }

    /// The settings file of the backup's folder.
    pub fn folder_settings(&self) -> BackupLocation {
        let key = format!("{}{FOLDER_SETTINGS}", self.dropped.folder());
        BackupLocation { bucket: self.dropped.bucket.clone(), key }
    }
}

/// The compression of a file, by its first bytes (RFC 1952, RFC 8878).
fn packed_with(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}

/// The file name up to and including `.rdb`.
fn plain_name(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    let end = name.to_ascii_lowercase().rfind(".rdb").map_or(name.len(), |at| at + ".rdb".len());
    name.get(..end).unwrap_or(name)
}

/// Returns a name for an execution: the object's stem, and 16 hexadecimal digits of a digest of what makes the drop
/// unique. At most 80 characters of `a-z0-9-`, the limit of Step Functions.
pub fn execution_name(location: &BackupLocation, version_id: &str, sequencer: &str) -> String {
    let mut hash = Sha256::new();
    for part in [location.bucket.as_str(), &location.key, version_id, sequencer] {
        // The length distinguishes ("ab", "c") from ("a", "bc").
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
            ("a/Dump.Rdb", "", true),
            ("a/dump.rdb.GZ", "", true),
            ("a/dump.RDB.zst", "", true),
            ("a/dump.rdb.bak", "", true),
            ("a/appendonly.AOF", "", true),
            ("dump.rdb.gz", "in/", false),
            ("sets/dump.rdb.gz", "", false),
            ("dump.gz", "", false),
            ("rdb", "", false),
        ] {
            assert_eq!(object(key).starts(prefix).is_ok(), starts, "{key} with prefix {prefix:?}");
        }
    }

    #[test]
    fn what_is_taken_for_a_backup_is_refused_with_what_it_is_and_what_to_do() {
        let rdb = b"REDIS0011\xfe\x00";
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0];
        for (key, beginning, code, words) in [
            (
                "in/Dump.rdb.gz",
                &[0x1f, 0x8b, 8][..],
                Code::CompressedBackup,
                "decompress it and drop Dump.rdb:",
            ),
            ("in/dump.rdb.ZST", &zstd, Code::CompressedBackup, "decompress it and drop dump.rdb:"),
            ("in/dump.rdb.gz", rdb, Code::CompressedBackup, "drop it again as dump.rdb"),
            ("in/appendonly.aof", b"*2\r\n$6\r\nSELECT", Code::NotAnRdb, "BGSAVE"),
            ("in/appendonly.aof", rdb, Code::NotAnRdb, "BGSAVE"),
            ("in/dump.rdb.bak", rdb, Code::InvalidRequest, "drop it again as dump.rdb"),
            ("in/dump.rdb.bak", b"text", Code::NotAnRdb, "ends in .rdb"),
        ] {
            let drop = object(key).starts("in/").unwrap();
            let finding = drop.refusal(beginning).unwrap();
            assert_eq!(finding.code, code, "{key}");
            assert!(finding.remedy.contains(words), "{key}: {}", finding.remedy);
            assert!(finding.forbids(&[code]), "{key} could be allowed");
        }
        assert_eq!(object("in/dump.rdb").starts("in/").unwrap().refusal(b"text"), None);
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
