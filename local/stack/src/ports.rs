//! Ports for servers that are other processes, and so cannot be given a listener.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Result, bail};

/// Below the range that Linux takes for outgoing connections, and below that of the engines' nodes.
const PORTS: std::ops::Range<u16> = 10_000..18_000;

static GIVEN: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that is free now and that nobody else in this process is given.
pub fn free_port() -> Result<u16> {
    // Processes that look at the same time begin at different places.
    let begin = u16::try_from(process::id().wrapping_mul(97) % 8_000).unwrap_or(0);
    for _ in 0..1_000 {
        let next = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + next % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port was found between {} and {}", PORTS.start, PORTS.end)
}
