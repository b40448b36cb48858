//! One real server: its configuration, its start, and what it says.

use std::{
    fmt::Write as _,
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo,
    aio::MultiplexedConnection,
};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncSeekExt},
    time::sleep,
};

use crate::{
    error::Failure,
    servers::info::Info,
    servers::watchdog::{Process, Running},
};

/// How long a server may take to listen; loading is not counted.
const START_TRIES: u32 = 3000;
const POLL: Duration = Duration::from_millis(10);

/// How much of a server's log is read: more than a report on a crash.
const LOG_TAIL_BYTES: u64 = 256 << 10;

/// Nothing is ever evicted here: what fits is decided by weighing. But with a limit and this policy servers keep integers
/// in objects of their own, as those of ElastiCache do.
const UNREACHED_BYTES: u64 = 1 << 40;

/// The name of the file that a server loads when it starts.
pub(crate) const BACKUP_FILE: &str = "dump.rdb";

/// What one server is started with.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// See [`crate::servers::binaries::ServerBinary::is_before_7`].
    pub(crate) before_7: bool,
    /// The server's own folder, which exists; it loads [`BACKUP_FILE`] from it, if there.
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    pub(crate) password: Option<String>,
    pub(crate) databases: u32,
    /// Parameters that differ from the engine's defaults.
    pub(crate) parameters: Vec<(String, String)>,
    /// Present with cluster mode.
    pub(crate) cluster: Option<ClusterFile>,
    pub(crate) replica_of: Option<u16>,
}

/// What a node of a cluster knows from the start, so that no node has to be introduced to another.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFile {
    pub(crate) bus_port: u16,
    /// In the format of `nodes.conf`.
    pub(crate) nodes: String,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) port: u16,
    /// See [`crate::servers::binaries::ServerBinary::is_before_7`].
    pub(crate) before_7: bool,
    process: Process,
    password: Option<String>,
    log: PathBuf,
}

impl Engine {
    pub(crate) async fn start(launch: &Launch, owner: &str, running: &Running) -> Result<Self, Failure> {
        let (file, log) = (launch.dir.join("server.conf"), launch.dir.join("server.log"));
        let failed = |error| Failure::local("start a server", error);
        if let Some(cluster) = &launch.cluster {
            fs::write(launch.dir.join("nodes.conf"), &cluster.nodes).await.map_err(failed)?;
        }
        fs::write(&file, configuration(launch)).await.map_err(failed)?;
        let process = Process::start(&launch.binary, &file, &log, owner, running).await.map_err(failed)?;
        tracing::debug!(owner, pid = process.pid(), port = launch.port, "server started");
        let Launch { port, before_7, password, .. } = launch;
        Ok(Self { port: *port, before_7: *before_7, process, password: password.clone(), log })
    }

    /// Connects to one database, waiting for a server that has just been started.
    pub(crate) async fn connect(&self, database: u32) -> Result<MultiplexedConnection, Failure> {
        let failed = |error| Failure::local("connect to a server", error);
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(database)).set_skip_set_lib_name();
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), self.port);
        let info = address.into_connection_info().map_err(failed)?.set_redis_settings(settings);
        let client = Client::open(info).map_err(failed)?;
        // A value of gigabytes takes its time; a server that died closes the connection.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(Some(Duration::from_secs(10)));
        for _ in 0..START_TRIES {
            if self.process.has_exited() {
                break;
            }
            match client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.is_io_error() => sleep(POLL).await,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Failure::new(format_args!("the server did not come up: {}", self.last_words().await)))
    }

    /// Waits until the server has loaded its file. Fails with the server's own words when it gives up, and stops
    /// waiting when it takes more than `most_bytes` of memory.
    pub(crate) async fn loaded(&self, most_bytes: u64) -> Result<Loaded, Failure> {
        // A refused file ends the server, before or while it is asked.
        let Ok(mut connection) = self.connect(0).await else { return Err(self.refusal().await) };
        loop {
            let Ok(info) = Info::of(&mut connection, "everything").await else {
                return Err(self.refusal().await);
            };
            let used_bytes = info.number("used_memory");
            if used_bytes > most_bytes {
                return Err(Failure::new(format_args!(
                    "loading was stopped at used_memory {used_bytes}: the most that could fit is {most_bytes}"
                )));
            }
            if info.number("loading") == 0 {
                return Ok(Loaded { version: info.version(), databases: info.databases() });
            }
            sleep(POLL).await;
        }
    }

    async fn refusal(&self) -> Failure {
        Failure::new(format_args!("the server could not load the backup: {}", self.last_words().await))
    }

    /// The last lines of the log that the server itself calls warnings.
    pub(crate) async fn last_words(&self) -> String {
        // It writes its reason before it goes.
        for _ in 0..500 {
            if self.process.has_exited() {
                break;
            }
            sleep(POLL).await;
        }
        let log = tail(&self.log).await.unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // A crash has its reason before the report on it.
        let log = log.split("BUG REPORT START").next().unwrap_or_default();
        let lines: Vec<&str> = log.lines().filter(|line| says_why(line)).map(without_prefix).collect();
        match &lines[lines.len().saturating_sub(12)..] {
            [] => "it ended without a word".to_owned(),
            last => last.join(" | "),
        }
    }
}

