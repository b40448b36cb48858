//! Real servers: one that loads one file after the other, one that receives records with `RESTORE`, and one per file
//! that is expected to crash its server.

use std::{
    fs::{
        File, {self},
    },
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rdb_benches::engines::Engine;
use tempfile::TempDir;

/// Limit for a load, more than any file of this size takes.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

/// The outcome of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server loaded the file and could read all of it.
    Loaded {
        /// `DEBUG DIGEST` of all databases.
        digest: String,
        /// Number of keys in all databases.
        keys: usize,
    },
    /// The server refused the file: the last line of its log.
    Refused(String),
    /// The server crashed or hung during the load or a read of the data.
    Died(String),
}

/// A running server, which ends when this is dropped.
pub struct Server {
    engine: Engine,
    process: Child,
    connection: redis::Connection,
    folder: TempDir,
}

impl Server {
    /// Starts an empty server.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn start(engine: &Engine) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("differential-").tempdir()?;
        let process = spawn(engine, folder.path())?;
        match Self::connect(engine, process, folder)? {
            Ok(server) => Ok(server),
            Err(log) => bail!("{} ended: {log}", engine.name),
        }
    }

    /// Starts a server with a file, and lets it read all loaded data.
    ///
    /// # Errors
    /// If the server can be neither started nor waited for.
    pub fn load_alone(engine: &Engine, file: &[u8]) -> Result<Outcome> {
        let folder = tempfile::Builder::new().prefix("differential-").tempdir()?;
        fs::write(folder.path().join("dump.rdb"), file)?;
        let process = spawn(engine, folder.path())?;
        match Self::connect(engine, process, folder)? {
            Ok(mut server) => server.read(),
            Err(log) => Ok(Outcome::Refused(log)),
        }
    }

    fn connect(
        engine: &Engine,
        mut process: Child,
        folder: TempDir,
    ) -> Result<std::result::Result<Self, String>> {
        let deadline = Instant::now() + PATIENCE;
        let client = redis::Client::open(format!("unix://{}", folder.path().join("socket").display()))?;
        loop {
            // Also bounds the handshake: a server that hangs in a load accepts connections but does not answer.
            if let Ok(mut connection) = client.get_connection_with_timeout(PATIENCE) {
                connection.set_read_timeout(Some(PATIENCE))?;
                // A server that is loading answers with an error.
                if redis::cmd("PING").query::<String>(&mut connection).is_ok() {
                    return Ok(Ok(Self { engine: engine.clone(), process, connection, folder }));
                }
            }
            if process.try_wait()?.is_some() {
                return Ok(Err(log(folder.path())));
            }
            if Instant::now() > deadline {
                process.kill()?;
                process.wait()?;
                return Ok(Err("hangs".to_owned()));
            }
            thread::sleep(POLL);
        }
    }

    /// Loads a file in place of the server's data. Restarts the server if it crashes.
    ///
    /// # Errors
    /// If the server cannot be restarted.
    pub fn load(&mut self, file: &[u8]) -> Result<Outcome> {
        fs::write(self.folder.path().join("dump.rdb"), file)?;
        let answer: redis::RedisResult<String> =
            redis::cmd("DEBUG").arg("RELOAD").arg("NOSAVE").query(&mut self.connection);
        let outcome = match answer {
            Ok(_) => self.read()?,
            Err(error) if is_gone(&error) => Outcome::Refused(self.end()?),
            Err(error) => Outcome::Refused(error.to_string()),
        };
        if !matches!(outcome, Outcome::Loaded { .. }) {
            *self = Self::start(&self.engine.clone())?;
        }
        Ok(outcome)
    }

    /// Reads all data of the server.
    fn read(&mut self) -> Result<Outcome> {
        let digest: redis::RedisResult<String> =
            redis::cmd("DEBUG").arg("DIGEST").query(&mut self.connection);
        let keys = self.keys();
        match (digest, keys) {
            (Ok(digest), Ok(keys)) => Ok(Outcome::Loaded { digest, keys }),
            _ => Ok(Outcome::Died(self.end()?)),
        }
    }

    /// Waits for a server that is about to exit, and kills it if it hangs. Returns the reason.
    fn end(&mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                self.process.kill()?;
                self.process.wait()?;
                return Ok("hangs".to_owned());
            }
            thread::sleep(POLL);
        };
        let signal = status.signal().map(|signal| format!(" (signal {signal})")).unwrap_or_default();
        Ok(log(self.folder.path()) + &signal)
    }

    fn keys(&mut self) -> redis::RedisResult<usize> {
        let keyspace: String = redis::cmd("INFO").arg("keyspace").query(&mut self.connection)?;
        let counts = keyspace.lines().filter_map(|line| line.split_once(":keys=")?.1.split(',').next());
        Ok(counts.filter_map(|count| count.parse::<usize>().ok()).sum())
    }

    /// Flushes all data, then restores these records: database, key, expiry in milliseconds and payload. Skips records
    /// that the server refuses. Returns the resulting data.
    ///
    /// # Errors
    /// If the server has exited.
    pub fn restore<'r>(
        &mut self,
        records: impl Iterator<Item = (u64, &'r [u8], Option<i64>, Vec<u8>)>,
    ) -> Result<Outcome> {
        let mut pipe = redis::pipe();
        pipe.cmd("FLUSHALL");
        for (database, key, expires_at_ms, payload) in records {
            pipe.cmd("SELECT").arg(database);
            let restore = pipe.cmd("RESTORE").arg(key).arg(expires_at_ms.unwrap_or(0)).arg(payload);
            if expires_at_ms.is_some() {
                restore.arg("ABSTTL");
            }
        }
        let answers = pipe.get_packed_pipeline();
        let count = pipe.len();
        let answers: redis::RedisResult<Vec<redis::Value>> =
            redis::ConnectionLike::req_packed_commands(&mut self.connection, &answers, 0, count);
        if let Err(error) = answers
            && is_gone(&error)
        {
            let died = Outcome::Died(self.end()?);
            *self = Self::start(&self.engine.clone())?;
            return Ok(died);
        }
        let outcome = self.read()?;
        if !matches!(outcome, Outcome::Loaded { .. }) {
            *self = Self::start(&self.engine.clone())?;
        }
        Ok(outcome)
    }

    /// Runs commands, one a line, and returns the file that `SAVE` writes. Ignores errors, because not every engine has
    /// every command.
    ///
    /// # Errors
    /// If the written file cannot be read.
    pub fn write(&mut self, commands: &str) -> Result<Vec<u8>> {
        for line in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split(' ');
            let mut command = redis::cmd(words.next().unwrap_or_default());
            words.for_each(|word| {
                command.arg(word.replace('~', " ").replace("\\n", "\n"));
            });
            let _ = command.query::<redis::Value>(&mut self.connection);
        }
        redis::cmd("SAVE").query::<()>(&mut self.connection)?;
        Ok(fs::read(self.folder.path().join("dump.rdb"))?)
    }
}

