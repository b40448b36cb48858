//! The backup that is converted, which can be read more than once.

use std::{
    fs::{File, OpenOptions},
    io::{
        Read, Seek, SeekFrom, {self},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rdb_scan::{Control, FileSource, InspectOptions, Inspected, Inspection, Position, Source as _};
use seeding::BackupLocation;
use uuid::Uuid;

use crate::check::{Archive, Compressed, Compression, FIRST_BYTES, Meter, ObjectSource, Objects};

/// A backup.
pub(super) struct Source<'o> {
    name: String,
    place: Place<'o>,
    compression: Option<Compression>,
    size_bytes: u64,
}

enum Place<'o> {
    File(PathBuf),
    /// What came through a pipe.
    Spooled(File),
    Object(ObjectSource<'o>),
}

/// Whether a name is that of an object.
pub(super) fn is_object(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with("arn:") || (text.contains("://") && !path.exists()))
}

impl<'o> Source<'o> {
    /// Opens a backup. One from a pipe is written to a nameless file in the folder for temporary files first.
    pub(super) fn open(path: &Path, objects: Option<&'o Objects>) -> Result<Self> {
        let name = path.display().to_string();
        let name = name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
        let (place, size_bytes) =
            Self::place(path, objects).with_context(|| format!("failed to read {name}"))?;
        let mut source = Self { name, place, compression: None, size_bytes };
        let mut beginning = Vec::with_capacity(FIRST_BYTES);
        source.raw()?.take(FIRST_BYTES as u64).read_to_end(&mut beginning)?;
        source.compression = Compression::of(&beginning);
        Ok(source)
    }

    fn place(path: &Path, objects: Option<&'o Objects>) -> Result<(Place<'o>, u64)> {
        if is_object(path) {
            let location = BackupLocation::parse(&path.to_string_lossy())?;
            let object = objects.context("there is no connection to S3")?.open(&location)?;
            let size_bytes = object.size_bytes();
            return Ok((Place::Object(object), size_bytes));
        }
        if path == Path::new("-") {
            return spool(io::stdin().lock());
        }
        if !path.metadata()?.file_type().is_file() {
            return spool(File::open(path)?);
        }
        Ok((Place::File(path.to_owned()), path.metadata()?.len()))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn compression(&self) -> Option<&'static str> {
        self.compression.map(Compression::name)
    }

    /// The size, if it is that of the contents.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        self.compression.is_none().then_some(self.size_bytes)
    }

    /// Whether it can be read several times at once.
    pub(super) fn is_concurrent(&self) -> bool {
        !matches!(self.place, Place::Spooled(_))
    }

    fn raw(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        match &self.place {
            Place::File(path) => Ok(Box::new(File::open(path)?)),
            Place::Spooled(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Ok(Box::new(file))
            }
            Place::Object(object) => Ok(Box::new(object.open(0..self.size_bytes)?)),
        }
    }

    /// The contents from the start.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        let raw = self.raw()?;
        Ok(match self.compression {
            None => raw,
            Some(compression) => Box::new(Archive::new(compression, Compressed::new(raw))),
        })
    }

    /// Checks the contents completely.
    pub(super) fn inspect(
        &self,
        threads: usize,
        options: &InspectOptions,
        meter: &Meter,
    ) -> Result<Inspection> {
        let show = |offset| {
            meter.show(offset);
            Control::Continue
        };
        let whole = match (&self.place, self.compression) {
            (Place::File(path), None) => {
                rdb_scan::inspect_parallel(&FileSource::open(path)?, threads, options, &|at| show(at.offset))?
            }
            (Place::Object(object), None) => {
                rdb_scan::inspect_parallel(object, threads, options, &|at| show(at.offset))?
            }
            _ => match rdb_scan::inspect(self.reader()?, &Position::default(), options, &mut |at| {
                show(at.offset)
            })? {
                Inspected::Complete(inspection) => Some(inspection),
                Inspected::Paused(..) => None,
            },
        };
        whole.context("reading was broken off")
    }
}

/// Writes what comes through a pipe to a file without a name, which is gone when it is closed.
fn spool<'o>(mut pipe: impl Read) -> Result<(Place<'o>, u64)> {
    let path = std::env::temp_dir().join(format!("seeder-{}", Uuid::new_v4()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    let bytes = io::copy(&mut pipe, &mut file)
        .with_context(|| format!("failed to keep it in {}", std::env::temp_dir().display()))?;
    Ok((Place::Spooled(file), bytes))
}

/// Shows how far a reader is.
pub(super) struct Shown<'m, R> {
    reader: R,
    meter: &'m Meter,
    bytes: u64,
}

impl<'m, R> Shown<'m, R> {
    pub(super) fn new(reader: R, meter: &'m Meter) -> Self {
        Self { reader, meter, bytes: 0 }
    }
}

impl<R: Read> Read for Shown<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        self.meter.show(self.bytes);
        Ok(read)
    }
}
