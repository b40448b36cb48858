//! The new files. They get their names when they are complete.

use std::{
    fs::{File, remove_file, rename},
    io::{
        Write, {self},
    },
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::args::ConvertArgs;

/// Where the new files go: to standard output if there are no names.
pub(super) struct Outputs {
    paths: Vec<PathBuf>,
}

impl Outputs {
    /// What the command line names.
    ///
    /// # Errors
    /// If a file exists and is not to be replaced, or standard output would have several files.
    pub(super) fn of(args: &ConvertArgs) -> Result<Self> {
        let path = &args.output;
        if path == Path::new("-") {
            if args.split.is_some() {
                bail!("--split writes several files, and standard output is one");
            }
            return Ok(Self { paths: Vec::new() });
        }
        if path.to_str().is_some_and(|text| text.contains("://")) {
            bail!("{}: only files and standard output can be written", path.display());
        }
        let paths = match args.split {
            None => vec![path.clone()],
            Some(files) => {
                let name = path.to_string_lossy();
                let stem = name.strip_suffix(".rdb").unwrap_or(&name);
                (1..=files).map(|file| format!("{stem}-{file:04}.rdb").into()).collect()
            }
        };
        for path in &paths {
            if path.is_dir() {
                bail!("{} is a folder; name a file", path.display());
            }
            if path.exists() && !args.force && !args.dry_run {
                bail!("{} exists; --force replaces it", path.display());
            }
        }
        Ok(Self { paths })
    }

    pub(super) fn is_stdout(&self) -> bool {
        self.paths.is_empty()
    }

    /// Creates files that have no final name yet.
    pub(super) fn open(&self) -> Result<Opened<'_>> {
        let mut opened = Opened { outputs: self, unfinished: Vec::new(), files: Vec::new() };
        for path in &self.paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let unfinished = path.with_file_name(format!(".{name}.{}", Uuid::new_v4()));
            let file = File::create_new(&unfinished)
                .with_context(|| format!("failed to write {}", path.display()))?;
            opened.files.push(file);
            opened.unfinished.push(unfinished);
        }
        Ok(opened)
    }
}

/// New files without their final names. They are deleted unless they are published.
pub(super) struct Opened<'o> {
    outputs: &'o Outputs,
    unfinished: Vec<PathBuf>,
    files: Vec<File>,
}

impl Opened<'_> {
    /// Whether the files can be written at any offset.
    pub(super) fn is_seekable(&self) -> bool {
        !self.files.is_empty()
    }

    /// A writer for a file, from an offset on.
    pub(super) fn writer_at(&self, file: usize, offset: u64) -> WriterAt<'_> {
        WriterAt { file: self.files.get(file), offset }
    }

    pub(super) fn writers(&self) -> Result<Vec<Box<dyn Write>>> {
        if self.unfinished.is_empty() {
            return Ok(vec![Box::new(io::stdout().lock())]);
        }
        let open = |file: &File| -> Result<Box<dyn Write>> { Ok(Box::new(file.try_clone()?)) };
        self.files.iter().map(open).collect()
    }

    /// Gives the files their names.
    pub(super) fn publish(mut self) -> Result<()> {
        for file in &self.files {
            file.sync_all()?;
        }
        for (unfinished, path) in std::mem::take(&mut self.unfinished).iter().zip(&self.outputs.paths) {
            rename(unfinished, path).with_context(|| format!("failed to write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Writes at a place of a file. Several threads write one file.
pub(super) struct WriterAt<'f> {
    file: Option<&'f File>,
    offset: u64,
}

impl Write for WriterAt<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.ok_or(io::ErrorKind::NotFound)?;
        let written = file.write_at(bytes, self.offset)?;
        self.offset += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        for path in &self.unfinished {
            // Nothing can be done about a file that cannot be deleted.
            let _ = remove_file(path);
        }
    }
}
