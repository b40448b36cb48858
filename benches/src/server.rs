//! A server with a Unix socket in its own folder, and without a network port unless requested.
use std::{
    fs::File,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::connection::Connection;

const START_SECONDS: u64 = 20;

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts `program`, a redis-server, empty. It saves to `dump.rdb` in `data`.
    pub fn start(program: &Path, data: &Path) -> Result<Self> {
        Self::start_with(program, data, &["--port", "0", "--rdbcompression", "yes", "--rdbchecksum", "yes"])
    }

    /// Starts `program` with `arguments` in addition to those of every server here. Loads `dump.rdb` in `data` if it
    /// exists.
    pub fn start_with(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("server-").tempdir()?;
        let log = File::create(folder.path().join("log"))?;
        let process = tied_to_us(program)
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--databases", "16", "--dbfilename", "dump.rdb"])
            .arg("--unixsocket")
            .arg(folder.path().join("socket"))
            .arg("--dir")
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        Ok(Self { process, folder })
    }

    /// Connects, and waits until the server listens.
    pub fn connect(&mut self) -> Result<Connection> {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS);
        loop {
            if let Ok(connection) = Connection::open(&self.folder.path().join("socket")) {
                return Ok(connection);
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("the server ended ({status}): {}", self.log());
            }
            if Instant::now() > deadline {
                bail!("the server did not listen within {START_SECONDS} s: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The exit status and the last line of the log; `None` if the server is running. Waits a little for a server that
    /// is about to exit: it closes its connections first.
    pub fn ending(&mut self) -> Result<Option<(ExitStatus, String)>> {
        const ENDING_SECONDS: u64 = 2;
        let deadline = Instant::now() + Duration::from_secs(ENDING_SECONDS);
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(Some((status, self.log())));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        // The log may contain keys and values.
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.map_or("it said nothing", str::trim).to_owned()
    }
}

/// A command that ends with this process, if the system supports that.
fn tied_to_us(program: &Path) -> Command {
    const TIE: &str = "setpriv";
    let can_tie = Command::new(TIE).args(["--pdeathsig", "KILL", "true"]).stderr(Stdio::null()).status();
    if !can_tie.is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new(TIE);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is lost: the results have been saved before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
