//! What there is to read, and reading it.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rdb_scan::{Control, FileSource, InspectOptions, Inspected, Inspection, Position, Source};
use seeding::BackupLocation;

use super::{object::Objects, progress::Meter};

/// One of the files.
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
}

impl fmt::Display for Input {
    /// As it was named, without what moves a terminal's cursor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Stdin => "standard input".to_owned(),
            Self::Object(location) => format!("s3://{location}"),
            Self::File(path) => path.display().to_string(),
        };
        name.chars().try_for_each(|letter| write!(f, "{}", if letter.is_control() { '?' } else { letter }))
    }
}

/// The files as they are named, each once.
pub(super) fn inputs(files: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for file in files {
        let input = match file.to_str() {
            Some("-") => Input::Stdin,
            Some(text) if text.starts_with("s3://") || text.starts_with("arn:") => {
                Input::Object(BackupLocation::parse(text)?)
            }
            _ => Input::File(file.clone()),
        };
        if inputs.contains(&input) {
            bail!("{input} is named twice");
        }
        inputs.push(input);
    }
    Ok(inputs)
}

/// Reads one of the files completely, with so many threads where it can be read from several places.
pub(super) fn read(
    input: &Input,
    objects: Option<&Objects>,
    threads: usize,
    options: &InspectOptions,
    meter: &Meter,
) -> Result<Inspection> {
    match input {
        Input::Stdin => once_through(io::stdin().lock(), options, meter),
        Input::Object(location) => {
            let objects = objects.context("there is no connection to S3")?;
            in_parallel(&objects.open(location)?, threads, options, meter)
        }
        Input::File(path) if is_stream(path)? => once_through(File::open(path)?, options, meter),
        Input::File(path) => in_parallel(&FileSource::open(path)?, threads, options, meter),
    }
}

/// Whether it can only be read from the front, as pipes and devices can.
fn is_stream(path: &Path) -> io::Result<bool> {
    let kind = path.metadata()?.file_type();
    Ok(!kind.is_file() && !kind.is_dir())
}

fn in_parallel(
    source: &dyn Source,
    threads: usize,
    options: &InspectOptions,
    meter: &Meter,
) -> Result<Inspection> {
    meter.begin(Some(source.size_bytes()));
    let inspection = rdb_scan::inspect_parallel(source, threads, options, &|progress| {
        meter.show(progress.offset);
        Control::Continue
    })?;
    inspection.context("reading was broken off")
}

fn once_through(source: impl Read, options: &InspectOptions, meter: &Meter) -> Result<Inspection> {
    meter.begin(None);
    let inspected = rdb_scan::inspect(source, &Position::default(), options, &mut |progress| {
        meter.show(progress.offset);
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
