//! Prices that are kept in the user's cache folder.

use std::{
    env,
    fs::{File, create_dir_all},
    io::{BufReader, ErrorKind},
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use seeding::PriceList;

/// The file with the prices of a region.
pub(super) fn path(region: &str) -> Result<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let cache = cache.context("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("elasticache-seeder").join("prices").join(format!("{region}.json")))
}

/// Reads the prices of a region, if they were kept.
pub(super) fn load(region: &str) -> Result<Option<PriceList>> {
    let path = path(region)?;
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let list = PriceList::read(BufReader::new(file), None).with_context(|| path.display().to_string())?;
    Ok(Some(list))
}

/// Keeps prices. Who reads meanwhile finds the earlier or the new ones, never a part.
pub(super) fn store(list: &PriceList) -> Result<()> {
    let path = path(&list.region)?;
    let context = || path.display().to_string();
    let folder = path.parent().with_context(context)?;
    create_dir_all(folder).with_context(context)?;
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let written = std::fs::write(&unfinished, serde_json::to_vec(list)?);
    let stored = written.and_then(|()| std::fs::rename(&unfinished, &path));
    if stored.is_err() {
        // What is left of it is of no use; the first error counts.
        let _ = std::fs::remove_file(&unfinished);
    }
    stored.with_context(context)
}
