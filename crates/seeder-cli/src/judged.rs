//! Local backups that are judged while they are uploaded.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
};

use anyhow::{Context, Result, bail};
use rdb_scan::{Control, FileSource, InspectOptions, Inspection};
use seeding::{Code, Finding, Verdict, fault_finding};
use tokio::task::spawn_blocking;

/// Reads a file while it is sent. Returns the findings because of which it cannot be seeded, if there are some.
///
/// Waits for both the verdict and the last part. A refusal does not wait for the remaining parts, nor a failed part for
/// the verdict.
pub(crate) async fn judged_while_sent(
    path: &Path,
    sending: impl Future<Output = Result<()>>,
    allow: &[Code],
) -> Result<Option<Vec<Finding>>> {
    let reading = Reading::start(path);
    let verdict = async {
        let inspection = reading.end().await?;
        let inspection =
            inspection.with_context(|| format!("failed to read {} to its end", path.display()))?;
        anyhow::Ok(refusal(&inspection, path, allow))
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
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Identity {
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).with_context(|| format!("failed to inspect {}", path.display()))?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }

    /// The size of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fails if the file is another one by now.
    pub(crate) fn expect_unchanged(&self, path: &Path) -> Result<()> {
        if Self::of(path)? != *self {
            bail!("{} was changed during the upload: seed a copy that is not being written", path.display());
        }
        Ok(())
    }
}
