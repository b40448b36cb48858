//! Files that can be read at several offsets at once.

use std::{
    fs::File,
    io::{
        Read, Seek, SeekFrom, {self},
    },
    ops::Range,
    path::{Path, PathBuf},
};

/// A file that can be opened at any offset, several times at once.
pub trait Source: Sync {
    /// Opens the file at `range.start`. Reading may continue to the end of the file, but is likely to stop soon after
    /// `range.end`: a hint for sources that read ahead.
    ///
    /// # Errors
    /// If the file cannot be opened there.
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>>;

    /// The size of the file, which must not change.
    fn size_bytes(&self) -> u64;
}

/// A file on disk.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    size_bytes: u64,
}

impl FileSource {
    /// Opens a regular file. Pipes and devices have no size, and can only be read from their start.
    ///
    /// # Errors
    /// `IsADirectory` or `InvalidInput` if it is not a regular file, and the errors of opening it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let metadata = File::open(path)?.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Self { path: path.to_owned(), size_bytes: metadata.len() })
    }
}

impl Source for FileSource {
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(range.start))?;
        Ok(Box::new(file))
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// Bytes in memory.
impl Source for [u8] {
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.get(range.start as usize..).unwrap_or_default()))
    }

    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }
}
