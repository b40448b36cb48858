//! Signals that end a command, which leaves nothing unfinished.

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A file would be larger than the process may write, on Linux and macOS. Unhandled, it ends the process in the middle
/// of writing; handled, writing fails.
const SIGXFSZ: i32 = 25;

/// The signals by which users and systems end a process. A hang-up is not among them: `nohup` ignores it, and a handler
/// would undo that.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> Result<Self> {
        // The handler stays when this is dropped.
        let _handler = signal(SignalKind::from_raw(SIGXFSZ))?;
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    /// Waits for one. Returns the exit status of a process that it ends: 128 plus its number.
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => crate::INTERRUPTED,
            _ = self.terminate.recv() => 143,
        }
    }
}
