//! The new files or objects. They get their names when they are complete.

pub(crate) mod files;
mod parts;

use std::{
    fs::File,
    io::{
        Write, {self},
    },
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::exit,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use parts::{PartSizes, PartWriter};
use seeder_aws::objects::look_at_object;
use seeding::{BackupLocation, objects::ObjectLook};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    multipart::{PARTS_AT_ONCE, Upload, Uploaded},
    reading::{Objects, is_object},
    signals::Signals,
};

/// How long an upload that is aborted waits for parts that are on their way: one that arrives later would stay.
const GRACE: Duration = Duration::from_secs(5);

/// What the command line names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'w> {
    /// A file, an object, or `-` for standard output.
    pub(crate) path: &'w Path,
    /// The number of files to write, with numbers in their names; none for one with the name itself.
    pub(crate) files: Option<u16>,
    /// Whether existing files are replaced.
    pub(crate) replaces: bool,
    /// Whether nothing will be written.
    pub(crate) is_dry: bool,
}

/// Does work that writes the new files, and leaves none of them if a signal ends the process.
pub(crate) async fn or_abandon<T: Send + 'static>(
    outputs: Arc<Outputs>,
    objects: Option<Arc<Objects>>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let mut signals = Signals::new()?;
    let mut work = spawn_blocking(work);
    let status = tokio::select! {
        done = &mut work => return done?,
        status = signals.next() => status,
    };
    if spawn_blocking(move || outputs.abandon(objects.as_deref())).await? {
        return work.await?;
    }
    eprintln!("interrupted; no new file is left");
    // The work may wait for a pipe or a server, and would never end.
    exit(status.into())
}

/// Where the new files go.
pub(crate) struct Outputs {
    place: Place,
    /// Whether existing files are replaced.
    replaces: bool,
    unfinished: Mutex<Unfinished>,
    /// Permits of parts to be on their way.
    parts: Arc<Semaphore>,
}

enum Place {
    Stdout,
    Files(Vec<PathBuf>),
    Objects(Vec<BackupLocation>),
}

/// What is written, and has no name yet.
#[derive(Default)]
struct Unfinished {
    files: Vec<PathBuf>,
    uploads: Vec<Upload>,
    state: State,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Writing,
    /// Everything has its name.
    Published,
    /// Nothing gets a name any more.
    Abandoned,
}

