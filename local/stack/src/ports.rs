//! Ports for servers in other processes, which cannot inherit a listener.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Result, bail};

/// Below Linux's ephemeral ports and below the ports of the cache nodes.
const PORTS: std::ops::Range<u16> = 10_000..18_000;

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// Returns a free port of 127.0.0.1. Tries all other ports of the range before it returns the same one again.
pub fn free_port() -> Result<u16> {
    // Processes that search at the same time start at different ports.
    let begin = process::id().wrapping_mul(97) % 8_000;
    for _ in 0..1_000 {
        // A wider number than a port's: it would start over in the middle of the range.
        let next = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + (next % u32::from(PORTS.end - PORTS.start)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port was found between {} and {}", PORTS.start, PORTS.end)
}
