//! The backup that is converted, which can be read more than once.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{
        Read, {self},
    },
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use anyhow::{Context, Result};
use rdb_scan::{Boundary, Control, InspectOptions, Inspected, Inspection, Position, Source as _};
use seeding::BackupLocation;
use uuid::Uuid;

use crate::reading::{
    Archive, Compressed, Compression, FIRST_BYTES, Meter, ObjectSource, Objects, is_object,
};

/// A backup.
pub(super) struct Source<'o> {
    name: String,
    place: Place<'o>,
    compression: Option<Compression>,
    /// The compression of an archive that was unpacked.
    unpacked: Option<Compression>,
    size_bytes: u64,
}

enum Place<'o> {
    /// A file, or a nameless one with what came through a pipe or out of an archive. It stays open: one that gets its
    /// name meanwhile, as a server's next backup does, is another.
    File(OpenFile, Metadata),
    Object(ObjectSource<'o>),
}

impl<'o> Source<'o> {
    /// Opens a backup. One from a pipe is written to a nameless file in the folder for temporary files first.
    pub(super) fn open(path: &Path, objects: Option<&'o Objects>) -> Result<Self> {
        let name = path.display().to_string();
        let name = name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
        let (place, size_bytes) =
            Self::place(path, objects).with_context(|| format!("failed to read {name}"))?;
        let mut source = Self { name, place, compression: None, unpacked: None, size_bytes };
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
        Self::file(File::open(path)?)
    }

    fn file(file: File) -> Result<(Place<'o>, u64)> {
        let metadata = file.metadata()?;
        let size_bytes = metadata.len();
        Ok((Place::File(OpenFile { file, size_bytes }, metadata), size_bytes))
    }

    /// Whether the file was written since it was opened. Of objects, one version is read.
    pub(super) fn has_changed(&self) -> bool {
        let Place::File(OpenFile { file, .. }, before) = &self.place else { return false };
        let identity = |of: &Metadata| (of.len(), of.mtime(), of.mtime_nsec());
        file.metadata().is_ok_and(|now| identity(&now) != identity(before))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn compression(&self) -> Option<&'static str> {
        self.compression.or(self.unpacked).map(Compression::name)
    }

    /// The size, if it is that of the contents.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        self.compression.is_none().then_some(self.size_bytes)
    }

    fn raw(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        self.stored().open(0..self.size_bytes)
    }

    /// What is stored, compressed or not.
    fn stored(&self) -> &dyn rdb_scan::Source {
        match &self.place {
            Place::File(file, _) => file,
            Place::Object(object) => object,
        }
    }

    /// The contents, to be read at any offset.
    pub(super) fn seekable(&self) -> Option<&dyn rdb_scan::Source> {
        self.compression.is_none().then(|| self.stored())
    }

    /// Writes the contents of an archive to a nameless file, so that they can be read at any offset.
    pub(super) fn unpack(&mut self) -> Result<()> {
        if self.compression.is_some() {
            let (place, size_bytes) = spool(self.reader()?)?;
            (self.place, self.size_bytes, self.unpacked) = (place, size_bytes, self.compression.take());
        }
        Ok(())
    }

    /// The contents from the start.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        let raw = self.raw()?;
        Ok(match self.compression {
            None => raw,
            Some(compression) => Box::new(Archive::new(compression, Compressed::new(raw))),
        })
    }

    /// Checks the contents completely, and returns boundaries between records if they can be read at any offset.
    pub(super) fn inspect(
        &self,
        threads: usize,
        options: &InspectOptions,
        meter: &Meter,
    ) -> Result<(Inspection, Vec<Boundary>)> {
        let show = |offset| {
            meter.show(offset);
            Control::Continue
        };
        let whole = if let Some(source) = self.seekable() {
            rdb_scan::inspect_with_boundaries(source, threads, options, &|at| show(at.offset))?
        } else {
            match rdb_scan::inspect(self.reader()?, &Position::default(), options, &mut |at| show(at.offset))?
            {
                Inspected::Complete(inspection) => Some((inspection, Vec::new())),
                Inspected::Paused(..) => None,
            }
        };
        whole.context("reading was broken off")
    }
}

/// Writes what comes through a pipe to a file without a name, which is gone when it is closed.
fn spool<'o>(mut pipe: impl Read) -> Result<(Place<'o>, u64)> {
    let path = std::env::temp_dir().join(format!("seeder-{}", Uuid::new_v4()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    io::copy(&mut pipe, &mut file)
        .with_context(|| format!("failed to keep it in {}", std::env::temp_dir().display()))?;
    Source::file(file)
}

/// A file that is read at any offset.
struct OpenFile {
    file: File,
    size_bytes: u64,
}

impl rdb_scan::Source for OpenFile {
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(OpenFileReader { file: &self.file, at: range.start }))
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// A reader with a place of its own.
struct OpenFileReader<'f> {
    file: &'f File,
    at: u64,
}

impl Read for OpenFileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Shows how much a reader reads.
pub(super) struct Shown<'w, R> {
    reader: R,
    watch: &'w (dyn Fn(u64) + Sync),
}

impl<'w, R> Shown<'w, R> {
    pub(super) fn new(reader: R, watch: &'w (dyn Fn(u64) + Sync)) -> Self {
        Self { reader, watch }
    }
}

impl<R: Read> Read for Shown<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        (self.watch)(read as u64);
        Ok(read)
    }
}
