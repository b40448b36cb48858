//! Capture of a step's logs.

use std::{
    io::{
        Write, {self},
    },
    sync::{Arc, Mutex, Once},
};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// The logs of the current thread while this exists, down to `debug`: more than a function writes.
#[derive(Debug)]
pub struct Logs {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

/// Installs a subscriber for all threads, once. `tracing` keeps for each callsite whether anyone listens: one that is
/// first met in a thread without a subscriber, while another test starts capturing, would be ignored for ever.
pub(super) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        // A test that has installed its own has a listener.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    });
}

impl Logs {
    /// Starts capturing.
    pub fn keep() -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(lines.clone())
            .with_ansi(false)
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Everything captured so far.
    ///
    /// # Panics
    /// If a thread panicked while it logged.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().expect("nobody panics while logging")).into_owned()
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::Error::other("poisoned"))?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