impl Outputs {
    /// Where the command line says.
    ///
    /// # Errors
    /// If a file exists and is not to be replaced, or standard output would have several files.
    pub(crate) fn of(wanted: &Wanted<'_>) -> Result<Self> {
        Ok(Self {
            place: Place::of(wanted)?,
            replaces: wanted.replaces,
            unfinished: Mutex::default(),
            parts: Arc::new(Semaphore::new(PARTS_AT_ONCE)),
        })
    }

    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self.place, Place::Stdout)
    }

    pub(crate) fn are_objects(&self) -> bool {
        matches!(self.place, Place::Objects(_))
    }

    /// Returns an object that exists and is not to be replaced.
    pub(crate) async fn existing_object(&self, objects: &Objects) -> Result<Option<&BackupLocation>> {
        let Place::Objects(locations) = &self.place else { return Ok(None) };
        for location in locations.iter().filter(|_| !self.replaces) {
            // One that may not be looked at is found when it would be replaced.
            let found = look_at_object(objects.s3(), location, None).await?;
            if matches!(found, ObjectLook::Found(_) | ObjectLook::CustomerKey) {
                return Ok(Some(location));
            }
        }
        Ok(None)
    }

    /// Where the new objects are; empty if they are none.
    pub(crate) fn locations(&self) -> &[BackupLocation] {
        match &self.place {
            Place::Objects(locations) => locations,
            Place::Stdout | Place::Files(_) => &[],
        }
    }

    /// The names of the new files.
    pub(crate) fn names(&self) -> Vec<String> {
        match &self.place {
            Place::Stdout => vec!["-".to_owned()],
            Place::Files(paths) => paths.iter().map(|path| path.display().to_string()).collect(),
            Place::Objects(locations) => {
                locations.iter().map(|location| format!("s3://{location}")).collect()
            }
        }
    }

    /// Begins files of these sizes, as far as they are known. The files have no final name yet.
    pub(crate) fn open<'o>(
        &'o self,
        sizes: impl Iterator<Item = Option<u64>>,
        objects: Option<&'o Objects>,
    ) -> Result<Opened<'o>> {
        let mut opened = Opened { outputs: self, objects, files: Vec::new(), writers: Vec::new() };
        let mut unfinished = self.unfinished()?;
        match (&self.place, objects) {
            (Place::Files(paths), _) => {
                for path in paths {
                    let (unfinished_path, file) = files::create(path)?;
                    unfinished.files.push(unfinished_path);
                    opened.files.push(file);
                }
            }
            (Place::Objects(locations), Some(objects)) => {
                for (location, bytes) in locations.iter().zip(sizes) {
                    let upload = objects.wait(Upload::begin(objects.s3(), location))?;
                    unfinished.uploads.push(upload.clone());
                    let sizes = PartSizes::of(bytes, locations.len());
                    opened.writers.push(PartWriter::new(objects, upload, sizes, &self.parts));
                }
            }
            (Place::Stdout, _) | (Place::Objects(_), None) => {}
        }
        drop(unfinished);
        Ok(opened)
    }

    /// Deletes what is unfinished, and lets nothing get its name. Returns whether everything has it already.
    pub(crate) fn abandon(&self, objects: Option<&Objects>) -> bool {
        let mut unfinished = self.lock();
        if unfinished.state == State::Published {
            return true;
        }
        unfinished.state = State::Abandoned;
        self.discard(&mut unfinished, objects);
        false
    }

    fn discard(&self, unfinished: &mut Unfinished, objects: Option<&Objects>) {
        files::remove(&mut unfinished.files);
        let Some(objects) = objects.filter(|_| !unfinished.uploads.is_empty()) else { return };
        objects.wait(async {
            // The permits are not given back, so that no part follows.
            let all = u32::try_from(PARTS_AT_ONCE).unwrap_or(1);
            if let Ok(Ok(permits)) = timeout(GRACE, self.parts.acquire_many(all)).await {
                permits.forget();
            }
            for upload in unfinished.uploads.drain(..) {
                if let Err(error) = upload.abort(objects.s3()).await {
                    eprintln!("warning: parts of s3://{} are left: {error:#}", upload.location);
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Unfinished> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unfinished(&self) -> Result<MutexGuard<'_, Unfinished>> {
        let unfinished = self.lock();
        if unfinished.state == State::Abandoned {
            bail!("it was interrupted");
        }
        Ok(unfinished)
    }
}

impl Place {
    fn of(wanted: &Wanted<'_>) -> Result<Self> {
        let path = wanted.path;
        if path == Path::new("-") {
            if wanted.files.is_some() {
                bail!("several files cannot be written to standard output; name a file or an object");
            }
            return Ok(Self::Stdout);
        }
        let names = match wanted.files {
            None => vec![path.to_owned()],
            Some(files) => {
                let name = path.to_string_lossy();
                let stem = name.strip_suffix(".rdb").unwrap_or(&name);
                (1..=files).map(|file| format!("{stem}-{file:04}.rdb").into()).collect()
            }
        };
        if is_object(path) {
            let location = |name: &PathBuf| BackupLocation::parse(&name.to_string_lossy());
            return Ok(Self::Objects(names.iter().map(location).collect::<Result<_, _>>()?));
        }
        for path in &names {
            if path.is_dir() {
                bail!("{} is a folder; name a file", path.display());
            }
            if path.exists() && !path.is_file() {
                bail!("{} is not a file; name one, or - for standard output", path.display());
            }
            if path.exists() && !wanted.replaces && !wanted.is_dry {
                bail!("{} exists; --force replaces it", path.display());
            }
        }
        Ok(Self::Files(names))
    }
}

/// New files without their final names. They are deleted unless they are published.
pub(crate) struct Opened<'o> {
    outputs: &'o Outputs,
    objects: Option<&'o Objects>,
    files: Vec<File>,
    writers: Vec<PartWriter<'o>>,
}

impl Opened<'_> {
    /// Whether the files can be written at any offset.
    pub(crate) fn is_seekable(&self) -> bool {
        !self.files.is_empty()
    }

    /// A writer for a file, from an offset on.
    pub(crate) fn writer_at(&self, file: usize, offset: u64) -> WriterAt<'_> {
        WriterAt { file: self.files.get(file), offset }
    }

    pub(crate) fn writers(&mut self) -> Result<Vec<Box<dyn Write + '_>>> {
        if self.outputs.is_stdout() {
            return Ok(vec![Box::new(io::stdout().lock())]);
        }
        if !self.writers.is_empty() {
            let boxed = |writer| -> Box<dyn Write> { Box::new(writer) };
            return Ok(self.writers.iter_mut().map(boxed).collect());
        }
        let open = |file: &File| -> Result<Box<dyn Write>> { Ok(Box::new(file.try_clone()?)) };
        self.files.iter().map(open).collect()
    }

    /// Gives the files their names. Returns the objects that were created.
    pub(crate) fn publish(mut self) -> Result<Vec<Uploaded>> {
        for file in &self.files {
            file.sync_all()?;
        }
        let complete = self.writers.drain(..).map(PartWriter::finish).collect::<Result<Vec<_>>>()?;
        let mut unfinished = self.outputs.unfinished()?;
        let replaces = self.outputs.replaces;
        let mut created = Vec::new();
        match (&self.outputs.place, self.objects) {
            (Place::Files(paths), _) => files::publish(&unfinished.files, paths, replaces)?,
            (Place::Objects(_), Some(objects)) => {
                created = objects.wait(create(&complete, objects, replaces))?;
            }
            (Place::Stdout, _) | (Place::Objects(_), None) => {}
        }
        *unfinished = Unfinished { state: State::Published, ..Unfinished::default() };
        drop(unfinished);
        Ok(created)
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.outputs.discard(&mut self.outputs.lock(), self.objects);
    }
}

/// Creates objects of uploads: all, or none.
async fn create(complete: &[Upload], objects: &Objects, replaces: bool) -> Result<Vec<Uploaded>> {
    let mut created: Vec<Uploaded> = Vec::new();
    for upload in complete {
        match upload.complete(objects.s3(), replaces).await {
            Ok(object) => created.push(object),
            Err(error) => {
                for object in &created {
                    if let Err(error) = object.delete(objects.s3()).await {
                        eprintln!("warning: s3://{} is left: {error:#}", object.location);
                    }
                }
                return Err(error);
            }
        }
    }
    Ok(created)
}

/// Writes at a place of a file. Several threads write one file.
pub(crate) struct WriterAt<'f> {
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
