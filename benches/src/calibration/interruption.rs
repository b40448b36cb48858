//! An end by signal that leaves no server and no folder behind.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use nix::sys::signal::{SigSet, Signal};

/// Tells whether this process was asked to end. Whoever waits does so here, and returns the error, so that guards on
/// the way out are dropped as ever.
#[derive(Debug, Clone)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Begins to listen. To be called before any thread is started: only later ones take part.
    pub fn watch() -> Result<Self> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            signals.add(signal);
        }
        // Children do not inherit it: the standard library gives them an empty mask.
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

    /// Errors if this process was asked to end.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.0.load(Ordering::Relaxed), "interrupted");
        Ok(())
    }

    /// Waits, and errors as soon as this process is asked to end.
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
