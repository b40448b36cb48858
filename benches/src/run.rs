//! One run of one program: how long it took, and the most memory that it held.
//!
//! The system tells the peak memory of a process's ended children only as the highest of all of them, so each run
//! needs a process of its own that has no other child: the program `measure`, which [`execute`] is the inside of and
//! [`measured`] the outside.
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

/// No run takes longer: a program that does is ended.
pub const LIMIT_SECONDS: u64 = 600;

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// From the start of the process to its end.
    pub seconds: f64,
    /// The most memory that it held at once, pages of files that it mapped included.
    pub peak_bytes: u64,
}

/// Runs a command to its end, with no input and its output thrown away. Errors if it fails or takes too long.
///
/// The peak is right only for the first call in a process.
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
            // Not yet waited for, so the process id is still its own.
            let _ = kill(process, Signal::SIGKILL);
        }
    });
    let status = child.wait()?;
    let seconds = started.elapsed().as_secs_f64();
    drop(ended);
    ensure!(status.success(), "{status} after {seconds:.1} s");
    // The system counts in KiB.
    let peak_bytes = u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())? * 1024;
    Ok(Cost { seconds, peak_bytes })
}

/// Runs a command through the program `measure`.
pub fn measured(measure: &Path, command: &[OsString]) -> Result<Cost> {
    let output = Command::new(measure).args(command).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8(output.stdout)?;
    let (seconds, peak_bytes) = text.trim().split_once(' ').context("measure told no two numbers")?;
    Ok(Cost { seconds: seconds.parse()?, peak_bytes: peak_bytes.parse()? })
}
