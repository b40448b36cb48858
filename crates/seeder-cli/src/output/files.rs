//! Files that get their names when they are complete.

use std::{
    ffi::OsStr,
    fs::{File, remove_file, rename},
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

/// Creates a file beside the one that it is to become, after deleting those that killed processes have left of it.
///
/// It is locked for as long as it is open: whoever gets the lock knows that no process writes the file.
pub(crate) fn create(path: &Path) -> Result<(PathBuf, File)> {
    remove_abandoned(path);
    loop {
        let unfinished = path.with_file_name(format!("{}{}", prefix(path), Uuid::new_v4()));
        let file =
            File::create_new(&unfinished).with_context(|| format!("failed to write {}", path.display()))?;
        // Where files cannot be locked, none is deleted.
        let _ = file.try_lock();
        // Another process may have found it before it was locked.
        let created = file.metadata()?;
        if unfinished.metadata().is_ok_and(|found| found.ino() == created.ino()) {
            return Ok((unfinished, file));
        }
    }
}

/// What the names of unfinished files begin with. The name of the new file may be as long as names can be, so that it
/// is not in them.
fn prefix(path: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    path.file_name().hash(&mut hasher);
    format!(".seeder-{:016x}-", hasher.finish())
}

/// Deletes unfinished files of this name that no process writes.
fn remove_abandoned(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = prefix(path);
    let is_ours = |name: &OsStr| {
        let id = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        id.is_some_and(|id| Uuid::parse_str(id).is_ok())
    };
    // What cannot be listed or opened stays.
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten().filter(|entry| is_ours(&entry.file_name())) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = remove_file(entry.path());
        }
    }
}

/// Gives files their names: all of them, or none.
pub(crate) fn publish(unfinished: &[PathBuf], paths: &[PathBuf], replaces: bool) -> Result<()> {
    for (done, (unfinished, path)) in unfinished.iter().zip(paths).enumerate() {
        let published = if path.exists() && !replaces {
            Err(anyhow::anyhow!("{} exists by now; --force replaces it", path.display()))
        } else {
            rename(unfinished, path).with_context(|| format!("failed to write {}", path.display()))
        };
        if let Err(error) = published {
            let (published, _) = paths.split_at(done);
            remove(&mut published.to_vec());
            bail!(error);
        }
    }
    Ok(())
}

/// Deletes files.
pub(crate) fn remove(paths: &mut Vec<PathBuf>) {
    for path in paths.drain(..) {
        // Nothing can be done about a file that cannot be deleted.
        let _ = remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::write;

    use super::*;

    #[test]
    fn what_a_killed_process_left_of_the_same_file_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.rdb");
        let (left, file) = create(&path).unwrap();
        // The lock ends with the process that holds it.
        drop(file);
        let (written, _open) = create(&folder.path().join("new.rdb")).unwrap();
        assert!(!left.exists() && written.exists());
        let keep = [
            // Of another file, by another program, and of an earlier version.
            create(&folder.path().join("other.rdb")).unwrap().0,
            folder.path().join(format!("{}notes", prefix(&path))),
            folder.path().join(format!(".seeder-{}", Uuid::new_v4())),
        ];
        for path in &keep {
            write(path, b"contents").unwrap();
        }
        let (next, _) = create(&path).unwrap();
        assert!(next.exists() && keep.iter().all(|path| path.exists()));
        assert!(written.exists(), "a process writes it");
    }

    #[test]
    fn the_longest_names_have_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        let (unfinished, _file) = create(&path).unwrap();
        publish(&[unfinished], std::slice::from_ref(&path), false).unwrap();
        assert!(path.exists());
    }
}
