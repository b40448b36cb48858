//! Notes the commit that a release is built from, for `seeder --version`.

#[path = "build/commit.rs"]
mod commit;

use std::{env, path::Path};

fn main() {
    let version = env!("CARGO_PKG_VERSION");
    // For a build from sources without a repository.
    println!("cargo::rerun-if-env-changed=SEEDER_COMMIT");
    let given = env::var("SEEDER_COMMIT").ok().filter(|commit| !commit.is_empty());
    // A build for development has none: it would be built anew after each commit, and so would all that uses it.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in commit::files(folder) {
            println!("cargo::rerun-if-changed={}", file.display());
        }
        commit::of(folder)
    };
    let commit = given.or_else(|| is_release.then(found).flatten());
    let version = commit.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=SEEDER_VERSION={version}");
}
