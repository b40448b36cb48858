//! A self-managed Redis, the source of backups.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use local_stack::{ServerBinaries, ServerBinary, StackOptions};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use tempfile::TempDir;

use crate::process::KilledOnDrop;

/// The most common version of self-managed servers. Every ElastiCache engine since Redis 7.0 reads its files.
const VERSION: &str = "7.0";

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub struct Source {
    _process: KilledOnDrop,
    server: ServerBinary,
    port: u16,
    dir: TempDir,
}

impl Source {
    /// Starts an empty Redis 7.0, or the nearest installed version, on a free port of 127.0.0.1.
    pub async fn start() -> Result<Self> {
        Self::start_redis(VERSION).await
    }

    /// Starts an empty Redis of this version, or of the nearest installed one.
    pub async fn start_redis(version: &str) -> Result<Self> {
        Self::start_with(version, &[]).await
    }

    /// Starts an empty Redis of this version, or of the nearest installed one, with further arguments.
    pub async fn start_with(version: &str, arguments: &[&str]) -> Result<Self> {
        Self::start_in(tempfile::tempdir()?, version, arguments).await
    }

    /// Starts a Redis 7.0, or the nearest installed version, that has loaded this backup.
    pub async fn load(backup: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::copy(backup, dir.path().join("backup.rdb"))?;
        Self::start_in(dir, VERSION, &[]).await
    }

    async fn start_in(dir: TempDir, version: &str, arguments: &[&str]) -> Result<Self> {
        let port = local_stack::free_port()?;
        let servers = ServerBinaries::find(Some(&StackOptions::default().servers))?;
        let server = servers.choose("redis", version).context("there is no server")?.server.clone();
        let process = Command::new(server.path())
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--dir", &dir.path().to_string_lossy(), "--dbfilename", "backup.rdb"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("failed to start {server}; make setup installs it"))?;
        let source = Self { _process: KilledOnDrop(process), server, port, dir };
        let started = Instant::now();
        // It answers with an error while it loads a backup.
        while source.command(&["PING"]).await.is_err() {
            if started.elapsed() > Duration::from_mins(1) {
                bail!("{} did not answer on port {port} within a minute", source.server);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(source)
    }

    /// The server binary.
    pub const fn server(&self) -> &ServerBinary {
        &self.server
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Result<MultiplexedConnection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        // Saving many megabytes may take long on a busy machine.
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_mins(1)));
        Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// `used_memory` once it no longer changes: tables of keys are tidied for some time after a load.
    pub async fn used_memory_at_rest(&self) -> Result<u64> {
        const AGREEMENT_BYTES: u64 = 1024;
        const AGREEING: usize = 10;
        let mut connection = self.connect().await?;
        let mut readings: Vec<u64> = Vec::new();
        loop {
            let info: String = redis::cmd("INFO").query_async(&mut connection).await?;
            if info.contains("\nloading:1") {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
            readings.push(used.context("no used_memory")?.trim().parse()?);
            let newest = readings.iter().rev().take(AGREEING);
            let least = newest.clone().min().copied().unwrap_or(0);
            let spread = newest.max().map_or(0, |most| most - least);
            if readings.len() >= AGREEING && spread <= AGREEMENT_BYTES {
                return Ok(least);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs one command, given as words.
    pub async fn command(&self, words: &[&str]) -> Result<()> {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.exec_async(&mut self.connect().await?).await?;
        Ok(())
    }

    /// Writes a backup and returns its path. The file is deleted with the server.
    pub async fn save(&self) -> Result<PathBuf> {
        self.command(&["SAVE"]).await?;
        let path = self.dir.path().join("backup.rdb");
        let copy = self.dir.path().join(format!("copy-{}.rdb", std::fs::read_dir(self.dir.path())?.count()));
        std::fs::copy(path, &copy)?;
        Ok(copy)
    }

    /// A folder for files that belong to the backups of this server.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
