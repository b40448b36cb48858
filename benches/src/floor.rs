//! The lower limit for every reader that verifies the checksum: reading the file, and computing its checksum.
use std::{fs::File, io::Read, path::Path};

use anyhow::{Context as _, Result, ensure};
use crc_fast::{CrcAlgorithm, Digest};

const BLOCK_BYTES: usize = 1 << 20;
const PAGE_BYTES: usize = 4096;
const TRAILER_BYTES: u64 = 8;

/// Reads an RDB file in blocks of 1 MiB. Returns its checksum, or fails if that is wrong.
pub fn read_and_check(path: &Path) -> Result<u64> {
    let mut file = File::open(path)?;
    let mut left = file.metadata()?.len().checked_sub(TRAILER_BYTES).context("the file is too short")?;
    let mut crc = Digest::new(CrcAlgorithm::Crc64Redis);
    // Some processors (AMD Zen 3) copy several times faster to the start of a page than to 16 bytes after it, where a
    // large allocation begins.
    let mut memory = vec![0_u8; BLOCK_BYTES + PAGE_BYTES];
    let start = memory.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
    let block = &mut memory[start..start + BLOCK_BYTES];
    while left > 0 {
        let wanted = left.min(BLOCK_BYTES as u64) as usize;
        let count = file.read(&mut block[..wanted])?;
        ensure!(count > 0, "the file ends {left} bytes early");
        crc.update(&block[..count]);
        left -= count as u64;
    }
    let mut trailer = [0; TRAILER_BYTES as usize];
    file.read_exact(&mut trailer)?;
    let (expected, found) = (u64::from_le_bytes(trailer), crc.finalize());
    ensure!(expected == found, "the checksum is {found:016x}, not {expected:016x}");
    Ok(found)
}
