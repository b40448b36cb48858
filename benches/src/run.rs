//! Runs a program once, and measures its time and its peak memory.
//!
//! For children that have exited, the system reports only the highest peak memory of all. Each run thus needs a process
//! of its own without other children: the program `measure`. [`execute`] is its implementation, and [`measured`] calls
//! it.
use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        signal::{Signal, kill},
    },
    unistd::Pid,
};

/// Time limit of a run in seconds, after which the program is killed.
pub const LIMIT_SECONDS: u64 = 600;

/// The cost of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds from the start of the process to its exit.
    pub seconds: f64,
    /// Peak memory in bytes, including pages of mapped files.
    pub peak_bytes: u64,
}

/// Runs a command to its end, without input and with discarded output. Fails if the command fails or exceeds the limit.
///
/// The peak memory is correct only for the first call in a process.
pub fn execute(command: &[OsString]) -> Result<Cost> {
    let (program, arguments) = command.split_first().context("there is no program to run")?;
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let process = Pid::from_raw(i32::try_from(child.id())?);
    let (ended, watched) = channel::<()>();
    // Waiting without polling keeps the time exact.
    std::thread::spawn(move || {
        if watched.recv_timeout(Duration::from_secs(LIMIT_SECONDS)) == Err(RecvTimeoutError::Timeout) {
            // The process has not been waited for, so its process ID cannot have been reused.
            let _ = kill(process, Signal::SIGKILL);
        }
    });
    let status = child.wait()?;
    let seconds = started.elapsed().as_secs_f64();
    drop(ended);
    ensure!(status.success(), "{status} after {seconds:.1} s");
    // The system reports KiB.
    let peak_bytes = u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())? * 1024;
    Ok(Cost { seconds, peak_bytes })
}

/// Runs a command with the program `measure`.
pub fn measured(measure: &Path, command: &[OsString]) -> Result<Cost> {
    let output = Command::new(measure).args(command).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8(output.stdout)?;
    let (seconds, peak_bytes) = text.trim().split_once(' ').context("measure did not print two numbers")?;
    Ok(Cost { seconds: seconds.parse()?, peak_bytes: peak_bytes.parse()? })
}
