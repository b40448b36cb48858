//! Files that get their names when they are complete.

use std::{
    fs::{File, remove_file, rename},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

/// Creates a file beside the one that it is to become.
pub(crate) fn create(path: &Path) -> Result<(PathBuf, File)> {
    // The name of the new file may be as long as names can be.
    let unfinished = path.with_file_name(format!(".seeder-{}", Uuid::new_v4()));
    let file =
        File::create_new(&unfinished).with_context(|| format!("failed to write {}", path.display()))?;
    Ok((unfinished, file))
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