fn is_gone(error: &redis::RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_timeout()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(engine: &Engine, folder: &Path) -> Result<Child> {
    let out = File::create(folder.join("log"))?;
    let mut command = tied_to_us(&engine.server);
    command.args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
    // Crash reports take seconds and are not used.
    command.args(["--crash-log-enabled", "no", "--crash-memcheck-enabled", "no"]);
    if engine.numbers() >= vec![7] {
        command.args(["--enable-debug-command", "local"]);
    }
    command
        .args(["--dbfilename", "dump.rdb", "--dir"])
        .arg(folder)
        .arg("--unixsocket")
        .arg(folder.join("socket"));
    command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null());
    command.spawn().with_context(|| format!("failed to start {}", engine.server.display()))
}

/// A command that ends with this process, if the system supports that. Otherwise, a server that hangs would outlive it.
fn tied_to_us(program: &Path) -> Command {
    const TIE: &str = "/usr/bin/setpriv";
    if !Path::new(TIE).exists() {
        return Command::new(program);
    }
    let mut command = Command::new(TIE);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Returns the line of the log with the reason why the server exited.
fn log(folder: &Path) -> String {
    const TELLING: [&str; 9] = [
        "Internal error in RDB",
        "Can't handle",
        "Wrong signature",
        "Short read",
        "FATAL",
        "ASSERTION",
        "crashed by signal",
        "can't load",
        "Out Of Memory",
    ];
    let text = fs::read(folder.join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| TELLING.iter().any(|words| line.contains(words)));
    let line = line.or_else(|| text.lines().rfind(|line| !line.trim().is_empty())).unwrap_or_default();
    line.split_once("# ").map_or(line, |(_, text)| text).trim().chars().take(160).collect()
}
