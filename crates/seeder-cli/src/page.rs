//! Pages for a browser, as files.

use std::{
    fs::{File, write},
    io::Read,
    path::Path,
};

use anyhow::{Context, Result};

use crate::output::files::{create, publish};

/// How every page begins.
const START: &[u8] = b"<!doctype html>";

/// Whether there is a file at this path that is not a page, which a page must not replace.
pub(crate) fn is_other_file(path: &Path) -> bool {
    let mut start = [0; START.len()];
    path.is_dir()
        || (path.is_file()
            && File::open(path)
                .and_then(|mut file| file.read_exact(&mut start))
                .map_or(true, |()| start != START))
}

/// Writes a page: all of it, or nothing. What is no file, such as `/dev/stdout`, is written to as it is.
pub(crate) fn write_page(path: &Path, page: &[u8]) -> Result<()> {
    let failed = || format!("failed to write {}", path.display());
    if path.exists() && !path.is_file() {
        return write(path, page).with_context(failed);
    }
    let (unfinished, _file) = create(path)?;
    write(&unfinished, page).with_context(failed)?;
    publish(&[unfinished], &[path.to_owned()], true)
}
