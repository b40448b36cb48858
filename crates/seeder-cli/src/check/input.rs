//! The inputs of `seeder check`, and reading them.

use std::{
    fmt,
    fs::File,
    io::{
        Read, {self},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rdb_scan::{Control, FileSource, InspectOptions, Inspected, Inspection, Position, Progress, Source};
use seeding::BackupLocation;

use crate::reading::{Archive, Compressed, Compression, FIRST_BYTES, Meter, Objects, is_object};

/// One input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    Object(BackupLocation),
    File(PathBuf),
}

impl Input {
    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// What can be opened again; none for standard input.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Stdin => None,
            Self::Object(location) => Some(format!("s3://{location}").into()),
            Self::File(path) => Some(path.clone()),
        }
    }
}

impl fmt::Display for Input {
    /// Formats the name as given, without characters that move a terminal's cursor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Stdin => "standard input".to_owned(),
            Self::Object(location) => format!("s3://{location}"),
            Self::File(path) => path.display().to_string(),
        };
        name.chars().try_for_each(|letter| write!(f, "{}", if letter.is_control() { '?' } else { letter }))
    }
}

/// Parses the names of the files; each may occur once.
pub(super) fn inputs(files: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for file in files {
        let input = match file.to_str() {
            Some("-") => Input::Stdin,
            Some(text) if is_object(file) => Input::Object(BackupLocation::parse(text)?),
            _ => Input::File(file.clone()),
        };
        if inputs.contains(&input) {
            bail!("{input} is named twice");
        }
        inputs.push(input);
    }
    Ok(inputs)
}

/// The result of reading a file.
pub(super) struct Content {
    pub(super) inspection: Inspection,
    /// The compression that it was read through, if any.
    pub(super) compression: Option<Compression>,
}

/// Reads one input completely, with this many threads if it is seekable.
pub(super) fn read(
    input: &Input,
    objects: Option<&Objects>,
    threads: usize,
    options: &InspectOptions,
    meter: &Meter,
) -> Result<Content> {
    match input {
        Input::Stdin => stream(io::stdin().lock(), options, meter),
        Input::Object(location) => {
            let objects = objects.context("there is no connection to S3")?;
            let object = objects.open(location)?;
            let beginning = object.beginning(FIRST_BYTES)?;
            seekable(&object, &beginning, threads, options, meter)
        }
        Input::File(path) if is_stream(path)? => stream(File::open(path)?, options, meter),
        Input::File(path) => {
            let source = FileSource::open(path)?;
            let mut beginning = Vec::with_capacity(FIRST_BYTES);
            File::open(path)?.take(FIRST_BYTES as u64).read_to_end(&mut beginning)?;
            seekable(&source, &beginning, threads, options, meter)
        }
    }
}

/// Whether a file can be read sequentially only, like pipes and devices.
fn is_stream(path: &Path) -> io::Result<bool> {
    let kind = path.metadata()?.file_type();
    Ok(!kind.is_file() && !kind.is_dir())
}

/// Reads a seekable source, in parallel unless it is compressed.
fn seekable(
    source: &dyn Source,
    beginning: &[u8],
    threads: usize,
    options: &InspectOptions,
    meter: &Meter,
) -> Result<Content> {
    let size_bytes = source.size_bytes();
    meter.begin(Some(size_bytes));
    if let Some(compression) = Compression::of(beginning) {
        let compressed = Compressed::new(source.open(0..size_bytes)?);
        return unpack(compression, compressed, options, meter);
    }
    let inspection = rdb_scan::inspect_parallel(source, threads, options, &|progress| {
        meter.show(progress.offset);
        Control::Continue
    })?;
    Ok(Content { inspection: inspection.context("reading was broken off")?, compression: None })
}

/// Reads a sequential source.
fn stream<'s>(source: impl Read + 's, options: &InspectOptions, meter: &Meter) -> Result<Content> {
    meter.begin(None);
    let mut bytes = Compressed::new(source);
    match Compression::of(bytes.peek()?) {
        Some(compression) => unpack(compression, bytes, options, meter),
        None => {
            Ok(Content { inspection: once_through(bytes, options, &bytes_shown(meter))?, compression: None })
        }
    }
}

/// Reads the contents of an archive. Progress counts the archive's bytes, since the size of the contents is unknown.
fn unpack(
    compression: Compression,
    compressed: Compressed<'_>,
    options: &InspectOptions,
    meter: &Meter,
) -> Result<Content> {
    let counter = compressed.counter();
    let mut archive = Archive::new(compression, compressed);
    let show = |_: &Progress| meter.show(counter.bytes());
    let mut inspection = once_through(&mut archive, options, &show)?;
    // Reads to the end even after a fault: if the archive is damaged, that is the cause, and the file inside may be
    // sound.
    let mut rest = vec![0; 64 << 10];
    while archive.read(&mut rest)? > 0 {
        meter.show(counter.bytes());
    }
    archive.tell(&mut inspection);
    Ok(Content { inspection, compression: Some(compression) })
}

fn bytes_shown(meter: &Meter) -> impl Fn(&Progress) + '_ {
    |progress| meter.show(progress.offset)
}

fn once_through(source: impl Read, options: &InspectOptions, show: &dyn Fn(&Progress)) -> Result<Inspection> {
    let inspected = rdb_scan::inspect(source, &Position::default(), options, &mut |progress| {
        show(progress);
        Control::Continue
    })?;
    Ok(match inspected {
        Inspected::Complete(inspection) | Inspected::Paused(inspection, _) => inspection,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(files: &[&str]) -> Result<Vec<Input>> {
        inputs(&files.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn files_objects_and_standard_input_are_told_apart() {
        let location = BackupLocation { bucket: "b".to_owned(), key: "k/f.rdb".to_owned() };
        let expected = [Input::File("b/f.rdb".into()), Input::Object(location), Input::Stdin];
        assert_eq!(parse(&["b/f.rdb", "s3://b/k/f.rdb", "-"]).unwrap(), expected);
        assert!(parse(&["a", "b", "a"]).is_err());
        assert!(parse(&["s3://bucket"]).is_err());
        assert_eq!(parse(&["a\u{1b}[2J"]).unwrap()[0].to_string(), "a?[2J");
    }
}
