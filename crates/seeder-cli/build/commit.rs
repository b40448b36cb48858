//! The commit of a working tree.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the commit and its date, and whether something of the tree is not in it. None outside of a repository, or
/// without git.
pub(crate) fn of(folder: &Path) -> Option<String> {
    let commit = git(folder, &["log", "-1", "--format=%h %cs", "--abbrev=12"])?;
    let changes = git(folder, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit}, modified") })
}

/// The files that say what the commit is.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let branch = git(folder, &["symbolic-ref", "-q", "HEAD"]);
    let names = ["HEAD".to_owned(), "packed-refs".to_owned()].into_iter().chain(branch);
    let path = |name: String| git(folder, &["rev-parse", "--git-path", &name]).map(|path| folder.join(path));
    names.filter_map(path).filter(|path| path.exists()).collect()
}

fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).current_dir(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    output.status.success().then_some(text)
}
