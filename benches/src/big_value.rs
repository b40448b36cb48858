//! A file with a single key and a very long value, which shows which readers hold whole values in memory.
use std::{
    fs::File,
    io::{BufWriter, Result, Write},
    path::Path,
};

use crc_fast::{CrcAlgorithm, Digest};

use crate::random::Random;

/// Length of the value in bytes.
pub const VALUE_BYTES: u32 = 300_000_000;

/// Writes the file with a value of `value_bytes` bytes.
pub fn write(path: &Path, value_bytes: u32) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut crc = Digest::new(CrcAlgorithm::Crc64Redis);
    let mut put = |bytes: &[u8]| {
        crc.update(bytes);
        out.write_all(bytes)
    };
    put(b"REDIS0010")?;
    // Database 0 with one key: the string "blob", with a length in four bytes.
    put(&[0xFE, 0x00, 0xFB, 0x01, 0x00, 0x00, 0x04])?;
    put(b"blob")?;
    put(&[0x80])?;
    put(&value_bytes.to_be_bytes())?;
    let mut random = Random::of(&[u64::from(value_bytes)]);
    let mut left = value_bytes as usize;
    while left > 0 {
        let bytes = random.bits().to_le_bytes();
        let taken = left.min(bytes.len());
        put(&bytes[..taken])?;
        left -= taken;
    }
    put(&[0xFF])?;
    out.write_all(&crc.finalize().to_le_bytes())?;
    out.flush()
}
