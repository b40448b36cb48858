//! The files of a set, and where they go.

use std::{
    collections::HashSet,
    fs::metadata,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use seeding::BackupLocation;

use super::file::UploadFile;
use crate::{args::UploadArgs, usage::Usage};

/// The folder in which backups start nothing, until a list names them.
const SETS: &str = "sets/";
/// What the name of a list ends in.
const LIST: &str = ".seed.json";
/// The longest name of a set. A key has 1,024 bytes at most.
const MAX_NAME: usize = 128;

/// Files that are uploaded together.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) files: Vec<UploadFile>,
    /// The list that starts their seeding.
    pub(super) list: BackupLocation,
}

impl Set {
    /// The set that the command line names.
    pub(super) fn of(args: &UploadArgs, bucket: &str, prefix: &str) -> Result<Self> {
        let name = match &args.set {
            Some(name) => name.clone(),
            None => args.files.first().map_or_else(String::new, |file| default_name(file)),
        };
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_allowed) {
            return Err(Usage::of(format!(
                "`{name}` is no name of a set\nhint: give one of 1 to {MAX_NAME} letters, digits, -, _ and . by --set"
            )));
        }
        let location =
            |key: String| BackupLocation { bucket: bucket.to_owned(), key: format!("{prefix}{SETS}{key}") };
        let files = args.files.iter().zip(file_names(&args.files)?);
        let files = files.map(|(path, file_name)| {
            let metadata = metadata(path).with_context(|| format!("failed to inspect {}", path.display()));
            let metadata = metadata.map_err(Usage::error)?;
            if !metadata.is_file() {
                return Err(Usage::of(format!("{} is not a file", path.display())));
            }
            let location = location(format!("{name}/{file_name}"));
            Ok(UploadFile { path: path.clone(), location, bytes: metadata.len() })
        });
        Ok(Self { files: files.collect::<Result<_>>()?, list: location(format!("{name}{LIST}")) })
    }

    /// Where the files go.
    pub(super) fn locations(&self) -> Vec<BackupLocation> {
        self.files.iter().map(|file| file.location.clone()).collect()
    }
}

/// The name of the first file without its ending, and without a number that distinguishes shards.
fn default_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let without_number = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let name = without_number.trim_end_matches(['-', '_', '.']);
    let name = if name.is_empty() || without_number.ends_with(|letter: char| letter.is_ascii_alphanumeric()) {
        &stem
    } else {
        name
    };
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    name.chars().map(|letter| if allowed(letter) { letter } else { '-' }).take(MAX_NAME).collect()
}

/// The last parts of the keys: the names of the files, with numbers if two are the same.
fn file_names(files: &[PathBuf]) -> Result<Vec<String>> {
    let name = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        // A request lists keys with commas between them.
        name.map(|name| name.replace(',', "-")).ok_or_else(|| {
            Usage::of(format!("{} has no name that a key can have\nhint: rename it", path.display()))
        })
    };
    let names = files.iter().map(name).collect::<Result<Vec<_>>>()?;
    if files.iter().collect::<HashSet<_>>().len() < files.len() {
        return Err(Usage::of("a file is named twice"));
    }
    if names.iter().collect::<HashSet<_>>().len() == names.len() {
        return Ok(names);
    }
    Ok(names.iter().zip(1..).map(|(name, number)| format!("{number:04}-{name}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_named_after_its_first_file_without_the_number_of_the_shard() {
        for (file, expected) in [
            ("a/orders-0001.rdb", "orders"),
            ("orders_1.rdb", "orders"),
            ("dump.rdb", "dump"),
            ("redis7.rdb", "redis7"),
            ("0001.rdb", "0001"),
            ("My dump (2).rdb", "My-dump--2-"),
        ] {
            assert_eq!(default_name(Path::new(file)), expected, "{file}");
        }
    }

    #[test]
    fn files_of_the_same_name_get_numbers() {
        let names = |files: &[&str]| file_names(&files.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["a/x.rdb", "b/y,z.rdb"]).unwrap(), ["x.rdb", "y-z.rdb"]);
        assert_eq!(names(&["a/dump.rdb", "b/dump.rdb"]).unwrap(), ["0001-dump.rdb", "0002-dump.rdb"]);
        assert!(names(&["a", "a"]).is_err());
    }
}
