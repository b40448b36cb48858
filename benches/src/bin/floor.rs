//! `floor FILE` reads an RDB file in blocks of 1 MiB and verifies its checksum, the lower limit for every reader that
//! does.
use std::path::Path;

use anyhow::{Context as _, Result};
use rdb_benches::floor::read_and_check;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: floor FILE")?;
    read_and_check(Path::new(&path)).map(drop)
}
