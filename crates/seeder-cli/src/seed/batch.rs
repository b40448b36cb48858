//! Upload of all files of one seeding: they become objects together, once each is read to its end and found sound.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::Client;
use rdb_scan::{Control, FileSource, InspectOptions, Inspection};
use seeding::{BackupLocation, Code, Finding, Verdict, fault_finding};
use tokio::task::spawn_blocking;

use crate::{
    term::{Size, progress_bar},
    upload::{Upload, Uploaded},
};

/// A file and the location to upload it to.
#[derive(Debug, Clone)]
pub(super) struct LocalFile {
    pub(super) path: PathBuf,
    pub(super) location: BackupLocation,
}

/// The result of sending the files.
#[derive(Debug)]
pub(super) enum Sent {
    /// All files are objects now.
    All,
    /// A file cannot be seeded.
    Refused(Vec<Finding>),
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// The uploads and objects so far, so that they can be undone.
#[derive(Debug, Default)]
pub(super) struct Batch {
    uploads: Vec<Upload>,
    objects: Vec<Uploaded>,
}

impl Batch {
    /// Sends all files. Any result other than [`Sent::All`] leaves no object and no part.
    pub(super) async fn send(&mut self, s3: &Client, files: &[LocalFile], allow: &[Code]) -> Result<Sent> {
        if files.is_empty() {
            return Ok(Sent::All);
        }
        let sent = tokio::select! {
            sent = self.send_all(s3, files, allow) => sent,
            interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Sent::Interrupted).map_err(Into::into),
        };
        if !matches!(sent, Ok(Sent::All)) {
            self.undo(s3).await;
        }
        sent
    }

    async fn send_all(&mut self, s3: &Client, files: &[LocalFile], allow: &[Code]) -> Result<Sent> {
        for file in files {
            eprintln!("reading {} and uploading it to s3://{}", file.path.display(), file.location);
            let before = Identity::of(&file.path)?;
            // Recorded before the first part is sent, so that it can be aborted from here on.
            self.uploads.push(Upload::begin(s3, &file.location).await?);
            let Some(upload) = self.uploads.last_mut() else { bail!("the upload has not begun") };
            let bar = progress_bar("uploading", Some(before.bytes), Size::Exact);
            let reading = Reading::start(&file.path);
            let sending = upload.send(s3, &file.path, before.bytes, &bar);
            let outcome = judged_while_sent(reading, sending, file, allow).await;
            bar.finish_and_clear();
            if let Some(findings) = outcome? {
                return Ok(Sent::Refused(findings));
            }
            if Identity::of(&file.path)? != before {
                bail!(
                    "{} was changed during the upload: seed a copy that is not being written",
                    file.path.display()
                );
            }
        }
        while let Some(upload) = self.uploads.last() {
            let object = upload.complete(s3, true).await?;
            self.uploads.pop();
            self.objects.push(object);
        }
        Ok(Sent::All)
    }

    /// Aborts the uploads and deletes the objects. What cannot be undone is printed.
    pub(super) async fn undo(&mut self, s3: &Client) {
        for upload in self.uploads.drain(..) {
            if let Err(error) = upload.abort(s3).await {
                eprintln!("warning: parts of s3://{} are left: {error:#}", upload.location);
            }
        }
        for object in self.objects.drain(..) {
            match object.delete(s3).await {
                Ok(()) => eprintln!("deleted s3://{}", object.location),
                Err(error) => eprintln!("warning: s3://{} is left: {error:#}", object.location),
            }
        }
    }
}

/// Waits for both the verdict and the last part. A refusal does not wait for the remaining parts, nor a failed part for
/// the verdict.
async fn judged_while_sent(
    reading: Reading,
    sending: impl Future<Output = Result<()>>,
    file: &LocalFile,
    allow: &[Code],
) -> Result<Option<Vec<Finding>>> {
    let verdict = async {
        let inspection = reading.end().await?;
        let inspection =
            inspection.with_context(|| format!("failed to read {} to its end", file.path.display()))?;
        anyhow::Ok(refusal(&inspection, &file.path, allow))
    };
    tokio::pin!(verdict, sending);
    tokio::select! {
        refused = &mut verdict => match refused? {
            Some(findings) => Ok(Some(findings)),
            None => sending.await.map(|()| None),
        },
        sent = &mut sending => {
            sent?;
            verdict.await
        }
    }
}

/// The findings because of which a file cannot be seeded; `None` if it can.
fn refusal(inspection: &Inspection, path: &Path, allow: &[Code]) -> Option<Vec<Finding>> {
    if inspection.is_sound() {
        return None;
    }
    let name = path.display().to_string();
    let findings: Vec<_> = inspection.faults.iter().map(|fault| fault_finding(&name, fault)).collect();
    (Verdict::of(&findings, allow) == Verdict::Reject).then_some(findings)
}

/// A file that is being read on threads of its own; dropping this stops them soon.
struct Reading {
    stop: Arc<AtomicBool>,
    done: tokio::task::JoinHandle<io::Result<Option<Inspection>>>,
}

impl Reading {
    fn start(path: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (path, stopped) = (path.to_owned(), stop.clone());
        let done = spawn_blocking(move || {
            let threads = available_parallelism().map_or(1, usize::from);
            rdb_scan::inspect_parallel(
                &FileSource::open(&path)?,
                threads,
                &InspectOptions::default(),
                &|_| {
                    if stopped.load(Ordering::Relaxed) { Control::Pause } else { Control::Continue }
                },
            )
        });
        Self { stop, done }
    }

    /// Waits for the inspection; `None` if it was stopped.
    async fn end(mut self) -> Result<Option<Inspection>> {
        Ok((&mut self.done).await??)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What distinguishes a file from any other, and from itself after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).with_context(|| format!("failed to inspect {}", path.display()))?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}
