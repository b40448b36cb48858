//! Reference tables of the pages in docs/: read from the code, compared with the pages, and written into them.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this is a part of tests, which may panic"
)]

mod page;
mod source;

use std::path::{Path, PathBuf};

pub use crate::{
    page::{Table, check_page, check_table},
    source::{Field, Kind, Source},
};

/// A file of the project.
pub fn project_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}
