//! Checksums of files, by which S3 and this command know that they have the same bytes.

use std::{
    fs::File,
    io::{
        Read, Seek, SeekFrom, {self},
    },
    path::Path,
};

use crc_fast::{CrcAlgorithm::Crc64Nvme, Digest, checksum_combine};

/// What is read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// CRC-64/NVME, the checksum that S3 keeps of whole objects whatever their parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checksum {
    crc: u64,
    bytes: u64,
}

impl Checksum {
    /// That of nothing.
    pub(super) fn empty() -> Self {
        Self { crc: Digest::new(Crc64Nvme).finalize(), bytes: 0 }
    }

    /// That of a range of a file, which is read.
    pub(super) fn of(path: &Path, offset: u64, bytes: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut range = file.take(bytes);
        let (mut digest, mut buffer) = (Digest::new(Crc64Nvme), vec![0; BUFFER_BYTES]);
        let mut found = 0;
        loop {
            match range.read(&mut buffer)? {
                0 => break,
                read => {
                    digest.update(buffer.get(..read).unwrap_or_default());
                    found += read as u64;
                }
            }
        }
        if found < bytes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter"));
        }
        Ok(Self { crc: digest.finalize(), bytes })
    }

    /// That of these bytes, followed by those of another.
    pub(super) fn followed_by(self, other: Self) -> Self {
        let crc = checksum_combine(Crc64Nvme, self.crc, other.crc, other.bytes);
        Self { crc, bytes: self.bytes + other.bytes }
    }

    /// The number of bytes that it is of.
    pub(super) fn bytes(self) -> u64 {
        self.bytes
    }

    /// As S3 writes it: 8 bytes in Base64.
    pub(super) fn encoded(self) -> String {
        aws_smithy_types::base64::encode(self.crc.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::write;

    use super::*;

    #[test]
    fn checksums_of_ranges_make_up_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, "123456789").unwrap();
        let whole = Checksum::of(&path, 0, 9).unwrap();
        // The check value of the algorithm, 0xae8b14860a799888.
        assert_eq!(whole.encoded(), "rosUhgp5mIg=");
        let parts =
            [(0, 4), (4, 4), (8, 1)].map(|(offset, bytes)| Checksum::of(&path, offset, bytes).unwrap());
        assert_eq!(parts.into_iter().fold(Checksum::empty(), Checksum::followed_by), whole);
        assert!(Checksum::of(&path, 8, 2).is_err());
    }
}