async fn tail(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log).await?;
    let length = file.metadata().await?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES))).await?;
    let mut tail = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut tail).await?;
    Ok(tail)
}

/// A server that has loaded its file.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) version: String,
    /// Those that hold keys.
    pub(crate) databases: Vec<u32>,
}

fn configuration(launch: &Launch) -> String {
    let Launch { dir, port, databases, .. } = launch;
    let dir = Path::display(dir);
    let mut lines = format!(
        "bind 127.0.0.1\nport {port}\nprotected-mode no\ndaemonize no\ndir \"{dir}\"\ndbfilename {BACKUP_FILE}\n\
         databases {databases}\nappendonly no\nsave \"\"\nstop-writes-on-bgsave-error no\n\
         maxmemory {UNREACHED_BYTES}\nmaxmemory-policy volatile-lru\n\
         rdbcompression no\nsanitize-dump-payload no\nproto-max-bulk-len 8gb\nclient-query-buffer-limit 8gb\n\
         crash-memcheck-enabled no\nhz 50\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\n\
         repl-timeout 600\nclient-output-buffer-limit replica 0 0 0\n",
    );
    // Writing to a String cannot fail.
    if let Some(password) = &launch.password {
        let _ = writeln!(lines, "requirepass \"{password}\"\nmasterauth \"{password}\"");
    }
    if let Some(master) = launch.replica_of {
        let _ = writeln!(lines, "replicaof 127.0.0.1 {master}");
    }
    if let Some(cluster) = &launch.cluster {
        if !launch.before_7 {
            let _ = writeln!(lines, "cluster-port {}", cluster.bus_port);
        }
        let _ = writeln!(
            lines,
            "cluster-enabled yes\ncluster-config-file nodes.conf\n\
             cluster-announce-ip 127.0.0.1\ncluster-allow-reads-when-down yes\ncluster-allow-replica-migration no"
        );
    }
    for (name, value) in &launch.parameters {
        let _ = writeln!(lines, "{name} \"{value}\"");
    }
    lines
}

/// Servers mark warnings with `#`, and the check of a refused file prints its findings as they are. Notes on the
/// host's settings, and what the check found in order, are no reason.
fn says_why(line: &str) -> bool {
    const NO_REASON: [&str; 10] = [
        "WARNING",
        "oO0OoO0OoO0Oo",
        "Configuration loaded",
        "Redis version=",
        "Valkey version=",
        "AUX FIELD",
        "Checking RDB file",
        "Selecting DB ID",
        "keys read",
        "expires",
    ];
    let marked =
        line.contains(" # ") || line.starts_with('[') || line.starts_with("***") || line.starts_with("---");
    (marked || line.contains("Can't")) && !NO_REASON.iter().any(|words| line.contains(words))
}

/// `1234:M 24 Nov 2026 00:00:00.000 # text` without what comes before the text.
fn without_prefix(line: &str) -> &str {
    line.split_once(" # ").map_or(line, |(_, text)| text).trim()
}
