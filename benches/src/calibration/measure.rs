//! Measures the memory of a real server, with a file or empty.
use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::ExitStatus,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::{engines::CalibratedEngine, interruption::Interruption};
use crate::{connection::Connection, server::Server};

/// Revision of the measuring method. Increase it with every change, so that old results are discarded.
pub const REVISION: u32 = 1;

/// Time limit in seconds for readings to agree.
pub const SETTLING_SECONDS: u64 = 60;

const LOADING_SECONDS: u64 = 900;
const READING_EVERY: Duration = Duration::from_secs(2);

/// Rate of the server's cron job in Hz, ten times the default. It changes how soon the memory settles, but not its
/// final value. Valkey resizes the tables of 16 slots per run, so that with the default of 10 Hz its 16,384 slots take
/// 103 s.
const TIDYING_HZ: &str = "100";

/// Number of readings that must agree. They span more than the 10.3 s of a round over all slots.
const AGREEING_READINGS: usize = 7;

/// Variation in bytes of the reply buffer of the measuring connection.
const AGREEMENT_BYTES: u64 = 1024;

/// The outcome of a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The server runs.
    Loaded(Reading),
    /// The server exited while loading: the last line of its log.
    Refused(String),
}

/// The memory of a server at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The lowest of the readings that agree, or the last one if none do.
    pub used_memory_bytes: u64,
    /// Whether the readings agreed within the time limit.
    pub settled: bool,
    /// Number of keys in all databases.
    pub keys: u64,
}

/// Starts a server with `file`, or empty, and waits until its memory has settled. `work` is a folder for data, ideally
/// on the same file system as the file.
pub fn measure(
    file: Option<&Path>,
    engine: &CalibratedEngine,
    cluster_mode: bool,
    work: &Path,
    interruption: &Interruption,
) -> Result<Outcome> {
    let data = tempfile::Builder::new().prefix(".work-").tempdir_in(work)?;
    if let Some(file) = file {
        let link = data.path().join("dump.rdb");
        // The server never writes to this file: it saves to a temporary file and renames that.
        if std::fs::hard_link(file, &link).is_err() {
            std::fs::copy(file, &link).with_context(|| format!("failed to copy {}", file.display()))?;
        }
    }
    let mut server = start(engine, cluster_mode, data.path())?;
    let at_rest = server.connect().and_then(|mut connection| at_rest(&mut connection, interruption));
    let error = match at_rest {
        Ok(reading) => return Ok(Outcome::Loaded(reading)),
        Err(error) => error,
    };
    interruption.check()?;
    match server.ending()? {
        Some((status, last_line)) if file.is_some() => {
            // An interruption from the terminal reaches the server too, possibly earlier.
            interruption.pause(Duration::from_millis(200))?;
            refusal(status, &last_line).map(Outcome::Refused)
        }
        Some((status, last_line)) => Err(error.context(format!("the server ended ({status}): {last_line}"))),
        None => Err(error),
    }
}

