//! Reads a file with the crate rdb and its formatter that writes nothing. It does not check the checksum, and skips
//! streams.
use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use rdb::filter::Simple;
use rdb::formatter::Nil;

fn main() -> Result<(), Box<dyn Error>> {
    const BUFFER_BYTES: usize = 1 << 20;
    let path = std::env::args_os().nth(1).ok_or("usage: rdb-nil FILE")?;
    let file = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    rdb::parse(file, Nil::new(None), Simple::new())?;
    Ok(())
}
