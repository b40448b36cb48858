//! Reads a file with the crate rdb and its formatter without output. It does not verify the checksum, and skips
//! streams.
use std::{error::Error, fs::File, io::BufReader};

use rdb::{filter::Simple, formatter::Nil};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: rdb-nil FILE")?;
    // As in its documentation. Larger buffers made it slower.
    let file = BufReader::new(File::open(path)?);
    rdb::parse(file, Nil::new(None), Simple::new())?;
    Ok(())
}
