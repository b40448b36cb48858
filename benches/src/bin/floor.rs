//! `floor FILE` reads an RDB file in blocks of 1 MiB and checks its checksum: what no reader that checks can beat.
use std::path::Path;

use anyhow::{Context as _, Result};
use rdb_benches::floor::read_and_check;

fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: floor FILE")?;
    read_and_check(Path::new(&path)).map(drop)
}
