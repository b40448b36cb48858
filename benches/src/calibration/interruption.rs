//! Interruption by a signal, without leaving servers or folders behind.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use nix::sys::signal::{SigSet, Signal};

/// Whether this process was asked to end. Waiting code uses this and returns the error, so that guards are dropped as
/// usual.
#[derive(Debug, Clone)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Starts to listen. Must be called before any thread is started, because only later threads inherit the signal
    /// mask.
    pub fn watch() -> Result<Self> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            signals.add(signal);
        }
        // Children do not inherit the mask: the standard library resets it.
        signals.thread_block()?;
        let asked = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            while let Ok(signal) = signals.wait() {
                eprintln!("{signal}: ending");
                heard.store(true, Ordering::Relaxed);
            }
        });
        Ok(Self(asked))
    }

    /// Fails if this process was asked to end.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.0.load(Ordering::Relaxed), "interrupted");
        Ok(())
    }

    /// Waits for `duration`. Fails as soon as this process is asked to end.
    pub fn pause(&self, duration: Duration) -> Result<()> {
        const STEP: Duration = Duration::from_millis(100);
        let until = Instant::now() + duration;
        loop {
            self.check()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}