/// Starts a server with ElastiCache's default eviction policy, under which integer objects are not shared, and a memory
/// limit that is never reached.
fn start(engine: &CalibratedEngine, cluster_mode: bool, data: &Path) -> Result<Server> {
    // Both ports are held until they are known, so that they differ. A cluster node has two.
    let listeners = [free_port()?, free_port()?];
    let [port, bus_port] = [listeners[0].1.to_string(), listeners[1].1.to_string()];
    drop(listeners);
    let mut arguments = vec!["--bind", "127.0.0.1", "--port", &port, "--hz", TIDYING_HZ];
    arguments.extend(["--maxmemory", "200gb", "--maxmemory-policy", "volatile-lru"]);
    if cluster_mode {
        arguments.extend(["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]);
        // Before Redis 7.0, it is always the port plus 10,000.
        if !engine.is_before_7() {
            arguments.extend(["--cluster-port", &bus_port]);
        }
        if engine.has_cluster_databases() {
            arguments.extend(["--cluster-databases", "16"]);
        }
    }
    Server::start_with(&engine.server, data, &arguments)
}

fn free_port() -> Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to find a free port")?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Waits until the file is loaded, and then until readings agree. All readings use one connection and thus include the
/// same buffers.
fn at_rest(connection: &mut Connection, interruption: &Interruption) -> Result<Reading> {
    let deadline = Instant::now() + Duration::from_secs(LOADING_SECONDS);
    while field(connection, "persistence", "loading")? != 0 {
        ensure!(Instant::now() < deadline, "the server did not load the file within {LOADING_SECONDS} s");
        interruption.pause(Duration::from_millis(100))?;
    }
    let deadline = Instant::now() + Duration::from_secs(SETTLING_SECONDS);
    let mut readings = vec![field(connection, "memory", "used_memory")?];
    let agreed = loop {
        interruption.pause(READING_EVERY)?;
        readings.push(field(connection, "memory", "used_memory")?);
        let agreed = agreed(&readings);
        if agreed.is_some() || Instant::now() >= deadline {
            break agreed;
        }
    };
    let last = readings.last().copied().context("there is no reading")?;
    Ok(Reading {
        used_memory_bytes: agreed.unwrap_or(last),
        settled: agreed.is_some(),
        keys: connection.keys()?,
    })
}

/// Returns the lowest of the last readings, if they agree.
fn agreed(readings: &[u64]) -> Option<u64> {
    let last = &readings[readings.len().checked_sub(AGREEING_READINGS)?..];
    let (lowest, highest) = (last.iter().min()?, last.iter().max()?);
    (highest - lowest <= AGREEMENT_BYTES).then_some(*lowest)
}

fn field(connection: &mut Connection, section: &str, name: &str) -> Result<u64> {
    let info = connection.ask(&["INFO", section])?;
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = value.with_context(|| format!("the server reports no {name}"))?;
    value.trim().parse().with_context(|| format!("{name} is no number: {value}"))
}

/// Returns the reason why a server exited by itself. Fails if it was killed, or exited for a reason other than the
/// file.
fn refusal(status: ExitStatus, last_line: &str) -> Result<String> {
    // Format: 29517:M 25 Nov 2026 23:50:31.405 # FATAL: ...
    let said = last_line.split_once(" # ").map_or(last_line, |(_, said)| said);
    let signal = status.signal().and_then(|signal| Signal::try_from(signal).ok());
    let ended_by_somebody =
        status.success() || matches!(signal, Some(Signal::SIGKILL | Signal::SIGTERM | Signal::SIGINT));
    ensure!(!ended_by_somebody, "the server was ended ({status}) by somebody, or for want of memory: {said}");
    ensure!(!said.contains("listening on port"), "the server did not get its port: {said}");
    // The last line of a crash report has no information.
    Ok(signal.map_or_else(|| said.to_owned(), |signal| format!("it crashed ({signal})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_agree_only_over_a_whole_round() {
        let still = vec![5000; AGREEING_READINGS];
        assert_eq!(agreed(&still), Some(5000));
        assert_eq!(agreed(&still[1..]), None);
        // Variation of the connection's own buffer does not count.
        let mut breathing = still.clone();
        breathing[3] -= 1024;
        assert_eq!(agreed(&breathing), Some(3976));
        let mut growing = still.clone();
        growing[AGREEING_READINGS - 1] += 1025;
        assert_eq!(agreed(&growing), None);
        assert_eq!(agreed(&[[9000].as_slice(), &still].concat()), Some(5000));
    }

    #[test]
    fn what_somebody_did_to_a_server_is_no_refusal() {
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        let line = "29517:M 25 Nov 2026 23:50:31.405 # FATAL: too many databases. Exiting";
        assert_eq!(refusal(exited(1), line).unwrap(), "FATAL: too many databases. Exiting");
        assert_eq!(refusal(ExitStatus::from_raw(11), "see above").unwrap(), "it crashed (SIGSEGV)");
        for status in [exited(0), ExitStatus::from_raw(9), ExitStatus::from_raw(15)] {
            assert!(refusal(status, line).is_err());
        }
        assert!(refusal(exited(1), "1:M # Failed listening on port 6379 (TCP), aborting.").is_err());
    }
}
